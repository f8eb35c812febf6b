/**
 * Whether anybody lives here now: vacant, suspected vacant, or lived in less than usual, with the moment it began.
 *
 * A home that stands empty still uses 2 to 4.5 kWh a day, so kilowatt-hours say nothing. Every figure is laid between
 * two marks of the same home: its own quiet nights (0) and its own usual days (1). A whole day in which neither the
 * highest hour nor the mean rises above 0.15 is a vacant one. Marks rest while the home is vacant; otherwise a long
 * absence would become the home's usual day.
 *
 * Thresholds. Vacant after 34 h: a day spent elsewhere lasts from one evening to the next but one morning at most, and
 * 36 h are what the decision may take. Merely suspected, where the mean lies up to 0.25 or the day uses over 5 kWh,
 * needs two whole days: on a single day without a meal at home such figures are nothing, and a notice for each of
 * them is why nobody reads the rest.
 */
import { type MeterDetector, NOTHING, type Output } from '../detector.ts';
import { say } from './finding.ts';
import { addReading, HOUR_MS, type Meterage, noMeterage, type Slot } from './slots.ts';

const DAYS = 28;
const NIGHT_H = 5;

type Phase = 'lived-in' | 'low-activity' | 'suspected-vacant' | 'vacant';

export interface OccupancyState {
  meterage: Meterage;
  /** Watts of the last 24 hours, newest last. */
  hours: number[];
  hour: number;
  /** Of the last lived-in days: highest hour, mean, and the highest hour and mean of the quietest five hours. */
  highW: number[];
  meanW: number[];
  nightHighW: number[];
  nightW: number[];
  /** End of the last hour in which somebody was clearly about. */
  busyMs: number;
  busyHours: number;
  lowDays: number;
  phase: Phase;
  sinceMs: number;
}

export interface OccupancySettings {
  /** Where between night and usual day an empty day may lie at most. */
  vacantShare: number;
  suspectShare: number;
  lowShare: number;
  suspectH: number;
  vacantH: number;
  /** A day of more than this is at most suspected: something runs there that somebody may be using. */
  vacantKwh: number;
}

export const OCCUPANCY_DEFAULTS: OccupancySettings = {
  vacantShare: 0.15,
  suspectShare: 0.25,
  lowShare: 0.4,
  suspectH: 48,
  vacantH: 34,
  vacantKwh: 5,
};

/** Watches flats, houses and meters of unknown premises. Speaks after a week of history. */
export function occupancy(settings: Partial<OccupancySettings> = {}): MeterDetector<OccupancyState> {
  const limits = { ...OCCUPANCY_DEFAULTS, ...settings };
  return {
    scope: 'meter',
    name: 'occupancy',
    start(meter) {
      const { premises } = meter;
      if (premises !== undefined && premises !== 'flat' && premises !== 'house') return undefined;
      return {
        meterage: noMeterage(),
        hours: [],
        hour: 0,
        highW: [],
        meanW: [],
        nightHighW: [],
        nightW: [],
        busyMs: 0,
        busyHours: 0,
        lowDays: 0,
        phase: 'lived-in',
        sinceMs: 0,
      };
    },
    step(state, input, meter) {
      if (input.type !== 'reading') return NOTHING;
      const slot = addReading(state.meterage, input, input.reading);
      return slot === undefined ? NOTHING : newHour(state, slot, limits, meter.id);
    },
  };
}

interface Marks {
  nightHighW: number;
  nightW: number;
  highW: number;
  meanW: number;
}

function newHour(state: OccupancyState, slot: Slot, limits: OccupancySettings, meter: string): readonly Output[] {
  const hour = slot.day * 24 + slot.hour;
  if (hour - state.hour !== 1) {
    // Nobody knows what happened in a gap: the silence counts from its end.
    state.hours = [];
    if (state.phase === 'lived-in' || state.phase === 'low-activity') state.busyMs = slot.atMs;
  }
  state.hour = hour;
  state.hours.push(Math.round(slot.meanW));
  if (state.hours.length > 24) state.hours.shift();
  const marks = marksOf(state);
  if (slot.hour === 23 && state.hours.length === 24) newDay(state, marks, limits);
  if (marks === undefined) {
    state.busyMs = slot.atMs;
    return NOTHING;
  }
  const high = between(slot.meanW, marks.nightHighW, marks.highW);
  if (high >= limits.suspectShare) {
    state.busyHours++;
    state.busyMs = slot.atMs;
  } else if (state.busyHours > 0 && slot.hour % 6 === 0) state.busyHours--;
  return judge(state, slot, marks, limits, meter);
}

const between = (watts: number, nightW: number, dayW: number): number => (watts - nightW) / Math.max(30, dayW - nightW);

function marksOf(state: OccupancyState): Marks | undefined {
  if (state.meanW.length < 7) return undefined;
  return {
    nightHighW: quantile(state.nightHighW, 0.8),
    nightW: quantile(state.nightW, 0.5),
    highW: quantile(state.highW, 0.5),
    meanW: quantile(state.meanW, 0.5),
  };
}

