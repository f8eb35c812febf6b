/**
 * A portrait of the meter once a month, in one line: what kind of user the load curve shows against what the contract
 * says, whether the sun feeds in or a car charges, and what a peak-valley tariff would save.
 *
 * The kind is read from four shares of the day (night, morning, working hours, evening); clustering against a library
 * of curves was rejected: the library would have to travel with the firmware and nobody could say why it chose.
 */
import { type MeterDetector, NOTHING, type Output } from '../detector.ts';
import { round, say } from './finding.ts';
import { addReading, DAY_MS, type Meterage, noMeterage, type Slot } from './slots.ts';

export interface ProfileState {
  meterage: Meterage;
  month: number;
  monthMs: number;
  /** Wh by hour of the civil day, and how many days saw that hour. */
  wh: number[];
  hours: number;
  weekendWh: number;
  exportHours: number;
  chargeHours: number;
  runH: number;
  openMs: number;
}

/** Prices in yuan per kWh; the hours of the peak and of the valley, each `[from, to)`. */
export interface ProfileSettings {
  flatYuan: number;
  peakYuan: number;
  valleyYuan: number;
  peak: readonly (readonly [number, number])[];
  valley: readonly (readonly [number, number])[];
}

export const PROFILE_DEFAULTS: ProfileSettings = {
  flatYuan: 0.49,
  peakYuan: 0.54,
  valleyYuan: 0.3,
  peak: [[7, 23]],
  valley: [
    [23, 24],
    [0, 7],
  ],
};

export function profile(settings: Partial<ProfileSettings> = {}): MeterDetector<ProfileState> {
  const prices = { ...PROFILE_DEFAULTS, ...settings };
  return {
    scope: 'meter',
    name: 'profile',
    start: (meter) =>
      meter.premises === 'transformer' || meter.premises === 'feeder' ? undefined : noProfile(noMeterage(), -1, 0, 0),
    step(state, input, meter) {
      if (input.type !== 'reading') return NOTHING;
      const slot = addReading(state.meterage, input, input.reading);
      if (slot === undefined) return NOTHING;
      const date = new Date(slot.day * DAY_MS);
      const month = date.getUTCFullYear() * 12 + date.getUTCMonth();
      let outputs: readonly Output[] = NOTHING;
      if (month !== state.month) {
        // A portrait wants at least half a month of hours.
        if (state.month >= 0 && state.hours >= 360) {
          outputs = [...closeLast(state, meter.id), portrait(state, prices, meter.id, meter.contract, meter.premises)];
          state.openMs = state.monthMs;
        }
        Object.assign(state, noProfile(state.meterage, month, slot.atMs, state.openMs));
      }
      count(state, slot);
      return outputs;
    },
  };
}

const noProfile = (meterage: Meterage, month: number, monthMs: number, openMs: number): ProfileState => ({
  meterage,
  month,
  monthMs,
  wh: new Array<number>(24).fill(0),
  hours: 0,
  weekendWh: 0,
  exportHours: 0,
  chargeHours: 0,
  runH: 0,
  openMs,
});

function count(state: ProfileState, slot: Slot): void {
  const used = Math.max(0, slot.meanW);
  state.wh[slot.hour] = Math.round((state.wh[slot.hour] ?? 0) + used);
  state.hours++;
  // 1 January 1970 was a Thursday.
  if ((slot.day + 3) % 7 >= 5) state.weekendWh += used;
  if (slot.meanW < -50) state.exportHours++;
  // A car draws its 3 kW and more without a break for hours.
  state.runH = slot.minW > 2800 ? state.runH + 1 : 0;
  if (state.runH >= 2) state.chargeHours += state.runH === 2 ? 2 : 1;
}

function closeLast(state: ProfileState, meter: string): readonly Output[] {
  if (state.openMs === 0) return NOTHING;
  return [
    say({
      meter,
      kind: 'profile',
      state: 'cleared',
      severity: 'notice',
      sinceMs: state.openMs,
      confidence: 0.9,
      evidence: { portrait: 'replaced by the next month' },
      recipients: ['power'],
    }),
  ];
}

function portrait(
  state: ProfileState,
  prices: ProfileSettings,
  meter: string,
  contract: string | undefined,
  premises: string | undefined,
): Output {
  const total = Math.max(1, sumOf(state.wh, [[0, 24]]));
  const share = (from: number, to: number) => sumOf(state.wh, [[from, to]]) / total;
  const kwh = total / 1000;
  const peakShare = sumOf(state.wh, prices.peak) / total;
  const valleyShare = sumOf(state.wh, prices.valley) / total;
  const savedYuan =
    kwh *
    (prices.flatYuan -
      peakShare * prices.peakYuan -
      valleyShare * prices.valleyYuan -
      (1 - peakShare - valleyShare) * prices.flatYuan);
  const kind = kindOf(share(0, 6), share(9, 17), share(18, 23), state.weekendWh / total);
  const expected = contract ?? premises;
  const pv = state.exportHours >= 20;
  const charger = state.chargeHours >= 8;
  const peakHour = state.wh.indexOf(Math.max(...state.wh));
  const line = [
    `${kind} curve${expected === undefined ? '' : ` (contract: ${expected})`}`,
    `peak ${peakHour}:00`,
    `${Math.round(kwh)} kWh`,
    `${Math.round(100 * valleyShare)} % in the valley`,
    ...(pv ? ['feeds in'] : []),
    ...(charger ? ['charges a car'] : []),
    `peak-valley tariff ${savedYuan >= 0 ? 'saves' : 'costs'} ${round(Math.abs(savedYuan))} yuan`,
  ].join(', ');
  return say({
    meter,
    kind: 'profile',
    state: 'raised',
    severity: 'notice',
    sinceMs: state.monthMs,
    confidence: Math.min(0.9, state.hours / 720),
    evidence: {
      portrait: line,
      user: kind,
      monthKwh: kwh,
      peakHour,
      peakShare,
      valleyShare,
      savedYuan,
      pv,
      charger,
      ...(fits(kind, expected) ? {} : { differsFromContract: true }),
    },
    recipients: ['power'],
  });
}

type Kind = 'household' | 'working-hours' | 'night' | 'constant';

function kindOf(night: number, working: number, evening: number, weekend: number): Kind {
  // Of even use, 25 % falls on six hours of night, 33 % on eight working hours, 21 % on five of evening.
  if (working > 0.5 || (working > 0.43 && weekend < 0.2)) return 'working-hours';
  if (night > 0.4) return 'night';
  if (Math.abs(night - 0.25) < 0.03 && Math.abs(working - 0.333) < 0.03 && Math.abs(evening - 0.208) < 0.03)
    return 'constant';
  return 'household';
}

function fits(kind: Kind, expected: string | undefined): boolean {
  switch (expected) {
    case 'flat':
    case 'house':
    case 'dormitory':
      return kind !== 'working-hours';
    case 'office':
    case 'shop':
      return kind === 'working-hours' || kind === 'constant';
    default:
      return true;
  }
}

function sumOf(wh: readonly number[], spans: readonly (readonly [number, number])[]): number {
  let sum = 0;
  for (const [from, to] of spans) for (let hour = from; hour < to; hour++) sum += wh[hour] ?? 0;
  return sum;
}
