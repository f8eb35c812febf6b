/**
 * A home against its own past: a cooking-size load that was left on, a base load that jumped, an active life that
 * fades over weeks. What the weather does to everybody is told apart in `street-use.ts`.
 *
 * "Left on" is judged by duration, not by watts: the longest run of hours that never fell below cooking size on each
 * of the last 28 days is this home's habit (an oven, a heater), and an hour more than twice as much is beyond it: guests
 * double a habit, a forgotten plate outlasts them. A limit in watts was rejected: it is reached by every kettle and
 * never by a forgotten hot plate on low.
 */
import type { Evidence } from '../alert.ts';
import { type MeterDetector, NOTHING, type Output, type Verdict } from '../detector.ts';
import { say } from './finding.ts';
import { addReading, HOUR_MS, type Meterage, noMeterage, type Slot } from './slots.ts';

const DAYS = 28;
const DECLINE_DAYS = 42;
const SIGNS = ['left-on', 'base-step', 'decline'] as const;
type Sign = (typeof SIGNS)[number];

export interface AbnormalUseState {
  meterage: Meterage;
  hour: number;
  day: number;
  dayHours: number;
  dayLowW: number;
  dayRunH: number;
  dayActiveH: number;
  /** Of the last whole days, newest last: lowest hour, longest run above cooking size, hours clearly above the base. */
  lowW: number[];
  runH: number[];
  activeH: number[];
  /** The run that is going on, and its lowest power. */
  nowH: number;
  nowW: number;
  /** Onsets of what is raised. */
  raisedMs: Partial<Record<Sign, number>>;
  /** Learnt from false alarms: every limit is this much wider, 1 … 2. */
  wider: Partial<Record<Sign, number>>;
}

export interface AbnormalUseSettings {
  /** What counts as cooking size above the base load. */
  cookingW: number;
  /** The shortest run that can be one load left on. */
  leftOnH: number;
  baseStepW: number;
  /** The share of active hours that must be gone for two weeks. */
  declineShare: number;
}

export const ABNORMAL_USE_DEFAULTS: AbnormalUseSettings = {
  cookingW: 600,
  leftOnH: 3,
  baseStepW: 150,
  declineShare: 0.4,
};

/** Watches homes, shops and dormitories; the slow decline only where somebody old lives. */
export function abnormalUse(settings: Partial<AbnormalUseSettings> = {}): MeterDetector<AbnormalUseState> {
  const limits = { ...ABNORMAL_USE_DEFAULTS, ...settings };
  return {
    scope: 'meter',
    name: 'abnormal-use',
    start(meter) {
      const { premises } = meter;
      if (premises === 'transformer' || premises === 'feeder' || premises === 'charging-point') return undefined;
      return {
        meterage: noMeterage(),
        hour: 0,
        day: -1,
        dayHours: 0,
        dayLowW: 0,
        dayRunH: 0,
        dayActiveH: 0,
        lowW: [],
        runH: [],
        activeH: [],
        nowH: 0,
        nowW: 0,
        raisedMs: {},
        wider: {},
      };
    },
    step(state, input, meter) {
      if (input.type === 'verdict') {
        learn(state, input.verdict);
        return NOTHING;
      }
      if (input.type !== 'reading') return NOTHING;
      const slot = addReading(state.meterage, input, input.reading);
      if (slot === undefined) return NOTHING;
      const outputs = newHour(state, slot, limits, meter.id);
      if (slot.day === state.day) {
        countHour(state, slot);
        return outputs;
      }
      return [...outputs, ...newDay(state, slot, limits, meter.id, meter.watch?.includes('elderly') === true)];
    },
  };
}

/** A false alarm widens the limits of what was open by a quarter, at most to double. */
function learn(state: AbnormalUseState, verdict: Verdict): void {
  if (verdict.kind !== undefined && verdict.kind !== 'abnormal-use') return;
  if (verdict.result === 'forget') state.wider = {};
  if (verdict.result !== 'false-alarm' || verdict.kind === undefined) return;
  for (const sign of SIGNS) {
    if (state.raisedMs[sign] !== undefined) state.wider[sign] = Math.min(2, widerOf(state, sign) + 0.25);
  }
}

const widerOf = (state: AbnormalUseState, sign: Sign): number => state.wider[sign] ?? 1;

function newHour(state: AbnormalUseState, slot: Slot, limits: AbnormalUseSettings, meter: string): readonly Output[] {
  const hour = slot.day * 24 + slot.hour;
  const gap = hour - state.hour !== 1;
  state.hour = hour;
  const baseW = state.lowW.length === 0 ? slot.minW : median(state.lowW);
  if (slot.meanW > baseW * 1.5 + 60) state.dayActiveH++;
  const cooking = slot.minW > baseW + limits.cookingW;
  if (!cooking || gap) state.nowH = 0;
  if (cooking) {
    state.nowW = state.nowH === 0 ? slot.minW : Math.min(state.nowW, slot.minW);
    state.nowH++;
    state.dayRunH = Math.max(state.dayRunH, state.nowH);
  }
  if (state.raisedMs['left-on'] !== undefined) {
    if (cooking) return NOTHING;
    return tell(state, 'left-on', 'cleared', 'warning', { powerW: state.nowW }, meter);
  }
  if (state.runH.length < 7) return NOTHING;
  const usualH = quantile(state.runH, 0.95);
  if (state.nowH < Math.max(limits.leftOnH, 2 * usualH + 1) * widerOf(state, 'left-on')) return NOTHING;
  state.raisedMs['left-on'] = slot.atMs - state.nowH * HOUR_MS;
  const evidence = { powerW: state.nowW - baseW, onForH: state.nowH, usualLongestH: usualH };
  return tell(state, 'left-on', 'raised', 'warning', evidence, meter);
}

