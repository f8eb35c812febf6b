/**
 * Rounds: what a gateway does with DL/T 645 meters beside polling, one thing at a time on each bus and behind everything
 * else that the bus has to do. Each night the clocks (`rounds/clock-round.ts`), after each silence the record of the last
 * power failure (`rounds/power-record.ts`), each hour covers and relay (`rounds/watch.ts`).
 */
import { CivilTime } from '../detectors/civil-time.ts';
import type { Moment } from '../detectors/detector.ts';
import type { Bus } from './bus/bus.ts';
import { type Clock, sleep } from './clock.ts';
import type { Site, SiteBus } from './config/site.ts';
import type { Log } from './log.ts';
import type { Outbox } from './outbox.ts';
import type { Pipeline } from './pipeline.ts';
import { clockDue, readClock, syncClocks, syncDue } from './rounds/clock-round.ts';
import { powerRecordDue, readPowerRecord } from './rounds/power-record.ts';
import { begin, type Patient, type Round, recall, remembered } from './rounds/round.ts';
import { watch, watchDue } from './rounds/watch.ts';

export interface RoundsParts {
  site: Site;
  /** The bus of the site file's entry at this place. */
  buses: readonly Bus[];
  pipeline: Pick<Pipeline, 'take' | 'latest'>;
  outbox: Pick<Outbox, 'get' | 'put'>;
  clock: Clock;
  clockSynchronised: () => boolean;
  log: Pick<Log, 'info' | 'warn'>;
  signal: AbortSignal;
}

export interface Rounds {
  /** The meter, or its whole bus, stopped answering: when it is back it is asked why. */
  fellSilent(meter: string): void;
  /** Resolves when the signal ended the last round. */
  stopped: Promise<void>;
}

const TICK_MS = 10_000;

/** Starts a round for each bus that has DL/T 645 meters; the first things are due when the meters have been heard. */
export function startRounds(parts: RoundsParts): Rounds {
  const { site, pipeline } = parts;
  const civil = new CivilTime(site.gateway.timezone);
  const patients = new Map<string, Patient>();
  const rounds = site.buses.flatMap((bus, at): Promise<void>[] => {
    const round = begin(parts, civil, bus, parts.buses[at]!);
    for (const patient of round.patients) patients.set(patient.id, patient);
    return round.patients.length === 0 ? [] : [go(round, bus, parts)];
  });
  return {
    fellSilent(meter) {
      const patient = patients.get(meter);
      if (patient === undefined || patient.absence !== undefined) return;
      const heardMs = pipeline.latest(meter)?.atMs ?? Number.NEGATIVE_INFINITY;
      patient.absence = { heardMs, notBeforeMs: 0, tries: 0 };
    },
    stopped: Promise.all(rounds).then(() => {}),
  };
}

async function go(round: Round, bus: SiteBus, { outbox, clock, log, signal }: RoundsParts): Promise<void> {
  const key = `rounds/${bus.port}`;
  recall(round, await outbox.get(key).catch(() => undefined));
  let kept = remembered(round);
  while (!signal.aborted) {
    const task = next(round);
    if (task === undefined) {
      await sleep(clock, TICK_MS, signal);
      continue;
    }
    await task();
    const now = remembered(round);
    if (now === kept) continue;
    kept = now;
    await outbox
      .put(key, new TextEncoder().encode(now))
      .catch((error) => log.warn({ port: bus.port, error: String(error) }, 'what the rounds found is not kept'));
  }
}

/** The most urgent thing that is due, or nothing: why a meter was away, then clocks in their window, then the watch. */
function next(round: Round): (() => Promise<void>) | undefined {
  const now: Moment = round.now();
  const there = round.patients.filter((patient) => patient.absence === undefined);
  const back = round.patients.find((patient) => powerRecordDue(round, patient));
  if (back !== undefined) return () => readPowerRecord(round, back);
  const late = there.find((patient) => clockDue(round, patient, now));
  if (late !== undefined) return () => readClock(round, late);
  if (syncDue(round, now)) return () => syncClocks(round);
  const unwatched = there.find((patient) => watchDue(round, patient));
  return unwatched === undefined ? undefined : () => watch(round, unwatched);
}
