/**
 * What a master asks and what a meter answers, for both standards; master and simulated meter use the same four
 * functions. Layouts of the data fields (after 33H is taken off; every number low byte first):
 *
 *     read       DI | extra               answer  DI | data            (97: DI is two bytes)
 *     read-next  DI | SEQ                 answer  DI | data | SEQ      (97: no SEQ)
 *     write      DI | PA P0 P1 P2 | C0–C3 | data                       (97: no operator)
 *     relay      PA P0 P1 P2 | C0–C3 | N1 N2 | ss mm hh DD MM YY
 *
 * PA is the level of the password, C0–C3 the operator. Digits of passwords and operators are as printed, high first.
 */
import { concat, fromHexReversed, hexByte, toHexReversed } from '../bytes.ts';
import {
  decodeControl,
  encodeControl,
  errorNames,
  type FunctionName,
  functionCode,
  functionName,
  type Standard,
  standardOf,
} from './control.ts';
import { decodeAddress, encodeAddress, type Frame } from './frame.ts';
import { decodeScalar, encodeScalar } from './items/format.ts';

/** Who asks: level (PA), six digits of password and, in 2007, eight of operator. */
export interface Authority {
  level: number;
  password: string;
  operator?: string;
}

export const RELAY_COMMANDS = {
  26: 'trip',
  27: 'permit-close',
  28: 'close',
  42: 'alarm',
  43: 'alarm-off',
  58: 'keep-power',
  59: 'keep-power-off',
} as const satisfies Record<number, string>;
export type RelayCommand = (typeof RELAY_COMMANDS)[keyof typeof RELAY_COMMANDS];

/** The feature word Z of a speed: one bit, never two (2007: table A.5 note, 1997: annex B). */
export const BAUD_WORDS = { 600: 0x02, 1200: 0x04, 2400: 0x08, 4800: 0x10, 9600: 0x20, 19200: 0x40 } as const;
export type Baud = keyof typeof BAUD_WORDS;

export type Request = { standard: Standard } /** `extra` is what a load profile carries behind the identifier. */ & (
  | { function: 'read-data'; di: string; extra?: Uint8Array }
  /** 2007: `sequence` 1–255, then 1 again. */
  | { function: 'read-next'; di: string; sequence?: number }
  | { function: 'read-again' }
  | { function: 'read-address' }
  | { function: 'write-data'; di: string; authority: Authority; data: Uint8Array }
  | { function: 'write-address'; address: string }
  /** `2026-11-21T23:15:00`, the meter's own civil time. */
  | { function: 'broadcast-time'; time: string }
  /** MMDDhhmm, 99 for any: 99999999 now, 999999mm hourly, 9999hhmm daily, 99DDhhmm monthly. */
  | { function: 'freeze'; when: string }
  | { function: 'change-baud'; baud: Baud }
  /** `di` names the password in 2007; absent: that of the level of `next`. */
  | { function: 'change-password'; di?: string; authority: Authority; next: Authority }
  | { function: 'clear-demand'; authority: Authority }
  | { function: 'clear-meter'; authority: Authority }
  /** FFFFFFFF: all events. */
  | { function: 'clear-events'; authority: Authority; di: string }
  | {
      function: 'relay-control';
      authority: Authority;
      command: RelayCommand | number;
      until?: string;
      parameter?: number;
    }
  /** 00 clock pulses, 01 demand period, 02 change of tariff. */
  | { function: 'terminal-output'; output: number }
  /** Carried through as it is: its meaning is the security module's. */
  | { function: 'security'; di: string; operator: string; data: Uint8Array }
);

