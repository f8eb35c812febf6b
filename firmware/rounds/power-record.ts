/**
 * A meter that comes back is asked for its last power failure. Where the record covers its silence, the silence was an
 * outage and no fault of the wire, and the detectors are told so.
 */
import { readLastEventExchange } from '../../protocols/dlt645/on-demand.ts';
import { parseCivil } from '../control/civil-text.ts';
import { askBehind, type Patient, type Round, tell } from './round.ts';

const TRIES_MAX = 3;
const TRY_AGAIN_MS = 60_000;
/** Beyond what its clock was off when last looked at. */
const TOLERANCE_MS = 120_000;

/** Due as soon as something was read again. 1997 meters keep no such record. */
export function powerRecordDue({ pipeline, clock }: Round, { id, absence }: Patient): boolean {
  if (absence === undefined || clock.monotonicMs() < absence.notBeforeMs) return false;
  return (pipeline.latest(id)?.atMs ?? Number.NEGATIVE_INFINITY) > absence.heardMs;
}

export async function readPowerRecord(round: Round, patient: Patient): Promise<void> {
  const { id, target, absence, memory } = patient;
  if (absence === undefined) return;
  if (target.standard === '1997') {
    patient.absence = undefined;
    return;
  }
  const answer = await askBehind(round, id, () => readLastEventExchange(target, 'power-off'));
  if ('failure' in answer) {
    absence.tries++;
    const never = answer.failure === 'no-such-data' || answer.failure === 'no-record';
    if (never || absence.tries >= TRIES_MAX) patient.absence = undefined;
    else absence.notBeforeMs = round.clock.monotonicMs() + TRY_AGAIN_MS;
    return;
  }
  patient.absence = undefined;
  const { began, ended } = answer.value;
  const known = memory.powerOff;
  memory.powerOff = began ?? '';
  if (began === null || began === known) return;
  if (!explains(round, patient, absence.heardMs, { began, ended }, known)) return;
  await tell(round, id, 'power-off');
  await tell(round, id, 'power-on');
}

/** Whether the failure and the silence overlap. Before the gateway started, a failure that was not known then must do. */
function explains(
  round: Round,
  { memory }: Patient,
  heardMs: number,
  record: { began: string; ended: string | null },
  known: string | undefined,
): boolean {
  if (heardMs === Number.NEGATIVE_INFINITY) return known !== undefined;
  const aheadMs = memory.aheadMs ?? 0;
  const tolerance = memory.aheadMs === undefined ? round.settings.alarmBeyondS * 1000 : TOLERANCE_MS;
  const beganMs = parseCivil(record.began) - aheadMs;
  const endedMs = record.ended === null ? round.now().localMs : parseCivil(record.ended) - aheadMs;
  return beganMs <= round.now().localMs + tolerance && endedMs >= round.civilOf(heardMs) - tolerance;
}
