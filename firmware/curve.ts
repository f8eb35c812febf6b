/** The last hours of one meter's power, for the page: a ring of fixed size, 4 kB per meter. */

const POINTS = 360;

export class Curve {
  readonly #atMs = new Float64Array(POINTS);
  readonly #powerW = new Float32Array(POINTS);
  readonly #spacingMs: number;
  #count = 0;

  /** @param spacingMs points nearer to the last one than this replace its power by the higher of both: peaks stay visible */
  constructor(spacingMs: number) {
    this.#spacingMs = spacingMs;
  }

  add(atMs: number, powerW: number): void {
    const last = (this.#count - 1) % POINTS;
    if (this.#count > 0 && atMs - this.#atMs[last]! < this.#spacingMs) {
      if (Math.abs(powerW) > Math.abs(this.#powerW[last]!)) this.#powerW[last] = powerW;
      return;
    }
    const next = this.#count++ % POINTS;
    this.#atMs[next] = atMs;
    this.#powerW[next] = powerW;
  }

  /** Oldest first. */
  points(): [atMs: number, powerW: number][] {
    const length = Math.min(this.#count, POINTS);
    return Array.from({ length }, (_, i) => {
      const at = (this.#count - length + i) % POINTS;
      return [this.#atMs[at]!, Math.round(this.#powerW[at]! * 10) / 10];
    });
  }
}
