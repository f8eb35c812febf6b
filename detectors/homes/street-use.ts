/**
 * A home's day against its own past, with what the whole street did that day taken off: a cold week moves everybody.
 *
 * Each day of each home becomes the logarithm of its use over the home's own median of four weeks; the street's shift
 * is the median over the homes. A home is told of when it stays above both for three days: in a holiday week half the
 * street is gone, and whoever stayed at home as always is above the street alone. A regression on temperature
 * was rejected: meters seldom know it, and the neighbours measure it better.
 */
import { type Area, type AreaDetector, NOTHING, type Output, rejoin } from '../detector.ts';
import { say } from './finding.ts';
import { addReading, DAY_MS, type Meterage, noMeterage } from './slots.ts';

const DAYS = 28;
const HOMES_MIN = 5;

interface HomeUse {
  meterage: Meterage;
  day: number;
  dayWh: number;
  hours: number;
  /** Wh of the last whole days, newest last. */
  days: number[];
  /** The last whole day as a logarithm over the own median, and which day that was. */
  shift: number;
  shiftDay: number;
  highDays: number;
  phase: 'usual' | 'high';
  sinceMs: number;
  /** Learnt from false alarms, 1 … 2. */
  wider: number;
}

export type StreetUseState = Record<string, HomeUse>;

export interface StreetUseSettings {
  /** How much more than expected, and on how many days in a row. */
  share: number;
  days: number;
}

export const STREET_USE_DEFAULTS: StreetUseSettings = { share: 0.6, days: 3 };

export function streetUse(settings: Partial<StreetUseSettings> = {}): AreaDetector<StreetUseState> {
  const limits = { ...STREET_USE_DEFAULTS, ...settings };
  return {
    scope: 'area',
    name: 'street-use',
    start: (area, before) => {
      const homes = area.meters.filter(({ premises }) => premises === 'flat' || premises === 'house');
      return homes.length === 0 ? undefined : rejoin(Object.fromEntries(homes.map(({ id }) => [id, noUse()])), before);
    },
    step(state, input, area) {
      if (input.type === 'tick') return NOTHING;
      const home = state[input.meter];
      if (home === undefined) return NOTHING;
      if (input.type === 'verdict') {
        const { result, kind } = input.verdict;
        if (result === 'forget') home.wider = 1;
        if (result === 'false-alarm' && kind === 'abnormal-use' && home.phase === 'high') {
          home.wider = Math.min(2, home.wider + 0.25);
        }
        return NOTHING;
      }
      if (input.type !== 'reading') return NOTHING;
      const slot = addReading(home.meterage, input, input.reading);
      if (slot === undefined) return NOTHING;
      let outputs: readonly Output[] = NOTHING;
      if (slot.day !== home.day) {
        endDay(home);
        home.day = slot.day;
        home.dayWh = home.hours = 0;
      } else if (slot.hour === 11) outputs = judge(state, home, input.meter, area, limits, slot.atMs);
      home.dayWh += slot.meanW;
      home.hours++;
      return outputs;
    },
  };
}

const noUse = (): HomeUse => ({
  meterage: noMeterage(),
  day: -1,
  dayWh: 0,
  hours: 0,
  days: [],
  shift: 0,
  shiftDay: -1,
  highDays: 0,
  phase: 'usual',
  sinceMs: 0,
  wider: 1,
});

function endDay(home: HomeUse): void {
  if (home.hours < 20) return;
  const wh = (home.dayWh * 24) / home.hours;
  if (home.days.length >= 14) {
    home.shift = Math.log((wh + 500) / (median(home.days) + 500));
    home.shiftDay = home.day;
  }
  home.days.push(Math.round(wh));
  if (home.days.length > DAYS) home.days.shift();
}

/** At noon, when every neighbour has ended its day. */
function judge(
  state: StreetUseState,
  home: HomeUse,
  meter: string,
  area: Area,
  limits: StreetUseSettings,
  atMs: number,
): readonly Output[] {
  if (home.shiftDay !== home.day - 1) return NOTHING;
  const shifts: number[] = [];
  for (const { id } of area.meters) {
    const other = state[id];
    if (other !== undefined && id !== meter && other.shiftDay === home.shiftDay) shifts.push(other.shift);
  }
  // Too few neighbours are no street: the home stands against its own past, with a wider limit.
  const street = shifts.length >= HOMES_MIN ? median(shifts) : 0;
  const limit = Math.log(1 + limits.share * home.wider) * (shifts.length >= HOMES_MIN ? 1 : 1.5);
  const spread = Math.max(0.1, spreadOf(home.days));
  // Where the street fell (everybody is away), who stays as he was has not risen.
  const high = home.shift - Math.max(0, street) > Math.max(limit, 2 * spread);
  home.highDays = high ? home.highDays + 1 : 0;
  const next = high ? (home.highDays >= limits.days ? 'high' : home.phase) : 'usual';
  if (next === home.phase) return NOTHING;
  home.phase = next;
  if (next === 'high') home.sinceMs = atMs - limits.days * DAY_MS;
  return [
    say({
      meter,
      kind: 'abnormal-use',
      key: 'sustained',
      state: next === 'high' ? 'raised' : 'cleared',
      severity: 'notice',
      sinceMs: home.sinceMs,
      confidence: shifts.length >= HOMES_MIN ? 0.6 : 0.45,
      evidence: {
        sign: 'sustained',
        dayKwh: (home.days.at(-1) ?? 0) / 1000,
        usualKwh: median(home.days) / 1000,
        overOwnShare: Math.exp(home.shift) - 1,
        streetShare: Math.exp(street) - 1,
        neighbours: shifts.length,
        ...(home.wider > 1 ? { learnt: `limit ×${home.wider} after false alarms` } : {}),
      },
      recipients: ['community'],
    }),
  ];
}

/** Robust spread of the days as a share. */
function spreadOf(days: readonly number[]): number {
  const middle = median(days);
  return (1.48 * median(days.map((wh) => Math.abs(wh - middle)))) / (middle + 500);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
