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
