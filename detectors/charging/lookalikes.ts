/**
 * What this home switches on again and again with a charger's waveform: the inverter fridge, the air purifier, the
 * notebook, the sign over the shop. No waveform tells it from a charger, but a charger comes about once a day, stays
 * for hours and tapers off. What came and went briefly is remembered, and what keeps coming is no candidate until it
 * stays much longer than it ever did. What runs long and is cut off at full power may be a clock's: it is remembered
 * too, but only for its own minute of the day.
 *
 * Known by what it drew when it was switched on, which is seen in one view and comes out the same every time. Rejected:
 * the highest it reached. The home's drift is in that, one notebook of 62 W was remembered as 62 to 83 W and so never
 * recognised.
 */
import { hasTapered, type Session } from './session.ts';

export interface Lookalike {
  powerW: number;
  fall5: number;
  minutes: number;
  endMs: number;
  /** Began at this moment, by the clock. */
  clockMs?: number;
}

const KEPT = 24;
const DAY_MS = 86_400_000;
/** Two weeks see a thing of the weekend twice. */
const KEPT_MS = 14 * DAY_MS;
/** The notebook's battery: what takes less than this in one go is not yet an e-bike's. */
const BRIEF_WH = 110;
/** A time switch is read a minute late and drifts; nobody comes home so punctually three days running. */
const CLOCK_MS = 6 * 60_000;

/** Remembers a load that ended, unless it took a battery's energy and ended like one; the oldest is forgotten. */
export function remember(memory: Lookalike[], session: Session, endMs: number): void {
  const long = session.energyWh > BRIEF_WH;
  if (long && hasTapered(session)) return;
  memory.push({
    powerW: Math.round(session.onsetW),
    fall5: session.shape.fall5,
    minutes: Math.round(session.onMs / 60_000),
    endMs,
    ...(long && session.stage === 'confirmed' ? { clockMs: session.sinceMs } : {}),
  });
  if (memory.length > KEPT) memory.shift();
}

/** Two switch-ons of one supply differ by what it does at the moment, and by what a 12-bit meter is wrong by. */
const isLike = (one: Lookalike, powerW: number, fall5: number) =>
  Math.abs(one.powerW - powerW) <= 0.08 * powerW + 3 && Math.abs(one.fall5 - fall5) <= 0.07;

export interface Familiar {
  /** How often something like it came and went within two weeks. */
  times: number;
  /** Whether one of them was today. */
  today: boolean;
  /** Longest running time of what recurs like this, or undefined where nothing does. */
  recurringMin: number | undefined;
}

/**
 * How familiar a load is in this home. Twice in a day or three times in two weeks is recurring, and by the clock twice;
 * a charger that was interrupted is held together by the session and does not count twice.
 */
export function familiarity(memory: readonly Lookalike[], session: Session, atMs: number): Familiar {
  const alike = memory.filter(
    (one) =>
      atMs - one.endMs < KEPT_MS &&
      isLike(one, session.onsetW, session.shape.fall5) &&
      (one.clockMs === undefined || isPunctual(session.sinceMs - one.clockMs)),
  );
  const today = alike.filter(({ endMs }) => atMs - endMs < DAY_MS);
  const byClock = alike.filter(({ clockMs }) => clockMs !== undefined);
  const recurs = today.length >= 2 || alike.length >= 3 || byClock.length >= 2;
  const recurringMin = recurs ? Math.max(...alike.map(({ minutes }) => minutes)) : undefined;
  return { times: alike.length, today: today.length > 0, recurringMin };
}

function isPunctual(apartMs: number): boolean {
  const offMs = apartMs % DAY_MS;
  return Math.min(offMs, DAY_MS - offMs) <= CLOCK_MS;
}
