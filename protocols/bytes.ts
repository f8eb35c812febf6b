/** Hex and BCD, as every protocol on the bus needs them. BCD is low byte first (DL/T 645-2007, 5.1). */

const HEX_OF_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).toUpperCase().padStart(2, '0'),
);

/** Two upper-case digits of one byte (0–255). */
export function hexByte(byte: number): string {
  return HEX_OF_BYTE[byte & 0xff]!;
}

/** Upper-case hex without separators, in the order of the wire. */
export function toHex(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = '';
  for (let i = start; i < end; i++) text += HEX_OF_BYTE[bytes[i]!];
  return text;
}

/** Upper-case hex with the last byte first: how a little-endian field is written on paper. */
export function toHexReversed(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = '';
  for (let i = end - 1; i >= start; i--) text += HEX_OF_BYTE[bytes[i]!];
  return text;
}

/** Bytes of hex digits, blanks between them allowed; undefined when it is no hex or half a byte is left. */
export function fromHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) return undefined;
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Bytes of a little-endian field written on paper: `toHexReversed` mirrored. @throws RangeError on other than hex */
export function fromHexReversed(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new RangeError(`no hex: ${text}`);
  return bytes.reverse();
}

/** The number in `length` BCD bytes, low byte first; NaN when a digit is above 9. `mask` clears the sign of the top byte. */
export function bcdToNumber(bytes: Uint8Array, at: number, length: number, mask = 0xff): number {
  let value = 0;
  for (let i = at + length - 1; i >= at; i--) {
    const byte = i === at + length - 1 ? bytes[i]! & mask : bytes[i]!;
    const high = byte >> 4;
    const low = byte & 0x0f;
    if (high > 9 || low > 9) return Number.NaN;
    value = value * 100 + high * 10 + low;
  }
  return value;
}

/** Writes a whole number ≥ 0 as `length` BCD bytes, low byte first. Digits that do not fit are lost: check before. */
export function writeBcd(bytes: Uint8Array, at: number, length: number, value: number): void {
  let rest = value;
  for (let i = at; i < at + length; i++) {
    const pair = rest % 100;
    bytes[i] = (Math.floor(pair / 10) << 4) | (pair % 10);
    rest = Math.floor(rest / 100);
  }
}

/** One array of all, in order. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
