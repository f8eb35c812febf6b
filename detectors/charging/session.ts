/**
 * One load that may be a charger, from its switch-on to its end: how much it draws, how its power runs, when it stopped.
 *
 * Its power is followed inside the home's: what drifts slowly while no step happens is the charger's rise and taper,
 * every step that is not its own belongs to the others. The end is a step down of its size, a taper to nothing, or a
 * snapshot in which its harmonics are gone.
 */
import type { Severity } from '../alert.ts';
import { addTo, type Fit, look, type Presence } from './presence.ts';
import type { Shape } from './shape.ts';
import type { View } from './view.ts';

export type Inputs = 'waveform' | 'harmonics' | 'distortion' | 'power';

export interface Session {
  sinceMs: number;
  /** When it was last switched on: later than `sinceMs` for a charger that came back. */
  beganMs: number;
  /** `ended`: off, but a charger that returns within the hold goes on with the same alert. */
  phase: 'on' | 'ended';
  stage: 'watched' | 'suspected' | 'confirmed';
  /** How it was told when it was confirmed: what the hour makes of it later does not change who hears of its end. */
  severity?: Severity;
  inputs: Inputs;
  probability: number;
  /** What the meter shows for it: −1 where the clamp is turned round. */
  sign: 1 | -1;
  /** When it was switched on, before anything drifted. */
  onsetW: number;
  powerW: number;
  peakW: number;
  /** Its harmonics, looked at again and again; absent where there is only power. */
  presence?: Presence;
  /** On before anything was seen: what stands in every home may be part of it. */
  unseen?: true;
  /** When a last look before the verdict was asked for. */
  checkMs?: number;
  /** What the home's drift alone makes of its power since the onset, whatever its harmonics say. */
  driftedW: number;
  /** Drift that was too quick to be believed at once. */
  owedW: number;
  energyWh: number;
  onMs: number;
  atMs: number;
  endedMs?: number;
  /** A grid worker said that it is something else. */
  dismissed?: boolean;
  /** Least squares of power over hours since the onset, over at most the first four hours. */
  fit: Fit;
  shape: Pick<Shape, 'a3' | 'a5' | 'a7' | 'displacementPf' | 'conductionDeg' | 'fall5'>;
}

/** The first minute is the start-up; after four hours the knee may have come. */
const FIT_FROM_MS = 60_000;
const FIT_TO_MS = 240 * 60_000;

/** Share of the peak per minute: the steepest taper; what drifts faster is the rest of the home. */
const STEEPEST_PER_MIN = 0.05;

/**
 * Integrates up to `atMs`, then takes the home's drift as the session's own, as far as a charger can drift in
 * `passedMs`. What is too much is owed for a minute's worth, so that the noise of readings a second apart cancels.
 */
export function drift(session: Session, atMs: number, driftW: number, passedMs: number): void {
  pass(session, atMs);
  const perMinuteW = 1 + STEEPEST_PER_MIN * session.peakW;
  const owedW = within(session.owedW + session.sign * driftW, perMinuteW);
  const ownW = within(owedW, perMinuteW * Math.min(5, passedMs / 60_000));
  session.owedW = owedW - ownW;
  session.powerW = Math.max(0, Math.min(1.4 * session.peakW, session.powerW + ownW));
  session.driftedW = Math.max(0, Math.min(1.4 * session.peakW, session.driftedW + ownW));
  session.peakW = Math.max(session.peakW, session.powerW);
  const sinceMs = atMs - session.sinceMs;
  if (sinceMs < FIT_FROM_MS || sinceMs > FIT_TO_MS) return;
  addTo(session.fit, sinceMs / 3_600_000, session.driftedW);
}

const within = (value: number, most: number) => Math.max(-most, Math.min(most, value));

/** Lets time pass at the present power. A hole of hours is bridged: the charger did not stop for the meter's sake. */
export function pass(session: Session, atMs: number): void {
  const passedMs = Math.max(0, atMs - session.atMs);
  session.atMs = atMs;
  if (session.phase !== 'on') return;
  session.energyWh += (session.powerW * passedMs) / 3_600_000;
  session.onMs += passedMs;
}

/** Whether a step of this height is this load going off. */
export function isOff(session: Session, deltaW: number): boolean {
  const missingW = session.sign * deltaW + session.powerW;
  return Math.abs(missingW) <= Math.max(18, 0.2 * session.powerW);
}

export interface Trend {
  /** Share of the power per hour. */
  perHour: number;
  /** Standard error of that. */
  error: number;
  /** Scatter about the line as a share of the power. */
  scatter: number;
}

