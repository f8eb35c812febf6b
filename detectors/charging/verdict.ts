/**
 * From suspected to confirmed: what time adds to the waveform.
 *
 * A charger holds one power for hours, rising by 2 to 10 % an hour while its battery's voltage rises, then bends and
 * falls away smoothly. A compressor's power falls from its start and it stops within the hour; a washing machine
 * scatters. Waiting for the knee would be surest and would take hours, so a steady load of a charger's size that does
 * not fall is confirmed after `confirmMin`, and only a small one, which a compressor or a notebook could be, must show
 * more. Its course is that of its own harmonics where the meter shows them when asked (`presence.ts`), else what the
 * home's drift makes of its power: that alone lost half of the chargers below 100 W and needs 80 W to be sure.
 *
 * Two common loads that begin in one minute have a charger's power: a notebook and a phone, or a fridge whose compressor
 * speeds up. No view tells their sum from one load; what tells it is that parts of it come and go (`isOne`), and that two
 * full notebooks still draw two fifths (`hasTapered`).
 *
 * Rejected: following the small changes between looks with a step between them too (each is another load's for a part,
 * and they add up: one charger in twenty was lost), and ending a session whenever the home's rectifiers are fewer than
 * the charger (a pump's third harmonic hides it).
 */
import type { Familiar } from './lookalikes.ts';
import type { Policy } from './policy.ts';
import { hasTapered, OF_TWO_W, type Session, type Trend, trendOf, trendOfLooks } from './session.ts';

/** Least of a sure power where only the home's readings follow it: their drift is some watts. */
const BY_READINGS_W = 80;
/**
 * Falling by more than this in an hour is no constant current, nor is rising by more: a compressor falls by 4 to 15 %
 * within half an hour, a charger gains 10 % at most. Compressors without correction end at some 150 W; above, the drift
 * of a restless home is the likelier reason.
 */
const FALLING_PER_HOUR = -0.06;
const RISING_PER_HOUR = 0.08;
const STEEP_PER_HOUR_BIG = 0.4;
const COMPRESSOR_MOST_W = 150;
/** A washing machine's drum or a computer in use; a charger holds within two percent, its background not quite. */
const SCATTER_MAX = 0.07;
/** What a form found beneath another load's may be wrong by. */
const UNSURE_W = 100;
/** A view that others' steps brought is a look at it too, when it is not one of the onset. */
const LATER_MS = 15 * 60_000;
/** Others' steps along a charger's form are a tenth of it then. */
const ALL_THERE_W = 110;
/** Up to it other uncorrected loads are common: IEC 61000-3-2 forbids them above 75 W. */
const COMMON_W = 76;
/** From it on a load that is new to the home is no notebook: theirs come daily, and few draw more than 65 W and losses. */
const STRANGE_W = 70;
/** Of a home's readings about a line, where nothing else moves. */
const QUIET_SCATTER = 0.02;
/** By its own harmonics, which a 12-bit meter shows to within 1.5 %: a notebook in use scatters by 4 % and more. */
const SCATTER_OF_LOOKS_MAX = 0.035;
/** Where a notebook at work on its supply is as likely, only what holds as a charger does. */
const SCATTER_OF_SMALL_MAX = 0.025;
const SMALL_W = 88;
/** Below it the form was found beneath another load's. */
const SURE = 0.9;
/** A taper bends, so a line through it scatters more, but not like a load that jumps. */
const TAPER_SCATTER_MAX = 0.15;
/** Down to a third of the power it bends more. */
const TAPER_SCATTER_OF_TWO_MAX = 0.25;
/** A small charger in a quiet home: within a watt of its line, which no notebook in use is. */
const SMOOTH = 0.015;
/** Of its harmonics: a charger gains a tenth in an hour at most, and other loads' steps bring about as much along. */
const PARTED = 0.2;
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
  const looks = trendOfLooks(session);
  const readings = trendOf(session);
  const trend = looks === 'few' || looks === undefined ? readings : looks;
  if (trend === undefined) return false;
  const looked = trend === looks;
  const bentMax = session.onsetW < OF_TWO_W ? TAPER_SCATTER_OF_TWO_MAX : TAPER_SCATTER_MAX;
  if (minutes > 40 && hasTapered(session) && trend.scatter < bentMax) return true;
  if (policy.profile || session.unseen) return false;
  const { recurringMin } = context;
  if (recurringMin !== undefined && minutes <= Math.max(NOTEBOOK_MIN, 1.5 * recurringMin)) return false;
  if (hasOutlastedTwo(session, policy) || isStillAllThere(session, policy)) return true;
  const isBig = session.powerW > COMPRESSOR_MOST_W && !looked;
  const looksMax = session.onsetW < SMALL_W ? SCATTER_OF_SMALL_MAX : SCATTER_OF_LOOKS_MAX;
  if (trend.scatter > (looked ? looksMax : SCATTER_MAX) || isSteep(trend, isBig)) return false;
  // In a quiet home the readings, being many, see a compressor's fall before a few looks do.
  const quiet = looked && readings !== undefined && readings.scatter < QUIET_SCATTER;
  if (quiet && session.powerW < COMPRESSOR_MOST_W && isSteep(readings)) return false;
  // What drifted up within minutes was another load's; a charger gains a tenth in an hour at most.
  const unsure = session.probability < SURE || looks === 'few';
  const sureW = Math.max(policy.sureW, unsure ? UNSURE_W : looked ? 0 : BY_READINGS_W);
  const powerW = looked ? session.presence!.lookW : session.powerW;
  if (Math.min(powerW, 1.1 * session.onsetW) >= sureW && (!looked || isOne(session))) return true;
  return isSmallCharger(session, trend, policy, context);
}

