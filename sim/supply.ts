/**
 * What the supply itself did, whether or not a scenario asked for it: voltage outside its limits, phases that carry
 * unequal parts, a transformer on its way to too much. Judged on the true quantities by the standards' own windows and
 * limits, so that an alert is held against the street and not against what somebody planned for it.
 *
 * - Voltage, GB/T 12325: the mean of ten minutes of any phase outside 220 V +7/−10 %; and a civil day of which more
 *   than 5 % was outside. A phase below a tenth of 220 V is interrupted and has no quality.
 * - Unbalance of currents: in an hour's means, (highest − lowest) / highest above 25 % (a Dyn11 transformer) at no less
 *   than 15 % of the rating, 5 A a phase where there is none: under that nobody balances anything.
 * - Unbalance of voltages, GB/T 15543: u₂ of ten minutes' means above 2 %.
 * - Load of a transformer or feeder: three means of a quarter of an hour in a row above the rating (过载, an overload; as
 *   utilities count it from the samples of a smart meter), or one above 80 % of it (重载), which is what a forecast
 *   announces. The two hours of older practice call a transformer sound that carries 140 % for an hour and three
 *   quarters on a hot evening. Oil has a time constant of hours: half an hour below the rating does not end an overload.
 */
import type { MeterInfo, Reading } from '../protocols/reading.ts';
import type { Truth } from './truth.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const LOW_V = 0.9 * 220;
const HIGH_V = 1.07 * 220;
const INTERRUPTED_V = 0.1 * 220;
const DAY_OUTSIDE_MAX = 0.05;
const SPREAD_MAX = 0.25;
const LOADED_RATIO = 0.15;
const LOADED_A = 5;
const U2_MAX = 0.02;
const HEAVY_RATIO = 0.8;
const OVERLOAD_MS = 45 * MINUTE_MS;

/** Rated current of a 400 V transformer. */
export const ratedA = ({ ratedKva, ratedCurrentA }: Pick<MeterInfo, 'ratedKva' | 'ratedCurrentA'>) =>
  ratedKva === undefined ? ratedCurrentA : (1000 * ratedKva) / (Math.sqrt(3) * 400);

/** Means over windows of the clock, the windows that were outside joined to spells. */
interface Watch {
  kind: string;
  windowMs: number;
  /** Spells this near are one. */
  pauseMs: number;
  /** Shorter ones are ordinary life. */
  leastMs: number;
  quantity(reading: Reading): number[] | undefined;
  /** What is wrong with these means, in words; undefined where nothing is. */
  judge(means: number[]): string | undefined;
}

interface Window {
  startMs: number;
  sums: number[];
  count: number;
}

interface Spell {
  fromMs: number;
  toMs: number;
  what: string;
}

interface Watched {
  watch: Watch;
  window: Window;
  spell: Spell | undefined;
}

interface Day {
  number: number;
  outside: number;
  measured: number;
}

export class Supply {
  readonly #offsetMs: number;
  readonly #meters = new Map<string, { watched: Watched[]; day: Day }>();
  readonly #truths: Truth[] = [];

  /** @param offsetMs civil time minus UTC: the day whose share counts is the civil one */
  constructor(meters: readonly MeterInfo[], offsetMs: number) {
    this.#offsetMs = offsetMs;
    for (const meter of meters) {
      const watched = watchesOf(meter).map((watch) => ({ watch, window: newWindow(0, []), spell: undefined }));
      this.#meters.set(meter.id, { watched, day: { number: -1, outside: 0, measured: 0 } });
    }
  }

  take(id: string, atMs: number, reading: Reading): void {
    const meter = this.#meters.get(id);
    if (meter === undefined) return;
    for (const it of meter.watched) {
      const values = it.watch.quantity(reading);
      if (values !== undefined) this.#add(id, it, atMs, values);
    }
    this.#day(id, meter.day, atMs, reading);
  }

  /** Everything up to now; a window that has only begun is not judged. */
  truths(): Truth[] {
    const open = [...this.#meters].flatMap(([id, { watched }]) =>
      watched.flatMap(({ watch, spell }) => truthOf(id, watch, spell)),
    );
    return [...this.#truths, ...open];
  }

  #add(id: string, it: Watched, atMs: number, values: number[]): void {
    const { watch } = it;
    const startMs = Math.floor(atMs / watch.windowMs) * watch.windowMs;
    if (startMs !== it.window.startMs) {
      this.#closeWindow(id, it);
      it.window = newWindow(startMs, values);
    }
    for (const [i, value] of values.entries()) it.window.sums[i] = (it.window.sums[i] ?? 0) + value;
    it.window.count++;
  }