const LEAST_LOOKS = 4;
const LEAST_READINGS = 8;

/**
 * Its power by its own harmonics: `few` while it was not looked at often enough, undefined where the meter shows
 * nothing when it is asked.
 */
export function trendOfLooks({ presence }: Session): Trend | 'few' | undefined {
  if (presence === undefined || presence.looks.n === 0) return undefined;
  return trend(presence.looks, LEAST_LOOKS) ?? 'few';
}

/** Its power by the home's readings, or undefined before there are enough of them. */
export const trendOf = ({ fit }: Session): Trend | undefined => trend(fit, LEAST_READINGS);

function trend({ n, t, p, tt, tp, pp }: Fit, least: number): Trend | undefined {
  const spread = tt - (t * t) / n;
  if (n < least || !(spread > 0)) return undefined;
  const mean = p / n;
  const slope = (tp - (t * p) / n) / spread;
  const residual = Math.max(0, pp - (p * p) / n - slope * slope * spread);
  const variance = residual / (n - 2);
  return {
    perHour: slope / mean,
    // A last digit of a watt hides in a line that looks perfect.
    error: Math.sqrt((variance + 0.1) / spread) / mean,
    scatter: Math.sqrt(variance) / mean,
  };
}

/** A notebook tapers too. */
const TAPER_LEAST_W = 110;
const TAPERED = 0.65;
/** Two supplies of the commonest size that began in one minute, with what a meter may be wrong by. */
export const OF_TWO_W = 140;
/** And when both notebooks are full, what they need to work is still two fifths. */
const TAPERED_OF_TWO = 0.35;
/** Others' steps along its form are in the sum; what is not even near the onset has fallen. */
const SUM_TAPERED = 0.8;
/** One of two that went off leaves half and more. */
const SUM_TAPERED_OF_TWO = 0.5;

/**
 * The constant-voltage phase: well below the peak without a step. Sums of other loads' drift look the same in the
 * power, so where there are harmonics they must have fallen too.
 */
export function hasTapered({ inputs, powerW, onsetW, peakW, presence, unseen }: Session): boolean {
  // What was on before anything was seen, or shows little when looked at, has nothing but its taper to be known by.
  const seen = !unseen && presence !== undefined && presence.looks.n >= LEAST_LOOKS;
  const mayBeTwo = seen && onsetW < OF_TWO_W;
  if (powerW >= (mayBeTwo ? TAPERED_OF_TWO : TAPERED) * peakW || peakW < TAPER_LEAST_W) return false;
  if (inputs === 'power') return true;
  return presence !== undefined && presence.sum < (mayBeTwo ? SUM_TAPERED_OF_TWO : SUM_TAPERED);
}

/** A taper moves the home's power by as much as its harmonics say; other loads' steps have few of those. */
const isTaper = (homeW: number, ownW: number, change: number) =>
  change < -LEAST_TAPER && change > -MOST_BETWEEN && Math.abs(homeW - ownW) <= 0.15 * Math.abs(ownW);

/** More than that of a load does not come or go between two looks without a step of the power. */
const MOST_BETWEEN = 0.35;
/** Less than that is a meter's noise. */
const LEAST_TAPER = 0.1;
/** Looks further apart than this leave the sum as the better word on what happened between them. */
const APART_MS = 12 * 60_000;

/**
 * One more look at its harmonics. Without a step since the last one their change is its own and puts right what the
 * home's drift made of its power; with one, it drew what it drew.
 */
export function lookAgain(session: Session, presence: Presence, view: View, stepped: boolean): void {
  const apartMs = view.atMs - presence.last.atMs;
  const homeW = session.sign * (view.powerW - presence.last.powerW);
  const change = look(presence, view);
  const own = !stepped || (session.peakW > TAPER_LEAST_W && isTaper(homeW, change * session.onsetW, change));
  if (own) session.powerW = presence.lookW + within(change, MOST_BETWEEN) * session.onsetW;
  else if (apartMs < APART_MS) session.powerW = presence.lookW;
  else session.powerW = presence.sum * session.onsetW;
  session.powerW = Math.max(0, Math.min(1.4 * session.onsetW, session.powerW));
  session.peakW = Math.max(session.peakW, session.powerW);
  presence.lookW = session.powerW;
  const sinceMs = view.atMs - session.sinceMs;
  if (!stepped && sinceMs >= FIT_FROM_MS && sinceMs <= FIT_TO_MS)
    addTo(presence.looks, sinceMs / 3_600_000, session.powerW);
}
