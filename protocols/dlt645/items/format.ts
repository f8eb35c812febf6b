/**
 * One value on the wire, in the standard's own notation: `NNNNNN.NN` is eight BCD digits, two of them decimals;
 * `YYMMDDhhmm` a time; low byte first, whatever it is. `ASCIIn` is text, reversed and padded with NUL in front;
 * `HEXn` a code that is no number; `BITSn` n bits by name; `RECORDS` a load profile (`load-profile.ts`).
 */
import { bcdToNumber, fromHexReversed, hexByte, toHexReversed, writeBcd } from '../../bytes.ts';

export type Format =
  | `N${string}`
  | `ASCII${number}`
  | `HEX${number}`
  | `BITS${8 | 16}`
  | 'RECORDS'
  | (typeof TIME_FORMATS)[number];

/** What a value is: a number in its unit, text (times as ISO 8601, codes as hex), or null where the meter has none. */
export type Scalar = number | string | null;

/** How a time or a table entry reads; two digits of the notation become the two digits in place of them. */
const TIME_TEXT = {
  YYMMDDhhmmss: '20YY-MM-DDThh:mm:ss',
  YYMMDDhhmm: '20YY-MM-DDThh:mm',
  YYMMDD: '20YY-MM-DD',
  MMDDhhmm: 'MM-DDThh:mm',
  hhmmss: 'hh:mm:ss',
  hhmm: 'hh:mm',
  DDhh: 'DDThh',
  /** Entries of the tables of year zones, of a day's periods and of holidays: from when, and which table or tariff. */
  MMDDNN: 'MM-DD/NN',
  hhmmNN: 'hh:mm/NN',
  YYMMDDNN: '20YY-MM-DD/NN',
} as const satisfies Record<string, string>;
const TIME_FORMATS = Object.keys(TIME_TEXT) as readonly (keyof typeof TIME_TEXT)[];

/** The largest number of each part; a month and a day are also at least 1. */
const TIME_LIMITS: Record<string, number> = { YY: 99, MM: 12, DD: 31, hh: 23, mm: 59, ss: 59, NN: 99 };

/** Bytes of a format; 0 for `RECORDS`, which are as long as they are. */
export function formatBytes(format: Format): number {
  if (format === 'RECORDS') return 0;
  if (isTime(format)) return format.length / 2;
  if (format.startsWith('N')) return format.replace('.', '').length / 2;
  const size = Number(/\d+$/.exec(format)?.[0]);
  return format.startsWith('BITS') ? size / 8 : size;
}

/**
 * The value at `at`: null where every byte is FFH (not there) or a time is all zero (never) or all 99 (none set: a second
 * settlement day that is not used), undefined when it is impossible.
 */
export function decodeScalar(format: Format, signed: boolean, bytes: Uint8Array, at: number): Scalar | undefined {
  const size = formatBytes(format);
  if (format.startsWith('HEX')) return toHexReversed(bytes, at, at + size);
  if (format.startsWith('BITS')) return bytes[at]! | (size === 2 ? bytes[at + 1]! << 8 : 0);
  if (isAll(bytes, at, size, 0xff)) return null;
  if (format.startsWith('ASCII')) return decodeText(bytes, at, size);
  if (isTime(format)) return isNoTime(format, bytes, at, size) ? null : decodeTime(format, bytes, at);
  return decodeNumber(format, signed, bytes, at, size);
}

function isNoTime(format: string, bytes: Uint8Array, at: number, size: number): boolean {
  if (isAll(bytes, at, size, 0x99)) return true;
  return isAll(bytes, at, size, 0) && format !== 'hhmm' && format !== 'hhmmss';
}

/** Writes what `decodeScalar` reads; false when the value does not fit the format. */
export function encodeScalar(format: Format, signed: boolean, value: Scalar, bytes: Uint8Array, at: number): boolean {
  const size = formatBytes(format);
  if (format.startsWith('HEX')) return typeof value === 'string' && encodeHex(value, bytes, at, size);
  if (format.startsWith('BITS')) return typeof value === 'number' && encodeWord(value, bytes, at, size);
  if (value === null) {
    bytes.fill(0xff, at, at + size);
    return true;
  }
  if (format.startsWith('ASCII')) return typeof value === 'string' && encodeText(value, bytes, at, size);
  if (isTime(format)) return typeof value === 'string' && encodeTime(format, value, bytes, at);
  return typeof value === 'number' && encodeNumber(format, signed, value, bytes, at, size);
}

