/**
 * Ridge regression that forgets: normal equations with exponential weights, solved by Cholesky.
 *
 * The same answer as recursive least squares, but it cannot lose positive definiteness over a year of rounding, and
 * the ridge stays in force after the start was forgotten. Matrices are kept as their upper triangle, row by row,
 * seven digits a number: what JSON carries is what is computed with, so a reboot changes nothing.
 */

export interface Regression {
  /** Upper triangle of Σ w·x·xᵀ. */
  gram: number[];
  /** Σ w·x·y. */
  moment: number[];
  weights: number[];
}

/** @param prior the weights that hold before anything is learnt, and towards which the ridge pulls */
export function newRegression(prior: readonly number[]): Regression {
  const size = prior.length;
  return {
    gram: new Array<number>((size * (size + 1)) / 2).fill(0),
    moment: new Array<number>(size).fill(0),
    weights: [...prior],
  };
}

export function predict(weights: readonly number[], x: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += weights[i]! * x[i]!;
  return sum;
}

/** Learns one pair; `keep` multiplies what was known before (0.5^(step/half-life)). Call `solve` afterwards. */
export function learn(model: Regression, x: readonly number[], y: number, weight: number, keep: number): void {
  const { gram, moment } = model;
  let k = 0;
  for (let i = 0; i < x.length; i++) {
    const wx = weight * x[i]!;
    moment[i] = digits(keep * moment[i]! + wx * y);
    for (let j = i; j < x.length; j++, k++) gram[k] = digits(keep * gram[k]! + wx * x[j]!);
  }
}

/** Weights that minimise the weighted squares plus `ridge` · (w − prior)²; the first weight, the constant, is left free. */
export function solve(model: Regression, ridge: number, prior: readonly number[]): void {
  const size = prior.length;
  const lower: number[][] = [];
  const right: number[] = [];
  for (let i = 0; i < size; i++) {
    const pull = i === 0 ? ridge / 100 : ridge;
    right.push(model.moment[i]! + pull * prior[i]!);
    const row: number[] = [];
    lower.push(row);
    for (let j = 0; j <= i; j++) {
      let sum = entry(model.gram, size, j, i) + (i === j ? pull : 0);
      for (let k = 0; k < j; k++) sum -= row[k]! * lower[j]![k]!;
      row.push(i === j ? Math.sqrt(Math.max(sum, 1e-9)) : sum / lower[j]![j]!);
    }
  }
  for (let i = 0; i < size; i++) {
    let sum = right[i]!;
    for (let k = 0; k < i; k++) sum -= lower[i]![k]! * right[k]!;
    right[i] = sum / lower[i]![i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    let sum = right[i]!;
    for (let k = i + 1; k < size; k++) sum -= lower[k]![i]! * right[k]!;
    right[i] = sum / lower[i]![i]!;
  }
  for (let i = 0; i < size; i++) model.weights[i] = digits(right[i]!);
}

/** Entry (i, j), i ≤ j, of an upper triangle stored row by row. */
function entry(triangle: readonly number[], size: number, i: number, j: number): number {
  return triangle[i * size - (i * (i - 1)) / 2 + j - i]!;
}

/** Seven significant digits, by arithmetic: `toPrecision` would cost more than the learning. Six would lose the small
 * weights against a month's sum. */
function digits(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return 0;
  const exponent = 6 - Math.floor(Math.log10(Math.abs(value)));
  if (exponent > 12) return Math.round(value * 1e12) / 1e12;
  const scale = 10 ** Math.abs(exponent);
  return exponent >= 0 ? Math.round(value * scale) / scale : Math.round(value / scale) * scale;
}
