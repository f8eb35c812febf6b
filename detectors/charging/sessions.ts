/** The sessions of one meter from their beginning to their end, and the one alert that each of them is. */
import type { MeterInfo } from '../../protocols/reading.ts';
import type { Evidence, Finding, Recipient } from '../alert.ts';
import type { Output } from '../detector.ts';
import type { Level } from './level.ts';
import { familiarity, type Lookalike, remember } from './lookalikes.ts';
import { type Policy, policyOf } from './policy.ts';
import { emptyFit, joined, type Presence } from './presence.ts';
import type { Inputs, Session } from './session.ts';
import { pass } from './session.ts';
import type { Shape } from './shape.ts';
import { isConfirmed, isRising } from './verdict.ts';
import type { View } from './view.ts';

export interface ChargingState {
  startedMs?: number;
  level?: Level;
  /**
   * The last movement of power, for a snapshot that comes after it: from which landing, by how much, from when to when,
   * and how low (without its sign) it was before the last reading.
   */
  step?: { sinceMs: number; atMs: number; fromW: number; deltaW: number; lowW: number };
  /** What the last view showed of the change before it: whether a rectifier can have been part of it, and of what power. */
  seen?: { atMs: number; rectifierW: number };
  /** The last few of all phases, oldest first. */
  views: View[];
  sessions: Session[];
  lookalikes: Lookalike[];
  askedMs?: number;
}

/** What one step works with. */
export interface Scene {
  state: ChargingState;
  atMs: number;
  localMs: number;
  meter: MeterInfo;
  policy: Policy;
  holdMs: number;
  out: Output[];
}

export interface Onset {
  sinceMs: number;
  /** When the view was taken that shows the home before it. */
  startMs?: number;
  powerW: number;
  sign: 1 | -1;
  /** On before anything was seen. */
  unseen?: boolean;
  /** What a view showed; absent where there was only power. */
  seen?: { shape: Shape; probability: number; inputs: Exclude<Inputs, 'power'>; presence: Presence };
}

/** Three at once is a shop's back room; more is a charging station. */
const SESSIONS_MAX = 3;
/** Two views of one switch-on are one onset. */
const SAME_ONSET_MS = 150_000;
const RAMP_MS = 75_000;
/** After so long nothing charges: its end was missed. */
export const SESSION_MAX_MS = 16 * 3_600_000;
/** A float of a few watts is the end of charging. */
const FLOAT_SHARE = 0.15;
/** While a suspect is watched, its power should be seen more often than the usual minute. */
const ATTENTION = { periodMs: 10_000, forMs: 35 * 60_000 };
/** Of its harmonics, to be taken for still there: other loads' steps are in the sum. */
export const HERE_SUM = 0.5;
/** A look as old as this still counts; and how long the meter has for a new one. */
const FRESH_MS = 4 * 60_000;
const CHECK_MS = 100_000;
/** Before it is seen, a step of that height is a charger once in ten times. */
const UNSEEN = 0.1;
const NO_SHAPE = { a3: 0, a5: 0, a7: 0, displacementPf: 0, conductionDeg: 0, fall5: 0 };

/** A load of a charger's size began: a new session, or one that is known already. */
export function begin(scene: Scene, onset: Onset): void {
  const { state, atMs } = scene;
  const ramping = state.sessions.find((session) => isRamp(session, onset));
  if (ramping !== undefined) {
    climb(ramping, onset);
    return;
  }
  const known = state.sessions.find((session) => isSame(session, onset));
  if (known !== undefined) {
    resume(known, onset, atMs);
    return;
  }
  if (state.sessions.length >= SESSIONS_MAX) giveUp(scene);
  const { sinceMs, powerW, sign, seen, unseen } = onset;
  state.sessions.push({
    sinceMs,
    beganMs: sinceMs,
    phase: 'on',
    stage: 'watched',
    inputs: seen?.inputs ?? 'power',
    probability: seen?.probability ?? UNSEEN,
    sign,
    onsetW: powerW,
    powerW,
    peakW: powerW,
    driftedW: powerW,
    owedW: 0,
    ...(seen !== undefined ? { presence: seen.presence } : {}),
    ...(unseen ? { unseen } : {}),
    energyWh: 0,
    onMs: 0,
    atMs: sinceMs,
    fit: emptyFit(),
    shape: kept(seen?.shape),
  });
}

/** The rest of a soft start: some chargers take most of a minute to their full power. */
function isRamp({ phase, stage, presence, beganMs }: Session, { seen, startMs }: Onset): boolean {
  if (phase !== 'on' || stage === 'confirmed' || presence === undefined || seen === undefined) return false;
  return startMs === presence.last.atMs && seen.presence.last.atMs - beganMs <= RAMP_MS && presence.looks.n === 0;
}

