/** What users' meters say of themselves, and what that makes of them: live, silent or off. */
import type { MeterEvent, Reading } from '../../../protocols/reading.ts';
import { MINUTE_MS } from '../figures.ts';
import type { OutageState, Seat } from './state.ts';

/** A live voltage below this is no supply. */
export const LIVE_V = 22;

/** Records of power failures are read within this time of a meter's return. */
export const RECORD_MS = 15 * MINUTE_MS;

/** Current or power above these is no meter without supply: `tamper` tells of a load on a phase without voltage. */
const DEAD_A = 0.5;
const DEAD_W = 10;

export function hear(state: OutageState, seat: Seat, reading: Reading, atMs: number): void {
  const dark = isDark(reading);
  if (reading.activePowerW !== undefined && !dark) seat.powerW = reading.activePowerW;
  if (seat.condition === 'live') {
    seat.heardMs = atMs;
    sees(state, seat, dark, reading, atMs);
    return;
  }
  // A converter with a battery may answer for a dead supply; and a reading of the same moment was taken before.
  if (dark) return;
  if (seat.condition === 'off' && atMs === seat.downMs) return;
  seat.heardMs = atMs;
  back(state, seat, atMs);
}

/** Whether a reading shows every phase without voltage. */
const isDark = ({ voltageV }: Reading): boolean =>
  voltageV !== undefined && voltageV.length > 0 && voltageV.every((volts) => volts < LIVE_V);

/**
 * A meter on a battery, or fed from elsewhere, that reads no voltage says as much as a last gasp. Two readings in a
 * row, for one may be a slip of the line; and only a meter that was seen with voltage, for some never measure it.
 */
function sees(state: OutageState, seat: Seat, dark: boolean, reading: Reading, atMs: number): void {
  if (!dark) {
    seat.darkMs = 0;
    if (reading.voltageV !== undefined) seat.lit = true;
    return;
  }
  const loaded =
    (reading.activePowerW ?? 0) > DEAD_W || (reading.currentA?.some((amps) => Math.abs(amps) > DEAD_A) ?? false);
  if (!seat.lit || loaded) return;
  if (!seat.darkMs) {
    seat.darkMs = atMs;
    return;
  }
  if (atMs <= seat.darkMs) return;
  poweredOff(state, seat, seat.darkMs);
  seat.darkMs = 0;
}

function back(state: OutageState, seat: Seat, atMs: number): void {
  if (seat.condition === 'silent') seat.told = true;
  seat.condition = 'live';
  seat.backMs = atMs;
  state.changedMs ||= atMs;
}

/** A last gasp, or a record that is read after the return: then it explains the silence that it follows. */
function poweredOff(state: OutageState, seat: Seat, atMs: number): void {
  const { silence } = seat;
  const late = seat.condition === 'live' && silence !== 'none' && atMs - seat.backMs <= RECORD_MS;
  if (late || seat.condition === 'live') seat.silence = 'none';
  if (late && silence === 'counted') return;
  state.changedMs ||= atMs;
  // The silence began when it began; what the meter says now only tells its reason.
  if (seat.condition === 'live' && !late) seat.downMs = atMs;
  if (silence !== 'counted' || seat.condition === 'live') seat.told = false;
  if (!late) seat.condition = 'off';
}

export function said(state: OutageState, seat: Seat, event: MeterEvent, atMs: number): void {
  switch (event) {
    case 'power-off':
      if (seat.condition !== 'off') poweredOff(state, seat, atMs);
      return;
    case 'power-on':
      if (seat.condition !== 'live') back(state, seat, atMs);
      return;
    case 'no-answer':
      if (seat.condition !== 'live' || seat.heardMs === 0) return;
      seat.condition = 'silent';
      seat.silence = 'open';
      seat.told = false;
      seat.downMs = atMs;
      state.changedMs ||= atMs;
      return;
    case 'cover-open':
    case 'terminal-open':
    case 'relay-open':
    case 'relay-closed':
    case 'clock-fault':
      return;
    default:
      event satisfies never;
  }
}

/** When a seat's untold or lasting absence began. */
export function beginOf(seat: Seat | undefined): number[] {
  return seat === undefined || (seat.condition === 'live' && seat.told) ? [] : [seat.downMs];
}