  #closeWindow(id: string, it: Watched): void {
    const { watch, window, spell } = it;
    if (window.count === 0) return;
    const what = watch.judge(window.sums.map((sum) => sum / window.count));
    if (spell !== undefined && window.startMs - spell.toMs > watch.pauseMs) {
      this.#truths.push(...truthOf(id, watch, spell));
      it.spell = undefined;
    }
    if (what === undefined) return;
    const toMs = window.startMs + watch.windowMs;
    if (it.spell === undefined) it.spell = { fromMs: window.startMs, toMs, what };
    else it.spell.toMs = toMs;
  }

  #day(id: string, day: Day, atMs: number, { voltageV }: Reading): void {
    const live = (voltageV ?? []).filter((volts) => volts > INTERRUPTED_V);
    if (live.length === 0) return;
    const number = Math.floor((atMs + this.#offsetMs) / DAY_MS);
    if (number !== day.number) {
      if (day.outside > DAY_OUTSIDE_MAX * day.measured) {
        const from = day.number * DAY_MS - this.#offsetMs;
        const what = 'the voltage was outside its limits for more than 5 % of the day';
        this.#truths.push({ meter: id, kind: 'voltage', from, to: from + DAY_MS, what });
      }
      Object.assign(day, { number, outside: 0, measured: 0 });
    }
    day.measured++;
    if (live.some((volts) => volts < LOW_V || volts > HIGH_V)) day.outside++;
  }
}

function newWindow(startMs: number, values: readonly number[]): Window {
  return { startMs, sums: values.map(() => 0), count: 0 };
}

function truthOf(meter: string, { kind, leastMs }: Watch, spell: Spell | undefined): Truth[] {
  if (spell === undefined || spell.toMs - spell.fromMs < leastMs) return [];
  return [{ meter, kind, from: spell.fromMs, to: spell.toMs, what: spell.what }];
}

function watchesOf(meter: MeterInfo): Watch[] {
  const watches: Watch[] = [VOLTAGE];
  const limitA = ratedA(meter);
  const head = meter.premises === 'transformer' || meter.premises === 'feeder';
  if (meter.phases === 3 || head) {
    watches.push(currents(limitA === undefined ? LOADED_A : LOADED_RATIO * limitA), VOLTAGES);
  }
  if (head && limitA !== undefined) {
    watches.push(load('overload-forecast', HEAVY_RATIO * limitA, 0, 60 * MINUTE_MS));
    watches.push(load('overload', limitA, OVERLOAD_MS, 30 * MINUTE_MS));
  }
  return watches;
}

const VOLTAGE: Watch = {
  kind: 'voltage',
  windowMs: 10 * MINUTE_MS,
  pauseMs: 30 * MINUTE_MS,
  leastMs: 0,
  quantity: ({ voltageV }) => voltageV,
  judge(means) {
    const live = means.filter((volts) => volts > INTERRUPTED_V);
    const worst = live.find((volts) => volts < LOW_V || volts > HIGH_V);
    return worst === undefined ? undefined : `the voltage is ${worst.toFixed(1)} V`;
  },
};

function currents(loadedA: number): Watch {
  return {
    kind: 'imbalance',
    windowMs: 60 * MINUTE_MS,
    pauseMs: 60 * MINUTE_MS,
    leastMs: 0,
    quantity: ({ currentA }) => (currentA?.length === 3 ? currentA.map(Math.abs) : undefined),
    judge(means) {
      const highest = Math.max(...means);
      const spread = (highest - Math.min(...means)) / highest;
      if (mean(means) < loadedA || !(spread > SPREAD_MAX)) return undefined;
      return `the phases carry ${means.map((amps) => amps.toFixed(1)).join(', ')} A`;
    },
  };
}

const VOLTAGES: Watch = {
  kind: 'imbalance',
  windowMs: 10 * MINUTE_MS,
  pauseMs: 30 * MINUTE_MS,
  leastMs: 0,
  quantity: ({ voltageV }) =>
    voltageV?.length === 3 && voltageV.every((volts) => volts > INTERRUPTED_V) ? voltageV : undefined,
  judge(means) {
    const u2 = negativeSequence(means);
    return u2 > U2_MAX ? `the voltages' u₂ is ${(100 * u2).toFixed(1)} %` : undefined;
  },
};

function load(kind: string, limitA: number, leastMs: number, pauseMs: number): Watch {
  return {
    ...{ kind, leastMs, pauseMs },
    windowMs: 15 * MINUTE_MS,
    quantity: ({ currentA }) => (currentA === undefined ? undefined : [mean(currentA.map(Math.abs))]),
    judge: ([amps = 0]) => (amps > limitA ? `${amps.toFixed(0)} A of ${limitA.toFixed(0)} A a phase` : undefined),
  };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Negative over positive sequence of three phase voltages 120° apart: |U₁ + a²U₂ + aU₃| / |U₁ + U₂ + U₃|. */
function negativeSequence([a = 0, b = 0, c = 0]: readonly number[]): number {
  const real = a - (b + c) / 2;
  const imaginary = (Math.sqrt(3) / 2) * (c - b);
  return Math.hypot(real, imaginary) / (a + b + c);
}