export type Answer = { standard: Standard } & (
  | { function: 'read-data' | 'read-again'; di: string; data: Uint8Array; more: boolean }
  | { function: 'read-next'; di: string; data: Uint8Array; more: boolean; sequence?: number }
  | { function: 'read-address'; address: string }
  | { function: 'security'; di: string; data: Uint8Array; more: boolean }
  | { function: 'change-baud'; baud: Baud }
  | { function: 'change-password'; next: Authority }
  | { function: 'terminal-output'; output: number }
  | { function: Acknowledged; done: true }
  /** ERR (SERR for security) and its bits by name. */
  | { function: FunctionName; error: number; errors: string[] }
);
type Acknowledged =
  | 'write-data'
  | 'write-address'
  | 'broadcast-time'
  | 'freeze'
  | 'clear-demand'
  | 'clear-meter'
  | 'clear-events'
  | 'relay-control';

export interface Malformed {
  problem: string;
}

const TIME = 'YYMMDDhhmmss';
const NOTHING = new Uint8Array();

/** @throws RangeError when the standard has no such function or a field does not fit: a programmer's mistake */
export function encodeRequest(address: string, request: Request): Frame {
  const code = functionCode(request.standard, request.function);
  return { address, control: code, data: requestData(request) };
}

/** What a frame from a master asks; `problem` for one that no master of either standard sends. */
export function decodeRequest(frame: Frame): Request | Malformed {
  const control = decodeControl(frame.control);
  const standard = standardOf(frame.control, frame.data);
  const name = standard && functionName(standard, control.code);
  if (control.direction !== 'request' || standard === undefined || name === undefined) {
    return { problem: `control ${toHexReversed(Uint8Array.of(frame.control))} is no request of the standard` };
  }
  const request = decodeRequestData(standard, name, frame.data);
  return request === undefined ? { problem: `${name} with ${frame.data.length} bytes of data` } : request;
}

/** @throws RangeError as `encodeRequest` */
export function encodeAnswer(address: string, answer: Answer): Frame {
  const control = {
    direction: 'response',
    abnormal: 'error' in answer,
    more: 'more' in answer && answer.more,
    code: functionCode(answer.standard, answer.function),
  } as const;
  return { address, control: encodeControl(control), data: answerData(answer) };
}

/** What a meter says; `problem` when the data field does not hold what the function needs. */
export function decodeAnswer(frame: Frame): Answer | Malformed {
  const control = decodeControl(frame.control);
  const standard = standardOf(frame.control, frame.data);
  const name = standard && functionName(standard, control.code);
  if (control.direction !== 'response' || standard === undefined || name === undefined) {
    return { problem: `control ${toHexReversed(Uint8Array.of(frame.control))} is no answer of the standard` };
  }
  if (control.abnormal) {
    const error = (frame.data[0] ?? 0) | ((frame.data[1] ?? 0) << 8);
    return { standard, function: name, error, errors: errorNames(standard, control.code, frame.data) };
  }
  const answer = decodeAnswerData(standard, name, control.more, frame.data);
  return answer === undefined ? { problem: `${name} with ${frame.data.length} bytes of data` } : answer;
}

/** Bytes of an identifier. */
export function identifierBytes(standard: Standard): 2 | 4 {
  return standard === '2007' ? 4 : 2;
}

function requestData(request: Request): Uint8Array {
  switch (request.function) {
    case 'read-data':
      return concat(fromHexReversed(request.di), request.extra ?? NOTHING);
    case 'read-next':
      return concat(fromHexReversed(request.di), request.standard === '2007' ? byte(request.sequence ?? 1) : NOTHING);
    case 'read-again':
    case 'read-address':
      return NOTHING;
    case 'write-data':
      return concat(fromHexReversed(request.di), authority(request.standard, request.authority), request.data);
    case 'write-address':
      return encodeAddress(request.address);
    case 'broadcast-time':
      return time(request.time);
    case 'freeze':
      return fromHexReversed(request.when);
    case 'change-baud':
      return byte(BAUD_WORDS[request.baud]);
    case 'change-password':
      return concat(
        request.standard === '2007' ? fromHexReversed(request.di ?? passwordItem(request.next)) : NOTHING,
        password(request.authority),
        password(request.next),
      );
    case 'clear-demand':
    case 'clear-meter':
      return authority(request.standard, request.authority);
    case 'clear-events':
      return concat(authority(request.standard, request.authority), fromHexReversed(request.di));
    case 'relay-control':
      return concat(
        authority(request.standard, request.authority),
        Uint8Array.of(relayCode(request.command), request.parameter ?? 0),
        request.until === undefined ? new Uint8Array(6) : time(request.until),
      );
    case 'terminal-output':
      return byte(request.output);
    case 'security':
      return concat(fromHexReversed(request.di), fromHexReversed(request.operator), request.data);
    default:
      return request satisfies never;
  }
}

