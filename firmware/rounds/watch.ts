/**
 * Hourly, of each 2007 meter: how often its cover and its terminals were opened, and whether its relay lets current
 * through. The counts of three bytes are asked, not the records of sixty: on a slow line that is a second per meter.
 */
import { readItemExchange } from '../../protocols/dlt645/exchange.ts';
import { readRelayExchange } from '../../protocols/dlt645/on-demand.ts';
import type { Exchange } from '../../protocols/exchange.ts';
import { askBehind, type Patient, type Round, tell } from './round.ts';

const HOUR_MS = 3_600_000;
/** A meter may refuse for a whim, and its covers are to be watched all the same. */
const MISSING_MS = 24 * HOUR_MS;
const COUNTS = [
  ['cover-open', '03300D00'],
  ['terminal-open', '03300E00'],
] as const;
const RELAY = '04000503';

export function watchDue({ clock }: Round, { target, watchMs }: Patient): boolean {
  return target.standard === '2007' && clock.monotonicMs() >= watchMs;
}

export async function watch(round: Round, patient: Patient): Promise<void> {
  const { id, target, memory } = patient;
  patient.watchMs = round.clock.monotonicMs() + HOUR_MS;
  for (const [event, di] of COUNTS) {
    const read = await readKnown(round, patient, di, () => readItemExchange(target, di));
    const count = read?.values[0]?.value;
    if (typeof count !== 'number') continue;
    const before = memory[event];
    memory[event] = count;
    // Unknown before: it may have been opened when it was hung there. Fewer: somebody cleared the records.
    if (before !== undefined && count > before) await tell(round, id, event);
  }
  const relay = await readKnown(round, patient, RELAY, () => readRelayExchange(target));
  if (relay === undefined || relay === memory.relay) return;
  const isNews = memory.relay !== undefined || relay === 'open';
  memory.relay = relay;
  if (isNews) await tell(round, id, relay === 'open' ? 'relay-open' : 'relay-closed');
}

/** Undefined where it was not read this time; what the meter does not have is asked again after a day. */
async function readKnown<T>(
  round: Round,
  { id, missing }: Patient,
  di: string,
  exchange: () => Exchange<T>,
): Promise<T | undefined> {
  const nowMs = round.clock.monotonicMs();
  if (nowMs < (missing.get(di) ?? 0)) return undefined;
  const answer = await askBehind(round, id, exchange);
  if ('value' in answer) return answer.value;
  if (answer.failure === 'no-such-data') missing.set(di, nowMs + MISSING_MS);
  return undefined;
}
