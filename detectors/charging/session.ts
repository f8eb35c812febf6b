/**
 * One load that may be a charger, from its switch-on to its end: how much it draws, how its power runs, when it stopped.
 *
 * Its power is followed inside the home's: what drifts slowly while no step happens is the charger's rise and taper,
 * every step that is not its own belongs to the others. The end is a step down of its size, a taper to nothing, or a
 * snapshot in which its harmonics are gone.
 */
import type { Severity } from '../alert.ts';
import type { Shape } from './shape.ts';

export type Inputs = 'waveform' | 'harmonics' | 'distortion' | 'power';

export interface Session {
  sinceMs: number;
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
  /** What the home's harmonics had more than before it began, in the last view. */
  seenW?: number;
  /** Drift that was too quick to be believed at once. */
  owedW: number;
  /** Rectifier power in the home's harmonics before it began. */
  baseRectifierW: number;
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

export interface Fit {
  n: number;
  t: number;
  p: number;
  tt: number;
  tp: number;
  pp: number;
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
  session.peakW = Math.max(session.peakW, session.powerW);
  const sinceMs = atMs - session.sinceMs;
  if (sinceMs < FIT_FROM_MS || sinceMs > FIT_TO_MS) return;
  const { fit } = session;
  const hours = sinceMs / 3_600_000;
  fit.n++;
  fit.t += hours;
  fit.p += session.powerW;
  fit.tt += hours * hours;
  fit.tp += hours * session.powerW;
  fit.pp += session.powerW * session.powerW;
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

/** How the power runs, or undefined before there is enough of it. */
export function trendOf({ fit }: Session): Trend | undefined {
  const { n, t, p, tt, tp, pp } = fit;
  const spread = tt - (t * t) / n;
  if (n < 8 || !(spread > 0)) return undefined;
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
/** Harmonics of a home add up roughly; what is not even near the onset has fallen, and the onset is no drift's. */
const SEEN_TAPERED = 0.8;

/**
 * The constant-voltage phase: well below the peak without a step. Sums of other loads' drift look the same in the
 * power, so where there are harmonics they must have fallen too.
 */
export function hasTapered({ inputs, powerW, peakW, onsetW, seenW }: Session): boolean {
  if (powerW >= TAPERED * peakW) return false;
  if (inputs !== 'power' && !(seenW !== undefined && seenW < SEEN_TAPERED * onsetW)) return false;
  return peakW >= TAPER_LEAST_W;
}
