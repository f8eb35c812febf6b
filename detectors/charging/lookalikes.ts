/**
 * What this home switches on again and again with a charger's waveform: the inverter fridge, the air purifier, the
 * notebook. No waveform tells it from a charger, but a charger comes about once a day and stays for hours. What came
 * and went briefly is remembered, and what keeps coming is no candidate until it stays much longer than it ever did.
 */
import type { Session } from './session.ts';

export interface Lookalike {
  powerW: number;
  fall5: number;
  minutes: number;
  endMs: number;
}

const KEPT = 16;
const DAY_MS = 86_400_000;
/** The notebook's battery: what takes less than this in one go is not yet an e-bike's. */
const BRIEF_WH = 110;

/** Remembers a load that ended, unless it was confirmed and took a battery's energy; the oldest is forgotten. */
export function remember(memory: Lookalike[], session: Session, endMs: number): void {
  if (session.stage === 'confirmed' && session.energyWh > BRIEF_WH) return;
  memory.push({ powerW: Math.round(session.peakW), fall5: session.shape.fall5, minutes: session.onMs / 60_000, endMs });
  if (memory.length > KEPT) memory.shift();
}

export interface Familiar {
  /** How often something like it came and went within the week. */
  times: number;
  /** Longest running time of what recurs like this, or undefined where nothing does. */
  recurringMin: number | undefined;
}

/**
 * How familiar a load is in this home. Twice in a day or three times in a week is recurring; a charger that was
 * interrupted is held together by the session and does not count twice.
 */
export function familiarity(memory: readonly Lookalike[], session: Session, atMs: number): Familiar {
  const alike = memory.filter(
    ({ powerW, fall5, endMs }) =>
      atMs - endMs < 7 * DAY_MS &&
      Math.abs(powerW - session.peakW) <= 0.12 * session.peakW + 4 &&
      Math.abs(fall5 - session.shape.fall5) <= 0.1,
  );
  const today = alike.filter(({ endMs }) => atMs - endMs < DAY_MS);
  const recurs = today.length >= 2 || alike.length >= 3;
  const recurringMin = recurs ? Math.max(...alike.map(({ minutes }) => minutes)) : undefined;
  return { times: alike.length, recurringMin };
}
