/** Explains one DL/T 645 frame to a field engineer, in the shape that `gridwarden decode` prints. */
import { hexByte, toHex, toHexReversed } from '../bytes.ts';
import { decodeControl, errorNames, functionName, type Standard, standardOf } from './control.ts';
import { type Check, checksum, FRAME_OVERHEAD, type Frame, MAX_DATA } from './frame.ts';
import { findItem, type Item } from './items/catalogue.ts';
import { decodeItem, type Value } from './items/codec.ts';
import { decodeProfileRequest } from './load-profile.ts';
import { type Answer, decodeAnswer, decodeRequest, type Request } from './requests.ts';
import { vendorValue } from './vendor-codes.ts';

export interface ExplainedDlt645 {
  protocol: 'dlt645';
  valid: boolean;
  [more: string]: unknown;
}

/** A whole frame. What a vendor put into it stands as hex. */
export function explainFrame(frame: Frame): ExplainedDlt645 {
  const control = decodeControl(frame.control);
  const standard = standardOf(frame.control, frame.data);
  const head = {
    protocol: 'dlt645' as const,
    ...(standard === undefined ? {} : { standard }),
    valid: true,
    direction: control.direction,
    address: frame.address,
    control: hexByte(frame.control),
    function: (standard && functionName(standard, control.code)) ?? 'vendor',
  };
  if (standard === undefined) {
    const value = control.direction === 'response' ? vendorValue(frame.data) : undefined;
    return { ...head, ...(value === undefined ? {} : { values: [value] }), data: toHex(frame.data) };
  }
  if (isForwarding(frame)) return { ...head, ...explainForwarding(frame) };
  if (control.direction === 'request') return { ...head, ...explainRequest(frame) };
  if (!control.abnormal) return { ...head, more: control.more, ...explainAnswer(frame) };
  return { ...head, error: errorNames(standard, control.code, frame.data), errorByte: toHex(frame.data) };
}

/** E5E50000H and E5E50001H carry another frame as it is: 33H is on their identifier alone. */
function isForwarding(frame: Frame): boolean {
  return /^0[01]00E5E5/.test(toHex(frame.data.subarray(0, 4)));
}

function explainForwarding(frame: Frame): object {
  const carried = frame.data.slice(4).map((byte) => byte + 0x33);
  return { item: toHexReversed(frame.data, 0, 4), forwards: toHex(carried) };
}

/** Bytes that begin as a frame and are none, and why. */
export function explainBroken(bytes: Uint8Array, check: Check): ExplainedDlt645 {
  return { protocol: 'dlt645', valid: false, problem: problemOf(bytes, check), bytes: toHex(bytes) };
}

function problemOf(bytes: Uint8Array, check: Check): string {
  const length = bytes[9];
  switch (check) {
    case 'checksum': {
      const at = 10 + (length ?? 0);
      return `checksum: expected ${hexByte(checksum(bytes, 0, at))}, got ${hexByte(bytes[at] ?? 0)}`;
    }
    case 'end':
      return `end: expected 16, got ${hexByte(bytes[11 + (length ?? 0)] ?? 0)}`;
    case 'length':
      return `length: ${length} bytes of data, at most ${MAX_DATA} are allowed`;
    case 'incomplete': {
      if (length === undefined) return `truncated: ${bytes.length} bytes of a frame`;
      return `truncated: ${FRAME_OVERHEAD + length} bytes announced, ${bytes.length} came`;
    }
    case 'start':
      return 'start: 68 sent twice';
    case 'frame':
      return 'length: another frame begins before this one ends';
    default:
      return check satisfies never;
  }
}

function explainRequest(frame: Frame): object {
  const request = decodeRequest(frame);
  if ('problem' in request) return { problem: request.problem, data: toHex(frame.data) };
  const item = 'di' in request && request.di !== undefined ? named(request.standard, request.di) : {};
  const values = requestValues(request);
  return { ...item, ...(values.length > 0 ? { values } : {}) };
}

