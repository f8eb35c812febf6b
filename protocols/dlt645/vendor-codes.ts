/**
 * Prepaid (STS) meters that put their keypad's short codes into DL/T 645 frames with control 00H and 80H. Their layout
 * was never published; this is what nine captured frames agree on, and nothing more is read from them:
 *
 *     02 E0 | three digits | 50 | 2 bytes | value …    the answer to a short code, not BCD but little-endian binary
 *     01 E0 | 9 bytes | 8 characters                   what the display says of a token
 */
import { bcdToNumber, hexByte } from '../bytes.ts';
import type { Value } from './items/codec.ts';

type Kind = 'binary' | 'date' | 'time' | 'digits';
interface Code {
  name: string;
  unit: string;
  kind: Kind;
  bytes: number;
  /** Of the value, behind the point. */
  decimals: number;
  /** Where the value begins. */
  at: number;
}

const PLAIN = { at: 8, kind: 'binary' } as const;

const CODES: Readonly<Record<string, Code>> = {
  '004': { name: 'forward active energy total', unit: 'kWh', bytes: 4, decimals: 2, ...PLAIN },
  '026': { name: 'energy three months ago', unit: 'kWh', bytes: 4, decimals: 2, ...PLAIN },
  '111': { name: 'voltage L1', unit: 'V', bytes: 2, decimals: 1, ...PLAIN },
  '119': { name: 'power factor', unit: '', bytes: 2, decimals: 3, ...PLAIN },
  '122': { name: 'frequency', unit: 'Hz', bytes: 2, decimals: 2, ...PLAIN },
  '126': { name: 'date', unit: '', bytes: 3, decimals: 0, at: 9, kind: 'date' },
  '127': { name: 'time', unit: '', bytes: 3, decimals: 0, at: 8, kind: 'time' },
  '185': { name: 'overvoltage disconnect threshold', unit: 'V', bytes: 4, decimals: 1, at: 18, kind: 'digits' },
};

/** The value of such a frame's data, or undefined when it is none of the frames known. */
export function vendorValue(data: Uint8Array): Value | undefined {
  if (data[1] !== 0xe0) return undefined;
  if (data[0] === 0x01 && data.length === 19) {
    return { name: 'display', value: characters(data, 11, 8), unit: '' };
  }
  const code = data[0] === 0x02 && data[5] === 0x50 ? CODES[characters(data, 2, 3)] : undefined;
  if (code === undefined || data.length < code.at + code.bytes) return undefined;
  const value = read(code, data);
  return value === undefined ? undefined : { name: code.name, value, unit: code.unit };
}

function read(code: Code, data: Uint8Array): number | string | undefined {
  switch (code.kind) {
    case 'binary': {
      let whole = 0;
      for (let i = code.bytes - 1; i >= 0; i--) whole = whole * 256 + data[code.at + i]!;
      return whole / 10 ** code.decimals;
    }
    case 'digits': {
      const text = characters(data, code.at, code.bytes);
      return /^\d+$/.test(text) ? Number(text) / 10 ** code.decimals : undefined;
    }
    case 'date':
    case 'time': {
      if (Number.isNaN(bcdToNumber(data, code.at, code.bytes))) return undefined;
      const parts = Array.from(data.subarray(code.at, code.at + 3), hexByte);
      return code.kind === 'date' ? `20${parts.join('-')}` : parts.join(':');
    }
    default:
      return code.kind satisfies never;
  }
}

function characters(data: Uint8Array, at: number, length: number): string {
  let text = '';
  for (const byte of data.subarray(at, at + length)) if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
  return text;
}
