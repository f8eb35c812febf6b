/**
 * Illegal charging of e-bikes: the alert that something with a charger's circuit is charging where it must not.
 *
 * Intuition. A cheap charger is a bridge and a capacitor: it takes its current in narrow pulses at the crest of the
 * voltage. Subtract the snapshot before a step from the one after it and what is left is that pulse, or it is not
 * (`shape.ts`, `model.ts`). Anything with that circuit looks the same, so a pulse only makes a *suspect*; what
 * *confirms* it is that it holds a charger's power, rising and not falling, for longer than compressors and kitchen
 * machines run (`verdict.ts`), seen by its own harmonics every few minutes (`presence.ts`, `still-there.ts`), and that
 * this home does not switch such a thing on several times a day (`lookalikes.ts`).
 *
 * Rejected. Power by the minute alone: F1 0.25 with 3.7 false alarms a month on real homes; it remains as the last
 * resort, and then only the whole profile counts. A network over images of the voltage-current loop: the published ones
 * reach 0.85 to 0.89 on devices they have not seen, for thousands of times the arithmetic. The sign of the fifth
 * harmonic: the pulse leads the crest by up to 27°. Waiting for the taper: sure, and hours too late.
 *
 * Views are taken as they come: asked for, unasked, before or after the step, once a minute or once only. Each is
 * compared with the one before it on its phase; the first ever with what the readings say was there before.
 */
import type { Reading } from '../../protocols/reading.ts';
import { alertId } from '../alert.ts';
import type { Input, MeterDetector, Output } from '../detector.ts';
import { type Change, follow, startLevel } from './level.ts';
import { policyOf } from './policy.ts';
import { presenceOf } from './presence.ts';
import { drift, isOff, type Session } from './session.ts';
import { begin, type ChargingState, capture, end, review, type Scene } from './sessions.ts';
import { checkPresence, isGone, STEP_MS } from './still-there.ts';
import { type Judged, judge, keep, type View, viewBefore, viewOfHarmonics, viewOfWaveform } from './view.ts';

export type { ChargingState } from './sessions.ts';

export interface ChargingSettings {
  /** Above it, it is a car or a heater. */
  mostW: number;
  /** How long a charger may be off and still be the same session: a plug moved, a power cut. */
  holdMin: number;
}

export const CHARGING_DEFAULTS: ChargingSettings = { mostW: 460, holdMin: 15 };
/** A step smaller than this is no charger's, not even the third of one that a minute's mean or a soft start shows. */
const WORTH_A_LOOK_W = 20;
const ASK_EVERY_MS = 20_000;
/** A meter that showed views within so long shows them for every step that is worth it: power alone says nothing then. */
const SHOWS_VIEWS_MS = 24 * 3_600_000;
/** Without a reading for so long, the waveforms' own power is the reading. */
const SILENT_MS = 150_000;
/** That what was switched is a rectifier; higher for the whole of a home's current, which may be many small ones. */
const RECTIFIER_AT = 0.5;
const WHOLE_AT = 0.8;
const WHOLE_LEAST_W = 100;
const STANDING_W = 30;
/** A view of the home before a step shows its landing within so much; converters and meters differ by percents. */
const MISFIT_W = 8;
const MISFIT_SHARE = 0.03;
/** Between two views so close to each other nothing else is hidden. */
const NEXT_MS = 100_000;
/** How often the picture of a home that drifts is renewed, so that the next step is compared with the home as it is. */
const RENEW_MS = 10 * 60_000;
const DRIFTED_W = 15;
/**
 * How often a load that is watched is looked at: most often until it can be confirmed, for a look counts only where no
 * step came since the one before, and of five in a restless home too few were left; then rarely, for each look brings
 * the changes of other loads along that were too small for a step.
 */
const LOOK_EARLY_MS = 3 * 60_000;
const EARLY_MS = 25 * 60_000;
const LOOK_MS = 5 * 60_000;
const LOOK_LATER_MS = 15 * 60_000;
/** A load that is watched may go off in small steps, but readings are not better than this. */
const LEAST_LOOK_W = 12;

/** The detector. Its state stays below 8 kB a meter: eight views of twenty numbers, three sessions, 24 look-alikes. */
export function charging(settings: Partial<ChargingSettings> = {}): MeterDetector<ChargingState> {
  const set = { ...CHARGING_DEFAULTS, ...settings };
  return {
    scope: 'meter',
    name: 'charging',
    start: (meter) => (policyOf(meter, 0) === undefined ? undefined : { views: [], sessions: [], lookalikes: [] }),
    step(state, input, meter) {
      const policy = policyOf(meter, input.localMs);
      if (policy === undefined) return [];
      const { atMs } = input;
      const out: Output[] = [];
      const scene: Scene = { state, atMs, localMs: input.localMs, meter, policy, holdMs: set.holdMin * 60_000, out };
      take(scene, input, set);
      review(scene);
      return out;
    },
  };
}

