/**
 * One transaction on a bus as a pure machine: bytes and deadlines go in, what to do next comes out.
 * The bus owns the port and the timers; an exchange owns the meaning of the bytes. It never sees a clock.
 */
import type { Failure } from './failure.ts';

export type Move<T> =
  /** Write `bytes`, then expect the answer's first byte within `answerMs` and its further bytes at most `gapMs` apart.
   * `answerMs: 0` means nobody answers (a broadcast): `timedOut` is called as soon as the line is free. */
  | { do: 'send'; bytes: Uint8Array; answerMs: number; gapMs: number }
  /** The answer is not complete yet. */
  | { do: 'wait' }
  /** `wireBytes` counts what had to move both ways, for the bus's utilisation. */
  | { do: 'done'; value: T; wireBytes: number }
  | { do: 'failed'; failure: Failure; detail: string };

/** Use once: call `start`, then `received` or `timedOut` until it is done or failed. */
export interface Exchange<T> {
  start(): Move<T>;
  /** Bytes as they come, in any chunking. What lies behind the answer stays unread. */
  received(chunk: Uint8Array): Move<T>;
  /** The deadline of the last `send` passed. */
  timedOut(): Move<T>;
}

/** A read block: what one meter is asked for at one time, and how often. The unit of the bus's schedule. */
export interface Block<T> {
  /** What stands in logs and on the page: `voltage`, `energy`, … */
  name: string;
  /** How often it is wanted; null: only on demand. */
  periodMs: number | null;
  /** Higher goes first among blocks that are due: 0 background, 1 ordinary, 2 what detectors wait for. */
  priority: 0 | 1 | 2;
  /** Bytes on the wire of request and answer, to say beforehand whether a plan fits the bus. */
  wireBytes: number;
  exchange(): Exchange<T>;
}
