/**
 * The form of a detector: a pure streaming state machine over what one meter (or the whole area) says.
 *
 * State is plain JSON that only `step` writes, in place: a new object per reading would cost more than the
 * arithmetic. The same state and the same input always give the same outputs; there is no clock, no randomness and
 * no I/O, so replay, a snapshot across a reboot and a diff in a test come for free. Hold times and re-arming are
 * explicit phases in the state. A detector is silent when data are missing.
 */
import type { MeterEvent, MeterInfo, Reading, Waveform } from '../protocols/reading.ts';
import type { Finding } from './alert.ts';

/** When something happened: UTC, and the same moment as civil time of the site (as though it were UTC). */
export interface Moment {
  atMs: number;
  localMs: number;
}

export type Input =
  | (Moment & { type: 'reading'; meter: string; reading: Reading })
  | (Moment & { type: 'waveform'; meter: string; waveform: Waveform })
  | (Moment & { type: 'event'; meter: string; event: MeterEvent })
  /** What a grid worker answered to an alert of this meter. `id` names the alert where there was one. */
  | (Moment & { type: 'verdict'; meter: string; verdict: Verdict })
  /** Once a civil minute, to every detector, between samples: hold times end also when nothing is said. */
  | (Moment & { type: 'tick' });

export interface Verdict {
  alertId?: string;
  kind?: string;
  result: 'confirmed' | 'false-alarm' | 'away' | 'forget';
  reason?: string;
  /** End of an absence that was declared. */
  untilMs?: number;
}

export type Output =
  | { type: 'finding'; finding: Finding }
  /** Ask for a waveform of this meter, soon. */
  | { type: 'capture'; meter: string; phase: number }
  /** Ask that this meter be read more often for a while; the bus grants what its budget allows. */
  | { type: 'attention'; meter: string; periodMs: number; forMs: number };

/** What most steps return; never written to. */
export const NOTHING: readonly Output[] = Object.freeze([]);

/** What a detector may know of the site. */
export interface Area {
  timezone: string;
  meters: readonly MeterInfo[];
}

/** Watches one meter; a fresh state for each. */
export interface MeterDetector<State> {
  scope: 'meter';
  name: string;
  /** The state of a meter never heard of before, or undefined where this detector has nothing to say about it. */
  start(meter: MeterInfo, area: Area): State | undefined;
  step(state: State, input: Input, meter: MeterInfo): readonly Output[];
}

/** Watches all meters of the site at once: what one of them means depends on the others. */
export interface AreaDetector<State> {
  scope: 'area';
  name: string;
  /**
   * The state of an area, or undefined where this detector has nothing to say about it.
   * @param before the state of before a restart: it goes on for the meters that the area still has
   */
  start(area: Area, before?: State): State | undefined;
  step(state: State, input: Input, area: Area): readonly Output[];
}

/** What is kept of each meter: as it was before a restart, as at the start for one that has joined, nothing of one that left. */
export function rejoin<Kept>(fresh: Record<string, Kept>, before: Record<string, Kept> = {}): Record<string, Kept> {
  return Object.fromEntries(Object.entries(fresh).map(([id, kept]) => [id, before[id] ?? kept]));
}

export type Detector<State = unknown> = MeterDetector<State> | AreaDetector<State>;
