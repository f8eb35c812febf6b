/**
 * The month's use will pass a price tier, said while the resident can still do something about it.
 *
 * The forecast is what was used so far plus the days left at the mean of the last fourteen days; a straight line
 * through the month alone was rejected, since in its first week it knows next to nothing. It speaks once from the
 * sixth day on, with the expected day, again when the tier is passed, and takes it back when the use has fallen.
 */
import { type MeterDetector, type Moment, NOTHING, type Output } from '../detector.ts';
import { say } from './finding.ts';
import { addReading, DAY_MS, type Meterage, noMeterage } from './slots.ts';

type Phase = 'below' | 'expected' | 'passed';

export interface TariffTierState {
  meterage: Meterage;
  /** Year × 12 + month. */
  month: number;
  /** When the month began, and what was used since; the days before its first reading are estimated. */
  monthMs: number;
  usedWh: number;
  unseenDays: number;
  day: number;
  dayWh: number;
  dayHours: number;
  /** Wh of the last fourteen whole days, newest last. */
  days: number[];
  tiers: Phase[];
}

export interface TariffTierSettings {
  /** First day of the month on which it speaks. */
  fromDay: number;
  marginShare: number;
}

export const TARIFF_TIER_DEFAULTS: TariffTierSettings = { fromDay: 6, marginShare: 0.04 };

/** Watches meters whose tariff has tiers. */
export function tariffTier(settings: Partial<TariffTierSettings> = {}): MeterDetector<TariffTierState> {
  const limits = { ...TARIFF_TIER_DEFAULTS, ...settings };
  return {
    scope: 'meter',
    name: 'tariff-tier',
    start(meter) {
      const tiers = meter.tariff?.tiersKwhPerMonth;
      if (tiers === undefined || tiers.length === 0) return undefined;
      return {
        meterage: noMeterage(),
        month: -1,
        monthMs: 0,
        usedWh: 0,
        unseenDays: 0,
        day: -1,
        dayWh: 0,
        dayHours: 0,
        days: [],
        tiers: tiers.map((): Phase => 'below'),
      };
    },
    step(state, input, meter) {
      if (input.type !== 'reading') return NOTHING;
      const slot = addReading(state.meterage, input, input.reading);
      if (slot === undefined) return NOTHING;
      const tiersKwh = meter.tariff?.tiersKwhPerMonth ?? [];
      const outputs: Output[] = [];
      const date = new Date(slot.day * DAY_MS);
      const month = date.getUTCFullYear() * 12 + date.getUTCMonth();
      const newMonth = month !== state.month;
      if (newMonth) {
        if (state.month >= 0) outputs.push(...close(state, tiersKwh, meter.id));
        const midnightMs = slot.atMs - (slot.localMs - slot.day * DAY_MS);
        state.unseenDays = date.getUTCDate() - 1;
        state.monthMs = midnightMs - (date.getUTCDate() - 1) * DAY_MS;
        state.month = month;
        state.usedWh = 0;
      }
      if (slot.day !== state.day) newDay(state, slot.day);
      // A hole is filled with the mean of the last days, up to a day: the hour after it may be that of the kettle.
      // Of one that a month begins in, the days are estimated, and what lay in the month before is not this month's.
      const missedHours = Math.min(newMonth ? slot.hour : 24, slot.sincePrevious - 1);
      const usedWh = Math.max(0, slot.meanW);
      state.usedWh += usedWh + missedHours * (state.days.length === 0 ? usedWh : meanOf(state.days) / 24);
      state.dayWh += usedWh;
      state.dayHours++;
      if (state.days.length >= 3 && date.getUTCDate() >= limits.fromDay && slot.hour % 6 === 0) {
        outputs.push(...judge(state, slot, date, tiersKwh, limits.marginShare, meter.id));
      }
      return outputs.length === 0 ? NOTHING : outputs;
    },
  };
}

function newDay(state: TariffTierState, day: number): void {
  if (state.dayHours >= 20) {
    state.days.push(Math.round((state.dayWh * 24) / state.dayHours));
    if (state.days.length > 14) state.days.shift();
  }
  state.day = day;
  state.dayWh = state.dayHours = 0;
}

function judge(
  state: TariffTierState,
  moment: Moment,
  date: Date,
  tiersKwh: readonly number[],
  marginShare: number,
  meter: string,
): Output[] {
  const dailyKwh = meanOf(state.days) / 1000;
  const usedKwh = state.usedWh / 1000 + state.unseenDays * dailyKwh;
  const daysInMonth = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  const elapsed = (moment.atMs - state.monthMs) / DAY_MS;
  const totalKwh = usedKwh + Math.max(0, daysInMonth - elapsed) * dailyKwh;
  const spread = spreadShare(state.days) * Math.sqrt(Math.max(1, daysInMonth - elapsed)) * dailyKwh;
  const outputs: Output[] = [];
  tiersKwh.forEach((tierKwh, index) => {
    const before = state.tiers[index] ?? 'below';
    const margin = before === 'expected' ? -marginShare : marginShare;
    const now: Phase = usedKwh >= tierKwh ? 'passed' : totalKwh > tierKwh * (1 + margin) ? 'expected' : 'below';
    if (now === before || before === 'passed') return;
    state.tiers[index] = now;
    const expectedMs =
      now === 'passed' ? state.day * DAY_MS : moment.localMs + ((tierKwh - usedKwh) / dailyKwh) * DAY_MS;
    outputs.push(
      say({
        meter,
        kind: 'tariff-tier',
        key: `tier-${index + 2}`,
        state: now === 'below' ? 'cleared' : before === 'below' ? 'raised' : 'updated',
        severity: 'notice',
        sinceMs: state.monthMs,
        confidence: now === 'passed' ? 0.99 : likely((totalKwh - tierKwh) / Math.max(spread, 0.01 * tierKwh)),
        evidence: {
          tier: index + 2,
          tierKwh,
          usedKwh,
          dailyKwh,
          monthKwh: totalKwh,
          passed: now === 'passed',
          ...(now === 'below' ? {} : { expectedDay: new Date(expectedMs).toISOString().slice(0, 10) }),
          ...(state.unseenDays > 0 ? { estimatedDays: state.unseenDays } : {}),
        },
        recipients: ['power', 'community'],
      }),
    );
  });
  return outputs;
}

/** The month is over: what was said of it is closed. */
function close(state: TariffTierState, tiersKwh: readonly number[], meter: string): Output[] {
  const outputs: Output[] = [];
  state.tiers.forEach((phase, index) => {
    if (phase === 'below') return;
    state.tiers[index] = 'below';
    outputs.push(
      say({
        meter,
        kind: 'tariff-tier',
        key: `tier-${index + 2}`,
        state: 'cleared',
        severity: 'notice',
        sinceMs: state.monthMs,
        confidence: 0.99,
        evidence: {
          tier: index + 2,
          tierKwh: tiersKwh[index] ?? 0,
          usedKwh: state.usedWh / 1000,
          passed: phase === 'passed',
        },
        recipients: ['power', 'community'],
      }),
    );
  });
  return outputs;
}

const meanOf = (days: readonly number[]): number => days.reduce((sum, wh) => sum + wh, 0) / days.length;

function spreadShare(days: readonly number[]): number {
  const mean = meanOf(days);
  const variance = days.reduce((sum, wh) => sum + (wh - mean) ** 2, 0) / days.length;
  return mean > 0 ? Math.sqrt(variance) / mean : 0;
}

/** The normal distribution's share below `z`, by a logistic near enough for a confidence. */
const likely = (z: number): number => Math.min(0.98, 1 / (1 + Math.exp(-1.7 * z)));