function newDay(
  state: AbnormalUseState,
  slot: Slot,
  limits: AbnormalUseSettings,
  meter: string,
  elderly: boolean,
): readonly Output[] {
  const outputs: Output[] = [];
  if (state.dayHours >= 20) {
    keep(state.lowW, Math.round(state.dayLowW), DAYS);
    keep(state.runH, state.dayRunH, DAYS);
    keep(state.activeH, state.dayActiveH, DECLINE_DAYS);
    outputs.push(...judgeBase(state, slot, limits, meter));
    if (elderly) outputs.push(...judgeDecline(state, slot, limits, meter));
  }
  state.day = slot.day;
  state.dayHours = 0;
  state.dayLowW = slot.meanW;
  state.dayRunH = state.nowH;
  state.dayActiveH = 0;
  countHour(state, slot);
  return outputs;
}

function countHour(state: AbnormalUseState, slot: Slot): void {
  state.dayHours++;
  state.dayLowW = Math.min(state.dayLowW, slot.meanW);
}

/** The lowest hour of two days in a row lies above all of the four weeks before them. */
function judgeBase(state: AbnormalUseState, slot: Slot, limits: AbnormalUseSettings, meter: string): readonly Output[] {
  if (state.lowW.length < 16) return NOTHING;
  const old = state.lowW.slice(0, -2);
  const now = Math.min(...state.lowW.slice(-2));
  const highest = Math.max(...old.slice(-14));
  const usual = median(old);
  const sinceMs = state.raisedMs['base-step'];
  if (sinceMs !== undefined) {
    if (now < usual + limits.baseStepW / 2 || slot.atMs - sinceMs > 14 * 24 * HOUR_MS) {
      return tell(state, 'base-step', 'cleared', 'notice', { lowestHourW: now, usualLowestHourW: usual }, meter);
    }
    return NOTHING;
  }
  if (now < highest + Math.max(limits.baseStepW, 0.5 * usual) * widerOf(state, 'base-step')) return NOTHING;
  state.raisedMs['base-step'] = slot.atMs - 48 * HOUR_MS;
  return tell(state, 'base-step', 'raised', 'notice', { lowestHourW: now, usualLowestHourW: usual }, meter);
}

/** The active hours of two weeks against the four before them. */
function judgeDecline(
  state: AbnormalUseState,
  slot: Slot,
  limits: AbnormalUseSettings,
  meter: string,
): readonly Output[] {
  if (state.activeH.length < DECLINE_DAYS) return NOTHING;
  const now = mean(state.activeH.slice(-14));
  const before = mean(state.activeH.slice(0, -14));
  const evidence = { activeHoursPerDay: now, beforePerDay: before };
  if (state.raisedMs.decline !== undefined) {
    return now < 0.8 * before ? NOTHING : tell(state, 'decline', 'cleared', 'notice', evidence, meter);
  }
  // Two weeks away look the same: a decline has no empty days in it, only fewer hours on each.
  const emptyDays = state.activeH.slice(-14).filter((hours) => hours <= 1).length;
  if (before < 4 || emptyDays > 3 || now > (1 - limits.declineShare * widerOf(state, 'decline')) * before)
    return NOTHING;
  state.raisedMs.decline = slot.atMs - 14 * 24 * HOUR_MS;
  return tell(state, 'decline', 'raised', 'notice', evidence, meter);
}

function tell(
  state: AbnormalUseState,
  sign: Sign,
  change: 'raised' | 'cleared',
  severity: 'notice' | 'warning',
  evidence: Evidence,
  meter: string,
): readonly Output[] {
  const sinceMs = state.raisedMs[sign] ?? 0;
  if (change === 'cleared') delete state.raisedMs[sign];
  const wider = widerOf(state, sign);
  return [
    say({
      meter,
      kind: 'abnormal-use',
      key: sign,
      state: change,
      severity,
      sinceMs,
      confidence: sign === 'left-on' ? 0.6 : 0.5,
      evidence: { sign, ...evidence, ...(wider > 1 ? { learnt: `limit ×${wider} after false alarms` } : {}) },
      recipients: ['community'],
    }),
  ];
}

function keep(values: number[], value: number, most: number): void {
  values.push(value);
  if (values.length > most) values.shift();
}

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / Math.max(1, values.length);

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

const median = (values: readonly number[]): number => quantile(values, 0.5);
