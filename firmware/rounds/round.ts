/** What the rounds of one bus know: of each meter what is being looked after now, and what must outlive a restart. */
import type { CivilTime } from '../../detectors/civil-time.ts';
import type { Moment } from '../../detectors/detector.ts';
import type { Target } from '../../protocols/dlt645/exchange.ts';
import type { Exchange } from '../../protocols/exchange.ts';
import type { MeterEvent } from '../../protocols/reading.ts';
import type { Answer } from '../bus/asker.ts';
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../clock.ts';
import { meterId } from '../config/meter-id.ts';
import type { Site, SiteBus } from '../config/site.ts';
import type { Log } from '../log.ts';
import type { Pipeline } from '../pipeline.ts';

/** What is kept on disk of a meter. */
export interface Memory {
  /** Civil day, counted from 1970, on which its clock was last looked at, and how far ahead it was then. */
  clockDay?: number;
  aheadMs?: number;
  relay?: 'open' | 'closed';
  /** How often each was opened, by the meter's own count. */
  'cover-open'?: number;
  'terminal-open'?: number;
  /** When its last power failure began, in its own civil time; empty: it had none. */
  powerOff?: string;
}

export interface Patient {
  id: string;
  target: Target;
  /** 0 … 1, the same in every run: spreads the meters over a period. */
  share: number;
  memory: Memory;
  /**
   * Not answering, or back and not yet asked why. `heardMs` is the stamp of its last reading before, −∞ where the gateway
   * had not started then; `notBeforeMs` is monotonic.
   */
  absence: { heardMs: number; notBeforeMs: number; tries: number } | undefined;
  /** Monotonic. */
  watchMs: number;
  /** Identifiers that the meter says it does not have, and when each is asked for again; monotonic. */
  missing: Map<string, number>;
}

export interface Round {
  patients: readonly Patient[];
  bus: Bus;
  settings: Site['clock'];
  /** Civil day of the last broadcast of time. */
  syncDay: number;
  clock: Clock;
  clockSynchronised(): boolean;
  now(): Moment;
  civilOf(atMs: number): number;
  pipeline: Pick<Pipeline, 'take' | 'latest'>;
  log: Pick<Log, 'info' | 'warn'>;
}

interface Parts {
  site: Site;
  clock: Clock;
  clockSynchronised: () => boolean;
  pipeline: Pick<Pipeline, 'take' | 'latest'>;
  log: Pick<Log, 'info' | 'warn'>;
}

const HOUR_MS = 3_600_000;
/** Background work may wait: a bus that is full for longer is told of elsewhere. */
const WAIT_MS = 60_000;

export function begin(parts: Parts, civil: CivilTime, { meters }: SiteBus, bus: Bus): Round {
  const { site, clock, clockSynchronised, pipeline, log } = parts;
  const patients = meters.flatMap((meter): Patient[] => {
    if (meter.protocol !== 'dlt645') return [];
    const { address, standard, answerMs } = meter;
    const share = shareOf(address);
    return [
      {
        id: meterId(meter),
        target: { address, standard, ...(answerMs === undefined ? {} : { answerMs }) },
        share,
        memory: {},
        absence: { heardMs: Number.NEGATIVE_INFINITY, notBeforeMs: 0, tries: 0 },
        watchMs: clock.monotonicMs() + share * HOUR_MS,
        missing: new Map(),
      },
    ];
  });
  return {
    patients,
    bus,
    settings: site.clock,
    syncDay: 0,
    clock,
    clockSynchronised,
    now: () => civil.at(clock.nowMs()),
    civilOf: (atMs) => civil.at(atMs).localMs,
    pipeline,
    log,
  };
}

/** Asks behind everything else; reads are asked again as their failure's policy says. */
export function askBehind<T>(round: Round, meter: string, exchange: () => Exchange<T>): Promise<Answer<T>> {
  return round.bus.request(meter, exchange, { priority: 0, retry: true, waitMs: WAIT_MS });
}

export function tell(round: Round, meter: string, event: MeterEvent): Promise<void> {
  round.log.info({ meter, event }, 'the meter tells');
  return round.pipeline.take(meter, { event });
}

/** What must outlive a restart, as text. */
export function remembered({ patients, syncDay }: Round): string {
  return JSON.stringify({ syncDay, meters: Object.fromEntries(patients.map(({ id, memory }) => [id, memory])) });
}

/** Takes up what `remembered` wrote; what cannot be read is begun anew. */
export function recall(round: Round, bytes: Uint8Array | undefined): void {
  if (bytes === undefined) return;
  try {
    const kept = JSON.parse(new TextDecoder().decode(bytes)) as { syncDay: number; meters: Record<string, Memory> };
    round.syncDay = kept.syncDay;
    for (const patient of round.patients) patient.memory = kept.meters[patient.id] ?? {};
  } catch {
    round.log.warn({}, 'what earlier rounds found cannot be read');
  }
}

/** FNV-1a: neighbouring addresses must not come in the same minute. */
function shareOf(address: string): number {
  let hash = 0x811c9dc5;
  for (const digit of address) hash = Math.imul(hash ^ digit.charCodeAt(0), 0x01000193) >>> 0;
  return hash / 2 ** 32;
}
