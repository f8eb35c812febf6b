/**
 * When the line may be spoken on again. Modbus RTU has no transaction number: the only defence against a late answer
 * that is taken for the next request's is to wait, after each failure, longer than the slowest answer ever seen here.
 * Pure: every moment is an argument, on the monotonic clock, in ms.
 */

/** A meter's slowest answer where none was seen yet; times the margin it makes the quarantine of one second. */
const SLOWEST_ANSWER_MS = 667;
const MARGIN = 1.5;
const QUARANTINE_MAX_MS = 5_000;
/** A line that never falls silent (a talking neighbour, a floating pair) is spoken on all the same after so long. */
const BABBLE_MAX_MS = 3_000;

export class Quiet {
  #slowestMs = SLOWEST_ANSWER_MS;
  #lastByteMs = Number.NEGATIVE_INFINITY;
  #requestEndMs = Number.NEGATIVE_INFINITY;
  /** When somebody first wanted to speak and the line was not quiet. */
  #wantedMs: number | undefined;

  /** A byte of anybody arrived. */
  heard(nowMs: number): void {
    this.#lastByteMs = nowMs;
  }

  /** Our request leaves the wire at `endMs`. */
  sent(endMs: number): void {
    this.#requestEndMs = endMs;
    this.#wantedMs = undefined;
  }

  /** An answer, in time or late, began at `nowMs`: how slow this bus can be. */
  learn(nowMs: number): void {
    const delayMs = nowMs - this.#requestEndMs;
    this.#slowestMs = Math.min(QUARANTINE_MAX_MS / MARGIN, Math.max(this.#slowestMs, delayMs));
  }

  /** The quarantine after a failure. */
  quarantineMs(): number {
    return this.#slowestMs * MARGIN;
  }

  /** How long to wait before a request that wants `silenceMs` of silence before it; 0: speak now. */
  waitMs(nowMs: number, silenceMs: number): number {
    const busyUntilMs = Math.max(this.#lastByteMs, this.#requestEndMs) + silenceMs;
    if (nowMs >= busyUntilMs) return 0;
    this.#wantedMs ??= nowMs;
    if (nowMs - this.#wantedMs >= BABBLE_MAX_MS) return 0;
    return busyUntilMs - nowMs;
  }
}
