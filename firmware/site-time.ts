/**
 * The time that samples are stamped with: wall time that never goes back within a run.
 *
 * A wall clock that steps forward (the first NTP answer after boot) is followed at once: for the detectors it is a
 * hole in the data. One that steps back is approached by running a tenth slower, because a detector that sees the same
 * hour twice would count everything in it twice.
 */
import type { Clock } from './clock.ts';

const FORWARD_STEP_MS = 2_000;
const SLEW = 0.9;

export class SiteTime {
  readonly #clock: Clock;
  #lastMs: number;
  #lastMonotonicMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastMs = clock.nowMs();
    this.#lastMonotonicMs = clock.monotonicMs();
  }

  /** Epoch milliseconds, whole, never less than the last answer. */
  nowMs(): number {
    const wallMs = this.#clock.nowMs();
    const monotonicMs = this.#clock.monotonicMs();
    const elapsedMs = Math.max(0, monotonicMs - this.#lastMonotonicMs);
    this.#lastMonotonicMs = monotonicMs;
    const expectedMs = this.#lastMs + elapsedMs;
    const behind = wallMs < expectedMs - FORWARD_STEP_MS;
    this.#lastMs = behind ? this.#lastMs + elapsedMs * SLEW : Math.max(wallMs, this.#lastMs);
    return Math.floor(this.#lastMs);
  }

  /** How far the wall clock is behind the stamps, for the status message. */
  get aheadMs(): number {
    return Math.max(0, this.#lastMs - this.#clock.nowMs());
  }
}
