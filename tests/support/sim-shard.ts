/**
 * One core's share of a simulated street through the detectors: every n-th meter with all that watches one meter, and
 * in the first share also what watches the whole area. Shares see the same street, so what they find together does
 * not depend on how many there are.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Alert } from '../../detectors/alert.ts';
import { allDetectors } from '../../detectors/catalogue.ts';
import { Engine } from '../../detectors/engine.ts';
import { loadScenario } from '../../sim/scenario.ts';
import { makeStreet, simulateReadings } from '../../sim/simulate.ts';

export interface Share {
  scenario: string;
  index: number;
  of: number;
  /** Days after the scenario's start; the first `warmDays` of them are not timed. */
  fromDay: number;
  days: number;
  warmDays: number;
}

export interface ShareResult {
  alerts: Alert[];
  readings: number;
  waveforms: number;
  seconds: number;
  cpuSeconds: number;
}

const DAY_MS = 86_400_000;

export function playShare(share: Share): ShareResult {
  const { area } = makeStreet(loadScenario(share.scenario));
  const { timezone } = area;
  const mine = new Set(area.meters.filter((_, i) => i % share.of === share.index).map(({ id }) => id));
  const ofMeters = allDetectors().filter((it) => it.scope === 'meter');
  const engine = new Engine({ timezone, meters: area.meters.filter(({ id }) => mine.has(id)) }, ofMeters);
  const ofArea = share.index === 0 ? allDetectors().filter((it) => it.scope === 'area') : [];
  const areaEngine = new Engine(area, ofArea);
  const wanted = new Map<string, number>();
  const asked = (meter: string): number | undefined => {
    const phase = wanted.get(meter);
    wanted.delete(meter);
    return phase;
  };
  const result: ShareResult = { alerts: [], readings: 0, waveforms: 0, seconds: 0, cpuSeconds: 0 };
  const drive = (fromMs: number, toMs: number): void => {
    for (const sample of simulateReadings(area, fromMs, toMs, { everyMs: 0, asked })) {
      const own = mine.has(sample.meter);
      if (own && 'reading' in sample) result.readings++;
      if (own && 'waveform' in sample) result.waveforms++;
      for (const one of own ? [engine, areaEngine] : [areaEngine]) {
        const { alerts, asks } = one.take(sample);
        if (alerts.length > 0) result.alerts.push(...alerts);
        for (const ask of asks) if (ask.type === 'capture' && mine.has(ask.meter)) wanted.set(ask.meter, ask.phase);
      }
    }
  };
  const startMs = area.startMs + share.fromDay * DAY_MS;
  // The count of energy up to here belongs to no day.
  for (const { id } of area.meters) area.readingAt(id, startMs - share.warmDays * DAY_MS);
  if (share.warmDays > 0) drive(startMs - share.warmDays * DAY_MS, startMs);
  Object.assign(result, { readings: 0, waveforms: 0 });
  const began = performance.now();
  const cpu = process.threadCpuUsage();
  drive(startMs, startMs + share.days * DAY_MS);
  const { user, system } = process.threadCpuUsage(cpu);
  return { ...result, seconds: (performance.now() - began) / 1000, cpuSeconds: (user + system) / 1e6 };
}

/** All shares at once, a thread each; alerts in the order of time, then of their ids. */
export async function playShared(share: Omit<Share, 'index'>): Promise<{ alerts: Alert[]; shares: ShareResult[] }> {
  const shares = await Promise.all(Array.from({ length: share.of }, (_, index) => inThread({ ...share, index })));
  const alerts = shares.flatMap((it) => it.alerts);
  alerts.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return { alerts, shares };
}

function inThread(share: Share): Promise<ShareResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

if (!isMainThread && workerData?.scenario !== undefined) parentPort?.postMessage(playShare(workerData as Share));
