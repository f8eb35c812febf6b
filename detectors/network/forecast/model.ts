/** The chance that a load passes its limit within some quarters of an hour, learnt from its own past as it goes. */
import { type Calibration, calibrate, chance, margins, newCalibration } from './calibration.ts';
import { featuresAt, highestOf, PRIOR } from './features.ts';
import { type History, SLOTS_PER_DAY } from './history.ts';
import { learn, newRegression, predict, type Regression, solve } from './regression.ts';

export interface HorizonModel {
  regression: Regression;
  calibration: Calibration;
}

/** After 60 days half of what was learnt is forgotten: a season is followed, a week's holiday is not. */
const HALF_LIFE_DAYS = 60;
const KEEP = 0.5 ** (1 / (HALF_LIFE_DAYS * SLOTS_PER_DAY));
/** Pull towards the prior, in samples. */
const RIDGE = 0.3;
/** Only what happens near the limit matters: other quarters count a hundredth, or the nights would decide. */
const FOCUS = 0.12;
const ELSEWHERE = 0.01;
/** The first day has no yesterday, the second no calm features: before this much is known nothing is calibrated. */
const CALIBRATE_FROM = 2 * SLOTS_PER_DAY;

export function newHorizonModel(): HorizonModel {
  return { regression: newRegression(PRIOR), calibration: newCalibration() };
}

/** Learns from the window of `ahead` quarters that has just ended. `slot` is the civil quarter of the newest value. */
export function learnWindow(model: HorizonModel, history: History, slot: number, ahead: number, limit: number): void {
  const highest = highestOf(history, 0, ahead);
  if (highest === undefined) return;
  const features = featuresAt(history, { age: ahead, ahead, slot: slot - ahead }, limit);
  if (features === undefined) return;
  const { now, x } = features;
  const { regression, calibration } = model;
  const predicted = now + predict(regression.weights, x);
  if (history.known >= CALIBRATE_FROM && now < limit) {
    const inputs = margins(predicted, now, features.yesterday, features.passed, limit);
    calibrate(calibration, inputs, highest >= limit, KEEP);
  }
  const near = now < limit ? Math.exp(-0.5 * ((predicted - limit) / FOCUS) ** 2) : 0;
  learn(regression, x, highest - now, near + ELSEWHERE, KEEP);
  solve(regression, RIDGE, PRIOR);
}

/** The chance now. @returns undefined when too little is known */
export function foresee(
  model: HorizonModel,
  history: History,
  slot: number,
  ahead: number,
  limit: number,
): { chance: number; expected: number } | undefined {
  const features = featuresAt(history, { age: 0, ahead, slot }, limit);
  if (features === undefined) return undefined;
  const expected = features.now + predict(model.regression.weights, features.x);
  const inputs = margins(expected, features.now, features.yesterday, features.passed, limit);
  return { chance: chance(model.calibration, inputs), expected };
}
