/** The overload forecast and the oil's temperature on transformers and feeders, as the engine replays them. */
import { Engine } from '../../../detectors/engine.ts';
import { elapse, newHistory, record, SLOT_MS, SLOTS_PER_DAY } from '../../../detectors/network/forecast/history.ts';
import { foresee, learnWindow, newHorizonModel } from '../../../detectors/network/forecast/model.ts';
import { learnOil, newOilModel, oilAhead } from '../../../detectors/network/forecast/oil.ts';
import { learn, newRegression, predict, solve } from '../../../detectors/network/forecast/regression.ts';
import { FORECAST_DEFAULTS, overloadForecast } from '../../../detectors/network/overload-forecast.ts';
import { atLeast, below, type Figure, quantile, seeded, swissHomes, told, transformer } from './network-data.ts';

const LIMIT = FORECAST_DEFAULTS.limitRatio;
const HOURS = [1, 4] as const;
type Hours = (typeof HOURS)[number];
/** The series begin at a midnight. */
const START_MS = Date.UTC(2016, 6, 1);

interface Score {
  f1: number;
  brier: number;
}

/** Load in parts of a rating that is set so that P98 of the first `known` quarters is the limit. */
function rated(load: readonly number[], known: number): number[] {
  const highest = quantile(load.slice(0, known), 0.98);
  // In this order a load of exactly P98 is exactly the limit: recorded loads are coarse and many are.
  return load.map((value) => (value / highest) * LIMIT);
}

export function transformerFigures(): Figure[] {
  const data = transformer();
  if (data === undefined) return [];
  const year = 365 * SLOTS_PER_DAY;
  const figures: Figure[] = [];
  const main = rated(data.loads.HUFL, year);
  for (const hours of HOURS) {
    const labels = labelsOf(main, hours);
    const chances = chancesOf(main, hours);
    const alerts = alertsOf(main, hours);
    const model = score(main, labels, chances, year, main.length);
    const said = scoreFlags(main, labels, alerts, year, main.length);
    const ridge = ridgeBaseline(main, labels, hours, year);
    const usual = brierOf(main, labels, climatology(main, labels, year), year, main.length);
    const quarters = [0, 1, 2, 3].map((i) => {
      const from = year + Math.floor((i * (main.length - year)) / 4);
      return score(main, labels, chances, from, year + Math.floor(((i + 1) * (main.length - year)) / 4)).f1;
    });
    const name = `ETTm1, second year, ${hours} h`;
    figures.push(atLeast(`${name}: F1 of quarters below the limit, by alerts`, said, 0.55, 'as replay tells them'));
    figures.push(
      told(
        `${name}: F1 by chance ≥ ${FORECAST_DEFAULTS.raiseChance}`,
        model.f1,
        `quarters of the year ${spread(quarters)}`,
      ),
    );
    figures.push(told(`${name}: F1 of ridge on lags, 0.8 quantile (baseline, here)`, ridge.f1));
    figures.push(
      below(
        `${name}: Brier score`,
        model.brier,
        Math.min(ridge.brier, usual),
        `ridge ${ridge.brier.toFixed(4)}, hour of day ${usual.toFixed(4)}`,
      ),
    );
    const others = (['MUFL', 'LUFL'] as const).map((column) => {
      const load = rated(data.loads[column], year);
      return score(load, labelsOf(load, hours), chancesOf(load, hours), year, load.length).f1;
    });
    figures.push(told(`${name}: F1 on the other two windings, mean`, mean(others), spread(others)));
  }
  return [...figures, ...oilFigures(data.oilC, main)];
}

