/**
 * Prepaid money that lasts fewer than some days at the present rate.
 *
 * The rate is the median spend of the last seven days, not the mean: one day with the oven, or a day of which half was
 * not read, must not move the day of reckoning. A fixed limit in yuan was rejected: 20 yuan is a week in a small flat
 * and one winter's evening in a heated one.
 */
import { type MeterDetector, NOTHING, type Output } from '../detector.ts';
import { say } from './finding.ts';
import { DAY_MS, sane } from './slots.ts';

export interface LowBalanceState {
  day: number;
  balanceYuan: number;
  spentYuan: number;
  /** Spend of the last whole days, newest last, at most seven. */
  days: number[];
  phase: 'enough' | 'low';
  sinceMs: number;
}

export interface LowBalanceSettings {
  /** Days that the money must last at the present rate. */
  warnDays: number;
}

export const LOW_BALANCE_DEFAULTS: LowBalanceSettings = { warnDays: 5 };

/** Raised below `warnDays`, a warning below one day; cleared when the money lasts two days more than that. */
export function lowBalance(settings: Partial<LowBalanceSettings> = {}): MeterDetector<LowBalanceState> {
  const limits = { ...LOW_BALANCE_DEFAULTS, ...settings };
  return {
    scope: 'meter',
    name: 'low-balance',
    start: () => ({ day: -1, balanceYuan: 0, spentYuan: 0, days: [], phase: 'enough', sinceMs: 0 }),
    step(state, input, meter) {
      if (input.type !== 'reading') return NOTHING;
      const balanceYuan = sane(input.reading.balanceYuan);
      if (balanceYuan === undefined) return NOTHING;
      newDay(state, Math.floor(input.localMs / DAY_MS), balanceYuan);
      const before = state.balanceYuan;
      if (balanceYuan < before) state.spentYuan += before - balanceYuan;
      state.balanceYuan = balanceYuan;
      // Only money that moved can change the verdict; a day's first reading may also find a new rate.
      if (state.days.length < 2 || (balanceYuan === before && state.phase === 'low')) return NOTHING;
      return judge(state, input.atMs, limits.warnDays, meter.id);
    },
  };
}

function newDay(state: LowBalanceState, day: number, balanceYuan: number): void {
  if (state.day === day) return;
  if (state.day < 0) state.balanceYuan = balanceYuan;
  else if (day === state.day + 1) {
    state.days.push(Math.round(state.spentYuan * 100) / 100);
    if (state.days.length > 7) state.days.shift();
  }
  state.day = day;
  state.spentYuan = 0;
}

function judge(state: LowBalanceState, atMs: number, warnDays: number, meter: string): readonly Output[] {
  const sorted = [...state.days].sort((a, b) => a - b);
  const perDayYuan = sorted[sorted.length >> 1] ?? 0;
  const daysLeft =
    state.balanceYuan <= 0 ? 0 : perDayYuan > 0 ? state.balanceYuan / perDayYuan : Number.POSITIVE_INFINITY;
  const low = daysLeft < (state.phase === 'low' ? warnDays + 2 : warnDays);
  if (low === (state.phase === 'low')) return NOTHING;
  state.phase = low ? 'low' : 'enough';
  if (low) state.sinceMs = atMs;
  return [
    say({
      meter,
      kind: 'low-balance',
      state: low ? 'raised' : 'cleared',
      severity: daysLeft < 1 ? 'warning' : 'notice',
      sinceMs: state.sinceMs,
      confidence: Math.min(0.95, 0.6 + 0.05 * state.days.length),
      evidence: {
        balanceYuan: state.balanceYuan,
        perDayYuan,
        ...(Number.isFinite(daysLeft) ? { daysLeft } : {}),
      },
      recipients: ['power', 'community'],
    }),
  ];
}
