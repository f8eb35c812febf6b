/**
 * `voltage`: what arrives at the socket, against GB/T 12325 (220 V +7/−10 %, 380 V ±7 %).
 *
 * Intuition. Lamps, motors and complaints follow the voltage. Three questions: is it outside now and stays there
 * (`low`, `high`: 10 min, a motor start does not last that long; 1 min where it is dangerous, for a lost neutral
 * puts 300 V on a home at once); does it dip or swell often without staying (`sags`: three on one civil day, IEC
 * 61000-4-30's levels of 90 and 110 %: a supply that hovers at +7 %, or 380 V at −7 %, does neither); and what
 * share of the day was right (`qualification`: under 95 % of the measured time).
 *
 * Rejected: an alert for every reading outside: at a limit that is exactly where the tap changer holds the voltage it
 * flaps all evening; hence a hold and a hysteresis of 1 %. Rejected: the qualification rate over the whole day with
 * missing time as good: only measured time counts, and a day measured for less than half is not judged.
 * A voltage under 10 % is an interruption and belongs to `outage`.
 */
import type { MeterInfo } from '../../protocols/reading.ts';
import type { Evidence, Finding, Severity } from '../alert.ts';
import { type Input, type MeterDetector, NOTHING, type Output } from '../detector.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, round } from './figures.ts';
import { type Hold, type HoldRule, isActive, newHold, stepHold } from './hold.ts';

export interface VoltageSettings {
  /** Parts of the nominal voltage; line voltages (380 V) take the second pair. */
  low: number;
  high: number;
  lineLow: number;
  lineHigh: number;
  /** Beyond these it is dangerous. */
  veryLow: number;
  veryHigh: number;
  /** What does not stay is a dip below the first, a swell above the second. */
  dip: number;
  swell: number;
  /** How far back inside it must come. */
  hysteresis: number;
  holdMs: number;
  dangerHoldMs: number;
  gapMs: number;
  sagsPerDay: number;
  qualifiedPercent: number;
}

export const VOLTAGE_DEFAULTS: VoltageSettings = {
  low: 0.9,
  high: 1.07,
  lineLow: 0.93,
  lineHigh: 1.07,
  veryLow: 0.8,
  veryHigh: 1.15,
  dip: 0.9,
  swell: 1.1,
  hysteresis: 0.01,
  holdMs: 10 * MINUTE_MS,
  dangerHoldMs: MINUTE_MS,
  gapMs: 65 * MINUTE_MS,
  sagsPerDay: 3,
  qualifiedPercent: 95,
};

/** Below this share of the nominal voltage the phase is interrupted. */
const INTERRUPTED = 0.1;
/** Above this it is a line voltage. */
const LINE_V = 300;

interface Side {
  hold: Hold;
  severity: Severity;
  /** The worst voltage since the level was passed. */
  worstV: number;
}

export interface VoltageState {
  low: Side;
  high: Side;
  /** This civil day: its number, time measured and time inside, and dips or swells that did not stay. */
  day: number;
  measuredMs: number;
  insideMs: number;
  brief: number;
  lastMs: number;
  sagsSinceMs: number;
  qualificationSinceMs: number;
}

/** Watches every meter that reports a voltage. */
export function voltage(settings: Partial<VoltageSettings> = {}): MeterDetector<VoltageState> {
  const rule = { ...VOLTAGE_DEFAULTS, ...settings };
  return { scope: 'meter', name: 'voltage', start, step: (state, input, meter) => step(state, input, meter, rule) };
}

function start(): VoltageState {
  const side = (): Side => ({ hold: newHold(), severity: 'warning', worstV: 0 });
  return {
    low: side(),
    high: side(),
    day: -1,
    measuredMs: 0,
    insideMs: 0,
    brief: 0,
    lastMs: 0,
    sagsSinceMs: 0,
    qualificationSinceMs: 0,
  };
}

function step(state: VoltageState, input: Input, meter: MeterInfo, rule: VoltageSettings): readonly Output[] {
  if (input.type !== 'reading') return NOTHING;
  const { voltageV } = input.reading;
  if (voltageV === undefined) return NOTHING;
  const { atMs } = input;
  let lowest = Number.POSITIVE_INFINITY;
  let highest = 0;
  for (const volts of voltageV) {
    if (!(volts > INTERRUPTED * 220)) continue;
    if (volts < lowest) lowest = volts;
    if (volts > highest) highest = volts;
  }
  if (highest === 0) return NOTHING;
  const line = lowest > LINE_V;
  const nominalV = line ? 380 : 220;
  const low = line ? rule.lineLow : rule.low;
  const high = line ? rule.lineHigh : rule.high;
  const lowV = partV(low, nominalV);
  const highV = partV(high, nominalV);
  const inside = lowest >= lowV && highest <= highV;
  const day = Math.floor(input.localMs / DAY_MS);
  const outputs: Output[] = day === state.day ? [] : newDay(state, day, atMs, meter, rule);
  measure(state, atMs, inside, rule);
  const { low: below, high: above } = state;
  if (inside && below.hold.phase === 'quiet' && above.hold.phase === 'quiet') {
    below.hold.lastMs = atMs;
    above.hold.lastMs = atMs;
    return outputs.length === 0 ? NOTHING : outputs;
  }
  const sides: Outside[] = [
    {
      which: 'low',
      volts: lowest,
      limitV: lowV,
      over: lowest < lowV,
      under: lowest > partV(low + rule.hysteresis, nominalV),
      danger: lowest < partV(rule.veryLow, nominalV),
      deepV: partV(rule.dip, nominalV),
      phase: voltageV.indexOf(lowest) + 1,
    },
    {
      which: 'high',
      volts: highest,
      limitV: highV,
      over: highest > highV,
      under: highest < partV(high - rule.hysteresis, nominalV),
      danger: highest > partV(rule.veryHigh, nominalV),
      deepV: partV(rule.swell, nominalV),
      phase: voltageV.indexOf(highest) + 1,
    },
  ];
  for (const side of sides) stepSide(state, side, atMs, meter, rule, outputs);
  if (state.brief >= rule.sagsPerDay && state.sagsSinceMs === 0) {
    state.sagsSinceMs = atMs;
    outputs.push(told(meter.id, 'sags', 'raised', 'notice', atMs, { disturbance: 'sags', sags: state.brief }));
  }
  return outputs.length === 0 ? NOTHING : outputs;
}