/** Twenty feeders of sixty homes drawn at random; four weeks known, three judged, learning all along. */
export function feederFigures(): Figure[] {
  const homes = swissHomes();
  if (homes === undefined) return [];
  const known = 28 * SLOTS_PER_DAY;
  const random = seeded(3);
  const feeders = Array.from({ length: 20 }, () => {
    const ids = draw(60, homes[0]!.length, random);
    return rated(
      homes.map((row) => ids.reduce((sum, id) => sum + row[id]!, 0)),
      known,
    );
  });
  const figures: Figure[] = [];
  for (const hours of HOURS) {
    const results = feeders.map((load) => {
      const labels = labelsOf(load, hours);
      const chances = chancesOf(load, hours);
      return {
        said: scoreFlags(load, labels, alertsOf(load, hours), known, load.length),
        model: score(load, labels, chances, known, load.length),
        cold: coldStart(load, hours),
        ridge: ridgeBaseline(load, labels, hours, known),
        usual: brierOf(load, labels, climatology(load, labels, known), known, load.length),
      };
    });
    const said = results.map((result) => result.said);
    const brier = mean(results.map((result) => result.model.brier));
    const ridgeBrier = mean(results.map((result) => result.ridge.brier));
    const usualBrier = mean(results.map((result) => result.usual));
    const name = `20 feeders of 60 homes, ${hours} h`;
    figures.push(atLeast(`${name}: F1 by alerts`, mean(said), hours === 1 ? 0.66 : 0.76, `feeders ${spread(said)}`));
    figures.push(told(`${name}: F1 by chance`, mean(results.map((result) => result.model.f1))));
    figures.push(told(`${name}: F1 of ridge on lags (baseline, here)`, mean(results.map((result) => result.ridge.f1))));
    figures.push(
      below(
        `${name}: Brier score`,
        brier,
        Math.min(ridgeBrier, usualBrier),
        `ridge ${ridgeBrier.toFixed(4)}, hour of day ${usualBrier.toFixed(4)}`,
      ),
    );
    figures.push(
      told(
        `${name}: F1 on days 4 to 14 of a cold start, three each`,
        mean(results.map((result) => result.cold.f1)),
        `Brier ${mean(results.map((result) => result.cold.brier)).toFixed(4)}, hour of day ${mean(results.map((result) => result.cold.usual)).toFixed(4)}`,
      ),
    );
  }
  return figures;
}

/** Three fortnights of a feeder, each a cold start rated by itself, judged from the fourth day on. */
function coldStart(load: readonly number[], hours: Hours): Score & { usual: number } {
  const from = 3 * SLOTS_PER_DAY;
  const end = 14 * SLOTS_PER_DAY;
  const parts = [0, 17, 34].map((day) => {
    const early = rated(load.slice(day * SLOTS_PER_DAY, day * SLOTS_PER_DAY + end), end);
    const labels = labelsOf(early, hours);
    const usual = brierOf(early, labels, climatology(early, labels, from), from, end);
    return { ...score(early, labels, chancesOf(early, hours), from, end), usual };
  });
  return {
    f1: mean(parts.map((part) => part.f1)),
    brier: mean(parts.map((part) => part.brier)),
    usual: mean(parts.map((part) => part.usual)),
  };
}

/** `count` different numbers below `all`. */
function draw(count: number, all: number, random: () => number): number[] {
  const left = Array.from({ length: all }, (_, i) => i);
  return Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)[0]!);
}

/** Whether the load passes the limit within the next hours; the last ones are unknown. */
function labelsOf(load: readonly number[], hours: Hours): boolean[] {
  const ahead = hours * 4;
  return load.map((_, i) => load.slice(i + 1, i + 1 + ahead).some((value) => value >= LIMIT));
}

/** The model's chance after each quarter, 0 where it is silent. */
function chancesOf(load: readonly number[], hours: Hours): number[] {
  const history = newHistory();
  const model = newHorizonModel();
  const ahead = hours * 4;
  return load.map((value, i) => {
    let chance = 0;
    const closed = (): void => {
      learnWindow(model, history, history.slot, ahead, LIMIT);
      if (history.known < FORECAST_DEFAULTS.coldStartDays * SLOTS_PER_DAY) return;
      chance = foresee(model, history, history.slot, ahead, LIMIT)?.chance ?? 0;
    };
    record(history, START_MS + i * SLOT_MS, value, closed);
    elapse(history, START_MS + i * SLOT_MS, closed);
    return chance;
  });
}

/** Whether an alert stands after each quarter, by replay through the engine. */
function alertsOf(load: readonly number[], hours: Hours): boolean[] {
  const area = { timezone: 'UTC', meters: [{ id: 't', premises: 'transformer', ratedKva: 1 } as const] };
  const engine = new Engine(area, [overloadForecast()]);
  let standing = false;
  return load.map((value, i) => {
    const { alerts } = engine.take({
      atMs: START_MS + i * SLOT_MS,
      meter: 't',
      reading: { activePowerW: 1000 * value },
    });
    for (const alert of alerts) if (alert.evidence.horizonH === hours) standing = alert.state !== 'cleared';
    return standing;
  });
}

function score(
  load: readonly number[],
  labels: readonly boolean[],
  chances: readonly number[],
  from: number,
  to: number,
): Score {
  const flags = chances.map((chance) => chance >= FORECAST_DEFAULTS.raiseChance);
  return { f1: scoreFlags(load, labels, flags, from, to), brier: brierOf(load, labels, chances, from, to) };
}

