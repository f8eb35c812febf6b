/**
 * One frame of DL/T 645, the same in 1997 and 2007 (2007: clause 5.2):
 *
 *     FE…  68 | A0 … A5 | 68 | C | L | data × L | CS | 16
 *
 * A0 is the low byte of the address. CS is the sum from the first 68H to the last data byte; the FE preamble is not in
 * it. On the wire every data byte is 33H more (modulo 256), including identifiers, passwords and error bytes.
 */
import { hexByte } from '../bytes.ts';

export interface Frame {
  /** The 12 digits as printed on the meter; `A` digits are the wildcard. */
  address: string;
  /** The control byte as it stands; `control.ts` explains it. */
  control: number;
  /** The data field with 33H already taken off. */
  data: Uint8Array;
}

export const START = 0x68;
export const END = 0x16;
export const WAKE = 0xfe;
/** Bytes of a frame around its data. */
export const FRAME_OVERHEAD = 12;
/** L ≤ 200 (clause 5.2.5); a longer one is a byte gone wrong, and waiting for it would cost the frames behind. */
export const MAX_DATA = 200;
export const MAX_FRAME = FRAME_OVERHEAD + MAX_DATA;

/** The wildcard of point-to-point lines; several meters on one bus answer it all at once. */
export const ANY_ADDRESS = 'AAAAAAAAAAAA';
/** Everyone listens, no one answers: time and freeze only. */
export const BROADCAST_ADDRESS = '999999999999';

/** What begins at `at`: a whole frame, too few bytes to say, or why it is none. */
export type Check = 'frame' | 'incomplete' | 'start' | 'length' | 'end' | 'checksum';

/** Looks at `bytes` from `at` up to `end`. 16H is no delimiter (it may be CS, data or address): the length decides. */
export function checkFrame(bytes: Uint8Array, at: number, end: number): Check {
  if (bytes[at] !== START) return 'start';
  if (at + 8 > end) return 'incomplete';
  if (bytes[at + 7] !== START) return 'start';
  if (at + 10 > end) return 'incomplete';
  const length = bytes[at + 9]!;
  if (length > MAX_DATA) return 'length';
  if (at + FRAME_OVERHEAD + length > end) return 'incomplete';
  // The end byte first: it is one comparison and refuses nearly all garbage.
  if (bytes[at + 11 + length] !== END) return 'end';
  return checksum(bytes, at, at + 10 + length) === bytes[at + 10 + length] ? 'frame' : 'checksum';
}

/** The sum modulo 256 of `bytes` from `start` up to `end`. */
export function checksum(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += bytes[i]!;
  return sum & 0xff;
}

/** The frame at `at`, which `checkFrame` found whole. */
export function decodeFrame(bytes: Uint8Array, at = 0): Frame {
  const length = bytes[at + 9]!;
  const data = new Uint8Array(length);
  for (let i = 0; i < length; i++) data[i] = bytes[at + 10 + i]! - 0x33;
  return { address: decodeAddress(bytes, at + 1), control: bytes[at + 8]!, data };
}

/**
 * The bytes of a frame behind `preamble` wake-up bytes (a master sends four, a meter none to four).
 * @throws RangeError when the address is not 12 digits (A for wildcard) or the data are over 200 bytes
 */
export function encodeFrame(frame: Frame, preamble = 4): Uint8Array {
  const { address, control, data } = frame;
  if (data.length > MAX_DATA) throw new RangeError(`${data.length} data bytes, at most ${MAX_DATA} fit a frame`);
  const bytes = new Uint8Array(preamble + FRAME_OVERHEAD + data.length).fill(WAKE, 0, preamble);
  const at = preamble;
  bytes[at] = START;
  bytes.set(encodeAddress(address), at + 1);
  bytes[at + 7] = START;
  bytes[at + 8] = control;
  bytes[at + 9] = data.length;
  for (let i = 0; i < data.length; i++) bytes[at + 10 + i] = data[i]! + 0x33;
  bytes[at + 10 + data.length] = checksum(bytes, at, at + 10 + data.length);
  bytes[at + 11 + data.length] = END;
  return bytes;
}

/** Six bytes, low byte first, as 12 digits. */
export function decodeAddress(bytes: Uint8Array, at = 0): string {
  return (
    hexByte(bytes[at + 5]!) +
    hexByte(bytes[at + 4]!) +
    hexByte(bytes[at + 3]!) +
    hexByte(bytes[at + 2]!) +
    hexByte(bytes[at + 1]!) +
    hexByte(bytes[at]!)
  );
}

/** @throws RangeError when it is not 12 digits, A for wildcard */
export function encodeAddress(address: string): Uint8Array {
  if (!isAddress(address)) throw new RangeError(`address ${address}: expected 12 digits`);
  const bytes = new Uint8Array(6);
  for (let i = 0; i < 6; i++) bytes[5 - i] = Number.parseInt(address.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Twelve hex digits: some vendors use more than 0–9 and A. */
export function isAddress(text: string): boolean {
  return /^[0-9A-F]{12}$/.test(text);
}

/** Whether an answer from `answered` may be to a request for `asked`: A digits match any, on either side (some meters
 * echo the wildcard instead of their address). */
export function addressMatches(asked: string, answered: string): boolean {
  if (asked === answered) return true;
  for (let i = 0; i < 12; i++) {
    if (asked[i] !== answered[i] && asked[i] !== 'A' && answered[i] !== 'A') return false;
  }
  return true;
}
