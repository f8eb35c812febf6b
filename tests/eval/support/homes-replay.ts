/** Replays a series of a home through the engine, and stops of its resident that branch off from it. */
import type { Alert } from '../../../detectors/alert.ts';
import type { Detector } from '../../../detectors/detector.ts';
import { Engine } from '../../../detectors/engine.ts';
import type { MeterInfo } from '../../../protocols/reading.ts';
import type { Series } from './homes-data.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The same numbers on every run and machine. */
export function randoms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const sampleAt = (series: Series, i: number): number => series.startMs + (i + 1) * series.periodMs;

/** The watts of the 24 h after a stop at interval `from`, or undefined where this home gives none. */
export type Continue = (from: number, length: number) => Float64Array | undefined;

export interface Stop {
  /** Hours to the resident's question and to the alarm; NaN beyond the cap. */
  askH: number;
  alarmH: number;
}

export interface Replay {
  alerts: Alert[];
  stops: Stop[];
  /** Observed house-years after the first three weeks. */
  years: number;
  engine: Engine;
}

export function replay(
  series: Series,
  info: Omit<MeterInfo, 'id'>,
  detectors: readonly Detector[],
  stopCount = 0,
  more: Continue = () => undefined,
  capH = 24,
): Replay {
  const meter = { ...info, id: series.name };
  const area = { timezone: 'UTC', meters: [meter] };
  const engine = new Engine(area, detectors);
  const random = randoms(20260101);
  const warmUp = Math.round((30 * DAY) / series.periodMs);
  const length = Math.round((capH * HOUR) / series.periodMs);
  const last = series.watts.length - length - 1;
  const times = Array.from({ length: stopCount }, () => warmUp + Math.floor(random() * (last - warmUp))).sort(
    (a, b) => a - b,
  );
  const alerts: Alert[] = [];
  const stops: Stop[] = [];
  const open = new Set<string>();
  let seen = 0;
  let next = 0;
  for (let i = 0; i < series.watts.length; i++) {
    const watts = series.watts[i] ?? Number.NaN;
    if (!Number.isNaN(watts)) {
      if (i * series.periodMs > 21 * DAY) seen++;
      for (const alert of engine.take({ atMs: sampleAt(series, i), meter: meter.id, reading: { activePowerW: watts } })
        .alerts) {
        alerts.push(alert);
        if (alert.kind !== 'inactivity') continue;
        if (alert.state === 'cleared') open.delete(alert.id);
        else open.add(alert.id);
      }
    }
    for (; times[next] === i; next++) {
      // A stop in an absence that is already told of, or in a gap, is no stop that could be measured.
      if (open.size > 0 || Number.isNaN(watts)) continue;
      const rest = more(i, length);
      if (rest === undefined) continue;
      const branch = new Engine(area, detectors, engine.snapshot());
      stops.push(runStop(branch, series, i, rest, meter.id));
    }
  }
  return { alerts, stops, years: (seen * series.periodMs) / (365 * DAY), engine };
}

function runStop(engine: Engine, series: Series, from: number, rest: Float64Array, meter: string): Stop {
  const stop: Stop = { askH: Number.NaN, alarmH: Number.NaN };
  for (let k = 0; k < rest.length; k++) {
    const atMs = sampleAt(series, from + 1 + k);
    for (const alert of engine.take({ atMs, meter, reading: { activePowerW: rest[k] ?? 0 } }).alerts) {
      if (alert.kind !== 'inactivity' || alert.state === 'cleared') continue;
      const hours = (atMs - sampleAt(series, from)) / HOUR;
      if (Number.isNaN(stop.askH)) stop.askH = hours;
      if (alert.evidence.stage === 'alarm') return { ...stop, alarmH: hours };
    }
  }
  return stop;
}

/**
 * Quiet nights of the last month, laid end to end: the five hours in which this home is usually lowest, of the quietest
 * third of the nights: in the others somebody was up.
 */
export function quietNights(series: Series): Continue {
  const random = randoms(7);
  const perHour = Math.round(HOUR / series.periodMs);
  const perDay = 24 * perHour;
  const midnight = Math.round(((DAY - (series.startMs % DAY)) % DAY) / series.periodMs);
  const fromHour = lowestWindow(series, midnight, perHour);
  const days = Math.floor((series.watts.length - midnight) / perDay) - 1;
  const start = (day: number) => midnight + day * perDay + fromHour * perHour;
  const sums = Array.from({ length: days }, (_, day) => sum(series.watts, start(day), 5 * perHour));
  return (from, length) => {
    const today = Math.floor((from - midnight) / perDay);
    const month: { at: number; sum: number }[] = [];
    for (let day = Math.max(0, today - 30); day < today; day++) {
      const night = { at: start(day), sum: sums[day] ?? Number.NaN };
      if (!Number.isNaN(night.sum)) month.push(night);
    }
    if (month.length < 8) return undefined;
    month.sort((a, b) => a.sum - b.sum);
    const quiet = month.slice(0, Math.ceil(month.length / 3));
    const rest = new Float64Array(length);
    for (let k = 0; k < length; k += 5 * perHour) {
      const at = quiet[Math.floor(random() * quiet.length)]?.at ?? 0;
      rest.set(series.watts.subarray(at, at + Math.min(5 * perHour, length - k)), k);
    }
    return rest;
  };
}

/** Real empty hours of this home, continued at the same time of day from a random one of its empty days. */
export function emptyDays(series: Series, fromMs: number, toMs: number): Continue {
  const random = randoms(11);
  const first = Math.ceil((fromMs - series.startMs) / series.periodMs);
  const last = Math.floor((toMs - series.startMs) / series.periodMs);
  const perDay = Math.round(DAY / series.periodMs);
  const span = last - first;
  return (from, length) => {
    const rest = new Float64Array(length);
    const shift = Math.floor(random() * Math.floor(span / perDay)) * perDay;
    for (let k = 0; k < length; k++) {
      const phase = (((from + 1 + k - first) % perDay) + perDay) % perDay;
      let at = first + ((phase + shift + Math.floor(k / perDay) * perDay) % (Math.floor(span / perDay) * perDay));
      let watts = series.watts[at] ?? Number.NaN;
      for (let tries = 0; Number.isNaN(watts) && tries < 10; tries++) {
        at = first + Math.floor(random() * span);
        watts = series.watts[at] ?? Number.NaN;
      }
      rest[k] = Number.isNaN(watts) ? 0 : watts;
    }
    return rest;
  };
}

function lowestWindow(series: Series, midnight: number, perHour: number): number {
  const hours: number[][] = Array.from({ length: 24 }, () => []);
  for (let i = midnight; i + perHour <= series.watts.length; i += perHour) {
    const total = sum(series.watts, i, perHour);
    if (!Number.isNaN(total)) hours[((i - midnight) / perHour) % 24]?.push(total);
  }
  const medians = hours.map((values) => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.POSITIVE_INFINITY);
  let best = 0;
  let lowest = Number.POSITIVE_INFINITY;
  for (let from = 0; from < 24; from++) {
    let total = 0;
    for (let i = 0; i < 5; i++) total += medians[(from + i) % 24] ?? 0;
    if (total < lowest) {
      lowest = total;
      best = from;
    }
  }
  return best;
}

function sum(watts: Float64Array, from: number, length: number): number {
  let total = 0;
  for (let i = from; i < from + length; i++) total += watts[i] ?? Number.NaN;
  return total;
}
