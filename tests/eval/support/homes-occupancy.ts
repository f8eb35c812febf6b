/** Vacancy on REFIT 2 (its confirmed empty days, and days on which no appliance was used) and on the Swiss homes. */

import type { Alert } from '../../../detectors/alert.ts';
import { occupancy } from '../../../detectors/homes/occupancy.ts';
import { has, masked, type Series, table } from './homes-data.ts';
import { binomial } from './homes-figures.ts';
import { replay } from './homes-replay.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const REFIT = 'min1_REFIT_House2_to_2014-08.csv.gz';
const SWISS = 'swiss269_15min_kwh.csv.gz';

export interface OccupancyFigures {
  refit?: { emptyDays: number; recalled: number; calledDays: number; right: number; decisionH: number };
  swiss?: { homes: number; called: number; calledOverFive: number };
}

export function occupancyTable(print: (line: string) => void): OccupancyFigures {
  const figures: OccupancyFigures = {};
  print('occupancy');
  if (has(REFIT)) {
    const refit = refitDays();
    figures.refit = refit;
    const recall = binomial(refit.recalled, refit.emptyDays);
    const precision = binomial(refit.right, refit.calledDays);
    print(
      `  refit-2: recall ${(refit.recalled / refit.emptyDays).toFixed(2)} [${recall.low.toFixed(2)}, ${recall.high.toFixed(2)}] of ${refit.emptyDays} empty days, ` +
        `precision ${(refit.right / refit.calledDays).toFixed(2)} [${precision.low.toFixed(2)}, ${precision.high.toFixed(2)}] of ${refit.calledDays} called, decided after ${refit.decisionH.toFixed(0)} h at most`,
    );
  } else print(`  refit-2: skipped (needs ../shared/data/households/${REFIT})`);
  if (has(SWISS)) {
    const swiss = swissHomes();
    figures.swiss = swiss;
    const range = binomial(swiss.calledOverFive, swiss.homes);
    print(
      `  swiss: of ${swiss.homes} homes over 5 kWh a day ${swiss.called} called vacant at some time, ` +
        `${swiss.calledOverFive} on a day of more than 5 kWh (${((100 * swiss.calledOverFive) / swiss.homes).toFixed(1)} % [${(100 * range.low).toFixed(1)}, ${(100 * range.high).toFixed(1)}])`,
    );
  } else print(`  swiss: skipped (needs ../shared/data/households/${SWISS})`);
  return figures;
}

/** Spans in which a home was called vacant, from onset to the end. */
function vacantSpans(alerts: readonly Alert[], endMs: number): { fromMs: number; toMs: number; decidedMs: number }[] {
  const spans = new Map<string, { fromMs: number; toMs: number; decidedMs: number }>();
  for (const alert of alerts) {
    if (alert.kind !== 'occupancy') continue;
    const span = spans.get(alert.id);
    const vacant = alert.evidence.class === 'vacant' && alert.state !== 'cleared';
    if (vacant && span === undefined) spans.set(alert.id, { fromMs: alert.since, toMs: endMs, decidedMs: alert.at });
    else if (!vacant && span !== undefined) span.toMs = Math.min(span.toMs, alert.at);
  }
  return [...spans.values()];
}

/** A day is empty when none of the four appliances was used on it and all of it was recorded. */
function refitDays() {
  const columns = table(REFIT, MINUTE);
  const total = columns.get('Aggregate');
  if (total === undefined) throw new Error(`${REFIT} has no column Aggregate`);
  const series = masked(total);
  const appliances = [...columns].filter(([name]) => name !== 'Aggregate').map(([, one]) => one);
  const { alerts } = replay({ ...series, name: 'refit-2' }, { premises: 'house' }, [occupancy()]);
  const spans = vacantSpans(alerts, series.startMs + series.watts.length * MINUTE);
  const result = { emptyDays: 0, recalled: 0, calledDays: 0, right: 0, decisionH: 0 };
  const firstDay = Math.ceil(series.startMs / DAY) + 8;
  const lastDay = Math.floor((series.startMs + series.watts.length * MINUTE) / DAY);
  for (let day = firstDay; day < lastDay; day++) {
    const from = Math.round((day * DAY - series.startMs) / MINUTE);
    if (known(series, from) < 1300) continue;
    const empty = appliances.every((one) => one.watts.subarray(from, from + 1440).every((w) => !(w > 20)));
    const called = spans.some((span) => span.fromMs <= day * DAY && span.toMs >= (day + 1) * DAY);
    const confirmed = day * DAY >= Date.UTC(2014, 6, 27) && day * DAY <= Date.UTC(2014, 7, 1);
    if (confirmed) result.emptyDays++;
    if (confirmed && called) result.recalled++;
    if (called) result.calledDays++;
    if (called && empty) result.right++;
  }
  for (const span of spans) result.decisionH = Math.max(result.decisionH, (span.decidedMs - span.fromMs) / HOUR);
  return result;
}

const known = (series: Series, from: number): number =>
  series.watts.subarray(from, from + 1440).reduce((count, w) => (Number.isNaN(w) ? count : count + 1), 0);

function swissHomes() {
  const result = { homes: 0, called: 0, calledOverFive: 0 };
  for (const [name, series] of table(SWISS, 15 * MINUTE, 4000)) {
    const seen = series.watts.filter((w) => !Number.isNaN(w));
    if (seen.length < 0.9 * series.watts.length) continue;
    if ((seen.reduce((sum, w) => sum + w, 0) / seen.length) * 0.024 <= 5) continue;
    result.homes++;
    const { alerts } = replay({ ...series, name }, { premises: 'flat' }, [occupancy()]);
    const spans = vacantSpans(alerts, series.startMs + series.watts.length * series.periodMs);
    if (spans.length > 0) result.called++;
    if (spans.some((span) => overFive(series, span))) result.calledOverFive++;
  }
  return result;
}

/** Whether a whole civil day within the span used more than 5 kWh. */
function overFive(series: Series, span: { fromMs: number; toMs: number }): boolean {
  for (let day = Math.ceil(span.fromMs / DAY); (day + 1) * DAY <= span.toMs; day++) {
    const from = Math.round((day * DAY - series.startMs) / series.periodMs);
    const wh = series.watts.subarray(from, from + 96).reduce((sum, w) => sum + (Number.isNaN(w) ? 0 : w / 4), 0);
    if (wh > 5000) return true;
  }
  return false;
}
