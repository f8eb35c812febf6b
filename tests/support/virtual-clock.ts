/**
 * Time that moves only when told to, for everything that takes a clock: the firmware's and the simulator's alike.
 * Between two timers every promise that can settle does, so that code written with `await` runs in virtual time
 * exactly as it does in real time, and always in the same order.
 */
import { Heap } from '../../firmware/bus/heap.ts';
import type { Clock } from '../../firmware/clock.ts';

interface Timer {
  atMs: number;
  rank: number;
  callback: (() => void) | undefined;
}

export class VirtualClock implements Clock {
  readonly #timers = new Heap<Timer>((timer) => timer.atMs);
  #wallMs: number;
  #nowMs = 0;
  #made = 0;

  /** @param epochMs the wall time at the start; the monotonic clock starts at 0 */
  constructor(epochMs = Date.UTC(2026, 0, 1)) {
    this.#wallMs = epochMs;
  }

  nowMs(): number {
    return Math.floor(this.#wallMs + this.#nowMs);
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, delayMs), rank: this.#made++, callback };
    this.#timers.push(timer);
    return () => {
      timer.callback = undefined;
    };
  }

  /** The wall clock jumps; the monotonic one does not see it. */
  stepWall(byMs: number): void {
    this.#wallMs += byMs;
  }

  /** Runs everything due until the monotonic clock shows `untilMs`, or until `stop` says so. */
  async runUntil(untilMs: number, stop: () => boolean = () => false): Promise<void> {
    await settle();
    for (let next = this.#timers.peek(); next !== undefined && next.atMs <= untilMs; next = this.#timers.peek()) {
      this.#timers.pop();
      if (next.callback === undefined) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await settle();
      if (stop()) return;
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  run(forMs: number, stop?: () => boolean): Promise<void> {
    return this.runUntil(this.#nowMs + forMs, stop);
  }

  /** Runs until `promise` settles, at most `withinMs`; rejects beyond that, so that a hang is a failed test. */
  async settle<T>(promise: Promise<T>, withinMs = 3_600_000): Promise<T> {
    let settled = false;
    const done = () => {
      settled = true;
    };
    promise.then(done, done);
    await this.run(withinMs, () => settled);
    if (!settled) throw new Error(`not settled within ${withinMs} ms of virtual time`);
    return promise;
  }
}

/** All microtasks run before the event loop's check phase. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