function take(scene: Scene, input: Input, set: ChargingSettings): void {
  const { state, atMs } = scene;
  switch (input.type) {
    case 'reading':
      takeReading(scene, input.reading, set);
      return;
    case 'waveform': {
      const view = viewOfWaveform(input.waveform, atMs, state.views.at(-1)?.frequencyHz);
      if (view !== undefined) takeView(scene, view, set);
      return;
    }
    case 'event':
      if (input.event === 'power-off') for (const session of state.sessions) end(scene, session, atMs);
      return;
    case 'verdict':
      if (input.verdict.result === 'false-alarm') dismiss(scene, input.verdict.alertId);
      return;
    case 'tick':
      return;
    default:
      input satisfies never;
  }
}

/** Whoever looked says it is something else: what draws this power with this form is no candidate any more. */
function dismiss(scene: Scene, id: string | undefined): void {
  const { state, atMs, meter } = scene;
  for (const session of state.sessions) {
    if (session.stage === 'watched') continue;
    if (id !== undefined && id !== idOf(meter.id, session)) continue;
    session.dismissed = true;
    end(scene, session, atMs);
  }
}

const idOf = (meter: string, { sinceMs }: { sinceMs: number }) => alertId({ meter, kind: 'illegal-charging', sinceMs });

function takeReading(scene: Scene, reading: Reading, set: ChargingSettings): void {
  const { state, atMs } = scene;
  const powerW = powerOf(reading);
  if (powerW === undefined) {
    // Slow items come by themselves; the power is the one that was read last.
    if (state.level !== undefined) takeHarmonics(scene, reading, state.level.lastW, set);
    return;
  }
  state.startedMs ??= atMs;
  if (state.level === undefined) {
    state.level = startLevel(atMs, powerW);
  } else {
    const passedMs = atMs - state.level.atMs;
    const { left, lastW } = state.level;
    if (left !== undefined && state.step !== undefined) state.step.lowW = Math.min(state.step.lowW, Math.abs(lastW));
    const change = follow(state.level, atMs, powerW);
    takeDrift(scene, change, passedMs);
    takeChange(scene, change, powerW, set);
  }
  takeHarmonics(scene, reading, powerW, set);
}

/** Which of two chargers bends first cannot be seen: each has its share of what drifts. */
function takeDrift({ state, atMs }: Scene, change: Change, passedMs: number): void {
  const on = state.sessions.filter(({ phase }) => phase === 'on');
  const onW = on.reduce((sum, session) => sum + session.powerW, 1);
  const share = change.type === 'steady' ? change.driftW / onW : 0;
  for (const session of on) drift(session, atMs, share * session.powerW, passedMs);
}

function takeChange(scene: Scene, change: Change, powerW: number, set: ChargingSettings): void {
  const { state, atMs } = scene;
  const on = state.sessions.filter(({ phase }) => phase === 'on');
  switch (change.type) {
    case 'steady':
      renew(scene, powerW);
      break;
    case 'moving':
      break;
    case 'left':
      state.step = stepOf(atMs, atMs, powerW, change.byW);
      ask(scene, change.byW);
      break;
    case 'step':
    case 'gap': {
      const lowW = state.step?.sinceMs === change.sinceMs ? state.step.lowW : undefined;
      state.step = stepOf(change.sinceMs, atMs, powerW, change.deltaW, lowW);
      for (const session of on) {
        if (session.sinceMs >= change.sinceMs || !isOff(session, change.deltaW)) continue;
        if (!isContradicted(state, session, change.sinceMs)) end(scene, session, change.sinceMs);
      }
      ask(scene, change.deltaW);
      takeBlindly(scene, set);
      break;
    }
    default:
      change satisfies never;
  }
  // What the whole home no longer draws, the charger cannot draw; a solar roof makes this unknowable.
  for (const session of on) {
    const homeW = session.sign * powerW;
    if (homeW >= 0 && homeW < 0.5 * session.powerW && session.sinceMs < atMs) end(scene, session, atMs);
  }
  takeLoneView(scene, powerW, set);
}

function stepOf(sinceMs: number, atMs: number, powerW: number, deltaW: number, lowW = Number.POSITIVE_INFINITY) {
  const fromW = powerW - deltaW;
  return { sinceMs, atMs, fromW, deltaW, lowW: Math.min(lowW, Math.abs(fromW)) };
}

