/**
 * Load profiles (DL/T 645-2007, table A.7 and annex B): DI 06 CC 00 TT, where CC is the class (00 all of them) and TT
 * says 00 earliest, 01 from a given time, 02 latest. The answer is records one behind the other:
 *
 *     A0 A0 | length | mm hh DD MM YY | class 1 AA class 2 AA … class 6 AA | CS | E5
 *
 * The length counts from the time to the last AAH, CS sums from the first A0H. A class that was not recorded is its AAH
 * alone. AAH separates by its place, not by its value. Long answers come in follow-on frames that may cut a record.
 */
import { concat, toHex, writeBcd } from '../bytes.ts';
import type { Failure } from '../failure.ts';
import { checksum } from './frame.ts';
import { decodeScalar, encodeScalar, formatBytes, type Scalar } from './items/format.ts';
import { PROFILE_CLASSES } from './items/load-profile.ts';
import type { Field } from './items/row.ts';

export interface ProfileValue {
  name: string;
  value: Scalar;
  unit: string;
}
type Trouble = { failure: Failure; detail: string };

const MARK = 0xa0;
const SEPARATOR = 0xaa;
const RECORD_END = 0xe5;
const TIME = 'YYMMDDhhmm';
const TIME_BYTES = 5;

/** The fields of a record after its time: of one class, or of all of them. */
function classesOf(di: string): readonly (readonly Field[])[] {
  const index = Number.parseInt(di.slice(2, 4), 16);
  return PROFILE_CLASSES.filter((_, i) => index === 0 || index === i + 1).map(({ fields }) => fields);
}

/**
 * What a read carries behind the identifier: how many records, and from when (`2026-11-21T23:15`) where TT is 01.
 * @throws RangeError when `records` is not 1–99 or `from` is no time
 */
export function encodeProfileRequest(records: number, from?: string): Uint8Array {
  if (!Number.isInteger(records) || records < 1 || records > 99)
    throw new RangeError(`${records} records: expected 1–99`);
  const bytes = new Uint8Array(from === undefined ? 1 : 1 + TIME_BYTES);
  writeBcd(bytes, 0, 1, records);
  if (from !== undefined && !encodeScalar(TIME, false, from, bytes, 1)) throw new RangeError(`no time: ${from}`);
  return bytes;
}

/** Mirrored: undefined when it is no such request. */
export function decodeProfileRequest(bytes: Uint8Array): { records: number; from?: string } | undefined {
  const records =
    bytes.length === 1 || bytes.length === 1 + TIME_BYTES ? decodeScalar('NN', false, bytes, 0) : undefined;
  if (typeof records !== 'number') return undefined;
  if (bytes.length === 1) return { records };
  const from = decodeScalar(TIME, false, bytes, 1);
  return typeof from === 'string' ? { records, from } : undefined;
}

/**
 * The records of a whole answer (follow-on frames already joined): of each its time (`at`) and every value of the
 * classes asked for, null where the meter did not record it. `no-record` when there is none: that is not `no-such-data`.
 */
export function decodeRecords(di: string, bytes: Uint8Array): { values: ProfileValue[] } | Trouble {
  if (bytes.length === 0) return { failure: 'no-record', detail: `${di}: no record` };
  const classes = classesOf(di);
  const values: ProfileValue[] = [];
  let at = 0;
  while (at < bytes.length) {
    const end = at + 5 + (bytes[at + 2] ?? 0);
    const body = recordBody(bytes, at, end);
    if (body === undefined) return { failure: 'bad-value', detail: `${di}: no record at byte ${at}` };
    const problem = decodeRecord(body, classes, values);
    if (problem !== undefined) return { failure: 'bad-value', detail: `${di}: ${problem}` };
    at = end;
    // Some meters put one AAH behind a record, too.
    while (bytes[at] === SEPARATOR) at++;
  }
  return { values };
}

/** `decodeRecords` mirrored: times and values flat, in its order; a class that is null throughout is left out. */
export function encodeRecords(di: string, values: readonly Scalar[]): { bytes: Uint8Array } | Trouble {
  const classes = classesOf(di);
  const each = 1 + classes.reduce((sum, fields) => sum + fields.length, 0);
  if (values.length % each !== 0) return { failure: 'bad-value', detail: `${di}: a record has ${each} values` };
  const records: Uint8Array[] = [];
  for (let at = 0; at < values.length; at += each) {
    const record = encodeRecord(classes, values.slice(at, at + each));
    if (record === undefined) return { failure: 'bad-value', detail: `${di}: record ${at / each + 1} does not fit` };
    records.push(record);
  }
  return { bytes: concat(...records) };
}

/** From the time to the last AAH; undefined when marks, length or checksum are wrong. */
function recordBody(bytes: Uint8Array, at: number, end: number): Uint8Array | undefined {
  if (bytes[at] !== MARK || bytes[at + 1] !== MARK || end > bytes.length) return undefined;
  if (bytes[end - 1] !== RECORD_END || bytes[end - 2] !== checksum(bytes, at, end - 2)) return undefined;
  return bytes.subarray(at + 3, end - 2);
}

/** Appends to `values`; returns what is wrong, if anything is. */
function decodeRecord(
  body: Uint8Array,
  classes: readonly (readonly Field[])[],
  values: ProfileValue[],
): string | undefined {
  const time = body.length < TIME_BYTES ? undefined : decodeScalar(TIME, false, body, 0);
  if (typeof time !== 'string') return `no time in ${toHex(body)}`;
  values.push({ name: 'at', value: time, unit: '' });
  let at = TIME_BYTES;
  // An answer to one class may still hold the AAH of those before it.
  if (classes.length === 1) while (body[at] === SEPARATOR && at < body.length - 1) at++;
  for (const fields of classes) {
    const isAbsent = at >= body.length || body[at] === SEPARATOR;
    const size = fields.reduce((sum, field) => sum + formatBytes(field.format), 0);
    if (!isAbsent && at + size > body.length) return `${body.length - at} bytes where ${size} are expected`;
    for (const field of fields) {
      const value = isAbsent ? null : decodeScalar(field.format, field.signed === true, body, at);
      if (value === undefined) return `${field.en} at ${time} is no ${field.format}`;
      values.push({ name: field.en, value, unit: field.unit });
      if (!isAbsent) at += formatBytes(field.format);
    }
    if (at < body.length && body[at++] !== SEPARATOR) return `no AAH behind ${fields.at(-1)?.en}`;
  }
  while (body[at] === SEPARATOR) at++;
  return at < body.length ? `${body.length - at} bytes too many` : undefined;
}

function encodeRecord(classes: readonly (readonly Field[])[], values: readonly Scalar[]): Uint8Array | undefined {
  const body: number[] = [];
  const time = new Uint8Array(TIME_BYTES);
  if (!encodeScalar(TIME, false, values[0] ?? null, time, 0)) return undefined;
  body.push(...time);
  let next = 1;
  for (const fields of classes) {
    const own = values.slice(next, next + fields.length);
    next += fields.length;
    if (!own.every((value) => value === null)) {
      for (const [i, field] of fields.entries()) {
        const bytes = new Uint8Array(formatBytes(field.format));
        if (!encodeScalar(field.format, field.signed === true, own[i] ?? null, bytes, 0)) return undefined;
        body.push(...bytes);
      }
    }
    body.push(SEPARATOR);
  }
  const record = Uint8Array.of(MARK, MARK, body.length, ...body);
  return Uint8Array.of(...record, checksum(record, 0, record.length), RECORD_END);
}
