/** Questions that are asked now and then: the clock, the relay, and what the meter recorded of outages and openings. */
import type { Exchange } from '../exchange.ts';
import type { Standard } from './control.ts';
import { type Conversation, converse, readValues, type Target } from './exchange.ts';
import { findItem } from './items/catalogue.ts';
import type { Value } from './items/codec.ts';

/** The meter's civil time, `2026-11-21T23:15:07`. */
export function readClockExchange(target: Target): Exchange<string> {
  return converse(target, readClock(target.standard));
}

function* readClock(standard: Standard): Conversation<string> {
  const [dateDi, timeDi] = standard === '2007' ? ['04000101', '04000102'] : ['C010', 'C011'];
  const date = yield* readFirst(standard, dateDi);
  if ('failure' in date) return date;
  const time = yield* readFirst(standard, timeDi);
  if ('failure' in time) return time;
  // Just after midnight the date may have been the day before's.
  const sure = String(time.value).startsWith('00:00:') ? yield* readFirst(standard, dateDi) : date;
  if ('failure' in sure) return sure;
  if (sure.value === null || time.value === null) return { failure: 'bad-value', detail: 'the clock was never set' };
  return { value: `${sure.value}T${time.value}` };
}

/** The last record of these events, 2007 only. */
export const LAST_EVENTS = {
  'power-off': '03110001',
  'cover-open': '03300D01',
  'terminal-open': '03300E01',
} as const satisfies Record<string, string>;

/** When the meter last recorded the event, in its civil time; null where it never was or has not ended. */
export function readLastEventExchange(
  target: Target,
  event: keyof typeof LAST_EVENTS,
): Exchange<{ began: string | null; ended: string | null }> {
  return converse(target, readLastEvent(target.standard, LAST_EVENTS[event]));
}

function* readLastEvent(standard: Standard, di: string): Conversation<{ began: string | null; ended: string | null }> {
  const read = yield* readAll(standard, di);
  if ('failure' in read) return read;
  const when = (name: string) => {
    const value = read.value.find((it) => it.name === name)?.value;
    return typeof value === 'string' ? value : null;
  };
  return { value: { began: when('began'), ended: when('ended') } };
}

/** Whether the meter lets current through: status word 3, 2007 only. */
export function readRelayExchange(target: Target): Exchange<'open' | 'closed'> {
  return converse(target, readRelay(target.standard));
}

function* readRelay(standard: Standard): Conversation<'open' | 'closed'> {
  const read = yield* readAll(standard, '04000503');
  if ('failure' in read) return read;
  return { value: read.value[0]?.states?.relay === 'open' ? 'open' : 'closed' };
}

function* readFirst(standard: Standard, di: string): Conversation<Value['value']> {
  const read = yield* readAll(standard, di);
  return 'failure' in read ? read : { value: read.value[0]?.value ?? null };
}

function* readAll(standard: Standard, di: string): Conversation<Value[]> {
  const item = findItem(standard, di);
  if (item === undefined) return { failure: 'no-such-data', detail: `${di} is not in DL/T 645-${standard}` };
  return yield* readValues(standard, item);
}
