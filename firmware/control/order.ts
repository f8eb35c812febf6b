/**
 * Orders to a meter: what a person may have done to it beyond reading. From an order in words to an exchange, for the
 * command line and for the platform alike. An order is sent once: what a meter did not acknowledge may have been done.
 */

import type { Standard } from '../../protocols/dlt645/control.ts';
import { ask, type Conversation, converse, type Target } from '../../protocols/dlt645/exchange.ts';
import { ANY_ADDRESS, BROADCAST_ADDRESS, encodeFrame } from '../../protocols/dlt645/frame.ts';
import { findItem, findItemByName, type Item } from '../../protocols/dlt645/items/catalogue.ts';
import { encodeItem } from '../../protocols/dlt645/items/codec.ts';
import type { Scalar } from '../../protocols/dlt645/items/format.ts';
import {
  type Authority,
  BAUD_WORDS,
  type Baud,
  encodeRequest,
  type RelayCommand,
  type Request,
} from '../../protocols/dlt645/requests.ts';
import type { Exchange } from '../../protocols/exchange.ts';
import type { Failure } from '../../protocols/failure.ts';
import type { Bus } from '../bus/bus.ts';
import { civilText, parseCivil } from './civil-text.ts';

/** The words of a site file's `allow:`. */
export type Permission = 'relay' | 'clear' | 'password' | 'address' | 'write';

interface Rule {
  /** Null: changes nothing that counts, so nobody has to permit it. */
  needs: Permission | null;
  /** Whether the meter wants a password. */
  password: boolean;
  /** What stands behind the action's name. */
  values: string;
}

const RELAY = { needs: 'relay', password: true, values: '' } as const;

export const ACTIONS = {
  trip: RELAY,
  'permit-close': RELAY,
  close: RELAY,
  alarm: RELAY,
  'alarm-off': RELAY,
  'keep-power': RELAY,
  'keep-power-off': RELAY,
  'clear-demand': { needs: 'clear', password: true, values: '' },
  'clear-meter': { needs: 'clear', password: true, values: '' },
  'clear-events': { needs: 'clear', password: true, values: '[ITEM]' },
  freeze: { needs: null, password: false, values: '[MMDDhhmm]' },
  time: { needs: 'write', password: true, values: '' },
  write: { needs: 'write', password: true, values: 'ITEM VALUE…' },
  password: { needs: 'password', password: true, values: '' },
  baud: { needs: 'address', password: false, values: 'RATE' },
  address: { needs: 'address', password: false, values: 'ADDRESS' },
} as const satisfies Record<string, Rule>;
export type Action = keyof typeof ACTIONS;

export interface Order {
  action: Action;
  values: readonly string[];
  /** When a relay command expires, the meter's civil time; ten minutes from now where nothing is said. */
  until?: string;
}

export interface Secrets {
  authority?: Authority;
  /** The password that the meter shall have from now on. */
  next?: string;
}

/** An exchange for the order, or what was expected instead. */
export type PlannedOrder = { exchange: () => Exchange<unknown> } | { problem: string };

/** Longer than any clock may be off that the gateway does not call faulty. */
const EXPIRES_MS = 10 * 60_000;
const FREEZE_NOW = '99999999';
const ALL_EVENTS = 'FFFFFFFF';
/** For what wants no password. */
const NOBODY: Authority = { level: 0, password: '000000' };
/** What can be written, too, but is permitted by a word of its own. */
const OWN_ACTIONS = [
  ['04000C', 'password'],
  ['C212', 'password'],
  ['04000401', 'address'],
  ['C032', 'address'],
  ['04000703', 'baud'],
  ['04000704', 'baud'],
  ['04000705', 'baud'],
] as const satisfies (readonly [di: string, action: Action])[];

/** What the order needs of `allow:` and of `--yes-i-mean-it`. The time of all meters at once is the standard's own broadcast. */
export function needsOf(action: Action, address: string): Rule {
  return action === 'time' && address === BROADCAST_ADDRESS
    ? { ...ACTIONS.time, needs: null, password: false }
    : ACTIONS[action];
}