/** The power fell by as much as the charger draws, but a view of that moment shows that no rectifier went: a fridge did. */
function isContradicted({ seen }: ChargingState, { inputs, powerW }: Session, sinceMs: number): boolean {
  return inputs !== 'power' && seen !== undefined && seen.atMs >= sinceMs && seen.rectifierW < 0.5 * powerW;
}

/** A step that no view explains, on a meter that shows none: only its further course can tell. */
function takeBlindly(scene: Scene, set: ChargingSettings): void {
  const { state, atMs, policy } = scene;
  const deltaW = Math.abs(state.step?.deltaW ?? 0);
  const seen = state.views.some((view) => atMs - view.atMs < SHOWS_VIEWS_MS);
  if (seen || (state.step?.deltaW ?? 0) < policy.leastW || deltaW > set.mostW) return;
  begin(scene, { sinceMs: state.step?.sinceMs ?? atMs, powerW: deltaW, sign: 1 });
}

/** A snapshot may come before the reading that shows its step. */
function takeLoneView(scene: Scene, powerW: number, set: ChargingSettings): void {
  const { state, atMs } = scene;
  const view = state.views.find(({ lone }) => lone);
  if (view === undefined || state.step === undefined) return;
  if (atMs - view.atMs > STEP_MS) delete view.lone;
  if (!view.lone || state.step.sinceMs < view.atMs - STEP_MS) return;
  const beforeW = powerW - state.step.deltaW;
  if (Math.abs(view.powerW - powerW) > Math.abs(view.powerW - beforeW)) return;
  delete view.lone;
  takeJudged(scene, judge(view, undefined, state.step.deltaW), view, undefined, set);
}

function takeHarmonics(scene: Scene, reading: Reading, powerW: number, set: ChargingSettings): void {
  const { state, atMs } = scene;
  for (let phase = 0; phase < (reading.harmonicsA ?? reading.currentThd ?? []).length; phase++) {
    if (state.views.at(-1)?.inputs === 'waveform') continue;
    const view = viewOfHarmonics(reading, phase, powerW, atMs);
    if (view !== undefined) takeView(scene, view, set);
  }
}

const isOn = (session: Session) => session.phase === 'on' && session.inputs !== 'power';

function takeView(scene: Scene, view: View, set: ChargingSettings): void {
  const { state, atMs } = scene;
  if (view.inputs === 'waveform' && !(atMs - (state.level?.atMs ?? 0) < SILENT_MS)) {
    takeReading(scene, { activePowerW: view.powerW }, set);
  }
  const step = state.step !== undefined && atMs - state.step.sinceMs < STEP_MS ? state.step : undefined;
  // A view from before a charger that is on would show that charger once more.
  const sinceMs = Math.max(0, ...state.sessions.filter(isOn).map((session) => session.beganMs));
  const recent = state.views.filter(({ atMs }) => atMs >= sinceMs);
  const before = viewBefore(
    recent.length > 0 ? recent : state.views,
    view,
    scene.meter.phases === 3 ? undefined : step?.fromW,
  );
  // A minute's mean that caught half a step shows half a charger: the landing before stays what is compared with.
  const moving = view.inputs !== 'waveform' && state.level?.left !== undefined;
  if (!moving || before === undefined) keep(state.views, view);
  if (before !== undefined) {
    takeJudged(scene, judge(view, before), view, before, set);
  } else if (step !== undefined) {
    takeJudged(scene, judge(view, undefined, step.deltaW), view, undefined, set);
  } else {
    view.lone = true;
    takeWhole(scene, view, set);
  }
  if (!moving) checkPresence(scene, view);
}

/** The first view of all: a charger that was on before the gateway was shows when it is most of what the home draws. */
function takeWhole(scene: Scene, view: View, set: ChargingSettings): void {
  const whole = judge(view, undefined);
  if (whole.probability < WHOLE_AT || whole.powerW < Math.max(WHOLE_LEAST_W, 0.5 * view.powerW)) return;
  // Part of it is what stands in every home: a router, clocks, a set-top box.
  takeJudged(scene, { ...whole, powerW: whole.powerW - STANDING_W }, view, undefined, set, true);
}

