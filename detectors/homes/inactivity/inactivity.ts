/**
 * An old person's silence: the home of somebody who lives alone looks empty at hours at which it never does.
 *
 * Every hour is weighed as "this home empty" against "this home at this hour" (`model.ts`); the evidence adds up,
 * never below zero, and is compared with what the home itself showed at this hour in thirty days (`patience.ts`). A
 * rule of hours without change was rejected: it is reset by every fridge and timer, and what is long in one house is
 * every day's afternoon in the next. So was a daily sum: an empty day can use half of a normal one.
 *
 * First the resident is asked; the alarm comes an hour later at the earliest, and not at all where this home is often
 * left at that hour (`absences.ts`). Both may come at a quarter of the running hour, where meters are read as often.
 * Nothing shorter than five hours is asked about and nothing shorter than eight is an alarm: an afternoon out ends in
 * time for supper. The question comes at 0.85 of the alarm's threshold, about two hours before it. A silence that goes
 * on is one alert, not one a day. Hours that were not seen, or that this home never showed (frozen values, no supply),
 * say nothing.
 */
import { type MeterDetector, type Moment, NOTHING, type Output, type Verdict } from '../../detector.ts';
import { round, say } from '../finding.ts';
import { addReading, HOUR_MS, type Meterage, noMeterage, PERIOD, runningHour, type Slot } from '../slots.ts';
import { type Absences, addAbsence, isAwayAgain } from './absences.ts';
import { binOf, daysKnown, type Memory, noMemory, write } from './memory.ts';
import { EVIDENCE_MAX, learnQuiet, noQuiet, type Quiet, weigh } from './model.ts';
import { addCause, BOUNDS, fade, noPatience, type Patience, threshold } from './patience.ts';
import { missingHabits, usualLongestH } from './tale.ts';

export interface InactivityState {
  meterage: Meterage;
  memory: Memory;
  quiet: Quiet;
  quietDay: number;
  patience: Patience;
  absences: Absences;
  phase: 'watching' | 'asked' | 'alarmed' | 'away';
  score: number;
  /** The same from the swing alone. */
  still: number;
  /** Lowest and highest power of the hour before. */
  lowW: number;
  highW: number;
  /** Hours in a row whose value did not move at all, though this home's always do. */
  frozenH: number;
  /** When the silence began, and as civil hour. */
  sinceMs: number;
  sinceHour: number;
  /** When the resident was asked, as civil hour with its quarters, and how much activity was seen since. */
  askedHour: number;
  activity: number;
  awayUntilMs: number;
  /** The last silence that led to an alert, for a verdict that comes later. */
  past: { fromHour: number; hours: number; score: number; verdict: 'none' | 'false' | 'other' };
}

export interface InactivitySettings {
  /** The part of the alarm's threshold at which the resident is asked. */
  askShare: number;
  /** What stillness alone must exceed the threshold by. */
  stillExtra: number;
}

export const INACTIVITY_DEFAULTS: InactivitySettings = { askShare: 0.85, stillExtra: 3 };
/** Activity that ends an alert: about five clearly busy hours, so that a short visit does not. */
const BUSY = 14;
const BUSY_HOUR = -2;
/** A gap of this many hours takes all the evidence away: somebody may have been about unseen. */
const FORGETFUL_GAP_H = 6;
const DAYS_BEFORE_ALARM = 3;
/** However surprising: a shorter silence is no reason to ask, or to knock. */
const ASK_H = 5;
const ALARM_H = 8;
const ABSENCE_H = 36;
/** Who was silent for so long after the question was away: no patience would have spared that alarm. */
const AWAY_H = 24;
const NO_HIGH = -1e9;
/** What no score exceeds: half as much again as the highest threshold. */
const SCORE_MAX = 1.5 * BOUNDS.most;

/** Watches meters that carry `watch: ["elderly"]`. */
export function inactivity(settings: Partial<InactivitySettings> = {}): MeterDetector<InactivityState> {
  const limits = { ...INACTIVITY_DEFAULTS, ...settings };
  return {
    scope: 'meter',
    name: 'inactivity',
    start: (meter) => (meter.watch?.includes('elderly') === true ? noState() : undefined),
    step(state, input, meter) {
      if (input.type === 'reading') {
        const slot = addReading(state.meterage, input, input.reading);
        return slot === undefined ? glance(state, input, limits, meter.id) : newHour(state, slot, limits, meter.id);
      }
      if (input.type === 'verdict') return answer(state, input, input.verdict, meter.id);
      return NOTHING;
    },
  };
}

