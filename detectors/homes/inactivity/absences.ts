/**
 * The away state that a home teaches: who is gone for a day and more, time and again, and leaves at about this hour,
 * is away again, and the question that was put to the resident is the one notice it takes.
 *
 * More patience was rejected for such homes: a weekend elsewhere lasts for 40 to 100 hours, and to wait that long at
 * every hour would find nobody who falls on a Tuesday night. So only a silence that begins when this home is usually
 * left is taken for an absence; every other alarms as always. A stop at such an hour is then asked about, but no
 * alarm for five days: that is the price, and it is paid only where the same has happened four times of late and more.
 */

/** One number for each, the newest last: the day on which it ended × 24 + the hour of the day at which it began. */
export type Absences = number[];

const KEPT = 10;
/** From when a silence counts as one, until its home is clearly lived in again. */
const ABSENCE_MIN_H = 24;
/** So many of late at about this hour, each by how near in hours and how long ago it was. */
const NEED = 4;
const NEAR_H = 8;
const HALF_LIFE_DAYS = 60;
/** Nobody is taken to be away for longer than this: beyond a long weekend and a day somebody should look. */
const MOST_H = 5 * 24;

/** Remembers a silence that has ended. */
export function addAbsence(absences: Absences, fromHour: number, endHour: number): void {
  if (endHour - fromHour < ABSENCE_MIN_H) return;
  absences.push(endHour - (endHour % 24) + (fromHour % 24));
  if (absences.length > KEPT) absences.shift();
}

/** Whether a silence since `fromHour` is one more absence of a home that is often left at that hour. */
export function isAwayAgain(absences: Absences, fromHour: number, hour: number): boolean {
  if (absences.length < NEED || hour - fromHour > MOST_H) return false;
  let sum = 0;
  for (const absence of absences) {
    const apartH = Math.abs(((((absence - fromHour) % 24) + 36) % 24) - 12);
    sum += Math.max(0, 1 - apartH / NEAR_H) * 0.5 ** ((hour - absence) / 24 / HALF_LIFE_DAYS);
  }
  return sum >= NEED;
}
