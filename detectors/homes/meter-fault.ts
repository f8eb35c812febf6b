/**
 * The meter itself is wrong: a register that stands still while power flows, or went back; values that cannot be;
 * power frozen to the last digit; a clock that is off.
 *
 * A home may stand still for hours and its register with it, so "stuck" is judged by the energy that should have been
 * counted, and "frozen" by the home's own longest run of equal values, doubled, and never before six hours.
 */
import type { MeterInfo, Reading } from '../../protocols/reading.ts';
import { type MeterDetector, NOTHING, type Output } from '../detector.ts';
import { type Held, hold, notHeld, say } from './finding.ts';
import { DAY_MS, HOUR_MS, sane } from './slots.ts';

const FAULTS = ['stuck', 'rolled-back', 'impossible', 'frozen', 'clock'] as const;
type Fault = (typeof FAULTS)[number];

export interface MeterFaultState {
  atMs: number;
  importWh: number;
  /** What power says should have been counted since the register last moved. */
  owedWh: number;
  powerW: number;
  equalSinceMs: number;
  equalReadings: number;
  longestEqualMs: number;
  /** Only those that are not idle. */
  faults: Partial<Record<Fault, Held>>;
}

export interface MeterFaultSettings {
  /** Energy that must be missing from a register before it counts as stuck. */
  owedWh: number;
  /** How long every figure must stand still. */
  frozenH: number;
}

export const METER_FAULT_DEFAULTS: MeterFaultSettings = { owedWh: 500, frozenH: 6 };

/** Where a register begins again at nothing: six digits of kWh and two decimals (DL/T 645), or 32 bits of 0.01 kWh. */
const FULL_WH = [1e9, 10 * 2 ** 32] as const;
/** What may have been counted around that moment; more is a register that was set back. */
const OVERFLOW_WH = 1e6;

/** A meter that is read at all is read more often than this. */
const HOLE_MS = HOUR_MS;

export function meterFault(settings: Partial<MeterFaultSettings> = {}): MeterDetector<MeterFaultState> {
  const limits = { ...METER_FAULT_DEFAULTS, ...settings };
  return {
    scope: 'meter',
    name: 'meter-fault',
    start: () => ({
      atMs: 0,
      importWh: -1,
      owedWh: 0,
      powerW: Number.MAX_SAFE_INTEGER,
      equalSinceMs: 0,
      equalReadings: 0,
      longestEqualMs: 0,
      faults: {},
    }),
    step(state, input, meter) {
      if (input.type === 'event') {
        return input.event === 'clock-fault' ? note(state, 'clock', true, input.atMs, meter.id, {}) : NOTHING;
      }
      if (input.type !== 'reading') return NOTHING;
      const { reading, atMs } = input;
      const rolledBackWh = register(state, reading, atMs);
      const frozen = equal(state, reading, atMs, limits.frozenH * HOUR_MS);
      const impossible = impossibleValue(reading, meter);
      state.atMs = Math.max(state.atMs, atMs);
      const { faults } = state;
      // The common case, told apart with four comparisons: nothing is wrong and nothing was.
      const stuck = state.owedWh > limits.owedWh;
      let outputs: Output[] | undefined;
      const check = (fault: Fault, wrong: boolean, evidence: Record<string, number | string>) => {
        if (!wrong && faults[fault] === undefined) return;
        const noted = note(state, fault, wrong, atMs, meter.id, evidence);
        if (noted.length > 0) outputs = [...(outputs ?? []), ...noted];
      };
      check('stuck', stuck, { owedWh: state.owedWh, importWh: state.importWh });
      check('rolled-back', rolledBackWh > 0, { backWh: rolledBackWh, importWh: state.importWh });
      check('impossible', impossible !== undefined, { value: impossible ?? '' });
      check('frozen', frozen, {
        powerW: state.powerW,
        equalH: (atMs - state.equalSinceMs) / HOUR_MS,
        longestH: state.longestEqualMs / HOUR_MS,
      });
      check('clock', false, {});
      return outputs ?? NOTHING;
    },
  };
}