function decodeRequestData(standard: Standard, name: FunctionName, data: Uint8Array): Request | undefined {
  const id = identifierBytes(standard);
  const di = data.length >= id ? toHexReversed(data, 0, id) : undefined;
  switch (name) {
    case 'read-data':
      if (di === undefined) return undefined;
      return { standard, function: name, di, ...(data.length > id ? { extra: data.slice(id) } : {}) };
    case 'read-next':
      if (di === undefined || data.length !== (standard === '2007' ? 5 : 2)) return undefined;
      return { standard, function: name, di, ...(standard === '2007' ? { sequence: data[4]! } : {}) };
    case 'read-again':
    case 'read-address':
      return data.length === 0 ? { standard, function: name } : undefined;
    case 'write-data': {
      const at = id + (standard === '2007' ? 8 : 4);
      if (di === undefined || data.length < at) return undefined;
      return { standard, function: name, di, authority: authorityAt(standard, data, id), data: data.slice(at) };
    }
    case 'write-address':
      return data.length === 6 ? { standard, function: name, address: decodeAddress(data) } : undefined;
    case 'broadcast-time': {
      const at = data.length === 6 ? decodeScalar(TIME, false, data, 0) : undefined;
      return typeof at === 'string' ? { standard, function: name, time: at } : undefined;
    }
    case 'freeze':
      return data.length === 4 ? { standard, function: name, when: toHexReversed(data) } : undefined;
    case 'change-baud': {
      const baud = data.length === 1 ? baudOf(data[0]!) : undefined;
      return baud === undefined ? undefined : { standard, function: name, baud };
    }
    case 'change-password': {
      const at = standard === '2007' ? 4 : 0;
      if (data.length !== at + 8) return undefined;
      const passwords = { authority: passwordAt(data, at), next: passwordAt(data, at + 4) };
      return { standard, function: name, ...(di && at > 0 ? { di } : {}), ...passwords };
    }
    case 'clear-demand':
    case 'clear-meter': {
      if (data.length !== (standard === '2007' ? 8 : 4)) return undefined;
      return { standard, function: name, authority: authorityAt(standard, data, 0) };
    }
    case 'clear-events':
      if (data.length !== 12) return undefined;
      return { standard, function: name, authority: authorityAt(standard, data, 0), di: toHexReversed(data, 8) };
    case 'relay-control':
      return decodeRelay(standard, data);
    case 'terminal-output':
      return data.length === 1 ? { standard, function: name, output: data[0]! } : undefined;
    case 'security':
      if (di === undefined || data.length < 8) return undefined;
      return { standard, function: name, di, operator: toHexReversed(data, 4, 8), data: data.slice(8) };
    default:
      return name satisfies never;
  }
}

function answerData(answer: Answer): Uint8Array {
  if ('error' in answer) {
    const isWord = answer.function === 'security';
    return isWord ? Uint8Array.of(answer.error & 0xff, answer.error >> 8) : byte(answer.error);
  }
  if ('done' in answer) return NOTHING;
  switch (answer.function) {
    case 'read-data':
    case 'read-again':
    case 'security':
      return concat(fromHexReversed(answer.di), answer.data);
    case 'read-next':
      return concat(
        fromHexReversed(answer.di),
        answer.data,
        answer.standard === '2007' ? byte(answer.sequence ?? 1) : NOTHING,
      );
    case 'read-address':
      return encodeAddress(answer.address);
    case 'change-baud':
      return byte(BAUD_WORDS[answer.baud]);
    case 'change-password':
      return password(answer.next);
    case 'terminal-output':
      return byte(answer.output);
    default:
      return answer satisfies never;
  }
}

