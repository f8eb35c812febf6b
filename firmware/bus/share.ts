/** A share of the bus's time: what is not used now may be used later, up to `burstMs`; what is overdrawn is waited for. */
export class Share {
  readonly #share: number;
  readonly #burstMs: number;
  #leftMs: number;
  #atMs: number;

  constructor(share: number, burstMs: number, nowMs: number) {
    this.#share = share;
    this.#burstMs = burstMs;
    this.#leftMs = burstMs;
    this.#atMs = nowMs;
  }

  has(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#leftMs > 0;
  }

  spend(nowMs: number, tookMs: number): void {
    this.#refill(nowMs);
    this.#leftMs = Math.max(-this.#burstMs, this.#leftMs - tookMs);
  }

  #refill(nowMs: number): void {
    this.#leftMs = Math.min(this.#burstMs, this.#leftMs + (nowMs - this.#atMs) * this.#share);
    this.#atMs = nowMs;
  }
}
