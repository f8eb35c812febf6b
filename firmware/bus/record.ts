/** What the bus remembers of each meter, and how it tells it. */
import type { Block } from '../../protocols/exchange.ts';
import type { Failure } from '../../protocols/failure.ts';
import type { Reading } from '../../protocols/reading.ts';
import type { MeterState } from './health.ts';
import type { Protocol } from './plan.ts';

export interface BusMeter {
  id: string;
  protocol: Protocol;
  blocks: readonly Block<Reading>[];
  /** Extra silence before each request, for meters that drop back-to-back ones. */
  quietMs?: number;
}

export interface MeterStatus extends MeterState {
  id: string;
  /** Wall time of the last reading; null before the first. */
  lastReadMs: number | null;
  reads: number;
  failures: Partial<Record<Failure, number>>;
  /** Names of the blocks that this meter does not have. */
  dropped: string[];
}

export interface MeterRecord {
  index: number;
  id: string;
  protocol: Protocol;
  blocks: readonly Block<Reading>[];
  quietMs: number;
  /** What it is given beyond its deadline, because it answered late. */
  patienceMs: number;
  /** Wall time. */
  lastReadMs: number | null;
  reads: number;
  failures: Partial<Record<Failure, number>>;
  dropped: Set<string>;
  /** When it was last in the log, monotonic. */
  loggedMs: number;
}

export function startRecord({ id, protocol, blocks, quietMs = 0 }: BusMeter, index: number): MeterRecord {
  const told = { lastReadMs: null, reads: 0, failures: {}, dropped: new Set<string>() };
  return { index, id, protocol, blocks, quietMs, patienceMs: 0, ...told, loggedMs: Number.NEGATIVE_INFINITY };
}

export function statusOf(meter: MeterRecord, state: MeterState): MeterStatus {
  const { id, lastReadMs, reads, failures, dropped } = meter;
  return { id, ...state, lastReadMs, reads, failures: { ...failures }, dropped: [...dropped] };
}
