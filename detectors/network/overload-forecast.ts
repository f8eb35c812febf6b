/**
 * `overload-forecast`: the chance that a feeder or transformer passes its limit within one hour and within four.
 *
 * Intuition. What will the highest quarter of the next hours be? Load now, its slope, and what these same hours did
 * on the last seven days say most of it. A ridge regression, learnt on the device from this transformer's own past
 * and focused on the quarters near the limit, predicts that highest load; a small logistic regression turns the
 * margin into a chance and keeps it honest (calibrated). Both start from a prior in parts of the rating, so that the
 * third day already gives something useful, and forget with a half-life of 60 days.
 *
 * Rejected: a quantile of the residuals added to the prediction (the usual baseline): residuals at night are not
 * those of an evening near the limit. Rejected: classifying directly; passings are one quarter in fifty and a new
 * transformer has seen none. Boosted trees trained monthly on the same past did worse than both on our data, and
 * do not fit a concentrator.
 *
 * Thresholds. For calibrated chances the best F1 lies at about half the F1 itself: 0.3 raises, and it clears under 0.25.
 * The hold is the quarter of an hour whose mean is judged; a second one would double the false time of an alert that
 * is about one hour. A passing while it stands is told once (`passed`), then `overload` speaks. Silent with less than
 * three days of history, and with a hole in the last hour.
 */
import type { MeterInfo } from '../../protocols/reading.ts';
import type { Finding } from '../alert.ts';
import { type Input, type MeterDetector, NOTHING, type Output } from '../detector.ts';
import { HOUR_MS, round } from './figures.ts';
import { at, elapse, type History, newHistory, record, SLOTS_PER_DAY } from './forecast/history.ts';
import { foresee, type HorizonModel, learnWindow, newHorizonModel } from './forecast/model.ts';
import { learnOil, newOilModel, type OilModel, oilAhead } from './forecast/oil.ts';
import { loadRatio } from './load.ts';

export interface ForecastSettings {
  /** The limit as a part of the rating. */
  limitRatio: number;
  raiseChance: number;
  clearChance: number;
  /** Quarters of an hour under `clearChance` before it clears. */
  clearQuarters: number;
  coldStartDays: number;
}

export const FORECAST_DEFAULTS: ForecastSettings = {
  limitRatio: 0.8,
  raiseChance: 0.3,
  clearChance: 0.25,
  clearQuarters: 1,
  coldStartDays: 3,
};

interface Horizon {
  hours: 1 | 4;
  model: HorizonModel;
  phase: 'quiet' | 'raised';
  sinceMs: number;
  /** Quarters in a row under the lower chance. */
  calm: number;
  passed: boolean;
}

export interface ForecastState {
  history: History;
  horizons: Horizon[];
  lastMs: number;
  oil: OilModel | null;
}

/** Watches feeders and transformers whose rating is known. */
export function overloadForecast(settings: Partial<ForecastSettings> = {}): MeterDetector<ForecastState> {
  const rule = { ...FORECAST_DEFAULTS, ...settings };
  return {
    scope: 'meter',
    name: 'overload-forecast',
    start: (meter) => start(meter),
    step: (state, input, meter) => step(state, input, meter, rule),
  };
}

function start(meter: MeterInfo): ForecastState | undefined {
  if (meter.premises !== 'transformer' && meter.premises !== 'feeder') return undefined;
  if ((meter.ratedKva ?? meter.ratedCurrentA ?? meter.fuseA) === undefined) return undefined;
  const horizon = (hours: 1 | 4): Horizon => ({
    hours,
    model: newHorizonModel(),
    phase: 'quiet',
    sinceMs: 0,
    calm: 0,
    passed: false,
  });
  return { history: newHistory(), horizons: [horizon(1), horizon(4)], lastMs: 0, oil: null };
}

