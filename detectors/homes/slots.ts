/**
 * Turns what a meter says, at any pace from once a second to once an hour, into hours of mean power: the one form in
 * which the detectors of homes learn and compare. An hour that was not seen for three quarters is no hour.
 *
 * A reading speaks for the time since the one before it. Power is taken as it was read; where only the register of
 * energy is read, its differences are, over quarters of an hour because a register counts in steps of 10 Wh.
 */

import type { Reading } from '../../protocols/reading.ts';
import type { Moment } from '../detector.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** Readings further apart than this leave a gap between them. */
const PERIOD_MAX_MS = 65 * MINUTE_MS;
/** Readings that come faster are first averaged, so that a motor's start does not count as use. */
const POWER_PIECE_MS = MINUTE_MS;
const ENERGY_PIECE_MS = 15 * MINUTE_MS;
const COVERED_MIN = 0.75;

/** One civil hour of one meter. */
export interface Slot extends Moment {
  /** The hour of civil time in which it lay, 0–23. */
  hour: number;
  /** Days since 1970 of civil time. */
  day: number;
  meanW: number;
  minW: number;
  maxW: number;
  /** Hours since the slot before it, 1 where nothing is missing. */
  sincePrevious: number;
}

/**
 * An hour in the making. An array and whole numbers, because every detector keeps one per home: names and decimals
 * would be a third of all that is remembered of a home. The places are named by `AT` … `MAX`.
 */
export type Meterage = number[];

/** Time of the last reading and its register of energy (−1 where there is none), the usual distance of readings. */
const AT = 0;
const WH = 1;
export const PERIOD = 2;
/** Hours since 1970 of the open slot and of the last that was given. */
const SLOT = 3;
const LAST = 4;
/** Watts × ms, and ms, of the open slot and of the open piece; the lowest and highest piece, in tenths of a watt. */
const SUM = 5;
const COVERED = 6;
const PIECE_SUM = 7;
const PIECE = 8;
const MIN = 9;
const MAX = 10;

const NO_MIN = 1e9;
const NO_MAX = -1e9;

export const noMeterage = (): Meterage => [0, -1, 0, 0, 0, 0, 0, 0, 0, NO_MIN, NO_MAX];

/** Adds a reading; gives the hour that it completes, where it was seen well enough. */
export function addReading(m: Meterage, moment: Moment, reading: Reading): Slot | undefined {
  const { atMs } = moment;
  const powerW = sane(reading.activePowerW);
  const wh = sane(reading.importWh) ?? -1;
  if (powerW === undefined && wh < 0) return undefined;
  const before = m[AT] ?? 0;
  const distanceMs = atMs - before;
  if (distanceMs <= 0) {
    // A clock that went far back is believed; a short step back is waited out.
    if (distanceMs < -2 * HOUR_MS) {
      m.splice(0, m.length, ...noMeterage());
      m[AT] = atMs;
      m[SLOT] = Math.floor(atMs / HOUR_MS);
    }
    return undefined;
  }
  const periodMs = m[PERIOD] ?? 0;
  const unlike = periodMs > 0 && distanceMs > 3 * periodMs && distanceMs > 10 * MINUTE_MS;
  const gap = before === 0 || distanceMs > PERIOD_MAX_MS || unlike;
  if (!gap) m[PERIOD] = periodMs === 0 ? distanceMs : Math.round(periodMs + (distanceMs - periodMs) / 16);
  // Readings that have become slower for good are no gaps: the usual distance follows them.
  else if (before > 0 && distanceMs <= PERIOD_MAX_MS) m[PERIOD] = Math.round(periodMs + (distanceMs - periodMs) / 4);
  const wasWh = m[WH] ?? -1;
  m[AT] = atMs;
  if (wh >= 0) m[WH] = wh;
  if (powerW !== undefined) return lay(m, moment, powerW, gap ? periodMs : distanceMs, POWER_PIECE_MS);
  // Without power a hole cannot be told from its edges, nor can a register that went back.
  if (gap || wasWh < 0 || wh < wasWh) return lay(m, moment, 0, 0, ENERGY_PIECE_MS);
  return lay(m, moment, ((wh - wasWh) * HOUR_MS) / distanceMs, distanceMs, ENERGY_PIECE_MS);
}

