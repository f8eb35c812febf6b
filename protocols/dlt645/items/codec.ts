/**
 * An item's bytes as values and back. Meters differ in how they send a block: plainly, with AAH between the members, or
 * with one AAH or DDH at the end; all three are read, the first is written.
 */
import { concat, toHex } from '../../bytes.ts';
import type { Failure } from '../../failure.ts';
import { decodeRecords, encodeRecords } from '../load-profile.ts';
import type { Item } from './catalogue.ts';
import { decodeScalar, encodeScalar, formatBytes, type Scalar } from './format.ts';
import type { Bits, Field } from './row.ts';

export interface Value {
  name: string;
  /** In `unit`; null where the meter has none: an absent phase (FF…), a time that never was (zeros). */
  value: Scalar;
  unit: string;
  /** A status word bit by bit. */
  states?: Record<string, string | number>;
}

export interface Trouble {
  failure: Failure;
  detail: string;
}

const SEPARATOR = 0xaa;
const FILLER = 0xdd;

/** The values of `bytes`, the data behind the identifier; `bad-value` for a wrong length, a digit above 9 or an impossible time. */
export function decodeItem(item: Item, bytes: Uint8Array): { values: Value[] } | Trouble {
  if (item.parts !== undefined) return decodeParts(item.parts, bytes);
  if (isRecords(item)) return decodeRecords(item.di, bytes);
  const size = unitBytes(item);
  const units = withoutSeparators(bytes, size);
  const count = units.length / size;
  const most = item.members?.length ?? 1;
  if (!Number.isInteger(count) || count < 1 || count > most) {
    const expected = item.members === undefined ? `${size} bytes` : `1–${most} times ${size} bytes`;
    return { failure: 'bad-value', detail: `${item.di}: expected ${expected}, got ${bytes.length}` };
  }
  const values: Value[] = [];
  for (let unit = 0; unit < count; unit++) {
    const trouble = decodeUnit(item, units, unit, size, values);
    if (trouble !== undefined) return trouble;
  }
  return { values };
}

/**
 * The bytes of `values`, one for each value that `decodeItem` gives, in its order; what is sent behind the identifier.
 * `bad-value` when one does not fit its format or the number of values is none the item can have.
 */
export function encodeItem(item: Item, values: readonly Scalar[]): { bytes: Uint8Array } | Trouble {
  if (item.parts !== undefined) return encodeParts(item.parts, values);
  if (isRecords(item)) return encodeRecords(item.di, values);
  const count = values.length / item.fields.length;
  if (!Number.isInteger(count) || count < 1 || count > (item.members?.length ?? 1)) {
    return { failure: 'bad-value', detail: `${item.di}: ${values.length} values do not make it up` };
  }
  const size = unitBytes(item);
  const bytes = new Uint8Array(count * size);
  for (let unit = 0; unit < count; unit++) {
    const trouble = encodeUnit(item, values, unit, bytes.subarray(unit * size, (unit + 1) * size));
    if (trouble !== undefined) return trouble;
  }
  return { bytes };
}

/** Bytes of one unit of the item; a block is as many of them as the meter has. */
export function unitBytes(item: Item): number {
  return item.fields.reduce((sum, field) => sum + formatBytes(field.format), 0);
}

/** Beyond which nothing can belong to the item; a block may have a separator behind each member. */
export function mostBytes(item: Item): number {
  if (item.parts !== undefined) return item.parts.reduce((sum, part) => sum + mostBytes(part) + 1, 0);
  if (isRecords(item)) return Number.POSITIVE_INFINITY;
  return item.members === undefined ? unitBytes(item) : item.members.length * (unitBytes(item) + 1);
}

function isRecords(item: Item): boolean {
  return item.fields[0]?.format === 'RECORDS';
}

function decodeUnit(item: Item, bytes: Uint8Array, unit: number, size: number, values: Value[]): Trouble | undefined {
  let at = unit * size;
  const read: Value[] = [];
  for (const [index, field] of onTheWire(item)) {
    const length = formatBytes(field.format);
    const value = decodeScalar(field.format, field.signed === true, bytes, at);
    const name = nameOf(item, unit, index);
    if (value === undefined) {
      const what = `${name}: ${toHex(bytes, at, at + length)} is no ${field.format}, low byte first`;
      return { failure: 'bad-value', detail: what };
    }
    read[index] = { name, value, unit: field.unit };
    if (field.bits !== undefined && typeof value === 'number') read[index].states = statesOf(field.bits, value);
    at += length;
  }
  values.push(...read);
  return undefined;
}