/** F1 over the quarters that are below the limit themselves. */
function scoreFlags(
  load: readonly number[],
  labels: readonly boolean[],
  flags: readonly boolean[],
  from: number,
  to: number,
): number {
  let hits = 0;
  let said = 0;
  let real = 0;
  for (let i = from; i < to - 16; i++) {
    if (load[i]! >= LIMIT) continue;
    if (labels[i]) real++;
    if (flags[i]) said++;
    if (labels[i] && flags[i]) hits++;
  }
  return (2 * hits) / Math.max(1, said + real);
}

function brierOf(
  load: readonly number[],
  labels: readonly boolean[],
  chances: readonly number[],
  from: number,
  to: number,
): number {
  let sum = 0;
  let count = 0;
  for (let i = from; i < to - 16; i++) {
    if (load[i]! >= LIMIT) continue;
    sum += (chances[i]! - (labels[i] ? 1 : 0)) ** 2;
    count++;
  }
  return sum / Math.max(1, count);
}

/** The share of passings at this quarter of the day in what is known. */
function climatology(load: readonly number[], labels: readonly boolean[], known: number): number[] {
  const passed = new Array<number>(SLOTS_PER_DAY).fill(0);
  const seen = new Array<number>(SLOTS_PER_DAY).fill(0);
  for (let i = 0; i < known - 16; i++) {
    if (load[i]! >= LIMIT) continue;
    seen[i % SLOTS_PER_DAY] = seen[i % SLOTS_PER_DAY]! + 1;
    if (labels[i]) passed[i % SLOTS_PER_DAY] = passed[i % SLOTS_PER_DAY]! + 1;
  }
  return load.map((_, i) => (passed[i % SLOTS_PER_DAY]! + 0.02) / (seen[i % SLOTS_PER_DAY]! + 1));
}

/** The baseline of the issue: ridge of the highest load on lags, fitted once, plus the 0.8 quantile of its residuals. */
function ridgeBaseline(load: readonly number[], labels: readonly boolean[], hours: Hours, known: number): Score {
  const ahead = hours * 4;
  const lags = [0, 1, 2, 3, 4, 8, 16, 96 - ahead, 96, 672 - ahead, 672];
  const prior = new Array<number>(lags.length + 3).fill(0);
  const model = newRegression(prior);
  const x = (i: number): number[] => {
    const angle = (2 * Math.PI * (i % SLOTS_PER_DAY)) / SLOTS_PER_DAY;
    return [1, ...lags.map((lag) => load[i - lag] ?? load[i]!), Math.sin(angle), Math.cos(angle)];
  };
  const highest = (i: number): number => Math.max(...load.slice(i + 1, i + 1 + ahead));
  for (let i = 672; i < known - 16; i++) if (load[i]! < LIMIT) learn(model, x(i), highest(i), 1, 1);
  solve(model, 1, prior);
  const residuals: number[] = [];
  for (let i = 672; i < known - 16; i++)
    if (load[i]! < LIMIT) residuals.push(highest(i) - predict(model.weights, x(i)));
  residuals.sort((a, b) => a - b);
  const margin = quantile(residuals, 0.8);
  const predicted = load.map((_, i) => (i < known ? 0 : predict(model.weights, x(i))));
  const chances = predicted.map((value) => 1 - rank(residuals, LIMIT - value) / residuals.length);
  return {
    f1: scoreFlags(
      load,
      labels,
      predicted.map((value) => value + margin >= LIMIT),
      known,
      load.length,
    ),
    brier: brierOf(load, labels, chances, known, load.length),
  };
}

/** How many of the sorted values are below. */
function rank(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function oilFigures(oilC: readonly number[], load: readonly number[]): Figure[] {
  const model = newOilModel();
  const errors: number[] = [];
  const still: number[] = [];
  oilC.forEach((value, i) => {
    learnOil(model, START_MS + i * SLOT_MS, value, load[i]!);
    const ahead = oilAhead(model);
    const truth = oilC[i + 4];
    if (ahead === undefined || truth === undefined || i < 365 * SLOTS_PER_DAY) return;
    errors.push(Math.abs(ahead - truth));
    still.push(Math.abs(value - truth));
  });
  const part = Math.floor(errors.length / 4);
  const parts = [0, 1, 2, 3].map((i) => mean(errors.slice(i * part, (i + 1) * part)));
  return [
    below(
      'ETTm1, second year: oil one hour ahead, mean absolute error, °C',
      mean(errors),
      0.42,
      `quarters of the year ${spread(parts)}`,
    ),
    told('ETTm1, second year: oil as it is now (persistence), °C', mean(still)),
  ];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function spread(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(3)} … ${Math.max(...values).toFixed(3)}`;
}
