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

/** An hour in the making; plain JSON. */
export interface Meterage {
  atMs: number;
  wh: number;
  /** The usual distance of readings. */
  periodMs: number;
  /** Hours since 1970 of the open slot, and of the last that was given. */
  slot: number;
  last: number;
  wMs: number;
  coveredMs: number;
  pieceWMs: number;
  pieceMs: number;
  minW: number;
  maxW: number;
}

export const noMeterage = (): Meterage => ({
  atMs: 0,
  wh: -1,
  periodMs: 0,
  slot: 0,
  last: 0,
  wMs: 0,
  coveredMs: 0,
  pieceWMs: 0,
  pieceMs: 0,
  minW: 1e9,
  maxW: -1e9,
});

/** Adds a reading; gives the hour that it completes, where it was seen well enough. */
export function addReading(m: Meterage, moment: Moment, reading: Reading): Slot | undefined {
  const { atMs } = moment;
  const powerW = reading.activePowerW;
  if (powerW === undefined && reading.importWh === undefined) return undefined;
  const distanceMs = atMs - m.atMs;
  if (distanceMs <= 0) {
    // A clock that went far back is believed; a short step back is waited out.
    if (distanceMs < -2 * HOUR_MS) Object.assign(m, noMeterage(), { atMs, slot: Math.floor(atMs / HOUR_MS) });
    return undefined;
  }
  const first = m.atMs === 0;
  const wh = reading.importWh ?? -1;
  const fromWh = powerW === undefined;
  const energyWh = wh >= 0 && m.wh >= 0 ? wh - m.wh : -1;
  const gap =
    distanceMs > PERIOD_MAX_MS || (m.periodMs > 0 && distanceMs > 3 * m.periodMs && distanceMs > 10 * MINUTE_MS);
  if (!gap && !first) m.periodMs = m.periodMs === 0 ? distanceMs : m.periodMs + (distanceMs - m.periodMs) / 16;
  else if (distanceMs <= PERIOD_MAX_MS && !first) m.periodMs += (distanceMs - m.periodMs) / 4;
  m.atMs = atMs;
  if (wh >= 0) m.wh = wh;
  const meanW = fromWh ? (energyWh * HOUR_MS) / distanceMs : powerW;
  if (!Number.isFinite(meanW) || (fromWh && energyWh < 0) || (fromWh && gap))
    return step(m, moment, undefined, 0, fromWh);
  return step(m, moment, meanW, first || gap ? m.periodMs : distanceMs, fromWh);
}

/** Lays the power of the last `spanMs` over the open slot and, where the hour ended inside it, over the next. */
function step(
  m: Meterage,
  moment: Moment,
  meanW: number | undefined,
  spanMs: number,
  fromWh: boolean,
): Slot | undefined {
  const endMs = (m.slot + 1) * HOUR_MS;
  const fromMs = moment.atMs - spanMs;
  if (meanW !== undefined) {
    const insideMs = Math.min(moment.atMs, endMs) - Math.max(fromMs, m.slot * HOUR_MS);
    if (insideMs > 0) cover(m, meanW, insideMs, fromWh ? ENERGY_PIECE_MS : POWER_PIECE_MS);
  }
  if (moment.atMs < endMs) return undefined;
  const slot = close(m, moment);
  m.slot = Math.floor(moment.atMs / HOUR_MS);
  m.wMs = m.coveredMs = 0;
  m.minW = 1e9;
  m.maxW = -1e9;
  const restMs = moment.atMs - Math.max(fromMs, m.slot * HOUR_MS);
  if (meanW !== undefined && restMs > 0) cover(m, meanW, restMs, fromWh ? ENERGY_PIECE_MS : POWER_PIECE_MS);
  return slot;
}

function cover(m: Meterage, meanW: number, spanMs: number, pieceMs: number): void {
  m.wMs += meanW * spanMs;
  m.coveredMs += spanMs;
  m.pieceWMs += meanW * spanMs;
  m.pieceMs += spanMs;
  if (m.pieceMs < pieceMs) return;
  const pieceW = m.pieceWMs / m.pieceMs;
  if (pieceW < m.minW) m.minW = pieceW;
  if (pieceW > m.maxW) m.maxW = pieceW;
  m.pieceWMs = m.pieceMs = 0;
}

function close(m: Meterage, moment: Moment): Slot | undefined {
  if (m.coveredMs < COVERED_MIN * HOUR_MS) return undefined;
  const meanW = m.wMs / m.coveredMs;
  const localStartMs = m.slot * HOUR_MS + (moment.localMs - moment.atMs);
  const sincePrevious = m.last === 0 ? 1 : m.slot - m.last;
  m.last = m.slot;
  return {
    atMs: moment.atMs,
    localMs: moment.localMs,
    hour: Math.floor(localStartMs / HOUR_MS) % 24,
    day: Math.floor(localStartMs / DAY_MS),
    meanW,
    minW: Math.min(m.minW, meanW),
    maxW: Math.max(m.maxW, meanW),
    sincePrevious,
  };
}
