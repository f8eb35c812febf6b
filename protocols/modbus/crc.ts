/** CRC-16/MODBUS (Modbus over Serial Line 1.02, 6.2.2): polynomial A001 reflected, start FFFF, sent low byte first. */

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  return crc;
});

/** The CRC of `bytes[from, to)`. */
export function crc16(bytes: Uint8Array, from = 0, to: number = bytes.length): number {
  let crc = 0xffff;
  for (let at = from; at < to; at++) crc = (crc >>> 8) ^ (TABLE[(crc ^ bytes[at]!) & 0xff] as number);
  return crc;
}

/** Whether `bytes[from, to)` ends in its own CRC. */
export function crcFits(bytes: Uint8Array, from = 0, to: number = bytes.length): boolean {
  if (to - from < 4 || to > bytes.length) return false;
  return crc16(bytes, from, to - 2) === (bytes[to - 2]! | (bytes[to - 1]! << 8));
}

/** Writes the CRC of all but the last two bytes into those two; returns `bytes`. */
export function seal(bytes: Uint8Array): Uint8Array {
  const crc = crc16(bytes, 0, bytes.length - 2);
  bytes[bytes.length - 2] = crc & 0xff;
  bytes[bytes.length - 1] = crc >>> 8;
  return bytes;
}
