/**
 * From a reading to an alert on disk: stamps the sample, records it where asked, lets the engine judge, and hands the
 * alerts to the outbox. An alert counts as raised only when `append` has resolved.
 */
import type { Alert } from '../detectors/alert.ts';
import type { DetectorSettings } from '../detectors/catalogue.ts';
import type { Area, Detector, Verdict } from '../detectors/detector.ts';
import { type Ask, Engine, type Result, type Snapshot } from '../detectors/engine.ts';
import type { MeterEvent, Reading, Sample, Waveform } from '../protocols/reading.ts';
import { type Clock, sleep } from './clock.ts';
import type { Log } from './log.ts';
import type { Outbox } from './outbox.ts';
import { SiteTime } from './site-time.ts';

const SNAPSHOT_KEY = 'detectors';
const SNAPSHOT_EVERY_MS = 3_600_000;
const TICK_EVERY_MS = 60_000;

export interface PipelineParts {
  area: Area;
  detectors(settings: DetectorSettings): readonly Detector[];
  settings: DetectorSettings;
  outbox: Outbox;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** A detector wants more of a meter. */
  onAsk(ask: Ask): void;
  /** Every sample as it is given to the detectors: what `run --record` writes and the page shows. */
  onSample?: (sample: Sample) => void;
  /** Told when alerts are stored: what the page shows, what the world holds the gateway to. */
  onStored?: (alerts: readonly Alert[], durable: boolean) => void;
}

export type Observation = { reading: Reading } | { waveform: Waveform } | { event: MeterEvent };

export interface Pipeline {
  /** Takes what a meter said just now; resolves when its alerts, if any, are on disk. */
  take(meter: string, observation: Observation): Promise<void>;
  /** A grid worker's answer about a meter; resolves like `take`. */
  answer(meter: string, verdict: Verdict): Promise<void>;
  readonly readings: number;
  readonly alerts: number;
  /** The last reading of each meter, field by field, for the page and for `read`-style commands. */
  latest(meter: string): { atMs: number; reading: Reading } | undefined;
  /** Other settings for the detectors, from now on; what they have learnt stays. */
  set(settings: DetectorSettings): void;
  /** Maintenance: what these meters say is not judged until then; undefined means all of them. */
  rest(meters: readonly string[] | undefined, untilMs: number): void;
  /** Writes the last snapshot; call after the signal has aborted. */
  stop(): Promise<void>;
}

/** Opens with the snapshot of the last run; a snapshot that cannot be read is left behind and said. */
export async function startPipeline(parts: PipelineParts): Promise<Pipeline> {
  const { area, outbox, clock, log, signal } = parts;
  const time = new SiteTime(clock);
  const begin = (settings: DetectorSettings, snapshot: Snapshot | undefined) =>
    new Engine(area, parts.detectors(settings), snapshot, (detector, meter, error) =>
      log.error({ detector, meter, error: String(error) }, 'detector failed'),
    );
  let engine = begin(parts.settings, await readSnapshot(outbox, log));
  const resting = new Map<string, number>();
  const known = new Set(area.meters.map((meter) => meter.id));
  const last = new Map<string, { atMs: number; reading: Reading }>();
  let readings = 0;
  let alerts = 0;

  const settle = async (result: Result): Promise<void> => {
    for (const ask of result.asks) parts.onAsk(ask);
    if (result.alerts.length === 0) return;
    alerts += result.alerts.length;
    const { durable } = await outbox.append(result.alerts);
    parts.onStored?.(result.alerts, durable);
  };

  const snapshot = () =>
    outbox
      .put(SNAPSHOT_KEY, new TextEncoder().encode(JSON.stringify(engine.snapshot())))
      .catch((error) => log.error({ error: String(error) }, 'snapshot of the detectors not written'));

  const ticking = every(clock, TICK_EVERY_MS, signal, () => settle(engine.advance(time.nowMs())));
  const saving = every(clock, SNAPSHOT_EVERY_MS, signal, snapshot);

  return {
    take(meter, observation) {
      // A meter that the site file does not name has no state and no facts: nothing may be concluded from it.
      if (!known.has(meter)) return Promise.resolve();
      if ((resting.get(meter) ?? 0) > time.nowMs()) return Promise.resolve();
      const sample: Sample = { atMs: time.nowMs(), meter, ...observation };
      parts.onSample?.(sample);
      if ('reading' in sample) {
        readings++;
        const before = last.get(meter)?.reading;
        last.set(meter, { atMs: sample.atMs, reading: { ...before, ...sample.reading } });
      }
      return settle(engine.take(sample));
    },
    answer: (meter, verdict) => settle(engine.answer(time.nowMs(), meter, verdict)),
    get readings() {
      return readings;
    },
    get alerts() {
      return alerts;
    },
    latest: (meter) => last.get(meter),
    set(settings) {
      engine = begin(settings, engine.snapshot());
    },
    rest(meters, untilMs) {
      for (const meter of meters ?? known) if (known.has(meter)) resting.set(meter, untilMs);
    },
    async stop() {
      await Promise.all([ticking, saving]);
      await snapshot();
    },
  };
}

async function every(clock: Clock, everyMs: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await sleep(clock, everyMs, signal);
    if (!signal.aborted) await work();
  }
}

async function readSnapshot(outbox: Outbox, log: Log): Promise<Snapshot | undefined> {
  const bytes = await outbox.get(SNAPSHOT_KEY);
  if (bytes === undefined) return undefined;
  try {
    const snapshot = JSON.parse(new TextDecoder().decode(bytes)) as Snapshot;
    if (snapshot.version === 1) return snapshot;
    log.warn({ version: snapshot.version }, 'snapshot of the detectors is of another version: they start afresh');
  } catch (error) {
    log.warn({ error: String(error) }, 'snapshot of the detectors cannot be read: they start afresh');
  }
  return undefined;
}