/** @param localMs the meter's civil time as though it were UTC, asked when the order leaves */
export function planOrder(target: Target, order: Order, secrets: Secrets, localMs: () => number): PlannedOrder {
  const { action, values } = order;
  const { address } = target;
  if (address === BROADCAST_ADDRESS && action !== 'time' && action !== 'freeze') {
    return { problem: `${action}: expected one meter, not all` };
  }
  if (needsOf(action, address).password && secrets.authority === undefined) {
    return { problem: `${action}: expected a password` };
  }
  if (action === 'address') return planAddress(target, values[0]);
  const requests = () => requestsOf(target, { ...order, action }, secrets, localMs());
  try {
    // A field that does not fit is said now, not when the bus has time for it.
    for (const request of requests()) encodeFrame(encodeRequest(address, request));
  } catch (error) {
    return { problem: `${action}: ${error instanceof Error ? error.message : String(error)}` };
  }
  return { exchange: () => converse(target, inTurn(requests())) };
}

function planAddress(target: Target, next: string | undefined): PlannedOrder {
  if (next === undefined || !/^\d{12}$/.test(next)) return { problem: 'address: expected the 12 new digits' };
  const { address, standard } = target;
  return { exchange: () => converse({ ...target, address: ANY_ADDRESS }, readdress(standard, address, next)) };
}

/** @throws RangeError when a value does not fit, as `encodeRequest` does */
function requestsOf(
  { address, standard }: Target,
  { action, values, until }: Order & { action: Exclude<Action, 'address'> },
  { authority = NOBODY, next }: Secrets,
  localMs: number,
): readonly Request[] {
  const [first] = values;
  switch (action) {
    case 'trip':
    case 'permit-close':
    case 'close':
    case 'alarm':
    case 'alarm-off':
    case 'keep-power':
    case 'keep-power-off': {
      const expires = until ?? civilText(localMs + EXPIRES_MS);
      return [
        { standard, function: 'relay-control', authority, command: action satisfies RelayCommand, until: expires },
      ];
    }
    case 'clear-demand':
    case 'clear-meter':
      return [{ standard, function: action, authority }];
    case 'clear-events':
      return [{ standard, function: action, authority, di: eventsOf(first ?? ALL_EVENTS) }];
    case 'freeze':
      if (!/^\d{8}$/.test(first ?? FREEZE_NOW)) throw new RangeError(`${first}: expected MMDDhhmm`);
      return [{ standard, function: action, when: first ?? FREEZE_NOW }];
    case 'time':
      if (address === BROADCAST_ADDRESS) return [{ standard, function: 'broadcast-time', time: civilText(localMs) }];
      return clockWrites(standard, authority, localMs);
    case 'write':
      return [writeOf(standard, authority, first ?? '', values.slice(1))];
    case 'baud':
      return [{ standard, function: 'change-baud', baud: baudOf(first ?? '') }];
    case 'password':
      if (next === undefined) throw new RangeError('expected the next one');
      return [{ standard, function: 'change-password', authority, next: { level: authority.level, password: next } }];
    default:
      return action satisfies never;
  }
}

function* inTurn(requests: readonly Request[]): Conversation<unknown> {
  for (const request of requests) {
    const answer = yield* ask(request);
    if ('failure' in answer) return answer;
  }
  return { value: undefined };
}

/**
 * A meter is renamed under the wildcard (2007: 7.7), which every meter on the line obeys: so the one that answers must
 * be the one that is meant, and if two answer at once nobody is renamed.
 */
function* readdress(standard: Standard, address: string, next: string): Conversation<unknown> {
  const there = yield standard === '2007'
    ? { standard, function: 'read-address' }
    : { standard, function: 'read-data', di: '9010' };
  if ('failure' in there) return { failure: 'refused', detail: `not alone on the line: ${there.detail}` };
  const found = 'address' in there ? there.address : there.from;
  if (found !== address) return { failure: 'refused', detail: `${found} is on the line, not ${address}` };
  return yield* ask({ standard, function: 'write-address', address: next });
}

