import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../protocols/bytes.ts';
import {
  decodeProfileRequest,
  decodeRecords,
  encodeProfileRequest,
  encodeRecords,
} from '../../../protocols/dlt645/load-profile.ts';

/** A record around `hex`, as the layout says. */
function record(hex: string): Uint8Array {
  const body = fromHex(hex)!;
  const head = Uint8Array.of(0xa0, 0xa0, body.length, ...body);
  return Uint8Array.of(...head, head.reduce((sum, byte) => sum + byte, 0) & 0xff, 0xe5);
}

const ONE = record('15 23 21 11 26 56 22 57 22 58 22 01 00 00 02 00 00 03 00 00 00 50 AA');

describe('load profiles', () => {
  it('asks for a number of records, from a time on', () => {
    expect(toHex(encodeProfileRequest(4))).toBe('04');
    expect(toHex(encodeProfileRequest(12, '2026-11-21T23:15'))).toBe('121523211126');
    expect(decodeProfileRequest(fromHex('12 15 23 21 11 26')!)).toEqual({ records: 12, from: '2026-11-21T23:15' });
    expect(decodeProfileRequest(fromHex('12 15')!)).toBeUndefined();
  });

  it('reads a record of one class, with or without the AAH of the others', () => {
    const decoded = decodeRecords('06010001', ONE);
    expect(decoded).toMatchObject({
      values: [
        { name: 'at', value: '2026-11-21T23:15' },
        { name: 'voltage L1', value: 225.6, unit: 'V' },
        { value: 225.7 },
        { value: 225.8 },
        { name: 'current L1', value: 0.001, unit: 'A' },
        { value: 0.002 },
        { value: 0.003 },
        { name: 'frequency', value: 50, unit: 'Hz' },
      ],
    });
    const padded = record('15 23 21 11 26 AA AA 00 10 00 05 FF FF FF FF AA');
    expect(decodeRecords('06030001', padded)).toMatchObject({
      values: [{}, { value: 1 }, { value: 0.5 }, { value: null }, { value: null }],
    });
  });

  it('round-trips records of all classes, those without a class too', () => {
    const record = ['2026-11-21T23:30', ...Array.from({ length: 29 }, (_, i) => (i < 7 || i > 18 ? i / 10 : null))];
    const encoded = encodeRecords('06000000', [...record, ...record]);
    if ('failure' in encoded) throw new Error(encoded.detail);
    const decoded = decodeRecords('06000000', encoded.bytes);
    expect('values' in decoded && decoded.values.map(({ value }) => value)).toEqual([...record, ...record]);
  });

  it('says no record for nothing, and bad value for a record that is not whole', () => {
    expect(decodeRecords('06010001', new Uint8Array())).toMatchObject({ failure: 'no-record' });
    expect(decodeRecords('06010001', ONE.subarray(0, -1))).toMatchObject({ failure: 'bad-value' });
    expect(decodeRecords('06010001', ONE.with(8, 0x57))).toMatchObject({ failure: 'bad-value' });
    expect(decodeRecords('06020001', ONE)).toMatchObject({ failure: 'bad-value' });
  });
});