function decodeNumber(
  format: string,
  signed: boolean,
  bytes: Uint8Array,
  at: number,
  size: number,
): number | undefined {
  const whole = bcdToNumber(bytes, at, size, signed ? 0x7f : 0xff);
  if (Number.isNaN(whole)) return undefined;
  const negative = signed && (bytes[at + size - 1]! & 0x80) !== 0 && whole !== 0;
  return (negative ? -whole : whole) / 10 ** decimals(format);
}

function encodeNumber(
  format: string,
  signed: boolean,
  value: number,
  bytes: Uint8Array,
  at: number,
  size: number,
): boolean {
  const whole = Math.round(Math.abs(value) * 10 ** decimals(format));
  const limit = (signed ? 80 : 100) * 100 ** (size - 1);
  if (!(whole < limit) || (value < 0 && whole > 0 && !signed)) return false;
  writeBcd(bytes, at, size, whole);
  if (value < 0 && whole > 0) bytes[at + size - 1]! |= 0x80;
  return true;
}

function decimals(format: string): number {
  const point = format.indexOf('.');
  return point < 0 ? 0 : format.length - point - 1;
}

function isTime(format: string): format is keyof typeof TIME_TEXT {
  return format in TIME_TEXT;
}

function decodeTime(format: keyof typeof TIME_TEXT, bytes: Uint8Array, at: number): string | undefined {
  const size = format.length / 2;
  let text: string = TIME_TEXT[format];
  for (let i = 0; i < size; i++) {
    const part = format.slice(2 * i, 2 * i + 2);
    const number = bcdToNumber(bytes, at + size - 1 - i, 1);
    if (!isPart(part, number, format)) return undefined;
    text = text.replace(part, hexByte(bytes[at + size - 1 - i]!));
  }
  return isInMonth(format, text) ? text : undefined;
}

/** A day that its month does not have is no time; where no year is told, February has 29. */
function isInMonth(format: keyof typeof TIME_TEXT, text: string): boolean {
  const template = TIME_TEXT[format];
  const partOf = (part: string) => Number(text.slice(template.indexOf(part)).slice(0, 2));
  if (!template.includes('MM') || !template.includes('DD') || partOf('MM') === 0) return true;
  const year = template.includes('YY') ? 2000 + partOf('YY') : 2000;
  return partOf('DD') <= new Date(Date.UTC(year, partOf('MM'), 0)).getUTCDate();
}

function encodeTime(format: keyof typeof TIME_TEXT, value: string, bytes: Uint8Array, at: number): boolean {
  const template = TIME_TEXT[format];
  const size = format.length / 2;
  if (value.length !== template.length) return false;
  for (let i = 0; i < size; i++) {
    const part = format.slice(2 * i, 2 * i + 2);
    const digits = value.slice(template.indexOf(part)).slice(0, 2);
    if (!/^\d\d$/.test(digits) || !isPart(part, Number(digits), format)) return false;
    bytes[at + size - 1 - i] = Number.parseInt(digits, 16);
  }
  return isInMonth(format, value);
}

/** Tables are padded with zeros where they have no more entries, so a date of 00-00 is one there. */
function isPart(part: string, number: number, format: string): boolean {
  const least = (part === 'MM' || part === 'DD') && !format.endsWith('NN') ? 1 : 0;
  return number >= least && number <= TIME_LIMITS[part]!;
}

function decodeText(bytes: Uint8Array, at: number, size: number): string {
  let text = '';
  for (let i = at + size - 1; i >= at; i--) {
    const code = bytes[i]!;
    if (code !== 0) text += code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '\ufffd';
  }
  return text;
}

/** The first character stands in the highest byte, so that a short text is padded in front on the wire. */
function encodeText(value: string, bytes: Uint8Array, at: number, size: number): boolean {
  if (value.length > size || !/^[\x20-\x7e]*$/.test(value)) return false;
  bytes.fill(0, at, at + size);
  for (let i = 0; i < value.length; i++) bytes[at + size - 1 - i] = value.charCodeAt(i);
  return true;
}

function encodeHex(value: string, bytes: Uint8Array, at: number, size: number): boolean {
  if (value.length !== 2 * size || !/^[0-9A-Fa-f]*$/.test(value)) return false;
  bytes.set(fromHexReversed(value), at);
  return true;
}

function encodeWord(value: number, bytes: Uint8Array, at: number, size: number): boolean {
  if (!Number.isInteger(value) || value < 0 || value >= 256 ** size) return false;
  bytes[at] = value & 0xff;
  if (size === 2) bytes[at + 1] = value >> 8;
  return true;
}

function isAll(bytes: Uint8Array, at: number, size: number, byte: number): boolean {
  for (let i = at; i < at + size; i++) if (bytes[i] !== byte) return false;
  return true;
}