function eventsOf(di: string): string {
  if (!/^[0-9A-F]{8}$/i.test(di)) throw new RangeError(`${di}: expected eight hex digits`);
  return di.toUpperCase();
}

function baudOf(text: string): Baud {
  if (!Object.hasOwn(BAUD_WORDS, text))
    throw new RangeError(`${text}: expected one of ${Object.keys(BAUD_WORDS).join(', ')}`);
  return Number(text) as Baud;
}

/**
 * Time before date: with the time set, the meter's day ends when ours does, and not between the two writes, which would
 * make it wrong by a whole day. Hence none while ours is about to end.
 */
function clockWrites(standard: Standard, authority: Authority, localMs: number): readonly Request[] {
  const [date, time] = civilText(localMs).split('T') as [string, string];
  if (time.startsWith('23:59:')) throw new RangeError('expected a minute that is not the last before midnight');
  const items = standard === '2007' ? (['04000101', '04000102'] as const) : (['C010', 'C011'] as const);
  const weekday = new Date(parseCivil(`${date}T${time}`)).getUTCDay();
  return [
    writeRequest(standard, authority, findItem(standard, items[1])!, [time]),
    writeRequest(standard, authority, findItem(standard, items[0])!, [date, weekday]),
  ];
}

function writeOf(standard: Standard, authority: Authority, name: string, texts: readonly string[]): Request {
  const item = findItem(standard, name.toUpperCase()) ?? findItemByName(standard, name);
  if (item === undefined) throw new RangeError(`${name}: not in DL/T 645-${standard}`);
  const other = OWN_ACTIONS.find(([di]) => item.di.startsWith(di));
  if (other !== undefined) throw new RangeError(`${name}: expected the action ${other[1]}`);
  const formats = item.fields.map(({ format }) => format);
  const values = texts.map((text, i): Scalar => {
    const format = formats[i % formats.length] ?? '';
    return format.startsWith('N') || format.startsWith('BITS') ? numberOf(text) : text;
  });
  return writeRequest(standard, authority, item, values);
}

/** NaN, which fits no format, for what is no plain decimal number: an empty text must not be written as 0. */
function numberOf(text: string): number {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
}

function writeRequest(standard: Standard, authority: Authority, item: Item, values: readonly Scalar[]): Request {
  const encoded = encodeItem(item, values);
  if ('failure' in encoded) throw new RangeError(encoded.detail);
  return { standard, function: 'write-data', di: item.di, authority, data: encoded.bytes };
}

/** What came of an order. `unknown`: it left, and nobody can say whether the meter obeyed. */
export type Outcome =
  | { outcome: 'done' }
  | { outcome: 'refused' | 'not-sent' | 'unknown'; error: Failure; detail: string };

/** What an order is rejected with that may have been carried out: to be looked at, not to be given again blindly. */
export class UnknownOutcome extends Error {}

const REFUSALS: readonly Failure[] = ['unauthorised', 'refused', 'no-such-data', 'device-fault'];

/** Has the bus speak once; never again by itself, whatever comes. */
export async function giveOrder(
  bus: Bus,
  meter: string,
  exchange: () => Exchange<unknown>,
  waitMs: number,
): Promise<Outcome> {
  let sent = false;
  const once = () => {
    sent = true;
    return exchange();
  };
  const answer = await bus.request(meter, once, { waitMs });
  if ('value' in answer) return { outcome: 'done' };
  const { failure: error, detail } = answer;
  if (REFUSALS.includes(error)) return { outcome: 'refused', error, detail };
  return { outcome: sent ? 'unknown' : 'not-sent', error, detail };
}

export function isAction(text: string): text is Action {
  return Object.hasOwn(ACTIONS, text);
}
