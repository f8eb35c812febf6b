/**
 * Reliability of one area, IEEE 1366: SAIDI (minutes without power per user), SAIFI (interruptions per user) and
 * availability, told once a civil day. Outages of users count when they are over, on the day they ended.
 */
import type { Finding } from '../../alert.ts';
import type { Area } from '../../detector.ts';
import { round } from '../figures.ts';

export interface Reliability {
  /** The civil day that is being counted, −1 before the first tick. */
  day: number;
  userMinutes: number;
  interruptions: number;
  /** Since the beginning. */
  totalMinutes: number;
  totalInterruptions: number;
  days: number;
  sinceMs: number;
}

export function newReliability(): Reliability {
  return { day: -1, userMinutes: 0, interruptions: 0, totalMinutes: 0, totalInterruptions: 0, days: 0, sinceMs: 0 };
}

/** One user's outage that is over. */
export function countDay(reliability: Reliability, minutes: number): void {
  reliability.userMinutes += minutes;
  reliability.interruptions++;
}

/**
 * Closes the day that ended. Published as one `profile` that is updated daily, where the area has a transformer or
 * feeder meter: without one it is a handful of meters, not a network.
 * @param seats the users; those never heard do not count
 */
export function publishDay(
  reliability: Reliability,
  seats: Record<string, { heardMs: number }>,
  day: number,
  atMs: number,
  localMs: number,
  area: Area,
): Finding | undefined {
  const first = reliability.day < 0;
  // A clock that was set back has ended a day as well; what it had counted was not less than nothing.
  const passed = Math.max(1, day - reliability.day);
  reliability.day = day;
  if (first) return undefined;
  const users = Object.values(seats).filter((seat) => seat.heardMs > 0).length;
  const head = area.meters.find((meter) => meter.premises === 'transformer' || meter.premises === 'feeder');
  const { userMinutes, interruptions } = reliability;
  reliability.totalMinutes += userMinutes;
  reliability.totalInterruptions += interruptions;
  reliability.days += passed;
  reliability.userMinutes = 0;
  reliability.interruptions = 0;
  if (users === 0 || head === undefined) return undefined;
  const state = reliability.sinceMs === 0 ? 'raised' : 'updated';
  if (state === 'raised') reliability.sinceMs = atMs;
  const saidiMin = userMinutes / users;
  return {
    meter: head.id,
    kind: 'profile',
    key: 'reliability',
    state,
    severity: 'notice',
    sinceMs: reliability.sinceMs,
    confidence: 1,
    evidence: {
      day: new Date((Math.floor(localMs / 86_400_000) - 1) * 86_400_000).toISOString().slice(0, 10),
      users,
      saidiMin: round(saidiMin, 3),
      saifi: round(interruptions / users, 4),
      availabilityPercent: round(100 * Math.max(0, 1 - saidiMin / (1440 * passed)), 4),
      totalSaidiMin: round(reliability.totalMinutes / users, 2),
      totalSaifi: round(reliability.totalInterruptions / users, 3),
      totalDays: reliability.days,
    },
    recipients: ['power', 'dispatch'],
  };
}