function requestValues(request: Request): Value[] {
  switch (request.function) {
    case 'read-data':
      return extraValues(request.extra);
    case 'read-next':
      return request.sequence === undefined ? [] : [plain('sequence', request.sequence)];
    case 'read-again':
    case 'read-address':
      return [];
    case 'write-data':
      return [...authorityValues(request.authority), ...writtenValues(request)];
    case 'write-address':
      return [plain('address', request.address)];
    case 'broadcast-time':
      return [plain('time', request.time)];
    case 'freeze':
      return [plain('when (MMDDhhmm)', request.when)];
    case 'change-baud':
      return [{ name: 'baud', value: request.baud, unit: 'Bd' }];
    case 'change-password':
      return [
        ...authorityValues(request.authority),
        plain('new level', request.next.level),
        plain('new password', request.next.password),
      ];
    case 'clear-demand':
    case 'clear-meter':
    case 'clear-events':
      return authorityValues(request.authority);
    case 'relay-control':
      return [
        plain('command', typeof request.command === 'number' ? hexByte(request.command) : request.command),
        plain('until', request.until ?? null),
        ...authorityValues(request.authority),
      ];
    case 'terminal-output':
      return [plain('output', request.output)];
    case 'security':
      return [plain('operator', request.operator), plain('data', toHex(request.data))];
    default:
      return request satisfies never;
  }
}

function explainAnswer(frame: Frame): object {
  const answer = decodeAnswer(frame);
  if ('problem' in answer) return { problem: answer.problem, data: toHex(frame.data) };
  if ('error' in answer || 'done' in answer) return {};
  switch (answer.function) {
    case 'read-data':
    case 'read-again':
      return explainData(answer);
    case 'read-next': {
      const sequence = answer.sequence === undefined ? {} : { sequence: answer.sequence };
      return { ...named(answer.standard, answer.di), ...sequence, data: toHex(answer.data) };
    }
    case 'security':
      return { item: answer.di, data: toHex(answer.data) };
    case 'read-address':
      return { values: [plain('address', answer.address)] };
    case 'change-baud':
      return { values: [{ name: 'baud', value: answer.baud, unit: 'Bd' }] };
    case 'change-password':
      return { values: [plain('new level', answer.next.level), plain('new password', answer.next.password)] };
    case 'terminal-output':
      return { values: [plain('output', answer.output)] };
    default:
      return answer satisfies never;
  }
}

function explainData(answer: Answer & { di: string; data: Uint8Array; more: boolean }): object {
  const item = findItem(answer.standard, answer.di);
  const head = named(answer.standard, answer.di, item);
  const data = toHex(answer.data);
  if (item === undefined) return { ...head, data };
  const decoded = decodeItem(item, answer.data);
  if ('values' in decoded) return { ...head, values: decoded.values };
  // The first frame of several seldom ends where a value does.
  if (answer.more) return { ...head, data };
  const values =
    item.members === undefined ? item.fields.map((field) => ({ name: field.en, value: null, unit: field.unit })) : [];
  return { ...head, values, problem: `${decoded.failure}: ${decoded.detail}`, data };
}

function named(standard: Standard, di: string, item: Item | undefined = findItem(standard, di)): object {
  return item === undefined ? { item: di } : { item: di, name: item.nameEn, nameZh: item.nameZh };
}

function writtenValues(request: Request & { function: 'write-data' }): Value[] {
  const item = findItem(request.standard, request.di);
  const decoded = item && decodeItem(item, request.data);
  return decoded !== undefined && 'values' in decoded ? decoded.values : [plain('data', toHex(request.data))];
}

function extraValues(extra: Uint8Array | undefined): Value[] {
  if (extra === undefined) return [];
  const profile = decodeProfileRequest(extra);
  if (profile === undefined) return [plain('data', toHex(extra))];
  return [plain('records', profile.records), ...(profile.from === undefined ? [] : [plain('from', profile.from)])];
}

function authorityValues(by: { level: number; password: string; operator?: string }): Value[] {
  const operator = by.operator === undefined ? [] : [plain('operator', by.operator)];
  return [plain('level', by.level), plain('password', by.password), ...operator];
}

function plain(name: string, value: Value['value']): Value {
  return { name, value, unit: '' };
}