function step(state: ForecastState, input: Input, meter: MeterInfo, rule: ForecastSettings): readonly Output[] {
  if (input.type !== 'reading' && input.type !== 'tick') return NOTHING;
  let outputs: Output[] | undefined;
  const closed = (): void => {
    const found = quarter(state, input.atMs, meter, rule);
    if (found.length > 0) outputs = [...(outputs ?? []), ...found];
  };
  if (input.type === 'tick') {
    elapse(state.history, input.localMs, closed);
    return outputs ?? expire(state, input.atMs, meter, rule);
  }
  const ratio = loadRatio(input.reading, meter);
  const oilC = input.reading.temperatureC;
  if (oilC !== undefined && meter.premises === 'transformer') {
    state.oil ??= newOilModel();
    learnOil(state.oil, input.localMs, oilC, ratio ?? 0);
  }
  if (ratio === undefined) return NOTHING;
  state.lastMs = input.atMs;
  if (input.reading.ambientC !== undefined) state.history.nowC = round(input.reading.ambientC, 1);
  // Power that flows back from roofs relieves the transformer on its way to zero: the sign belongs to the course.
  const signed = (input.reading.activePowerW ?? 1) < 0 ? -ratio : ratio;
  record(state.history, input.localMs, signed, closed);
  return outputs ?? NOTHING;
}

/** A quarter is complete: learn from the windows that end with it, then look ahead. */
function quarter(state: ForecastState, atMs: number, meter: MeterInfo, rule: ForecastSettings): Output[] {
  const { history } = state;
  const now = at(history, 0);
  const outputs: Output[] = [];
  for (const horizon of state.horizons) {
    const ahead = horizon.hours * 4;
    learnWindow(horizon.model, history, history.slot, ahead, rule.limitRatio);
    if (now === undefined || history.known < rule.coldStartDays * SLOTS_PER_DAY) continue;
    const view = foresee(horizon.model, history, history.slot, ahead, rule.limitRatio);
    if (view === undefined) continue;
    const change = decide(horizon, view.chance, now, atMs, rule);
    if (change === undefined) continue;
    outputs.push({ type: 'finding', finding: finding(state, horizon, change, now, view, meter, rule) });
  }
  return outputs;
}

function decide(
  horizon: Horizon,
  chance: number,
  now: number,
  atMs: number,
  rule: ForecastSettings,
): Finding['state'] | undefined {
  const passing = now >= rule.limitRatio;
  if (horizon.phase === 'quiet') {
    if (passing || chance < rule.raiseChance) return undefined;
    horizon.phase = 'raised';
    horizon.sinceMs = atMs;
    horizon.calm = 0;
    horizon.passed = false;
    return 'raised';
  }
  if (passing && !horizon.passed) {
    horizon.passed = true;
    return 'updated';
  }
  horizon.calm = !passing && chance < rule.clearChance ? horizon.calm + 1 : 0;
  if (horizon.calm < rule.clearQuarters) return undefined;
  horizon.phase = 'quiet';
  return 'cleared';
}

function finding(
  state: ForecastState,
  horizon: Horizon,
  change: Finding['state'],
  now: number,
  view: { chance: number; expected: number },
  meter: MeterInfo,
  rule: ForecastSettings,
): Finding {
  const oilC = state.oil === null ? undefined : oilAhead(state.oil);
  return {
    meter: meter.id,
    kind: 'overload-forecast',
    key: `${horizon.hours}h`,
    state: change,
    severity: horizon.hours === 1 ? 'warning' : 'notice',
    sinceMs: horizon.sinceMs,
    confidence: view.chance,
    evidence: {
      horizonH: horizon.hours,
      probability: round(view.chance, 3),
      loadPercent: round(100 * now, 1),
      expectedPercent: round(100 * view.expected, 1),
      limitPercent: round(100 * rule.limitRatio, 1),
      passed: horizon.passed,
      daysKnown: round(state.history.known / SLOTS_PER_DAY, 1),
      ...(oilC === undefined ? {} : { topOilInOneHourC: round(oilC, 1) }),
    },
    recipients: ['power'],
  };
}

/** Nothing was heard for the whole horizon: the time that was foretold is over, what happened is not known. */
function expire(state: ForecastState, atMs: number, meter: MeterInfo, rule: ForecastSettings): readonly Output[] {
  let outputs: Output[] | undefined;
  for (const horizon of state.horizons) {
    if (horizon.phase === 'quiet' || atMs - state.lastMs < (horizon.hours + 1) * HOUR_MS) continue;
    horizon.phase = 'quiet';
    const unknown = finding(state, horizon, 'cleared', 0, { chance: 0, expected: 0 }, meter, rule);
    const evidence = { horizonH: horizon.hours, passed: horizon.passed, noReadings: true };
    outputs = [...(outputs ?? []), { type: 'finding', finding: { ...unknown, evidence } }];
  }
  return outputs ?? NOTHING;
}