/**
 * One load: what came or went along its form since may be a part of it, a compressor that speeds up after its start or
 * one of two notebooks that is full. A big load is no sum of common ones.
 */
const isOne = ({ onsetW, presence }: Session) =>
  onsetW >= OF_TWO_W || presence === undefined || Math.abs(presence.sum - 1) < PARTED;

/** Falls, or rises, faster than a constant current can beyond doubt. */
function isSteep({ perHour, error }: Trend, isBig = false): boolean {
  const [down, up] = isBig ? [-STEEP_PER_HOUR_BIG, STEEP_PER_HOUR_BIG] : [FALLING_PER_HOUR, RISING_PER_HOUR];
  return perHour + 2 * error < down || perHour - 2 * error > up;
}

/** Two notebooks that began together are full by now, and what they draw beside is two fifths. */
function hasOutlastedTwo({ onMs, onsetW, presence }: Session, { sureW }: Policy): boolean {
  const mayBeTwo = sureW > COMMON_W && onsetW > COMMON_W;
  return mayBeTwo && onMs >= NOTEBOOK_MIN * 60_000 && (presence?.sum ?? 0) > 0.6;
}

/**
 * In a home of steps after steps no two looks compare, but all changes together find a big load where it was, and one
 * that a compressor could be no lower than it began. Two notebooks of a room of students are there as well.
 */
function isStillAllThere({ beganMs, onsetW, presence, probability }: Session, { sureW }: Policy): boolean {
  if (presence === undefined || probability < SURE) return false;
  if (presence.looks.n === 0 && presence.last.atMs - beganMs < LATER_MS) return false;
  const leastSum = onsetW > COMPRESSOR_MOST_W ? 0.85 : 1;
  return onsetW > Math.max(ALL_THERE_W, sureW) && presence.sum > leastSum && presence.sum < 1.25;
}

/** Nothing like it was seen in a day or more: what recurs here would have come by then. */
function isStrange(session: Session, policy: Policy, { watchedMs, times }: Context): boolean {
  const { fit, powerW } = session;
  if (watchedMs <= DAY_MS || times > 0 || policy.sureW > COMMON_W) return false;
  const readings = trendOf(session);
  // What came in a step was another load's; what the home's drift shows too is a compressor on its way to its speed.
  const grows = !isOne(session) && readings !== undefined && isSteep(readings);
  return !grows && Math.min(fit.p / fit.n, powerW) > STRANGE_W;
}

/** Rising smoothly, or longer and with more energy than a notebook can; the commonest size must rise in any case. */
function isSmallCharger(session: Session, trend: Trend, policy: Policy, context: Context): boolean {
  const { onMs, energyWh, fit, probability } = session;
  const meanW = fit.p / fit.n;
  const unsure = probability < SURE;
  if (!unsure && isStrange(session, policy, context) && trend.scatter < 2 * SMOOTH) return true;
  if (onMs < NOTEBOOK_MIN * 60_000 || energyWh < NOTEBOOK_WH) return false;
  // Four times a notebook's battery excuses a restless home, and what an inverter fridge would have repeated by then.
  const long = energyWh > 4 * NOTEBOOK_WH && !unsure;
  if (trend.scatter > (long ? 3 : 2) * SMOOTH) return false;
  const holds = trend.perHour > -0.03;
  const common = meanW <= COMMON_W || unsure;
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
