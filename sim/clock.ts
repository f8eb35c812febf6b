/** The simulator's seam to time. The firmware's clock has the same shape, so one virtual clock can drive both. */

export interface SimClock {
  /** Wall time, epoch milliseconds UTC; may step. */
  nowMs(): number;
  /** Never goes back; every timer and bus time is measured on it. */
  monotonicMs(): number;
  /** Calls back once after `delayMs`; the returned function cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemSimClock: SimClock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Time that stands still until `advance` is called; callbacks run in the order of their times, then of their making. */
export class VirtualClock implements SimClock {
  #atMs: number;
  readonly #epochMs: number;
  #made = 0;
  #waiting: { atMs: number; order: number; callback: () => void }[] = [];

  constructor(epochMs = 0) {
    this.#epochMs = epochMs;
    this.#atMs = 0;
  }

  nowMs(): number {
    return this.#epochMs + this.#atMs;
  }

  monotonicMs(): number {
    return this.#atMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const entry = { atMs: this.#atMs + Math.max(0, delayMs), order: this.#made++, callback };
    const before = this.#waiting.findIndex((other) => other.atMs > entry.atMs);
    this.#waiting.splice(before < 0 ? this.#waiting.length : before, 0, entry);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
    };
  }

  /** Runs everything that falls due within `durationMs`. */
  advance(durationMs: number): void {
    const endMs = this.#atMs + durationMs;
    for (let next = this.#waiting[0]; next !== undefined && next.atMs <= endMs; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#atMs = next.atMs;
      next.callback();
    }
    this.#atMs = endMs;
  }
}
