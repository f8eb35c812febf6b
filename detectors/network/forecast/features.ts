/**
 * What the past says about the highest load of the next hours: where the load is and moves, what the same hours did
 * on the last seven days, and how today compares with yesterday. All in parts of the rating, so one prior and one
 * setting serve every transformer.
 */
import { at, type History, SLOTS_PER_DAY } from './history.ts';

/** Where features are taken from: `age` quarters ago, looking `ahead` quarters forward, at civil quarter `slot`. */
export interface View {
  age: number;
  ahead: number;
  slot: number;
}

export interface Features {
  /** The load at that time. */
  now: number;
  /** Highest load of the same window yesterday. */
  yesterday: number;
  /** Share of the last days whose same window passed `limit`. */
  passed: number;
  x: number[];
}

/** Weights before anything is learnt: half of what yesterday's window added to yesterday's load, and a little more. */
export const PRIOR: readonly number[] = [0.02, 0, 0, 0, 0, 0, 0, -0.4, 0.4, ...new Array<number>(15).fill(0)];

/** @returns undefined where the last hours, or all days before, are unknown */
export function featuresAt(history: History, view: View, limit: number): Features | undefined {
  const { age, ahead, slot } = view;
  const now = at(history, age);
  const before = at(history, age + 1);
  const half = at(history, age + 2);
  const hour = at(history, age + 4);
  if (now === undefined || before === undefined || half === undefined || hour === undefined) return undefined;
  const days = lastDays(history, age, ahead, limit);
  if (days === undefined) return undefined;
  const recent = meanOf(history, age, 16) ?? now;
  const day = meanOf(history, age, SLOTS_PER_DAY) ?? now;
  const x = [
    1,
    now,
    now - before,
    now - half,
    now - hour,
    recent - now,
    day,
    days.sameTime,
    days.highest,
    days.meanHighest,
    days.steepest,
    aheadOfYesterday(history, age),
    Math.max(0, now - 0.75 * limit),
    now * days.highest,
    roughness(history, age),
    weatherLoad(history, age),
    ...timeOfDay(slot),
  ];
  return { now, yesterday: days.highest, passed: days.passed, x };
}

interface Days {
  sameTime: number;
  highest: number;
  meanHighest: number;
  steepest: number;
  passed: number;
}

/** The same window on the last seven days; the newest known day stands for yesterday. */
function lastDays(history: History, age: number, ahead: number, limit: number): Days | undefined {
  let found: Days | undefined;
  let count = 0;
  for (let day = 1; day <= 7; day++) {
    const start = age + day * SLOTS_PER_DAY;
    const sameTime = at(history, start);
    const highest = highestOf(history, start - ahead, ahead);
    if (sameTime === undefined || highest === undefined) continue;
    count++;
    found ??= { sameTime, highest, meanHighest: 0, steepest: Number.NEGATIVE_INFINITY, passed: 0 };
    found.meanHighest += highest;
    found.steepest = Math.max(found.steepest, highest - sameTime);
    if (highest >= limit) found.passed++;
  }
  if (found === undefined) return undefined;
  found.meanHighest /= count;
  found.passed /= count;
  return found;
}

/** Highest of `length` quarters from `age` on backwards; undefined if one is unknown. */
export function highestOf(history: History, age: number, length: number): number | undefined {
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < length; i++) {
    const value = at(history, age + i);
    if (value === undefined) return undefined;
    if (value > highest) highest = value;
  }
  return highest;
}

function meanOf(history: History, age: number, length: number): number | undefined {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < length; i++) {
    const value = at(history, age + i);
    if (value === undefined) continue;
    sum += value;
    count++;
  }
  return count * 2 < length ? undefined : sum / count;
}

/** Mean lead of the last two hours over the same hours of yesterday. */
function aheadOfYesterday(history: History, age: number): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < 8; i++) {
    const today = at(history, age + i);
    const yesterday = at(history, age + i + SLOTS_PER_DAY);
    if (today === undefined || yesterday === undefined) continue;
    sum += today - yesterday;
    count++;
  }
  return count === 0 ? 0 : sum / count;
}

/** Heating and cooling: how far the air is from where neither runs, in parts of 20 K; 0 where it is not known. */
function weatherLoad(history: History, age: number): number {
  const airC = history.airC[age];
  return airC === undefined || airC === null ? 0 : Math.abs(airC - 18) / 20;
}

/** The quarter of the day as four waves: an evening's rise is steeper than two can draw. */
function timeOfDay(slot: number): number[] {
  const angle = (2 * Math.PI * (slot % SLOTS_PER_DAY)) / SLOTS_PER_DAY;
  return [1, 2, 3, 4].flatMap((wave) => [Math.sin(wave * angle), Math.cos(wave * angle)]);
}

/** Mean step from quarter to quarter over the last four hours: how far the next ones may jump. */
function roughness(history: History, age: number): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < 16; i++) {
    const value = at(history, age + i);
    const before = at(history, age + i + 1);
    if (value === undefined || before === undefined) continue;
    sum += Math.abs(value - before);
    count++;
  }
  return count === 0 ? 0 : sum / count;
}