/** Puts a lived-in day among the marks. */
function newDay(state: OccupancyState, marks: Marks | undefined, limits: OccupancySettings): void {
  const { hours } = state;
  const mean = hours.reduce((sum, w) => sum + w, 0) / hours.length;
  if (marks !== undefined) {
    const low = between(mean, marks.nightW, marks.meanW) < limits.lowShare;
    state.lowDays = low ? state.lowDays + 1 : 0;
    if (state.phase === 'vacant' || state.phase === 'suspected-vacant') return;
  }
  let best = Number.POSITIVE_INFINITY;
  let from = 0;
  for (let i = 0; i + NIGHT_H <= hours.length; i++) {
    const sum = hours.slice(i, i + NIGHT_H).reduce((total, w) => total + w, 0);
    if (sum < best) {
      best = sum;
      from = i;
    }
  }
  keep(state.highW, Math.max(...hours));
  keep(state.meanW, Math.round(mean));
  keep(state.nightW, Math.round(best / NIGHT_H));
  keep(state.nightHighW, Math.max(...hours.slice(from, from + NIGHT_H)));
}

function keep(days: number[], watts: number): void {
  days.push(watts);
  if (days.length > DAYS) days.shift();
}

function quantile(days: readonly number[], share: number): number {
  const sorted = [...days].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
}

function judge(
  state: OccupancyState,
  slot: Slot,
  marks: Marks,
  limits: OccupancySettings,
  meter: string,
): readonly Output[] {
  const silentH = (slot.atMs - state.busyMs) / HOUR_MS;
  const whole = state.hours.length === 24;
  const high = whole ? between(Math.max(...state.hours), marks.nightHighW, marks.highW) : 1;
  const mean = whole ? between(state.hours.reduce((sum, w) => sum + w, 0) / 24, marks.nightW, marks.meanW) : 1;
  // A home whose days hardly differ from its nights cannot be told.
  const tellable = marks.highW > 1.5 * marks.nightHighW + 60 && marks.meanW > 1.15 * marks.nightW;
  const dayWh = state.hours.reduce((sum, w) => sum + w, 0);
  const empty =
    silentH >= limits.vacantH &&
    high < limits.vacantShare &&
    mean < limits.vacantShare &&
    dayWh <= 1000 * limits.vacantKwh;
  let next: Phase = state.phase;
  if (state.phase === 'vacant' || state.phase === 'suspected-vacant') {
    if (silentH === 0 && state.busyHours >= 2) next = 'lived-in';
    else if (empty) next = 'vacant';
    else if (dayWh > 1000 * limits.vacantKwh) next = 'suspected-vacant';
  } else if (tellable && whole && (empty || (silentH >= limits.suspectH && mean < limits.suspectShare))) {
    next = empty ? 'vacant' : 'suspected-vacant';
  } else if (slot.hour === 23) next = state.lowDays >= 3 ? 'low-activity' : 'lived-in';
  if (next === state.phase) return NOTHING;
  const outputs = change(state, next, slot, { silentH, high, mean }, marks, meter);
  if (next === 'vacant' || next === 'suspected-vacant') state.busyHours = 0;
  return outputs;
}

function change(
  state: OccupancyState,
  next: Phase,
  slot: Slot,
  now: { silentH: number; high: number; mean: number },
  marks: Marks,
  meter: string,
): readonly Output[] {
  const before = state.phase;
  const outputs: Output[] = [];
  const tell = (phase: Exclude<Phase, 'lived-in'>, what: 'raised' | 'updated' | 'cleared'): void => {
    outputs.push(
      say({
        meter,
        kind: 'occupancy',
        key: phase === 'low-activity' ? 'low' : 'vacant',
        state: what,
        severity: 'notice',
        sinceMs: state.sinceMs,
        confidence: phase === 'vacant' ? 0.85 : 0.55,
        evidence: {
          class: phase,
          sinceDay: new Date(state.sinceMs + slot.localMs - slot.atMs).toISOString().slice(0, 10),
          silentH: now.silentH,
          dayMeanW: state.hours.reduce((sum, w) => sum + w, 0) / Math.max(1, state.hours.length),
          usualMeanW: marks.meanW,
          nightW: marks.nightW,
          highestHourShare: now.high,
          meanShare: now.mean,
        },
        recipients: ['community'],
      }),
    );
  };
  const low = before === 'low-activity';
  if (before !== 'lived-in' && (next === 'lived-in' || low || next === 'low-activity')) tell(before, 'cleared');
  state.phase = next;
  if (next === 'lived-in') return outputs;
  const goesOn = before === 'suspected-vacant' || before === 'vacant';
  if (!goesOn) state.sinceMs = next === 'low-activity' ? slot.atMs - 72 * HOUR_MS : state.busyMs;
  tell(next, goesOn ? 'updated' : 'raised');
  return outputs;
}
