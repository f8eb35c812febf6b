/** Overload of what many share, a feeder or a transformer: 重载/过载 by load rate, urgency by the thermal model. */
import type { MeterInfo, Reading, ThermalConstants } from '../../protocols/reading.ts';
import type { Evidence, Finding, Severity } from '../alert.ts';
import { type Input, NOTHING, type Output } from '../detector.ts';
import { HOUR_MS, MINUTE_MS, round } from './figures.ts';
import { type Hold, isActive, newHold, raiseNow, stepHold } from './hold.ts';
import { loadRatio } from './load.ts';
import type { OverloadSettings } from './overload-settings.ts';
import { advanceImage, minutesToTrip } from './thermal/image.ts';
import {
  advanceHeat,
  ageingRate,
  hotSpotC,
  minutesToLimit,
  ONAN_DISTRIBUTION,
  steadyHeat,
  type TransformerHeat,
} from './thermal/transformer.ts';

export type Level = 'none' | 'heavy' | 'overload';

export interface RatingState {
  guard: 'rating';
  heavy: Hold;
  over: Hold;
  /** What was told last. */
  level: Level;
  severity: Severity;
  sinceMs: number;
  peakRatio: number;
  lastMs: number;
  lastRatio: number;
  ambientC: number;
  heat: { of: 'transformer'; oil: TransformerHeat; lifeLostH: number } | { of: 'line'; heat: number };
}

/** Below absolute zero: the oil's temperature before the first reading. */
const UNKNOWN_C = -999;

export function newRatingState(meter: MeterInfo, rule: OverloadSettings): RatingState {
  const topOilC = meter.thermal?.initialTopOilC ?? UNKNOWN_C;
  return {
    guard: 'rating',
    heavy: newHold(),
    over: newHold(),
    level: 'none',
    severity: 'notice',
    sinceMs: 0,
    peakRatio: 0,
    lastMs: 0,
    lastRatio: 0,
    ambientC: rule.ambientC,
    heat:
      meter.premises === 'transformer'
        ? { of: 'transformer', oil: { topOilC, fastRiseK: 0, slowRiseK: 0 }, lifeLostH: 0 }
        : { of: 'line', heat: 0 },
  };
}

const RANK = { notice: 0, warning: 1, critical: 2 } as const satisfies Record<Severity, number>;

/** One reading of a feeder's or a transformer's meter. */
export function stepRating(
  state: RatingState,
  input: Input & { type: 'reading' },
  meter: MeterInfo,
  rule: OverloadSettings,
): readonly Output[] {
  const { reading, atMs } = input;
  if (reading.ambientC !== undefined) state.ambientC = reading.ambientC;
  const ratio = loadRatio(reading, meter);
  if (ratio === undefined) return NOTHING;
  const constants = constantsOf(meter, rule);
  warm(state, reading, ratio, atMs, constants, rule);
  state.peakRatio = Math.max(state.heavy.phase === 'quiet' ? 0 : state.peakRatio, ratio);
  const holds = { raiseHoldMs: rule.ratingHoldMs, clearHoldMs: rule.ratingClearHoldMs, gapMs: rule.gapMs };
  const { heavyRatio, overloadRatio, hysteresisRatio } = rule;
  stepHold(state.heavy, ratio > heavyRatio, ratio < heavyRatio - hysteresisRatio, atMs, holds);
  stepHold(state.over, ratio > overloadRatio, ratio < overloadRatio - hysteresisRatio, atMs, holds);
  if (state.over.phase === 'rising') hasten(state, ratio, atMs, constants, rule);
  const level: Level = isActive(state.over) ? 'overload' : isActive(state.heavy) ? 'heavy' : 'none';
  if (level === 'none' && state.level === 'none') return NOTHING;
  return tell(state, level, ratio, atMs, meter, constants, rule);
}

function constantsOf(meter: MeterInfo, rule: OverloadSettings): ThermalConstants {
  return { ...ONAN_DISTRIBUTION, ...rule.thermal, ...meter.thermal };
}

/**
 * Brings the heat up to now. A reading stands for the interval before it (meters report means); across a hole the
 * load is the mean of both ends. A measured oil temperature replaces the modelled one: it holds what no constant knows.
 */
