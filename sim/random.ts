/** Chance from a seed, the same on every machine: whoever needs some makes an own source from an own name. */

export interface Random {
  /** 0 ≤ x < 1. */
  next(): number;
  chance(probability: number): boolean;
  between(low: number, high: number): number;
  /** 0 … below − 1. */
  int(below: number): number;
  /** Mean 0, deviation 1. */
  normal(): number;
  pick<T>(from: readonly T[]): T;
}

/** FNV-1a over UTF-16 units, finished with murmur3's mixer so that similar names give unlike numbers. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix32(hash);
}

/** murmur3's 32-bit finaliser: a pure hash of one integer. */
export function mix32(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A number in 0 … 1 that depends on the seed and two integers only: noise that can be asked for at any moment. */
export function noiseAt(seed: number, a: number, b = 0): number {
  return mix32(mix32(seed ^ Math.imul(a, 0x9e3779b1)) ^ Math.imul(b, 0x85ebca77)) / 2 ** 32;
}

/** mulberry32: 32 bits of state are plenty for a street, and one line to check. */
export function createRandom(seed: string | number): Random {
  let state = typeof seed === 'number' ? mix32(seed) : hash32(seed);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    chance: (probability) => probability > 0 && next() < probability,
    between: (low, high) => low + (high - low) * next(),
    int: (below) => Math.floor(next() * below),
    // Irwin–Hall: twelve uniforms are normal enough, and need no logarithm.
    normal: () => {
      let sum = -6;
      for (let i = 0; i < 12; i++) sum += next();
      return sum;
    },
    pick: (from) => from[Math.floor(next() * from.length)] as (typeof from)[number],
  };
}
