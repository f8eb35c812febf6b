/**
 * Whether the load of a session is still there, by what each view shows of its harmonics (`presence.ts`): which one went
 * when a rectifier did, what ended without a step, and what did not end though the power fell by as much.
 */
import { changeSince, look, type Presence } from './presence.ts';
import { lookAgain, pass, type Session } from './session.ts';
import { type ChargingState, end, HERE_SUM, type Scene, SESSION_MAX_MS } from './sessions.ts';
import type { Judged, View } from './view.ts';

/** How long after a step a snapshot still belongs to it: a meter read once a minute shows it late. */
export const STEP_MS = 150_000;
/** A home between two steps moves by less. */
const STILL_W = 12;
/** What is left of a load that is gone. */
const GONE = 0.12;
/** And what is missing after it went: views of 12 bits and others' harmonics hide the rest. */
const LOST = 0.4;
/** Other rectifiers that went off hide as much of one that is still on, but not for long. */
const GONE_SUM = 0.3;
const GONE_MS = 8 * 60_000;

/** Harmonics that are gone end a session whatever the power says, and harmonics that are still there undo an end. */
export function checkPresence(scene: Scene, view: View): void {
  const { state, atMs } = scene;
  for (const session of state.sessions) {
    const { presence, phase } = session;
    if (presence === undefined || !isComparable(session, presence, view)) continue;
    if (phase === 'ended') {
      reconsider(session, presence, view);
      continue;
    }
    const stepped = hasStepped(state, presence.last, view, session.powerW);
    const { lookW } = presence;
    lookAgain(session, presence, view, stepped);
    // Others' harmonics may stand against its own, so the home's alone do not say that it is gone.
    const nothing = view.rectifierW < 0.3 * lookW && presence.sum < HERE_SUM;
    if (nothing || session.powerW < GONE * session.onsetW || isLong(presence, view)) {
      end(scene, session, presence.goneMs ?? atMs);
    }
  }
}

/** Whether its harmonics have been gone for so long that no other load's coming and going can be the reason. */
function isLong(presence: Presence, view: View): boolean {
  if (presence.sum > GONE_SUM) delete presence.goneMs;
  else presence.goneMs ??= view.atMs;
  return presence.goneMs !== undefined && view.atMs - presence.goneMs >= GONE_MS;
}

/** Whether something was switched between two views; a load's own drift stays below a fifth of it. */
function hasStepped({ step, level }: ChargingState, last: { atMs: number; powerW: number }, view: View, ownW: number) {
  if ((step?.sinceMs ?? 0) > last.atMs || level?.left !== undefined) return true;
  return Math.abs(view.powerW - last.powerW) > Math.max(STILL_W, 0.2 * ownW);
}

/** A fridge went off that drew as much: the charger's harmonics are all still there. */
function reconsider(session: Session, presence: Presence, view: View): void {
  const lost = hasLost(session, presence, look(presence, view));
  // It is gone, whatever of other loads is in the sum.
  if (lost) presence.sum = Math.min(presence.sum, 0);
  const late = view.atMs - (session.endedMs ?? 0) > STEP_MS || view.atMs - session.sinceMs > SESSION_MAX_MS;
  if (late || session.dismissed || session.powerW < 0.5 * session.peakW) return;
  if (lost || presence.sum < HERE_SUM) return;
  pass(session, view.atMs);
  session.phase = 'on';
  delete session.endedMs;
}

/** Whether the rectifier that went is this load: by its power, and where it was looked at by its harmonics too. */
export function isGone(session: Session, judged: Judged, view: View): boolean {
  const { phase, powerW, sinceMs, presence } = session;
  if (phase !== 'on' || sinceMs >= view.atMs || Math.abs(powerW - judged.powerW) >= Math.max(20, 0.35 * powerW))
    return false;
  return (
    presence === undefined ||
    !isComparable(session, presence, view) ||
    hasLost(session, presence, changeSince(presence, view))
  );
}

/** A later view of its phase; magnitudes that are taken to be in step are nothing to compare with true phasors. */
const isComparable = ({ inputs }: Session, { phase, last }: Presence, view: View) =>
  phase === view.phase && last.atMs < view.atMs && (view.inputs === 'waveform') === (inputs === 'waveform');

/** Whether a change takes away most of what it drew at the last look. */
const hasLost = ({ onsetW }: Session, { lookW }: Presence, change: number) => change < (-LOST * lookW) / onsetW;
