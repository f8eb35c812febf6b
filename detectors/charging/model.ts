/**
 * The probability that what was switched on is an uncorrected rectifier: a logistic regression on six features, whose
 * weights stand in `model.json` with what they were fitted to (`tests/eval/train-charging.ts` makes that file).
 *
 * Each feature saturates where the family of rectifiers begins: beyond it "more" is noise or another kind of load, and
 * a linear term must not reward it. Tried and rejected under leave-one-device-out: the plain rule of the standard
 * (F1 0.97: it drops the chargers with a large thermistor), ratios a3/a5/a7 with phase relations (they let dimmers
 * through), the same with the ratio of rectifier power to measured power (dimmers again). Trees were not needed: the
 * classes are separated by one plane.
 */
import model from './model.json' with { type: 'json' };
import type { Shape } from './shape.ts';

const clip = (value: number, high: number) => Math.max(0, Math.min(high, value));

/** In the order of the weights. */
export function featuresOf(shape: Shape): number[] {
  return [
    clip(shape.a5, 0.6),
    clip(shape.fall5, 0.8),
    clip(shape.fall7, 0.8),
    shape.pulse7,
    shape.displacementPf,
    clip(shape.even, 1),
  ];
}

/** 0 … 1, by the shape alone: the power is the caller's business. */
export function rectifierProbability(shape: Shape): number {
  return logistic(model.bias, model.weights, featuresOf(shape));
}

export function logistic(bias: number, weights: readonly number[], features: readonly number[]): number {
  let sum = bias;
  for (let k = 0; k < features.length; k++) sum += features[k]! * (weights[k] ?? 0);
  return 1 / (1 + Math.exp(-sum));
}