const noState = (): InactivityState => ({
  meterage: noMeterage(),
  memory: noMemory(),
  quiet: noQuiet(),
  quietDay: 0,
  patience: noPatience(),
  absences: [],
  phase: 'watching',
  score: 0,
  still: 0,
  lowW: 0,
  highW: NO_HIGH,
  frozenH: 0,
  sinceMs: 0,
  sinceHour: 0,
  askedHour: 0,
  activity: 0,
  awayUntilMs: 0,
  past: { fromHour: 0, hours: 0, score: 0, verdict: 'other' },
});

function newHour(state: InactivityState, slot: Slot, limits: InactivitySettings, meter: string): readonly Output[] {
  const { memory } = state;
  const hour = slot.day * 24 + slot.hour;
  const passed = memory.last === 0 ? 1 : hour - memory.last;
  if (passed < 0) {
    // The clock was set back over the end of an hour: what is known of the days stays, the silence starts afresh.
    state.score = state.still = 0;
    memory.last = hour - 1;
    memory.first = Math.min(memory.first, memory.last);
  }
  if (passed > 1) calm(state, Math.max(0, 1 - (passed - 1) / FORGETFUL_GAP_H));
  fade(state.patience, Math.max(1, passed));
  if (slot.day !== state.quietDay) {
    state.quietDay = slot.day;
    if (memory.last - memory.first >= 48) state.quiet = learnQuiet(memory);
  }
  const level = binOf(slot.meanW);
  const swing = swingBin(state, slot, slot.sincePrevious === 1);
  state.lowW = slot.minW;
  state.highW = slot.maxW;
  // A frozen value is no hour of this home: it is neither weighed nor learnt. Two equal half hours prove nothing.
  const still = swing === 0 && state.quiet.total > 0 && (state.quiet.swing[0] ?? 0) === 0;
  state.frozenH = still ? state.frozenH + 1 : 0;
  if (still && state.frozenH > ((state.meterage[PERIOD] ?? 0) > 15 * 60_000 ? 2 : 0)) return NOTHING;
  const evidence = weigh(memory, state.quiet, hour, level, swing);
  const before = state.score;
  state.score = add(state.score, evidence.both);
  state.still = add(state.still, evidence.still);
  const busy = evidence.both <= BUSY_HOUR;
  if ((busy || (before === 0 && state.score > 0)) && state.phase === 'watching') {
    state.sinceHour = busy ? hour + 1 : hour;
    state.sinceMs = slot.atMs - (slot.localMs - state.sinceHour * HOUR_MS);
  }
  // Where only the stillness speaks, the load that was left on is no sign of life.
  const score = silence(state, limits);
  const sign = score > state.score ? evidence.still : evidence.both;
  const limit = threshold(state.patience, memory, hour, daysKnown(memory));
  // A long absence is told of once and is no habit: after a day and a half its hours are kept out of the scores.
  const absent = state.phase === 'away' || (state.phase === 'alarmed' && hour - state.sinceHour > ABSENCE_H);
  write(memory, hour, level, swing, absent ? -1 : score);
  return judge(state, slot, hour, sign, limit, limits, meter);
}

/**
 * The bin of the range of power over this hour and the one before: two half hours alone, or one whole hour, say little
 * of what goes on in them. Bin 0 is kept for a value that did not move at all.
 */
function swingBin(state: InactivityState, slot: Pick<Slot, 'minW' | 'maxW'>, goesOn: boolean): number {
  const known = goesOn && state.highW !== NO_HIGH;
  const lowW = known ? Math.min(slot.minW, state.lowW) : slot.minW;
  const highW = known ? Math.max(slot.maxW, state.highW) : slot.maxW;
  return known && highW === lowW ? 0 : Math.max(1, binOf(highW - lowW));
}

/** The score that is judged: of level and swing together, or of the swing alone where that is clearly higher. */
const silence = (state: Pick<InactivityState, 'score' | 'still'>, limits: InactivitySettings): number =>
  Math.max(state.score, state.still - limits.stillExtra);

