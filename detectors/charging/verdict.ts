/**
 * From suspected to confirmed: what time adds to the waveform.
 *
 * A charger holds one power for hours, rising by 2 to 10 % an hour while its battery's voltage rises, then bends and
 * falls away smoothly. A compressor's power falls from its start and it stops within the hour; a washing machine
 * scatters. Waiting for the knee would be surest and would take hours, so a steady load of a charger's size that does
 * not fall is confirmed after `confirmMin`, and only a small one, which a compressor or a notebook could be, must show
 * more.
 */
import type { Familiar } from './lookalikes.ts';
import type { Policy } from './policy.ts';
import { hasTapered, type Session, type Trend, trendOf } from './session.ts';

/** Below it other uncorrected loads are common (IEC 61000-3-2 forbids them above 75 W; 90 W is a big notebook). */
const SMALL_W = 88;
const SMALL_AND_COMMON_W = 76;
/**
 * Steeper than this in an hour, down or up, is no constant current: a compressor falls by 4 to 15 % within half an hour.
 * Compressors without correction end at some 150 W; above, the drift of a restless home is the likelier reason.
 */
const FALLING_PER_HOUR = -0.08;
const FALLING_PER_HOUR_BIG = -0.4;
const COMPRESSOR_MOST_W = 150;
const fallingPerHour = ({ powerW }: Session) => (powerW > COMPRESSOR_MOST_W ? FALLING_PER_HOUR_BIG : FALLING_PER_HOUR);
/** A washing machine's drum or a computer in use; a charger holds within two percent, its background not quite. */
const SCATTER_MAX = 0.07;
/** Below it the form was found beneath another load's. */
const SURE = 0.9;
/** A taper bends, so a line through it scatters more, but not like a load that jumps. */
const TAPER_SCATTER_MAX = 0.15;
/** A small charger in a quiet home: within a watt of its line, which no notebook in use is. */
const SMOOTH = 0.015;
/** What a notebook's battery cannot take, and how long its charging cannot last. */
const NOTEBOOK_WH = 110;
const NOTEBOOK_MIN = 75;
const DAY_MS = 86_400_000;

/** What is known of the home beside the session. */
export interface Context extends Familiar {
  /** How long steps have been watched here. */
  watchedMs: number;
}

/** Whether the session is a charger by what has been seen until now. */
export function isConfirmed(session: Session, policy: Policy, context: Context): boolean {
  const minutes = session.onMs / 60_000;
  if (minutes < policy.confirmMin) return false;
  // By power alone only the whole profile will do: the rise that made it a suspect, and the taper after it.
  if (session.inputs === 'power') return session.stage === 'suspected' && hasTapered(session);
  const trend = trendOf(session);
  if (trend === undefined) return false;
  if (minutes > 40 && hasTapered(session) && trend.scatter < TAPER_SCATTER_MAX) return true;
  if (trend.scatter > SCATTER_MAX) return false;
  if (trend.perHour + 2 * trend.error < fallingPerHour(session)) return false;
  if (trend.perHour - 2 * trend.error > -fallingPerHour(session)) return false;
  const { recurringMin } = context;
  if (recurringMin !== undefined && minutes <= Math.max(NOTEBOOK_MIN, 1.5 * recurringMin)) return false;
  if (policy.profile) return false;
  // What drifted up within minutes was another load's; a charger gains a tenth in an hour at most.
  if (Math.min(session.powerW, 1.1 * session.onsetW) >= SMALL_W) return true;
  return isSmallCharger(session, trend, context);
}

/** Rising smoothly, or longer and with more energy than a notebook can; the commonest size must rise in any case. */
function isSmallCharger({ onMs, energyWh, fit, probability }: Session, trend: Trend, context: Context): boolean {
  const common = fit.p / fit.n <= SMALL_AND_COMMON_W || probability < SURE;
  // Nothing like it was seen in a day or more: what recurs here would have come by then.
  const strange = context.watchedMs > DAY_MS && context.times === 0;
  if (!common && strange && trend.scatter < 2 * SMOOTH) return true;
  if (onMs < NOTEBOOK_MIN * 60_000 || energyWh < NOTEBOOK_WH) return false;
  // Twice a notebook's battery excuses a restless home, and what an inverter fridge would have repeated by then.
  const long = energyWh > 2 * NOTEBOOK_WH;
  if (trend.scatter > (long ? 3 : 2) * SMOOTH) return false;
  const holds = trend.perHour > -0.03;
  return rises(trend) || (holds && (!common || (long && context.watchedMs > DAY_MS)));
}

/** Slowly and beyond doubt: the constant-current phase. */
const rises = ({ perHour, error }: Trend) => perHour > 0.012 && perHour > 4 * error;

/** By power alone a long clear rise makes a suspect; it came thirty times in eleven months of one home without a charger. */
export function isRising(session: Session): boolean {
  const minutes = session.onMs / 60_000;
  const trend = trendOf(session);
  if (trend === undefined || minutes < 60) return false;
  const rises =
    trend.perHour > 0.015 && trend.perHour < 0.15 && trend.perHour > 8 * trend.error && trend.scatter < 0.02;
  return rises && minutes > 100;
}
