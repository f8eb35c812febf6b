/** Inactivity: delay to the alarm on simulated stops, and false alarms a year on the untouched series, per home. */

import type { Alert } from '../../../detectors/alert.ts';
import { inactivity } from '../../../detectors/homes/inactivity/inactivity.ts';
import { coarser, has, minuteHome, type Series, sgsc, table } from './homes-data.ts';
import { binomial, poisson } from './homes-figures.ts';
import { type Continue, emptyDays, quietNights, type Replay, randoms, replay } from './homes-replay.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

export interface HomeFigures {
  home: string;
  group: string;
  years: number;
  asks: number;
  alarms: number;
  /** Of them, those whose silence ended within a day of its begin; the others are mostly nights away from home. */
  backInDay: number;
  /** Of them, those that fell into an absence that other measurements confirm; undefined where there are none. */
  confirmed?: number;
  stops: number;
  found: number;
  medianH: number;
  medianAskH: number;
}

interface Case {
  group: string;
  series: Series;
  stops: number;
  more: Continue;
  /** Whether nobody was at home then, by other measurements. */
  absent?: (atMs: number) => boolean;
}

export function inactivityTable(print: (line: string) => void, only?: string, scale = 1): HomeFigures[] {
  const figures: HomeFigures[] = [];
  print('inactivity (alarm stage; false alarms include absences that nobody confirmed)');
  for (const test of cases()) {
    if (only !== undefined && !`${test.group} ${test.series.name}`.includes(only)) continue;
    const result = replay(
      test.series,
      { premises: 'flat', watch: ['elderly'] },
      [inactivity()],
      Math.round(test.stops * scale),
      test.more,
    );
    const row = figure(test, result);
    figures.push(row);
    print(line(row));
  }
  for (const group of new Set(figures.map((row) => row.group)))
    print(
      summary(
        group,
        figures.filter((row) => row.group === group),
      ),
    );
  const many = figures.filter((row) => !row.group.startsWith('liu') && !row.group.startsWith('refit'));
  if (many.length > 1) {
    print(summary('homes on which settings were chosen', chosen(many, 0)));
    print(summary('homes on which they were not', chosen(many, 1)));
  }
  return figures;
}

function figure(test: Case, result: Replay): HomeFigures {
  const after = test.series.startMs + 21 * DAY;
  const told = result.alerts.filter((alert) => alert.kind === 'inactivity' && alert.at > after);
  const delays = sorted(result.stops.map((stop) => stop.alarmH));
  const asks = sorted(result.stops.map((stop) => stop.askH));
  return {
    home: test.series.name,
    group: test.group,
    years: result.years,
    asks: told.filter((alert) => alert.state === 'raised').length,
    alarms: told.filter(isAlarm).length,
    backInDay: told.filter((alert) => isAlarm(alert) && endOf(told, alert.id) - alert.since < DAY).length,
    ...(test.absent === undefined
      ? {}
      : { confirmed: told.filter((alert) => isAlarm(alert) && test.absent?.(alert.at)).length }),
    stops: delays.length,
    found: delays.filter((h) => h <= 24).length,
    medianH: delays[delays.length >> 1] ?? Number.NaN,
    medianAskH: asks[asks.length >> 1] ?? Number.NaN,
  };
}

/** Settings were chosen on every second home; the others were only measured. */
const chosen = (rows: HomeFigures[], rest: 0 | 1): HomeFigures[] => rows.filter((_, i) => i % 2 === rest);

const isAlarm = (alert: Alert): boolean => alert.state === 'updated' && alert.evidence.stage === 'alarm';

const endOf = (told: readonly Alert[], id: string): number =>
  told.find((alert) => alert.id === id && alert.state === 'cleared')?.at ?? Number.POSITIVE_INFINITY;

const sorted = (hours: number[]): number[] => hours.map((h) => (Number.isNaN(h) ? 99 : h)).sort((a, b) => a - b);

function line(row: HomeFigures): string {
  const rate = poisson(row.alarms, row.years);
  const share = binomial(row.found, row.stops);
  return [
    `  ${row.home.padEnd(18)}`,
    `${(row.alarms / row.years).toFixed(1).padStart(5)} alarms/y [${rate.low.toFixed(1)}, ${rate.high.toFixed(1)}]`,
    `${(row.backInDay / row.years).toFixed(1).padStart(4)}/y back within a day`,
    `${(row.asks / row.years).toFixed(0).padStart(4)} asks/y`,
    `found ${((100 * row.found) / row.stops).toFixed(1).padStart(5)} % [${(100 * share.low).toFixed(0)}, ${(100 * share.high).toFixed(0)}] of ${row.stops}`,
    ...(row.confirmed === undefined ? [] : [outside(row.alarms - row.confirmed, row.years)]),
    `median ${row.medianH > 24 ? '>24' : row.medianH.toFixed(1)} h (ask ${row.medianAskH > 24 ? '>24' : row.medianAskH.toFixed(1)} h)`,
  ].join('  ');
}

function outside(alarms: number, years: number): string {
  const { low, high } = poisson(alarms, years);
  return `${(alarms / years).toFixed(1)}/y [${low.toFixed(1)}, ${high.toFixed(1)}] outside confirmed absences`;
}

