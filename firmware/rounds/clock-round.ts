/**
 * Every night each meter's clock is read, at a minute of its own; one broadcast at the end of the window then sets all
 * that are off by a little. What a broadcast may not set (2007: 7.4.6: five minutes, once a day, not around midnight,
 * when a meter closes its day) is told to the detectors instead.
 */

import type { Moment } from '../../detectors/detector.ts';
import { commandExchange } from '../../protocols/dlt645/exchange.ts';
import { BROADCAST_ADDRESS } from '../../protocols/dlt645/frame.ts';
import { readClockExchange } from '../../protocols/dlt645/on-demand.ts';
import { civilText, parseCivil } from '../control/civil-text.ts';
import { wireMs } from '../port.ts';
import { askBehind, type Patient, type Round, tell } from './round.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Civil minutes of the day: people sleep, the bus has time, and midnight is far. */
const READ_FROM = 60;
const READ_TO = 270;
const SYNC_TO = 300;
const BROADCAST_BYTES = 18;

const dayOf = ({ localMs }: Moment) => Math.floor(localMs / DAY_MS);
const minuteOf = ({ localMs }: Moment) => (localMs - Math.floor(localMs / DAY_MS) * DAY_MS) / MINUTE_MS;

export function clockDue(round: Round, { memory, share }: Patient, now: Moment): boolean {
  if (memory.clockDay === dayOf(now)) return false;
  const minute = minuteOf(now);
  const own = READ_FROM + Math.floor(share * (READ_TO - READ_FROM - 10));
  return minute >= own && minute < READ_TO && round.clockSynchronised();
}

/** Judges one clock. Our own time is that of the moment when the answer was whole, so its wire time counts as drift. */
export async function readClock(round: Round, patient: Patient): Promise<void> {
  patient.memory.clockDay = dayOf(round.now());
  const answer = await askBehind(round, patient.id, () => readClockExchange(patient.target));
  if ('failure' in answer) {
    // Anything but an impossible time is a matter of the line, and the night comes again.
    if (answer.failure === 'bad-value') await tell(round, patient.id, 'clock-fault');
    return;
  }
  const aheadMs = parseCivil(answer.value) - round.now().localMs;
  if (!Number.isFinite(aheadMs)) return tell(round, patient.id, 'clock-fault');
  patient.memory.aheadMs = Math.round(aheadMs);
  const { syncWithinS, alarmBeyondS } = round.settings;
  const offS = Math.abs(aheadMs) / 1000;
  if (offS <= syncWithinS) return;
  round.log.info({ meter: patient.id, aheadS: Math.round(aheadMs / 1000) }, 'the clock of the meter is off');
  if (offS > alarmBeyondS) await tell(round, patient.id, 'clock-fault');
}

export function syncDue(round: Round, now: Moment): boolean {
  const minute = minuteOf(now);
  const isTime = minute >= READ_TO && minute < SYNC_TO && round.syncDay !== dayOf(now);
  return isTime && adrift(round, now).length > 0 && round.clockSynchronised();
}

/** The meters that this night found off by no more than a broadcast may mend. */
function adrift({ patients, settings }: Round, now: Moment): string[] {
  const found = patients.filter(({ memory: { clockDay, aheadMs = 0 } }) => {
    const offS = Math.abs(aheadMs) / 1000;
    return clockDay === dayOf(now) && offS > settings.syncWithinS && offS <= settings.alarmBeyondS;
  });
  return found.map(({ id }) => id);
}

/** One broadcast for the bus. Nobody answers it; the next night shows what came of it. */
export async function syncClocks(round: Round): Promise<void> {
  const now = round.now();
  const meters = adrift(round, now);
  round.syncDay = dayOf(now);
  const travelMs = wireMs(round.bus.settings, BROADCAST_BYTES);
  const answer = await askBehind(round, 'broadcast', () =>
    commandExchange(
      { address: BROADCAST_ADDRESS, standard: '2007' },
      { standard: '2007', function: 'broadcast-time', time: civilText(round.now().localMs + travelMs) },
    ),
  );
  if ('value' in answer) round.log.info({ meters }, 'clocks set by broadcast');
  else round.log.warn({ meters, failure: answer.failure }, 'clocks not set');
}
