/**
 * A home's day takes a millisecond to make, and five hundred homes want theirs with the first question after midnight:
 * answers would be late by half a second. So the first day is made before anybody can ask, and each later one in the
 * evening before, one home at a time.
 */
import type { Area } from './area.ts';
import type { SimClock } from './clock.ts';
import { DAY_MS } from './household.ts';

/** Of the street's own time, before midnight. */
const AHEAD_MS = 3 * 3_600_000;
/** Between two homes, of the clock's time: their making is no longer than what an answer may be late. */
const SPACING_MS = 10;

/** Makes the present day at once and each later one ahead of its midnight. @returns what ends it */
export function makeDaysAhead(area: Area, clock: SimClock, speed: number, streetMs: () => number): () => void {
  for (const { id } of area.meters) area.readingAt(id, streetMs());
  let cancel = () => {};
  const makeNext = (midnightMs: number, index: number): void => {
    const meter = area.meters[index];
    if (meter === undefined) {
      waitForEvening(midnightMs + DAY_MS);
      return;
    }
    area.makeDay(meter.id, midnightMs);
    cancel = clock.after(SPACING_MS, () => makeNext(midnightMs, index + 1));
  };
  const waitForEvening = (midnightMs: number): void => {
    const waitMs = (midnightMs - AHEAD_MS - streetMs()) / speed;
    cancel = clock.after(Math.max(SPACING_MS, waitMs), () => makeNext(midnightMs, 0));
  };
  const localMs = area.localMs(streetMs());
  waitForEvening(streetMs() + DAY_MS - (localMs % DAY_MS));
  return () => cancel();
}
