/**
 * Current that goes astray, and load that never sleeps.
 *
 * Where the meter measures it: residual current, or live against neutral on one phase (the difference must exceed the
 * error of two 1 % sensors). Where it does not, only a base load that has grown over weeks can tell: the lowest hour
 * of every one of the last seven days lies above everything the home called its lowest hour before. The mean of the
 * day was rejected: it grows with the season, the lowest hour hardly does.
 */
import type { Reading } from '../../protocols/reading.ts';
import { type MeterDetector, NOTHING, type Output } from '../detector.ts';
import { type Held, hold, notHeld, say } from './finding.ts';
import { addReading, DAY_MS, type Meterage, MINUTE_MS, noMeterage, type Slot } from './slots.ts';

const BASE_DAYS = 42;
const NEW_DAYS = 7;

export interface LeakageState {
  meterage: Meterage;
  astray: Held;
  day: number;
  dayHours: number;
  lowestW: number;
  /** The lowest hour of each of the last days in watts, newest last. */
  base: number[];
  grown: { phase: 'asleep' | 'raised'; sinceMs: number; fromW: number };
}

export interface LeakageSettings {
  residualA: number;
  holdMin: number;
  /** How much a base load must have grown: a share of what it was, and at least so many watts. */
  grownShare: number;
  grownW: number;
}

export const LEAKAGE_DEFAULTS: LeakageSettings = { residualA: 0.1, holdMin: 10, grownShare: 0.4, grownW: 80 };

export function leakage(settings: Partial<LeakageSettings> = {}): MeterDetector<LeakageState> {
  const limits = { ...LEAKAGE_DEFAULTS, ...settings };
  return {
    scope: 'meter',
    name: 'leakage',
    start: (meter) =>
      meter.premises === 'feeder' || meter.premises === 'transformer'
        ? undefined
        : {
            meterage: noMeterage(),
            astray: notHeld(),
            day: -1,
            dayHours: 0,
            lowestW: 0,
            base: [],
            grown: { phase: 'asleep', sinceMs: 0, fromW: 0 },
          },
    step(state, input, meter) {
      if (input.type !== 'reading') return NOTHING;
      const outputs = astray(state, input.reading, input.atMs, limits, meter.id);
      const slot = addReading(state.meterage, input, input.reading);
      if (slot === undefined) return outputs;
      return [...outputs, ...newHour(state, slot, limits, meter.id)];
    },
  };
}

function astray(
  state: LeakageState,
  reading: Reading,
  atMs: number,
  limits: LeakageSettings,
  meter: string,
): readonly Output[] {
  const { residualCurrentA, neutralCurrentA, currentA } = reading;
  const live = currentA?.length === 1 ? Math.abs(currentA[0] ?? 0) : undefined;
  const pair = neutralCurrentA !== undefined && live !== undefined;
  if (residualCurrentA === undefined && !pair) return NOTHING;
  const differenceA = pair ? live - Math.abs(neutralCurrentA) : 0;
  const wrong =
    (residualCurrentA !== undefined && residualCurrentA > limits.residualA) ||
    (pair && differenceA > limits.residualA + 0.03 * Math.max(live, 1));
  const change = hold(state.astray, wrong, atMs, limits.holdMin * MINUTE_MS, 60 * MINUTE_MS);
  if (change === undefined) return NOTHING;
  return [
    say({
      meter,
      kind: 'leakage',
      key: 'current',
      state: change,
      severity: 'warning',
      sinceMs: state.astray.sinceMs,
      confidence: 0.85,
      evidence: {
        sign: 'current',
        ...(residualCurrentA === undefined ? {} : { residualA: residualCurrentA }),
        ...(pair ? { liveA: live, neutralA: neutralCurrentA } : {}),
        limitA: limits.residualA,
      },
      recipients: ['power'],
    }),
  ];
}

function newHour(state: LeakageState, slot: Slot, limits: LeakageSettings, meter: string): readonly Output[] {
  let outputs: readonly Output[] = NOTHING;
  if (slot.day !== state.day) {
    if (state.dayHours >= 20) {
      state.base.push(Math.round(state.lowestW));
      if (state.base.length > BASE_DAYS) state.base.shift();
      outputs = judgeBase(state, slot.atMs, limits, meter);
    }
    state.day = slot.day;
    state.dayHours = 0;
    state.lowestW = slot.meanW;
  }
  state.dayHours++;
  state.lowestW = Math.min(state.lowestW, slot.meanW);
  return outputs;
}

function judgeBase(state: LeakageState, atMs: number, limits: LeakageSettings, meter: string): readonly Output[] {
  const { base, grown } = state;
  if (grown.phase === 'raised') {
    const recent = base.slice(-3);
    if (recent.length < 3 || Math.min(...recent) > grown.fromW + limits.grownW / 2) return NOTHING;
    grown.phase = 'asleep';
    return [grownFinding(state, 'cleared', Math.min(...recent), meter)];
  }
  if (base.length < 28) return NOTHING;
  const fresh = base.slice(-NEW_DAYS);
  const old = base.slice(0, -NEW_DAYS).sort((a, b) => a - b);
  const highest = old[Math.floor(old.length * 0.95)] ?? 0;
  const lowestNow = Math.min(...fresh);
  if (lowestNow < highest + Math.max(limits.grownW, limits.grownShare * highest)) return NOTHING;
  grown.phase = 'raised';
  grown.sinceMs = atMs - NEW_DAYS * DAY_MS;
  grown.fromW = highest;
  return [grownFinding(state, 'raised', lowestNow, meter)];
}

function grownFinding(state: LeakageState, change: 'raised' | 'cleared', lowestW: number, meter: string): Output {
  return say({
    meter,
    kind: 'leakage',
    key: 'base',
    state: change,
    severity: 'notice',
    sinceMs: state.grown.sinceMs,
    confidence: 0.5,
    evidence: { sign: 'base', lowestHourW: lowestW, usualLowestHourW: state.grown.fromW, days: NEW_DAYS },
    recipients: ['power', 'community'],
  });
}