/** A value that a meter can say; others are for `meter-fault` to tell of. */
export const sane = (value: number | undefined): number | undefined =>
  value !== undefined && value > -1e12 && value < 1e12 ? value : undefined;

/** Lays the power of the last `spanMs` over the open slot and, where the hour ended inside it, over the next. */
function lay(m: Meterage, moment: Moment, meanW: number, spanMs: number, pieceMs: number): Slot | undefined {
  const slot = m[SLOT] ?? 0;
  const endMs = (slot + 1) * HOUR_MS;
  const fromMs = moment.atMs - spanMs;
  cover(m, meanW, Math.min(moment.atMs, endMs) - Math.max(fromMs, slot * HOUR_MS), pieceMs);
  if (moment.atMs < endMs) return undefined;
  const closed = close(m, moment);
  const next = Math.floor(moment.atMs / HOUR_MS);
  m[SLOT] = next;
  m[SUM] = m[COVERED] = 0;
  m[MIN] = NO_MIN;
  m[MAX] = NO_MAX;
  cover(m, meanW, moment.atMs - Math.max(fromMs, next * HOUR_MS), pieceMs);
  return closed;
}

const QUARTER_MS = 15 * MINUTE_MS;

/** What is known of an hour that has not ended. */
export interface RunningHour {
  /** Civil hours since 1970. */
  hour: number;
  /** How much of it has passed, and was seen. */
  share: number;
  meanW: number;
  minW: number;
  maxW: number;
}

/** The open slot, at the first reading after each of its quarters, where it was seen well enough so far. */
export function runningHour(m: Meterage, moment: Moment): RunningHour | undefined {
  const { atMs } = moment;
  if (Math.floor(atMs / QUARTER_MS) === Math.floor((atMs - (m[PERIOD] ?? 0)) / QUARTER_MS)) return undefined;
  const startMs = (m[SLOT] ?? 0) * HOUR_MS;
  const coveredMs = m[COVERED] ?? 0;
  if (coveredMs === 0 || coveredMs < COVERED_MIN * (atMs - startMs)) return undefined;
  const hour = Math.floor((startMs + (moment.localMs - atMs)) / HOUR_MS);
  return { hour, share: coveredMs / HOUR_MS, ...loadOf(m) };
}

function cover(m: Meterage, meanW: number, spanMs: number, pieceMs: number): void {
  if (spanMs <= 0) return;
  const energy = Math.round(meanW * spanMs);
  m[SUM] = (m[SUM] ?? 0) + energy;
  m[COVERED] = (m[COVERED] ?? 0) + spanMs;
  const piece = (m[PIECE] ?? 0) + spanMs;
  const sum = (m[PIECE_SUM] ?? 0) + energy;
  const full = piece >= pieceMs;
  m[PIECE] = full ? 0 : piece;
  m[PIECE_SUM] = full ? 0 : sum;
  if (!full) return;
  const tenths = Math.round((sum * 10) / piece);
  if (tenths < (m[MIN] ?? NO_MIN)) m[MIN] = tenths;
  if (tenths > (m[MAX] ?? NO_MAX)) m[MAX] = tenths;
}

function close(m: Meterage, moment: Moment): Slot | undefined {
  if ((m[COVERED] ?? 0) < COVERED_MIN * HOUR_MS) return undefined;
  const slot = m[SLOT] ?? 0;
  const localStartMs = slot * HOUR_MS + (moment.localMs - moment.atMs);
  const last = m[LAST] ?? 0;
  m[LAST] = slot;
  return {
    atMs: moment.atMs,
    localMs: moment.localMs,
    hour: Math.floor(localStartMs / HOUR_MS) % 24,
    day: Math.floor(localStartMs / DAY_MS),
    ...loadOf(m),
    sincePrevious: last === 0 ? 1 : slot - last,
  };
}

/** Mean, lowest and highest power of the open slot. */
function loadOf(m: Meterage): { meanW: number; minW: number; maxW: number } {
  const meanW = Math.round((10 * (m[SUM] ?? 0)) / (m[COVERED] ?? 0)) / 10;
  return { meanW, minW: Math.min((m[MIN] ?? NO_MIN) / 10, meanW), maxW: Math.max((m[MAX] ?? NO_MAX) / 10, meanW) };
}