function decodeAnswerData(standard: Standard, name: FunctionName, more: boolean, data: Uint8Array): Answer | undefined {
  const id = identifierBytes(standard);
  const di = data.length >= id ? toHexReversed(data, 0, id) : undefined;
  switch (name) {
    case 'read-data':
    case 'read-again':
      return di === undefined ? undefined : { standard, function: name, di, data: data.slice(id), more };
    case 'security':
      return di === undefined ? undefined : { standard, function: name, di, data: data.slice(id), more };
    case 'read-next': {
      if (di === undefined || (standard === '2007' && data.length < 5)) return undefined;
      if (standard === '1997') return { standard, function: name, di, data: data.slice(id), more };
      return { standard, function: name, di, data: data.slice(id, -1), more, sequence: data.at(-1)! };
    }
    case 'read-address':
      return data.length === 6 ? { standard, function: name, address: decodeAddress(data) } : undefined;
    case 'change-baud': {
      const baud = data.length === 1 ? baudOf(data[0]!) : undefined;
      return baud === undefined ? undefined : { standard, function: name, baud };
    }
    case 'change-password':
      return data.length === 4 ? { standard, function: name, next: passwordAt(data, 0) } : undefined;
    case 'terminal-output':
      return data.length === 1 ? { standard, function: name, output: data[0]! } : undefined;
    case 'write-data':
    case 'write-address':
    case 'broadcast-time':
    case 'freeze':
    case 'clear-demand':
    case 'clear-meter':
    case 'clear-events':
    case 'relay-control':
      return { standard, function: name, done: true };
    default:
      return name satisfies never;
  }
}

function decodeRelay(standard: Standard, data: Uint8Array): Request | undefined {
  const until = data.length === 16 ? decodeScalar(TIME, false, data, 10) : undefined;
  if (until === undefined) return undefined;
  const names: Record<number, RelayCommand> = RELAY_COMMANDS;
  const command = names[data[8]!] ?? data[8]!;
  const by = authorityAt(standard, data, 0);
  const request: Request = { standard, function: 'relay-control', authority: by, command };
  if (typeof until === 'string') request.until = until;
  if (data[9]! !== 0) request.parameter = data[9]!;
  return request;
}

function relayCode(command: RelayCommand | number): number {
  if (typeof command === 'number') return command;
  return Number(Object.entries(RELAY_COMMANDS).find(([, name]) => name === command)![0]);
}

function baudOf(word: number): Baud | undefined {
  for (const [baud, bit] of Object.entries(BAUD_WORDS)) if (bit === word) return Number(baud) as Baud;
  return undefined;
}

/** The identifier of a level's password: 04000C01 is level 0. */
function passwordItem(of: Authority): string {
  return `04000C${hexByte(of.level + 1)}`;
}

function password(by: Authority): Uint8Array {
  return concat(byte(by.level), fixed(by.password, 3));
}

function passwordAt(data: Uint8Array, at: number): Authority {
  return { level: data[at]!, password: toHexReversed(data, at + 1, at + 4) };
}

function authority(standard: Standard, by: Authority): Uint8Array {
  return standard === '2007' ? concat(password(by), fixed(by.operator ?? '00000000', 4)) : password(by);
}

function authorityAt(standard: Standard, data: Uint8Array, at: number): Authority {
  const by = passwordAt(data, at);
  return standard === '2007' ? { ...by, operator: toHexReversed(data, at + 4, at + 8) } : by;
}

function fixed(digits: string, length: number): Uint8Array {
  const bytes = fromHexReversed(digits);
  if (bytes.length !== length) throw new RangeError(`${digits.length} digits, expected ${2 * length}`);
  return bytes;
}

function time(text: string): Uint8Array {
  const bytes = new Uint8Array(6);
  if (!encodeScalar(TIME, false, text, bytes, 0)) throw new RangeError(`no time: ${text}`);
  return bytes;
}

function byte(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 255) throw new RangeError(`no byte: ${value}`);
  return Uint8Array.of(value);
}