/** @param whole whether all of the home's current was judged, not a change of it */
function takeJudged(
  scene: Scene,
  judged: Judged,
  view: View,
  before: View | undefined,
  set: ChargingSettings,
  whole = false,
) {
  const { state, policy, atMs } = scene;
  const { rectifierW, fall5 } = judged.shape;
  state.seen = { atMs, rectifierW: judged.probability > 0.3 || fall5 > 0.55 ? rectifierW : 0 };
  if (judged.probability < RECTIFIER_AT) return;
  if (!judged.grew) {
    const gone = state.sessions.find((session) => isGone(session, judged, view));
    if (gone !== undefined) end(scene, gone, atMs);
    return;
  }
  const alone = before === undefined || scene.meter.phases === 3;
  const powerW = alone ? judged.powerW : begunW(state, judged, view, before);
  if (powerW < policy.leastW || powerW > set.mostW) return;
  const recent = state.step !== undefined && atMs - state.step.sinceMs < STEP_MS;
  const { shape } = judged;
  begin(scene, {
    sinceMs:
      recent && before !== undefined ? Math.max(state.step!.sinceMs, before.atMs) : recent ? state.step!.sinceMs : atMs,
    powerW,
    sign: shape.powerW < -20 ? -1 : 1,
    ...(before !== undefined ? { startMs: before.atMs } : {}),
    unseen: whole,
    seen: {
      shape,
      probability: judged.probability,
      inputs: view.inputs,
      presence: presenceOf(view, before, powerW, whole ? judged.powerW / view.rectifierW : 1),
    },
  });
}

/**
 * No more than the readings saw begin, where the view before is not of the home before: the rest was on already, for
 * many small changes lie between two views of a home. While it moved it may have been lower than where it came from.
 */
function begunW({ step, level }: ChargingState, judged: Judged, view: View, before: View): number {
  if (level === undefined || view.atMs - before.atMs <= NEXT_MS) return judged.powerW;
  const recent = step !== undefined && view.atMs - step.atMs < STEP_MS ? step : undefined;
  // From feeding in to drawing, heights without their sign say nothing.
  if (recent !== undefined && recent.fromW * level.lastW < 0) return judged.powerW;
  const landings = recent === undefined ? [level.steadyW] : [recent.fromW, recent.lowW];
  const fits = (powerW: number) =>
    Math.abs(Math.abs(before.powerW) - powerW) <= Math.max(MISFIT_W, MISFIT_SHARE * powerW);
  if (landings.some((powerW) => fits(Math.abs(powerW)))) return judged.powerW;
  const lowW = Math.min(...landings.map(Math.abs));
  const seenW = Math.max(...[view.powerW, level.lastW].map((powerW) => Math.abs(Math.abs(powerW) - lowW)));
  return Math.min(judged.powerW, 1.05 * seenW);
}

/** What comes softly makes no step and is in no view. */
function renew(scene: Scene, powerW: number): void {
  const { state, atMs } = scene;
  const last = state.views.at(-1);
  const sinceMs = atMs - Math.max(last?.atMs ?? 0, state.askedMs ?? 0);
  const everyMs = Math.min(...state.sessions.filter(isOn).map((session) => lookEveryMs(session, atMs)));
  if (sinceMs >= everyMs) {
    capture(scene);
    return;
  }
  if (sinceMs < RENEW_MS) return;
  // The first view shows the home before anything begins in it.
  if (last === undefined || Math.abs(Math.abs(powerW) - Math.abs(last.powerW)) >= DRIFTED_W) capture(scene);
}

function lookEveryMs({ stage, beganMs }: Session, atMs: number): number {
  if (stage === 'confirmed') return LOOK_LATER_MS;
  return atMs - beganMs < EARLY_MS ? LOOK_EARLY_MS : LOOK_MS;
}

/** Asks for a waveform of a step, a small one too where a small load that is watched may have made it. */
function ask(scene: Scene, byW: number): void {
  const { state, atMs } = scene;
  const ownW = Math.min(...state.sessions.filter(isOn).map((session) => 0.6 * session.powerW), WORTH_A_LOOK_W);
  if (Math.abs(byW) < Math.max(LEAST_LOOK_W, ownW)) return;
  if (atMs - (state.askedMs ?? Number.NEGATIVE_INFINITY) >= ASK_EVERY_MS) capture(scene);
}

/** Active power, or what voltage, current and power factor make of it. */
function powerOf({ activePowerW, voltageV, currentA, powerFactor }: Reading): number | undefined {
  if (activePowerW !== undefined) return Number.isFinite(activePowerW) ? activePowerW : undefined;
  if (voltageV === undefined || currentA === undefined) return undefined;
  let sum = 0;
  currentA.forEach((current, k) => {
    sum += current * (voltageV[k] ?? voltageV[0] ?? 0) * (powerFactor?.[k] ?? 1);
  });
  return Number.isFinite(sum) ? sum : undefined;
}
