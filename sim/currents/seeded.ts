/** Randomness that repeats: mulberry32, good enough to draw appliances and noise from. */
export interface Draw {
  /** 0 ≤ x < 1. */
  unit(): number;
  between(low: number, high: number): number;
  /** Even on a logarithmic scale: resistances and capacitances spread that way. */
  betweenLog(low: number, high: number): number;
  /** Mean 0, deviation 1. */
  normal(): number;
  pick<T>(from: readonly T[]): T;
}

/** @param seed any integer; the same seed gives the same draws */
export function seeded(seed: number): Draw {
  let state = seed >>> 0;
  const unit = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const between = (low: number, high: number) => low + (high - low) * unit();
  return {
    unit,
    between,
    betweenLog: (low, high) => Math.exp(between(Math.log(low), Math.log(high))),
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
    pick: (from) => from[Math.floor(unit() * from.length)]!,
  };
}
