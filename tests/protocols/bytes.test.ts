import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeInt16, encodeInt16 } from '../../protocols/base64.ts';
import {
  bcdToNumber,
  concat,
  fromHex,
  fromHexReversed,
  hexByte,
  toHex,
  toHexReversed,
  writeBcd,
} from '../../protocols/bytes.ts';

const bytes = fc.uint8Array({ maxLength: 20 });

describe('hex', () => {
  it('is what Node writes, in upper case', () => {
    fc.assert(
      fc.property(bytes, (given) => {
        const hex = Buffer.from(given).toString('hex').toUpperCase();
        expect(toHex(given)).toBe(hex);
        expect(toHexReversed(given)).toBe(Buffer.from(given).reverse().toString('hex').toUpperCase());
        expect(fromHex(hex)).toEqual(given);
        expect(fromHexReversed(toHexReversed(given))).toEqual(given);
      }),
    );
    expect([hexByte(0), hexByte(0x0a), hexByte(0xff), hexByte(0x1ff)]).toEqual(['00', '0A', 'FF', 'FF']);
  });

  it('is cut where asked', () => {
    const given = Uint8Array.of(1, 2, 3, 4);
    expect([toHex(given, 1), toHex(given, 1, 3), toHexReversed(given, 1), toHexReversed(given, 1, 3)]).toEqual([
      ...['020304', '0203', '040302', '0302'],
    ]);
  });

  it('may have blanks anywhere, and nothing else but digits in pairs', () => {
    expect(fromHex(' 68 aA\n0 1\t')).toEqual(Uint8Array.of(0x68, 0xaa, 0x01));
    expect(fromHex('')).toEqual(new Uint8Array());
    for (const wrong of ['6', '68A', '6G', '0x68', '-1', '68,00', 'G6']) expect(fromHex(wrong)).toBeUndefined();
    expect(() => fromHexReversed('6G')).toThrow(new RangeError('no hex: 6G'));
  });
});

describe('BCD', () => {
  it('comes back from as many bytes as its digits need, low byte first, and touches no other byte', () => {
    const number = fc
      .integer({ min: 1, max: 6 })
      .chain((length) =>
        fc.record({ length: fc.constant(length), value: fc.integer({ min: 0, max: 100 ** length - 1 }) }),
      );
    fc.assert(
      fc.property(number, fc.nat(3), ({ length, value }, at) => {
        const whole = new Uint8Array(at + length + 2).fill(0xee);
        writeBcd(whole, at, length, value);
        expect(bcdToNumber(whole, at, length)).toBe(value);
        expect(toHexReversed(whole, at, at + length)).toBe(String(value).padStart(2 * length, '0'));
        expect([...whole.subarray(0, at), ...whole.subarray(at + length)]).toEqual(new Array(at + 2).fill(0xee));
      }),
    );
  });

  it('has no digit above nine', () => {
    expect(bcdToNumber(Uint8Array.of(0x99), 0, 1)).toBe(99);
    for (const wrong of [0x9a, 0xa9, 0xff]) {
      expect(bcdToNumber(Uint8Array.of(wrong, 0x01), 0, 2)).toBeNaN();
      expect(bcdToNumber(Uint8Array.of(0x01, wrong), 0, 2)).toBeNaN();
    }
  });

  it('takes the sign out of the top byte only', () => {
    // DL/T 645-2007: the highest bit of the highest byte is the sign.
    expect(bcdToNumber(Uint8Array.of(0x34, 0x92), 0, 2, 0x7f)).toBe(1234);
    expect(bcdToNumber(Uint8Array.of(0x92, 0x12), 0, 2, 0x7f)).toBe(1292);
    expect(bcdToNumber(Uint8Array.of(0xee, 0x34, 0x92), 1, 2, 0x7f)).toBe(1234);
  });
});

describe('many arrays', () => {
  it('become one, in order', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), (parts) => {
        expect(concat(...parts)).toEqual(new Uint8Array(Buffer.concat(parts)));
      }),
    );
  });
});

describe('base64 of samples', () => {
  const samples = fc.int16Array({ maxLength: 9 });
  const asBytes = (given: Int16Array) => Buffer.from(given.buffer, given.byteOffset, given.byteLength);

  it('is what Node writes, and comes back with padding or without', () => {
    fc.assert(
      fc.property(samples, (given) => {
        const text = encodeInt16(given);
        expect(text).toBe(asBytes(given).toString('base64'));
        expect(decodeInt16(text, 9)).toEqual(given);
        expect(decodeInt16(text.replace(/=+$/, ''), 9)).toEqual(given);
      }),
    );
  });

  it('is refused when it is no base64, half a sample or more than was allowed', () => {
    const text = encodeInt16(Int16Array.of(1, -2, 300));
    expect(decodeInt16(text, 3)).toEqual(Int16Array.of(1, -2, 300));
    expect(decodeInt16(text, 2)).toBeUndefined();
    // One byte, three bytes; a single digit is no byte at all.
    for (const wrong of ['AA==', 'AAAA', 'A', 'AAAAA', 'AA!A', 'AAA\u00e4', 'AAA\u4f60', 'A=AA', '=AAA'])
      expect(decodeInt16(wrong, 9)).toBeUndefined();
    // Nor four bytes of eight digits of which one is none, is beyond ASCII or beyond the alphabet.
    for (const wrong of ['AAA!AA==', 'AAA\u00e4AA==', 'AAA\u4f60AA==', 'AA=AAA==', 'AAA AA==', 'AAA-AA=='])
      expect(decodeInt16(wrong, 9)).toBeUndefined();
    expect(decodeInt16('', 0)).toEqual(new Int16Array());
  });
});