function summary(group: string, rows: HomeFigures[]): string {
  const mean = (of: (row: HomeFigures) => number) => rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  const rate = mean((row) => row.alarms / row.years);
  const found = mean((row) => row.found / row.stops);
  const without = rows.map((left) => {
    const rest = rows.filter((row) => row !== left);
    return rest.reduce((sum, row) => sum + row.alarms / row.years, 0) / Math.max(1, rest.length);
  });
  const spread =
    rows.length > 1
      ? `, ${Math.min(...without).toFixed(1)}–${Math.max(...without).toFixed(1)} leaving one home out`
      : '';
  const backInDay = mean((row) => row.backInDay / row.years);
  return `${group}: mean ${rate.toFixed(1)} alarms/y${spread}, ${backInDay.toFixed(1)} back within a day; found ${(100 * found).toFixed(1)} %; mean of medians ${mean((row) => Math.min(25, row.medianH)).toFixed(1)} h`;
}

/** The series of every home that is there, once each. */
export function everyHome(): Series[] {
  const once = new Set(['liu-frozen', 'refit-2-nights']);
  return cases().flatMap(({ series }) => (once.has(series.name) ? [] : [series]));
}

/** Every case whose recording is there. */
function cases(): Case[] {
  const all: Case[] = [];
  const add = (group: string, series: Series, stops: number, more = quietNights(series)) =>
    all.push({ group, series, stops, more });
  if (has('smartstar_liu_30min_W.csv.gz')) {
    const circuits = table('smartstar_liu_30min_W.csv.gz', 30 * MINUTE);
    const total = circuits.get('Total');
    if (total !== undefined) {
      add('liu', { ...total, name: 'liu-standby' }, 1000, liu(circuits, 'standby'));
      add('liu-frozen', { ...total, name: 'liu-frozen' }, 1000, liu(circuits, 'frozen'));
    }
  }
  if (has('min1_REFIT_House2_to_2014-08.csv.gz')) {
    const refit = minuteHome('min1_REFIT_House2_to_2014-08.csv.gz', 'refit-2');
    const empty = emptyDays(refit, Date.UTC(2014, 6, 27, 12), Date.UTC(2014, 7, 1));
    all.push({ group: 'refit', series: refit, stops: 400, more: empty, absent: noAppliances() });
    add('refit-nights', { ...refit, name: 'refit-2-nights' }, 100);
  }
  if (has('sgsc6_30min_kwh.csv.gz')) for (const series of sgsc()) add('sgsc', series, 300);
  if (has('min1_UKDALE_House2.csv.gz'))
    add('other', coarser(minuteHome('min1_UKDALE_House2.csv.gz', 'ukdale-2'), 5), 150);
  if (has('smartstar_homeB_30min_W.csv.gz')) {
    const home = table('smartstar_homeB_30min_W.csv.gz', 30 * MINUTE).get('use W');
    if (home !== undefined) add('other', { ...home, name: 'smartstar-B' }, 150);
  }
  if (has('opengrid9_60min_W.csv.gz')) {
    for (const [name, series] of table('opengrid9_60min_W.csv.gz', 60 * MINUTE))
      add('opengrid', { ...series, name: `opengrid-${name}` }, 100);
  }
  return all;
}

/** REFIT 2 counts as left alone when none of its four appliances was used for a day around the moment. */
function noAppliances(): (atMs: number) => boolean {
  const columns = [...table('min1_REFIT_House2_to_2014-08.csv.gz', MINUTE)].filter(([name]) => name !== 'Aggregate');
  const startMs = columns[0]?.[1].startMs ?? 0;
  const used = (i: number) => columns.some(([, { watts }]) => (watts[i] ?? 0) > 20);
  return (atMs) => {
    const at = Math.round((atMs - startMs) / MINUTE);
    let from = at;
    let to = at;
    while (from > 0 && at - from < 1440 && !used(from)) from--;
    while (to - at < 1440 && !used(to)) to++;
    return to - from >= 1440;
  };
}

/**
 * The anchor's protocol: the fridge's circuit goes on as it was recorded (without the range that hangs on it, which is
 * the resident's: 135 W is the compressor's own most), the other circuits fall to what they use at
 * night (`standby`) or stay as they were when the resident stopped (`frozen`).
 */
function liu(circuits: Map<string, Series>, mode: 'standby' | 'frozen'): Continue {
  const random = randoms(3);
  const others = ['KitchenLights', 'BedroomLights', 'ElectricRange'].flatMap((name) => circuits.get(name) ?? []);
  const fridge = circuits.get('FridgeRange');
  const night = others.map((series) => series.watts.filter((_, i) => i % 48 >= 4 && i % 48 < 9).sort());
  return (from, length) =>
    Float64Array.from({ length }, (_, k) =>
      others.reduce(
        (sum, series, c) =>
          sum +
          (mode === 'frozen'
            ? (series.watts[from] ?? 0)
            : (night[c]?.[Math.floor((0.1 + 0.7 * random()) * (night[c]?.length ?? 0))] ?? 0)),
        Math.min(135, fridge?.watts[from + 1 + k] ?? 0),
      ),
    );
}
