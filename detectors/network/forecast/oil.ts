/**
 * Measured oil temperature one hour ahead: the change of the last hours, what this hour of the day usually brings,
 * and the load. Learnt with the absolute error in mind (large misses weigh less), because it is a mean error in
 * kelvin that a crew feels.
 */
import { GRACE_MS, SLOT_MS, SLOTS_PER_DAY } from './history.ts';
import { learn, newRegression, predict, type Regression, solve } from './regression.ts';

export interface OilModel {
  slot: number;
  /** Oil temperature of the last quarters, newest first, and the load of the newest. */
  recentC: number[];
  load: number;
  dayMeanC: number;
  /** Usual change over the next hour, by hour of the day, K. */
  profileK: number[];
  /** What was seen at each of the last four quarters, waiting for its answer. */
  waiting: { x: number[]; oilC: number; hour: number }[];
  regression: Regression;
}

const AHEAD = 4;
const KEPT = 9;
const PRIOR: readonly number[] = [0, 0, 0, 0.3, 0, 0.5, 0, 0, 0, 0, 0, 0];
const KEEP = 0.5 ** (1 / (45 * SLOTS_PER_DAY));
/** Misses beyond this weigh as its absolute, not its square, K. */
const ROBUST_K = 0.3;
const PROFILE_RATE = 0.05;

export function newOilModel(): OilModel {
  return {
    slot: -1,
    recentC: [],
    load: 0,
    dayMeanC: 0,
    profileK: new Array<number>(24).fill(0),
    waiting: [],
    regression: newRegression(PRIOR),
  };
}

/** Takes one measured temperature; the first of a quarter of an hour counts. A hole starts the recent past afresh. */
export function learnOil(model: OilModel, localMs: number, oilC: number, load: number): void {
  const slot = Math.ceil((localMs - GRACE_MS) / SLOT_MS);
  if (slot <= model.slot && slot > model.slot - SLOTS_PER_DAY) return;
  if (slot !== model.slot + 1) {
    model.recentC = [];
    model.waiting = [];
    if (model.slot < 0) model.dayMeanC = oilC;
  }
  model.slot = slot;
  model.load = load;
  model.dayMeanC += (oilC - model.dayMeanC) / SLOTS_PER_DAY;
  model.recentC.unshift(oilC);
  if (model.recentC.length > KEPT) model.recentC.pop();
  if (model.recentC.length < KEPT) return;
  answer(model, oilC);
  model.waiting.push({ x: inputs(model), oilC, hour: hourOf(slot) });
}

function answer(model: OilModel, oilC: number): void {
  if (model.waiting.length < AHEAD) return;
  const asked = model.waiting.shift()!;
  const change = oilC - asked.oilC;
  const miss = Math.abs(change - predict(model.regression.weights, asked.x));
  learn(model.regression, asked.x, change, 1 / Math.max(1, miss / ROBUST_K), KEEP);
  solve(model.regression, 1, PRIOR);
  const profile = model.profileK;
  profile[asked.hour] = Math.round(1e4 * (profile[asked.hour]! + PROFILE_RATE * (change - profile[asked.hour]!))) / 1e4;
}

function hourOf(slot: number): number {
  return Math.floor((slot % SLOTS_PER_DAY) / 4);
}

function inputs(model: OilModel): number[] {
  const { recentC, slot } = model;
  const now = recentC[0]!;
  const quarter = (slot % 4) / 4;
  const hour = hourOf(slot);
  const usual = model.profileK[hour]! * (1 - quarter) + model.profileK[(hour + 1) % 24]! * quarter;
  const angle = (2 * Math.PI * (slot % SLOTS_PER_DAY)) / SLOTS_PER_DAY;
  return [
    1,
    now - recentC[1]!,
    now - recentC[2]!,
    now - recentC[4]!,
    now - recentC[8]!,
    usual,
    (now - model.dayMeanC) / 10,
    model.load,
    Math.sin(angle),
    Math.cos(angle),
    Math.sin(2 * angle),
    Math.cos(2 * angle),
  ].map((value) => Math.round(value * 1e5) / 1e5);
}

/** Top-oil temperature expected in one hour, °C. @returns undefined until two hours in a row were measured */
export function oilAhead(model: OilModel): number | undefined {
  const now = model.recentC[0];
  if (now === undefined || model.recentC.length < KEPT) return undefined;
  return now + predict(model.regression.weights, inputs(model));
}
