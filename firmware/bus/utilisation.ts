/** The share of recent time that was useful: two halves of a window, the older one dropped whole. Constant memory. */
const HALF_MS = 150_000;

export class Utilisation {
  #startMs: number;
  #usefulMs = 0;
  #before = { tookMs: 0, usefulMs: 0 };

  constructor(nowMs: number) {
    this.#startMs = nowMs;
  }

  /** @param usefulMs wire time of the bytes that had to move, plus the meter's own delay */
  add(nowMs: number, usefulMs: number): void {
    this.#roll(nowMs);
    this.#usefulMs += usefulMs;
  }

  /** 0 … 1 over the last 150–300 s. */
  share(nowMs: number): number {
    this.#roll(nowMs);
    const tookMs = this.#before.tookMs + nowMs - this.#startMs;
    return tookMs <= 0 ? 0 : Math.min(1, (this.#before.usefulMs + this.#usefulMs) / tookMs);
  }

  #roll(nowMs: number): void {
    const tookMs = nowMs - this.#startMs;
    if (tookMs < HALF_MS) return;
    this.#before = { tookMs, usefulMs: this.#usefulMs };
    this.#startMs = nowMs;
    this.#usefulMs = 0;
  }
}