function encodeUnit(item: Item, values: readonly Scalar[], unit: number, bytes: Uint8Array): Trouble | undefined {
  let at = 0;
  for (const [index, field] of onTheWire(item)) {
    const value = values[unit * item.fields.length + index] ?? null;
    if (!encodeScalar(field.format, field.signed === true, value, bytes, at)) {
      return { failure: 'bad-value', detail: `${nameOf(item, unit, index)}: ${value} does not fit ${field.format}` };
    }
    at += formatBytes(field.format);
  }
  return undefined;
}

/** The fields with their places among the values. */
function onTheWire(item: Item): readonly (readonly [number, Field])[] {
  const entries = item.fields.map((field, index) => [index, field] as const);
  return item.lastFirst ? entries.reverse() : entries;
}

function nameOf(item: Item, unit: number, index: number): string {
  const field = item.fields[index]!.en;
  if (item.members === undefined) return item.fields.length === 1 ? item.nameEn : field;
  const member = item.members[unit]!.en;
  return index === 0 ? member : `${member}, ${field}`;
}

function statesOf(bits: readonly Bits[], word: number): Record<string, string | number> {
  const states: Record<string, string | number> = {};
  for (const { bit, width = 1, en, states: words } of bits) {
    const value = (word >> bit) & ((1 << width) - 1);
    states[en] = words === undefined ? value : (words[value] ?? value);
  }
  return states;
}

/** Units of `size` bytes one behind the other. AAH is no BCD, so where it stands after every unit it separates. */
function withoutSeparators(bytes: Uint8Array, size: number): Uint8Array {
  const count = Math.floor((bytes.length + 1) / (size + 1));
  const rest = bytes.length - count * (size + 1);
  if (count > 1 && (rest === 0 || rest === -1) && isSeparated(bytes, size)) {
    return concat(...Array.from({ length: count }, (_, i) => bytes.subarray(i * (size + 1), i * (size + 1) + size)));
  }
  const last = bytes.at(-1);
  const isFilled = bytes.length % size === 1 % size && bytes.length > size && (last === SEPARATOR || last === FILLER);
  return isFilled ? bytes.subarray(0, -1) : bytes;
}

function isSeparated(bytes: Uint8Array, size: number): boolean {
  for (let at = size; at < bytes.length; at += size + 1) if (bytes[at] !== SEPARATOR) return false;
  return true;
}

function decodeParts(parts: readonly Item[], bytes: Uint8Array): { values: Value[] } | Trouble {
  const pieces = cut(parts, bytes);
  if (pieces.length !== parts.length) {
    const detail = `expected ${parts.length} parts with AAH between them, got ${pieces.length}`;
    return { failure: 'bad-value', detail };
  }
  const values: Value[] = [];
  for (const [i, part] of parts.entries()) {
    const decoded = decodeItem(part, pieces[i]!);
    if ('failure' in decoded) return decoded;
    values.push(...decoded.values);
  }
  return { values };
}

/** By length where every part has one; else at the AAH, which cannot be in BCD. */
function cut(parts: readonly Item[], bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let at = 0;
  if (parts.every((part) => part.members === undefined)) {
    const sizes = parts.map(unitBytes);
    const extra = bytes.length - sizes.reduce((sum, size) => sum + size, 0);
    const between = extra >= sizes.length - 1 ? 1 : 0;
    const behind = extra - between * (sizes.length - 1);
    if (behind === 0 || behind === 1) {
      for (const size of sizes) {
        pieces.push(bytes.subarray(at, at + size));
        at += size;
        if (between === 1 && at < bytes.length && bytes[at++] !== SEPARATOR) return [];
      }
      return pieces;
    }
  }
  for (let end = bytes.indexOf(SEPARATOR); end >= 0; end = bytes.indexOf(SEPARATOR, at)) {
    pieces.push(bytes.subarray(at, end));
    at = end + 1;
  }
  if (at < bytes.length) pieces.push(bytes.subarray(at));
  return pieces;
}

/** All tables of one meter have the same number of tariffs, so the number of values says how many. */
function encodeParts(parts: readonly Item[], values: readonly Scalar[]): { bytes: Uint8Array } | Trouble {
  const fixed = parts.filter((part) => part.members === undefined);
  const blocks = parts.filter((part) => part.members !== undefined);
  const fields = (items: readonly Item[]) => items.reduce((sum, item) => sum + item.fields.length, 0);
  const tariffs = blocks.length === 0 ? 1 : (values.length - fields(fixed)) / fields(blocks);
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const part of parts) {
    const count = part.fields.length * (part.members === undefined ? 1 : tariffs);
    const encoded = encodeItem(part, values.slice(at, at + count));
    if ('failure' in encoded) return encoded;
    if (at > 0 && blocks.length > 0) pieces.push(Uint8Array.of(SEPARATOR));
    pieces.push(encoded.bytes);
    at += count;
  }
  return { bytes: concat(...pieces) };
}