function climb(session: Session, { powerW, seen }: Onset): void {
  const { presence } = session;
  if (presence === undefined || seen === undefined) return;
  session.onsetW += powerW;
  session.powerW = session.onsetW;
  session.driftedW = session.onsetW;
  session.peakW = session.onsetW;
  session.probability = Math.max(session.probability, seen.probability);
  session.presence = joined(presence, seen.presence, session.onsetW);
}

/** The same onset seen twice, one whose power was seen before its form, or a charger that came back. */
function isSame(session: Session, onset: Onset): boolean {
  if (session.dismissed) return false;
  const alike = onset.powerW > 0.5 * session.powerW && onset.powerW < 1.6 * session.powerW;
  if (session.phase === 'ended') return alike;
  if (Math.abs(onset.sinceMs - session.beganMs) > SAME_ONSET_MS) return false;
  return session.inputs === 'power' || alike;
}

function resume(session: Session, { sinceMs, powerW, seen, sign }: Onset, atMs: number): void {
  pass(session, atMs);
  if (session.phase === 'ended') session.beganMs = sinceMs;
  session.phase = 'on';
  delete session.endedMs;
  if (seen === undefined) return;
  session.sign = sign;
  session.presence = { ...seen.presence, looks: session.presence?.looks ?? seen.presence.looks };
  session.powerW = powerW;
  session.driftedW = powerW;
  session.onsetW = powerW;
  session.peakW = Math.max(session.inputs === 'power' ? 0 : session.peakW, powerW);
  session.inputs = seen.inputs;
  if (seen.probability < session.probability) return;
  session.probability = seen.probability;
  session.shape = kept(seen.shape);
}

function kept(shape: Session['shape'] = NO_SHAPE): Session['shape'] {
  const { a3, a5, a7, displacementPf, conductionDeg, fall5 } = shape;
  const round = (value: number) => Math.round(value * 1000) / 1000;
  return {
    a3: round(a3),
    a5: round(a5),
    a7: round(a7),
    displacementPf: round(displacementPf),
    conductionDeg: Math.round(conductionDeg),
    fall5: round(fall5),
  };
}

/** Makes room: what is least likely a charger goes, the oldest first, for its end may have been missed. */
function giveUp(scene: Scene): void {
  const { state, atMs } = scene;
  const order: Session['stage'][] = ['watched', 'suspected', 'confirmed'];
  const [weakest] = state.sessions.toSorted(
    (a, b) => order.indexOf(a.stage) - order.indexOf(b.stage) || a.sinceMs - b.sinceMs,
  );
  if (weakest === undefined) return;
  end(scene, weakest, atMs);
  close(scene, weakest);
  state.sessions = state.sessions.filter((session) => session !== weakest);
}

/**
 * It went off at `atMs`; the hold begins. Views that show it are no background any more: after a taper no step, and so
 * no newer view, tells the next charger's onset from a home in which one was still on.
 */
export function end({ state }: Scene, session: Session, atMs: number): void {
  if (session.phase === 'ended') return;
  pass(session, Math.max(atMs, session.atMs));
  session.phase = 'ended';
  session.endedMs = Math.max(atMs, session.sinceMs);
  if (session.inputs === 'power') return;
  const { sinceMs, endedMs } = session;
  const clean = state.views.filter((view) => view.atMs < sinceMs || view.atMs >= endedMs);
  if (clean.length > 0) state.views = clean;
}

/** Asks for a snapshot, on the phase that is asked for where there are several. */
export function capture({ state, atMs, meter, out }: Scene): void {
  state.askedMs = atMs;
  out.push({ type: 'capture', meter: meter.id, phase: meter.phase ?? 1 });
}

/** After every input: what has become suspect, confirmed, or is over. */
export function review(scene: Scene): void {
  const { state } = scene;
  if (state.sessions.length === 0) return;
  for (const session of state.sessions) {
    if (session.phase === 'on') reviewRunning(scene, session);
  }
  const over = state.sessions.filter((session) => isOver(scene, session));
  if (over.length === 0) return;
  for (const session of over) close(scene, session);
  state.sessions = state.sessions.filter((session) => !over.includes(session));
}