/**
 * Between full hours: a silence that the running hour so far makes long enough is told at its quarter, for a stop comes
 * at any minute. Only the hour's end is learnt from and decides that somebody is about again.
 */
function glance(state: InactivityState, moment: Moment, limits: InactivitySettings, meter: string): readonly Output[] {
  const { memory, phase } = state;
  if (phase !== 'watching' && phase !== 'asked') return NOTHING;
  // Nearly every reading ends here: less than an hour's evidence is still to come.
  if (silence(state, limits) + EVIDENCE_MAX < limits.askShare * BOUNDS.least) return NOTHING;
  const now = runningHour(state.meterage, moment);
  if (now === undefined || now.hour !== memory.last + 1) return NOTHING;
  const swing = swingBin(state, now, true);
  if (swing === 0) return NOTHING;
  const evidence = weigh(memory, state.quiet, now.hour, binOf(now.meanW), swing);
  const score = add(state.score, now.share * evidence.both);
  const still = add(state.still, now.share * evidence.still);
  const most = silence({ score, still }, limits);
  if ((most > score ? evidence.still : evidence.both) <= 0) return NOTHING;
  const limit = threshold(state.patience, memory, now.hour, daysKnown(memory));
  const civil = Math.floor((moment.localMs * 4) / HOUR_MS) / 4;
  return goesOn(state, moment, civil, most, limit, limits, meter);
}

/** Somebody who is clearly about now makes most of the silence before it void: a sum alone would drift over days. */
function add(score: number, evidence: number): number {
  const kept = evidence <= BUSY_HOUR ? 0.3 * score : score;
  return Math.round(Math.max(0, Math.min(SCORE_MAX, kept + evidence)) * 1000) / 1000;
}

function calm(state: InactivityState, share: number): void {
  state.score *= share;
  state.still *= share;
}

function judge(
  state: InactivityState,
  slot: Slot,
  hour: number,
  evidence: number,
  limit: number,
  limits: InactivitySettings,
  meter: string,
): readonly Output[] {
  const score = silence(state, limits);
  switch (state.phase) {
    case 'watching':
      return goesOn(state, slot, hour + 1, score, limit, limits, meter);
    case 'asked':
    case 'alarmed':
      if (evidence > 0) {
        state.past.score = Math.max(state.past.score, score);
        state.past.hours = Math.min(23, hour + 1 - state.sinceHour);
      }
      state.activity = Math.max(0, state.activity - (evidence < 0 ? evidence : 0.3));
      if (state.activity >= BUSY || (state.phase === 'asked' && score < 0.5 * limit)) {
        return back(state, finding(state, hour + 1, limit, score, 'cleared', meter));
      }
      return goesOn(state, slot, hour + 1, score, limit, limits, meter);
    case 'away':
      if (slot.atMs < state.awayUntilMs) {
        state.score = state.still = 0;
        return NOTHING;
      }
      state.phase = 'watching';
      return NOTHING;
    default:
      return state.phase satisfies never;
  }
}

/** The question, and an hour later at the earliest the alarm. `now` is the civil hour, with its quarters. */
function goesOn(
  state: InactivityState,
  { atMs }: Moment,
  now: number,
  score: number,
  limit: number,
  limits: InactivitySettings,
  meter: string,
): readonly Output[] {
  if (state.phase === 'watching') {
    if (daysKnown(state.memory) < DAYS_BEFORE_ALARM || score < limits.askShare * limit) return NOTHING;
    if (state.score < 1) {
      // Only the stillness speaks: the silence is as old as its evidence, at one an hour.
      const hours = Math.ceil(state.still);
      state.sinceHour = Math.floor(now) - 1 - hours;
      state.sinceMs = atMs - hours * HOUR_MS;
    }
    if (now - state.sinceHour < ASK_H) return NOTHING;
    state.phase = 'asked';
    state.askedHour = now;
    state.activity = 0;
    return [finding(state, now, limit, score, 'raised', meter)];
  }
  if (state.phase !== 'asked' || score < limit || now < state.askedHour + 1) return NOTHING;
  if (now - state.sinceHour < ALARM_H || isAwayAgain(state.absences, state.sinceHour, now)) return NOTHING;
  state.phase = 'alarmed';
  return [finding(state, now, limit, score, 'updated', meter)];
}