function warm(
  state: RatingState,
  reading: Reading,
  ratio: number,
  atMs: number,
  constants: ThermalConstants,
  rule: OverloadSettings,
): void {
  const { heat, ambientC } = state;
  const minutes = state.lastMs === 0 ? 0 : Math.max(0, atMs - state.lastMs) / MINUTE_MS;
  const hole = atMs - state.lastMs > rule.gapMs;
  const load = hole ? (ratio + state.lastRatio) / 2 : ratio;
  if (heat.of === 'line') {
    heat.heat = advanceImage(heat.heat, load / rule.feederK, minutes, rule.feederTauMin);
  } else {
    // An entry that brings the oil's start means to be cold in the winding; otherwise the load was there before us.
    if (heat.oil.topOilC === UNKNOWN_C) Object.assign(heat.oil, steadyHeat(constants, ratio, ambientC));
    advanceHeat(heat.oil, constants, load, ambientC, minutes);
    if (reading.temperatureC !== undefined) heat.oil.topOilC = reading.temperatureC;
    if (!hole) heat.lifeLostH += (ageingRate(hotSpotC(heat.oil)) * minutes) / 60;
  }
  state.lastMs = atMs;
  state.lastRatio = ratio;
}

/** Minutes until the limit at this load, a day at most: 1440 says "not today". */
function minutesLeft(state: RatingState, ratio: number, constants: ThermalConstants, rule: OverloadSettings): number {
  const { heat, ambientC } = state;
  const limits = { hotSpotC: rule.hotSpotLimitC, topOilC: rule.topOilLimitC };
  const minutes =
    heat.of === 'line'
      ? minutesToTrip(heat.heat, ratio / rule.feederK, rule.feederTauMin)
      : minutesToLimit(heat.oil, constants, ratio, ambientC, limits);
  return Math.min(1440, minutes);
}

/** An overload whose limit would be passed before the hold ends does not wait for it. */
function hasten(
  state: RatingState,
  ratio: number,
  atMs: number,
  constants: ThermalConstants,
  rule: OverloadSettings,
): void {
  const heldMs = atMs - state.over.sinceMs;
  if (heldMs < rule.urgentHoldMs) return;
  if (minutesLeft(state, ratio, constants, rule) * MINUTE_MS >= rule.ratingHoldMs - heldMs) return;
  raiseNow(state.over);
  if (!isActive(state.heavy)) raiseNow(state.heavy);
}

/** Tells a level that changed, or an urgency that grew; between two changes of level the severity only goes up. */
function tell(
  state: RatingState,
  level: Level,
  ratio: number,
  atMs: number,
  meter: MeterInfo,
  constants: ThermalConstants,
  rule: OverloadSettings,
): readonly Output[] {
  const left = minutesLeft(state, ratio, constants, rule);
  const severity = severityOf(level, left);
  const before = state.level;
  if (level === before && RANK[severity] <= RANK[state.severity]) return NOTHING;
  if (before === 'none') {
    state.sinceMs = isActive(state.heavy) ? state.heavy.onsetMs : state.over.onsetMs;
    if (state.heat.of === 'transformer') state.heat.lifeLostH = 0;
  }
  const change = before === 'none' ? 'raised' : level === 'none' ? 'cleared' : 'updated';
  state.level = level;
  if (change !== 'cleared') state.severity = severity;
  const finding: Finding = {
    meter: meter.id,
    kind: 'overload',
    state: change,
    severity: state.severity,
    sinceMs: state.sinceMs,
    confidence: 0.98,
    evidence: evidence(state, change === 'cleared' ? before : level, ratio, left, atMs, meter, rule),
    // Who was called to what is critical hears also that it is over.
    recipients: state.severity === 'critical' ? ['power', 'dispatch'] : ['power'],
  };
  return [{ type: 'finding', finding }];
}

function severityOf(level: Level, minutes: number): Severity {
  if (minutes <= 60) return 'critical';
  return level === 'overload' || minutes <= 240 ? 'warning' : 'notice';
}

function evidence(
  state: RatingState,
  level: Level,
  ratio: number,
  left: number,
  atMs: number,
  meter: MeterInfo,
  rule: OverloadSettings,
): Evidence {
  const figures: Evidence = {
    level,
    loadPercent: round(100 * ratio, 1),
    peakPercent: round(100 * state.peakRatio, 1),
    heldH: round((atMs - state.sinceMs) / HOUR_MS, 2),
    minutesToLimit: round(left, 0),
  };
  if (meter.ratedKva !== undefined) figures.ratedKva = meter.ratedKva;
  const { heat } = state;
  if (heat.of === 'line') {
    figures.heatPercent = round(100 * heat.heat, 0);
    return figures;
  }
  const hotSpot = hotSpotC(heat.oil);
  figures.hotSpotC = round(hotSpot, 1);
  figures.topOilC = round(heat.oil.topOilC, 1);
  figures.ambientC = round(state.ambientC, 1);
  figures.ageingRate = round(ageingRate(hotSpot), 3);
  figures.lifeLostH = round(heat.lifeLostH, 2);
  figures.outlook =
    left >= 1440
      ? `at this load the hot spot stays under ${rule.hotSpotLimitC} °C today`
      : `at this load the hot spot passes ${rule.hotSpotLimitC} °C (or the oil ${rule.topOilLimitC} °C) in ${Math.round(left)} min`;
  return figures;
}
