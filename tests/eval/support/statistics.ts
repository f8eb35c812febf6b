/** Figures with their uncertainty. */

/** Wilson's interval of a share at 95 %: honest also near 0 and 1. */
export function wilson(hits: number, total: number): [number, number] {
  if (total === 0) return [0, 1];
  const z = 1.96;
  const p = hits / total;
  const middle = (p + (z * z) / (2 * total)) / (1 + (z * z) / total);
  const half = (z / (1 + (z * z) / total)) * Math.sqrt((p * (1 - p)) / total + (z * z) / (4 * total * total));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** Nearest-rank quantile; NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

export interface Counts {
  hits: number;
  misses: number;
  falseAlarms: number;
  quiet: number;
}

export function f1({ hits, misses, falseAlarms }: Counts): number {
  return (2 * hits) / Math.max(1, 2 * hits + misses + falseAlarms);
}

export const recall = ({ hits, misses }: Counts) => hits / Math.max(1, hits + misses);
export const precision = ({ hits, falseAlarms }: Counts) => hits / Math.max(1, hits + falseAlarms);

/** Mean of the two classes' F1. */
export function macroF1({ hits, misses, falseAlarms, quiet }: Counts): number {
  const other = { hits: quiet, misses: falseAlarms, falseAlarms: misses, quiet: hits };
  return (f1({ hits, misses, falseAlarms, quiet }) + f1(other)) / 2;
}

/** 95 % interval of a figure over groups (devices, homes) drawn anew: what another set of them would have given. */
export function bootstrap<T>(
  groups: readonly T[],
  figure: (drawn: readonly T[]) => number,
  unit: () => number,
  rounds = 300,
) {
  const values = Array.from({ length: rounds }, () =>
    figure(groups.map(() => groups[Math.floor(unit() * groups.length)]!)),
  );
  return [quantile(values, 0.025), quantile(values, 0.975)] as const;
}