/** A limit is what the meter would show of it: 93 % of 380 V are 353.4 V and not a bit more, which would be outside. */
function partV(part: number, nominalV: number): number {
  return Math.round(part * nominalV * 1000) / 1000;
}

/** The worst phase of one reading, against one of the two limits. */
interface Outside {
  which: 'low' | 'high';
  volts: number;
  limitV: number;
  over: boolean;
  under: boolean;
  danger: boolean;
  /** Beyond this it is a disturbance though it does not stay. */
  deepV: number;
  phase: number;
}

function stepSide(
  state: VoltageState,
  outside: Outside,
  atMs: number,
  meter: MeterInfo,
  rule: VoltageSettings,
  outputs: Output[],
): void {
  const { which, volts, over, under, danger, deepV } = outside;
  const side = state[which];
  const { hold } = side;
  if (hold.phase === 'quiet' && !over) {
    hold.lastMs = atMs;
    return;
  }
  const beyond = (a: number, b: number): boolean => (which === 'low' ? a < b : a > b);
  if (beyond(volts, side.worstV) || hold.phase === 'quiet') side.worstV = volts;
  const pending = hold.phase === 'rising';
  const holds: HoldRule = {
    raiseHoldMs: danger ? rule.dangerHoldMs : rule.holdMs,
    clearHoldMs: rule.holdMs,
    gapMs: rule.gapMs,
  };
  const change = stepHold(hold, over, under, atMs, holds);
  // It was outside and came back before the hold ended: a sag or a swell.
  if (pending && hold.phase === 'quiet' && beyond(side.worstV, deepV)) state.brief++;
  const grew = isActive(hold) && danger && side.severity === 'warning';
  if (change === undefined && !grew) return;
  if (change !== 'cleared') side.severity = danger ? 'critical' : 'warning';
  const evidence: Evidence = {
    disturbance: which === 'low' ? 'undervoltage' : 'overvoltage',
    voltageV: round(volts, 1),
    worstV: round(side.worstV, 1),
    limitV: round(outside.limitV, 1),
    phase: outside.phase,
    heldMin: round((atMs - hold.onsetMs) / MINUTE_MS, 1),
  };
  outputs.push(told(meter.id, which, change ?? 'updated', side.severity, hold.onsetMs, evidence));
}

/** A reading stands for the time since the last one, if that is no hole. */
function measure(state: VoltageState, atMs: number, inside: boolean, rule: VoltageSettings): void {
  const passedMs = atMs - state.lastMs;
  state.lastMs = atMs;
  if (passedMs <= 0 || passedMs > rule.gapMs) return;
  state.measuredMs += passedMs;
  if (inside) state.insideMs += passedMs;
}

/** At the first reading of a civil day the last one is judged. */
function newDay(state: VoltageState, day: number, atMs: number, meter: MeterInfo, rule: VoltageSettings): Output[] {
  const outputs: Output[] = [];
  if (state.day >= 0 && state.measuredMs >= 12 * HOUR_MS) {
    const percent = (100 * state.insideMs) / state.measuredMs;
    judgeDay(state, percent, atMs, meter, rule, outputs);
  }
  if (state.sagsSinceMs !== 0) {
    const evidence = { disturbance: 'sags', sags: state.brief };
    outputs.push(told(meter.id, 'sags', 'cleared', 'notice', state.sagsSinceMs, evidence));
    state.sagsSinceMs = 0;
  }
  state.day = day;
  state.measuredMs = 0;
  state.insideMs = 0;
  state.brief = 0;
  return outputs;
}

function judgeDay(
  state: VoltageState,
  percent: number,
  atMs: number,
  meter: MeterInfo,
  rule: VoltageSettings,
  outputs: Output[],
): void {
  const standing = state.qualificationSinceMs !== 0;
  const bad = percent < rule.qualifiedPercent;
  if (!bad && !standing) return;
  const change = !bad ? 'cleared' : standing ? 'updated' : 'raised';
  if (change === 'raised') state.qualificationSinceMs = atMs;
  const evidence = {
    disturbance: 'qualification',
    qualifiedPercent: round(percent, 2),
    limitPercent: rule.qualifiedPercent,
    measuredH: round(state.measuredMs / HOUR_MS, 1),
  };
  outputs.push(told(meter.id, 'qualification', change, 'notice', state.qualificationSinceMs, evidence));
  if (change === 'cleared') state.qualificationSinceMs = 0;
}

function told(
  meter: string,
  key: string,
  state: Finding['state'],
  severity: Severity,
  sinceMs: number,
  evidence: Evidence,
): Output {
  const finding: Finding = {
    meter,
    kind: 'voltage',
    key,
    state,
    severity,
    sinceMs,
    confidence: 0.97,
    evidence,
    recipients: ['power'],
  };
  return { type: 'finding', finding };
}