/** Somebody is about again. An alarm that ends so and was not confirmed makes this home a little more patient. */
function back(state: InactivityState, cleared: Output): readonly Output[] {
  const { past } = state;
  if (past.verdict !== 'other') addAbsence(state.absences, state.sinceHour, state.memory.last + 1);
  // The verdict came while the silence lasted: now its whole length is known.
  if (past.verdict === 'false') addCause(state.patience, past, 0);
  else if (state.phase === 'alarmed' && past.verdict === 'none') {
    const away = state.memory.last + 1 - state.askedHour > AWAY_H;
    const step = away ? BOUNDS.learntAway : BOUNDS.learntStep;
    state.patience.margin = Math.min(BOUNDS.learntMax, state.patience.margin + step);
  }
  state.phase = 'watching';
  state.score = state.still = 0;
  return [cleared];
}

function finding(
  state: InactivityState,
  now: number,
  limit: number,
  score: number,
  change: 'raised' | 'updated' | 'cleared',
  meter: string,
): Output {
  const { memory, patience } = state;
  const silentH = Math.floor(now - state.sinceHour);
  const hour = Math.ceil(now) - 1;
  if (change === 'raised') {
    state.past = { fromHour: state.sinceHour % 24, hours: Math.min(23, silentH), score, verdict: 'none' };
  }
  const days = Math.floor(daysKnown(memory));
  const missing =
    change === 'cleared' ? '' : missingHabits(memory, state.sinceHour, Math.floor(now) - 1, state.quiet.highLevel);
  const alarm = state.phase === 'alarmed';
  return say({
    meter,
    kind: 'inactivity',
    state: change,
    severity: alarm ? 'critical' : 'notice',
    sinceMs: state.sinceMs,
    // Most silences of a healthy home end by themselves: an alarm is a reason to knock, not a certainty.
    confidence: alarm ? 0.5 : 0.25,
    evidence: {
      stage: alarm ? 'alarm' : 'ask',
      silentH,
      usualLongestH: usualLongestH(memory, hour),
      score,
      limit,
      ...(missing === '' ? {} : { missing }),
      ...(state.still > state.score ? { loadLeftOn: true } : {}),
      ...(days < 21 ? { learning: true, daysKnown: days } : {}),
      ...learnt(patience, isAwayAgain(state.absences, state.sinceHour, now)),
    },
    recipients: alarm ? ['power', 'community'] : ['community'],
  });
}

function learnt(patience: Patience, awayAgain: boolean): Record<string, string> {
  const parts: string[] = awayAgain ? ['often left for a day and more at this hour'] : [];
  if (patience.margin > 0) parts.push(`+${round(patience.margin)} from alarms that ended by themselves`);
  if (patience.alertness > 0) parts.push(`-${round(patience.alertness)} from confirmed ones`);
  for (const cause of patience.causes) {
    parts.push(`silence of ${cause.hours} h from ${cause.fromHour}:00 told false ${cause.times} times`);
  }
  return parts.length === 0 ? {} : { learnt: parts.slice(0, 3).join('; ') };
}

/** A grid worker's answer changes this home's own patience, within the bounds of `patience.ts`. */
function answer(state: InactivityState, moment: Moment, verdict: Verdict, meter: string): readonly Output[] {
  if (verdict.kind !== undefined && verdict.kind !== 'inactivity') return NOTHING;
  const { patience, past } = state;
  const open = state.phase === 'asked' || state.phase === 'alarmed';
  switch (verdict.result) {
    case 'confirmed':
      patience.margin = 0;
      patience.alertness = Math.min(BOUNDS.alertnessMax, patience.alertness + 0.5);
      past.verdict = 'other';
      return NOTHING;
    case 'false-alarm':
      if (past.verdict !== 'none') return NOTHING;
      addCause(patience, past, 1);
      past.verdict = 'false';
      return NOTHING;
    case 'forget':
      state.patience = noPatience();
      state.absences = [];
      return NOTHING;
    case 'away': {
      const outputs = open ? [finding(state, state.memory.last + 1, 0, state.score, 'cleared', meter)] : NOTHING;
      state.phase = 'away';
      state.awayUntilMs = verdict.untilMs ?? moment.atMs + 14 * 24 * HOUR_MS;
      state.score = state.still = 0;
      past.verdict = 'other';
      return outputs;
    }
    default:
      return verdict.result satisfies never;
  }
}
