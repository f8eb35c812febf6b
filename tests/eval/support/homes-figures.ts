/** Intervals for counts, 95 %: Wilson's for shares, an exact-enough one (Byar) for rates. */

export interface Interval {
  low: number;
  high: number;
}

const Z = 1.96;

export function binomial(hits: number, of: number): Interval {
  if (of === 0) return { low: 0, high: 1 };
  const p = hits / of;
  const middle = (p + (Z * Z) / (2 * of)) / (1 + (Z * Z) / of);
  const half = (Z / (1 + (Z * Z) / of)) * Math.sqrt((p * (1 - p)) / of + (Z * Z) / (4 * of * of));
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/** Of a rate per unit of `exposure`. */
export function poisson(events: number, exposure: number): Interval {
  const low = events === 0 ? 0 : events * (1 - 1 / (9 * events) - Z / (3 * Math.sqrt(events))) ** 3;
  const next = events + 1;
  const high = next * (1 - 1 / (9 * next) + Z / (3 * Math.sqrt(next))) ** 3;
  return { low: low / exposure, high: high / exposure };
}

/** Area under the ROC curve from scores of positives and negatives; ties count half. */
export function auc(positives: readonly number[], negatives: readonly number[]): number {
  let wins = 0;
  for (const p of positives) for (const n of negatives) wins += p > n ? 1 : p === n ? 0.5 : 0;
  return wins / (positives.length * negatives.length);
}