function reviewRunning(scene: Scene, session: Session): void {
  const { state, atMs, policy, meter, out } = scene;
  pass(session, Math.max(session.atMs, atMs));
  if (session.powerW < Math.max(12, FLOAT_SHARE * session.peakW) || atMs - session.sinceMs > SESSION_MAX_MS) {
    end(scene, session, atMs);
    return;
  }
  if (session.stage === 'confirmed') return;
  const familiar = familiarity(state.lookalikes, session, atMs);
  const watchedMs = atMs - (state.startedMs ?? atMs);
  // What was switched on while the shop was open is judged as that.
  const atOnset = policyOf(meter, scene.localMs - (atMs - session.sinceMs)) ?? policy;
  const likely = session.inputs === 'power' || session.probability >= policy.suspectAt;
  const course = { watchedMs, ...familiar };
  const confirmed =
    likely && isConfirmed(session, atOnset.profile ? atOnset : policy, course) && isLookedAt(scene, session);
  const charged = session.inputs === 'power' ? isRising(session) : session.probability >= policy.suspectAt;
  // A notice is not worth repeating for what came and went here before.
  const suspected = charged && familiar.recurringMin === undefined && !(familiar.today && familiar.times > 1);
  if (session.stage === 'watched' && (suspected || confirmed)) {
    session.stage = 'suspected';
    out.push({ type: 'finding', finding: finding(scene, session, 'raised') });
    out.push({ type: 'attention', meter: meter.id, ...ATTENTION });
  }
  if (confirmed) {
    session.stage = 'confirmed';
    out.push({ type: 'finding', finding: finding(scene, session, 'updated') });
  }
}

/** Nobody climbs stairs for what a look a minute ago would have shown gone; a meter that shows nothing is not waited for. */
function isLookedAt(scene: Scene, session: Session): boolean {
  const { presence } = session;
  if (presence === undefined) return true;
  if (presence.sum < HERE_SUM) return false;
  if (scene.atMs - presence.last.atMs < FRESH_MS) return true;
  if (session.checkMs === undefined || scene.atMs - session.checkMs > FRESH_MS) {
    session.checkMs = scene.atMs;
    capture(scene);
    return false;
  }
  return scene.atMs - session.checkMs >= CHECK_MS;
}

function isOver({ atMs, holdMs }: Scene, session: Session): boolean {
  if (session.phase !== 'ended') return false;
  return session.dismissed === true || atMs - (session.endedMs ?? atMs) >= holdMs;
}

function close(scene: Scene, session: Session): void {
  const { state, atMs, out } = scene;
  const endMs = session.endedMs ?? atMs;
  // What a person has seen to be something else weighs as much as what recurred three times.
  const times = session.dismissed ? 3 : 1;
  for (let k = 0; k < times; k++) remember(state.lookalikes, session, endMs);
  if (session.stage !== 'watched') out.push({ type: 'finding', finding: finding(scene, session, 'cleared') });
}

/** One finding from raised to cleared: `sinceMs` makes it one alert. */
function finding({ meter, policy }: Scene, session: Session, state: Finding['state']): Finding {
  if (session.stage === 'confirmed') session.severity ??= policy.severity;
  const { severity = 'notice' } = session;
  const recipients: Recipient[] = ['community', 'power'];
  return {
    meter: meter.id,
    kind: 'illegal-charging',
    state,
    severity,
    sinceMs: session.sinceMs,
    confidence: confidenceOf(session),
    evidence: evidenceOf(session, state),
    recipients: severity === 'critical' ? [...recipients, 'dispatch'] : recipients,
  };
}

/**
 * That this is a charger, as it came true in the replayed homes: a rectifier that began was one in six to seven times
 * of eight, one that stayed in 99 of 100. Both assume a home in which chargers do occur; power alone was not replayed
 * often enough to say more than that it is worth less.
 */
function confidenceOf({ stage, probability, inputs }: Session): number {
  const sure = stage === 'confirmed' ? 0.98 : 0.85;
  return inputs === 'power' ? 0.6 * sure : sure * probability;
}

function evidenceOf(session: Session, state: Finding['state']): Evidence {
  const { stage, inputs, shape } = session;
  const tenth = (value: number) => Math.round(value * 10) / 10;
  // A meter's own harmonics are no better than some hundredths.
  const hundredth = (value: number) => Math.round(value * 100) / 100;
  const form: Evidence =
    inputs === 'power'
      ? {}
      : {
          harmonic3Share: hundredth(shape.a3),
          harmonic5Share: hundredth(shape.a5),
          harmonic7Share: hundredth(shape.a7),
          displacementPf: hundredth(shape.displacementPf),
          ...(inputs === 'waveform' ? { conductionDeg: shape.conductionDeg } : {}),
        };
  return {
    stage: stage === 'confirmed' ? 'confirmed' : 'suspected',
    inputs,
    powerW: tenth(session.powerW),
    peakW: tenth(session.peakW),
    ...form,
    ...(state === 'raised' ? {} : { energyWh: tenth(session.energyWh), durationMin: tenth(session.onMs / 60_000) }),
  };
}