/** Follows the register of energy; gives how far it went back. */
function register(state: MeterFaultState, reading: Reading, atMs: number): number {
  const wh = sane(reading.importWh);
  if (wh === undefined) return 0;
  const before = state.importWh;
  // Whether a home had power while nobody heard its meter is not known.
  const hours = atMs - state.atMs > HOLE_MS ? 0 : Math.max(0, atMs - state.atMs) / HOUR_MS;
  state.importWh = wh;
  if (before < 0 || wh !== before) {
    state.owedWh = 0;
    // Also a jump to nothing: a new meter has a new address, and who cleared this one is worth asking.
    return before >= 0 && wh < before - 1 && !overflowed(before, wh) ? before - wh : 0;
  }
  const powerW = sane(reading.activePowerW) ?? 0;
  if (powerW > 0) state.owedWh += powerW * hours;
  return 0;
}

function overflowed(before: number, wh: number): boolean {
  return FULL_WH.some((full) => before < full && wh + full - before <= OVERFLOW_WH);
}

/** Whether power has been the same to the last digit for longer than this home ever had it. */
function equal(state: MeterFaultState, reading: Reading, atMs: number, frozenMs: number): boolean {
  const powerW = sane(reading.activePowerW);
  if (powerW === undefined) return false;
  if (powerW !== state.powerW || atMs - state.atMs > 3 * HOUR_MS) {
    // A run that was called frozen is not learnt as this home's habit.
    if (state.faults.frozen === undefined) {
      state.longestEqualMs = Math.max(state.longestEqualMs, state.atMs - state.equalSinceMs);
    }
    state.powerW = powerW;
    state.equalSinceMs = atMs;
    state.equalReadings = 0;
    return false;
  }
  state.equalReadings++;
  return (
    state.equalReadings >= 10 &&
    powerW !== 0 &&
    atMs - state.equalSinceMs > Math.max(frozenMs, 2 * state.longestEqualMs)
  );
}

/** The name of the first value that cannot be, with the value. */
function impossibleValue(reading: Reading, meter: MeterInfo): string | undefined {
  const { activePowerW, frequencyHz, voltageV, currentA, powerFactor } = reading;
  if (activePowerW !== undefined) {
    const ratedW = 230 * (meter.ratedCurrentA ?? 100) * (meter.phases ?? 3);
    if (!Number.isFinite(activePowerW) || Math.abs(activePowerW) > 4 * ratedW) return `activePowerW ${activePowerW}`;
  }
  if (frequencyHz !== undefined && !(frequencyHz > 40 && frequencyHz < 70)) return `frequencyHz ${frequencyHz}`;
  if (voltageV !== undefined) for (const v of voltageV) if (!(v >= 0 && v < 600)) return `voltageV ${v}`;
  if (currentA !== undefined) for (const a of currentA) if (!(Math.abs(a) < 10_000)) return `currentA ${a}`;
  if (powerFactor !== undefined) for (const f of powerFactor) if (!(Math.abs(f) <= 1.02)) return `powerFactor ${f}`;
  return undefined;
}

const HOLD_MS: Record<Fault, number> = {
  stuck: 0,
  'rolled-back': 0,
  impossible: 10 * 60_000,
  frozen: 0,
  clock: 0,
};

function note(
  state: MeterFaultState,
  fault: Fault,
  wrong: boolean,
  atMs: number,
  meter: string,
  evidence: Record<string, number | string>,
): readonly Output[] {
  const held = state.faults[fault] ?? notHeld();
  const change = hold(held, wrong, atMs, HOLD_MS[fault], DAY_MS);
  if (held.phase === 'idle') delete state.faults[fault];
  else state.faults[fault] = held;
  if (change === undefined) return NOTHING;
  // Its begin is part of its name: the run that froze is over when it is cleared.
  if (change === 'raised' && fault === 'frozen') held.sinceMs = state.equalSinceMs;
  return [
    say({
      meter,
      kind: 'meter-fault',
      key: fault,
      state: change,
      severity: fault === 'clock' ? 'notice' : 'warning',
      sinceMs: held.sinceMs,
      confidence: fault === 'frozen' ? 0.7 : 0.9,
      evidence: { fault, ...evidence },
      recipients: ['power'],
    }),
  ];
}
