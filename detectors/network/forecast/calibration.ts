/**
 * From a predicted load to a chance that is true: of ten times it says 0.3, three pass the limit.
 * Logistic regression learnt online, one Newton step a sample, with a prior that a week without a single
 * passing cannot wash away.
 */

/** Five inputs: constant, predicted margin, present margin, yesterday's margin, share of days that passed. */
export interface Calibration {
  weights: number[];
  /** Precision, symmetric, row by row. */
  precision: number[];
}

const SIZE = 5;
/** A margin of +0.1 of the rating means 3:1, −0.1 means 1:3: the residual's spread of a dozen unseen feeders is unlike, this is their middle. */
const PRIOR_WEIGHTS: readonly number[] = [0, 12, 0, 0, 0];
/** How many samples' worth the prior holds against what is learnt. */
const PRIOR_PRECISION: readonly number[] = [2, 0.05, 0.2, 0.2, 0.5];

export function newCalibration(): Calibration {
  const precision = new Array<number>(SIZE * SIZE).fill(0);
  for (let i = 0; i < SIZE; i++) precision[i * SIZE + i] = PRIOR_PRECISION[i]!;
  return { weights: [...PRIOR_WEIGHTS], precision };
}

/** All in parts of the rating; margins are cut where they say nothing more. */
export function margins(predicted: number, now: number, yesterday: number, passed: number, limit: number): number[] {
  const cut = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));
  return [
    1,
    cut(predicted - limit, -0.6, 0.4),
    cut(now - limit, -0.6, 0),
    cut(yesterday - limit, -0.6, 0.3),
    passed - 0.5,
  ];
}

export function chance(calibration: Calibration, x: readonly number[]): number {
  let z = 0;
  for (let i = 0; i < SIZE; i++) z += calibration.weights[i]! * x[i]!;
  return 1 / (1 + Math.exp(-Math.max(-20, Math.min(20, z))));
}

/** One sample that turned out: `happened`; `keep` as in the regression. */
export function calibrate(calibration: Calibration, x: readonly number[], happened: boolean, keep: number): void {
  const { weights, precision } = calibration;
  const p = chance(calibration, x);
  const curvature = Math.max(p * (1 - p), 1e-4);
  for (let i = 0; i < SIZE; i++) {
    for (let j = 0; j < SIZE; j++) {
      const prior = i === j ? PRIOR_PRECISION[i]! : 0;
      const k = i * SIZE + j;
      precision[k] = digits(prior + keep * (precision[k]! - prior) + curvature * x[i]! * x[j]!);
    }
  }
  const step = solveSmall(precision, x);
  const error = (happened ? 1 : 0) - p;
  for (let i = 0; i < SIZE; i++) weights[i] = digits(weights[i]! + error * step[i]!);
}

/** Gaussian elimination; the matrix is symmetric and positive, so no pivoting. */
function solveSmall(matrix: readonly number[], right: readonly number[]): number[] {
  const a = [...matrix];
  const b = [...right];
  for (let i = 0; i < SIZE; i++) {
    for (let row = i + 1; row < SIZE; row++) {
      const factor = a[row * SIZE + i]! / a[i * SIZE + i]!;
      for (let j = i; j < SIZE; j++) a[row * SIZE + j] = a[row * SIZE + j]! - factor * a[i * SIZE + j]!;
      b[row] = b[row]! - factor * b[i]!;
    }
  }
  for (let i = SIZE - 1; i >= 0; i--) {
    for (let j = i + 1; j < SIZE; j++) b[i] = b[i]! - a[i * SIZE + j]! * b[j]!;
    b[i] = b[i]! / a[i * SIZE + i]!;
  }
  return b;
}

function digits(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
