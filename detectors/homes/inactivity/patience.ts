/**
 * How much silence this home is given before somebody is asked: what it showed at this hour in the last thirty days,
 * plus a margin, plus what its own false alarms have taught. All bounds stand here; one hour's evidence is at most 2.
 *
 * A threshold of its own for silences that began in the night, when nobody leaves home, was rejected: on recordings
 * it lost in false alarms what it won in delay, for what a home showed is known worse from fewer of its days.
 */
import { DAYS, type Memory, scoreAt } from './memory.ts';

/** A cause of false alarms that a grid worker named: the hours of the day it covers and how silent it gets. */
export interface Cause {
  fromHour: number;
  hours: number;
  score: number;
  times: number;
}

export interface Patience {
  /** Added after alarms that ended by themselves; halves in thirty days. */
  margin: number;
  /** Taken off after a confirmed one. */
  alertness: number;
  causes: Cause[];
}

export const noPatience = (): Patience => ({ margin: 0, alertness: 0, causes: [] });

export const BOUNDS = {
  /** The lowest threshold, and what is added to the home's own past: an hour more than usual is nothing, two are. */
  least: 4,
  margin: 3,
  /** The home's past counts up to here: a holiday must not teach that silence is usual. */
  past: 9,
  /** The second highest of the past month; the highest may have been the first emergency. */
  rank: 2,
  learntStep: 3,
  /** After a long absence, which more patience would hardly have waited out. */
  learntAway: 1,
  learntMax: 8,
  alertnessMax: 1,
  causes: 6,
  /** A cause counts in full after so many verdicts. */
  causeTimes: 3,
  /** No threshold is higher than this, whatever was learnt: a stop is then found within about a day and a half. */
  most: 30,
} as const;

const HALF_LIFE_H = 30 * 24;

/** Lets an hour pass over what was learnt. */
export function fade(patience: Patience, hours: number): void {
  if (patience.margin === 0) return;
  patience.margin *= 0.5 ** (hours / HALF_LIFE_H);
  if (patience.margin < 0.05) patience.margin = 0;
  else patience.margin = Math.round(patience.margin * 1000) / 1000;
}

/** The threshold of the alarm at this civil hour. `daysKnown` is how long the home has been watched. */
export function threshold(patience: Patience, memory: Memory, hour: number, daysKnown: number): number {
  const past = usualScore(memory, hour);
  const learning = daysKnown >= 21 ? 0 : daysKnown >= 7 ? (21 - daysKnown) / 2 : 8;
  const base = Math.max(BOUNDS.least, past + BOUNDS.margin) + learning + patience.margin - patience.alertness;
  let most = base;
  for (const cause of patience.causes) {
    if (!covers(cause, hour % 24)) continue;
    const full = Math.max(base, cause.score + BOUNDS.margin);
    most = Math.max(most, base + (full - base) * Math.min(1, cause.times / BOUNDS.causeTimes));
  }
  return Math.min(BOUNDS.most, most);
}

/** The second highest score that this home showed at this time of day (an hour either side) in thirty days, bounded. */
function usualScore(memory: Memory, hour: number): number {
  const days = Math.min(DAYS - 1, Math.floor((memory.last - memory.first) / 24));
  const highest = [0, 0, 0];
  for (let day = 1; day <= days; day++) {
    let most = 0;
    for (let offset = -1; offset <= 1; offset++) most = Math.max(most, scoreAt(memory, hour - day * 24 + offset));
    insert(highest, Math.min(most, BOUNDS.past));
  }
  // The rank shrinks with the days, so that three weeks of history are as strict as six.
  return highest[Math.floor((BOUNDS.rank * days) / DAYS)] ?? 0;
}

function insert(highest: number[], score: number): void {
  for (let i = 0; i < highest.length; i++) {
    if (score <= (highest[i] ?? 0)) continue;
    highest.splice(i, 0, score);
    highest.pop();
    return;
  }
}

const covers = (cause: Cause, hourOfDay: number): boolean => (hourOfDay - cause.fromHour + 24) % 24 < cause.hours;

/**
 * A grid worker says that this silence was none: remembered with its hours of the day, an hour either side.
 * @param times 1 with the verdict, 0 when the same silence has ended and its whole length is known
 */
export function addCause(
  patience: Patience,
  silence: { fromHour: number; hours: number; score: number },
  times: number,
): void {
  const fromHour = (silence.fromHour + 23) % 24;
  const hours = Math.min(24, silence.hours + 2);
  const known = patience.causes.find((cause) => overlap(cause, fromHour, hours) >= 0.5 * Math.min(cause.hours, hours));
  if (known === undefined) {
    patience.causes.push({ fromHour, hours, score: Math.min(BOUNDS.most, silence.score), times });
    if (patience.causes.length > BOUNDS.causes) patience.causes.shift();
    return;
  }
  // Both spans as hours after the earlier of their starts, on the circle of the day.
  const laterH = (fromHour - known.fromHour + 24) % 24;
  const begins = laterH <= 12 ? 0 : laterH - 24;
  const ends = Math.max(known.hours, begins + hours + (begins === 0 ? laterH : 0));
  known.fromHour = (known.fromHour + begins + 24) % 24;
  known.hours = Math.min(24, ends - begins);
  known.score = Math.min(BOUNDS.most, Math.max(known.score, silence.score));
  known.times += times;
}

function overlap(cause: Cause, fromHour: number, hours: number): number {
  let both = 0;
  for (let i = 0; i < hours; i++) if (covers(cause, (fromHour + i) % 24)) both++;
  return both;
}
