import { describe, expect, it } from 'vitest';
import { concat, fromHex, toHex } from '../../../protocols/bytes.ts';
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

  it('asks for 1 to 99 records, and from a time that is one', () => {
    expect(toHex(encodeProfileRequest(1))).toBe('01');
    expect(toHex(encodeProfileRequest(99))).toBe('99');
    for (const wrong of [0, 100, 1.5, Number.NaN]) {
      expect(() => encodeProfileRequest(wrong)).toThrow(new RangeError(`${wrong} records: expected 1–99`));
    }
    expect(() => encodeProfileRequest(1, 'yesterday')).toThrow(new RangeError('no time: yesterday'));
    expect(decodeProfileRequest(fromHex('99')!)).toEqual({ records: 99 });
    for (const wrong of ['', '9A', '12 15 23 21 11', '12 15 23 21 1A 26', '12 15 23 21 11 26 00'])
      expect(decodeProfileRequest(fromHex(wrong)!)).toBeUndefined();
  });

  const trouble = (di: string, bytes: Uint8Array) => {
    const decoded = decodeRecords(di, bytes);
    return 'failure' in decoded ? `${decoded.failure} ${decoded.detail}` : decoded.values.length;
  };
  const CURRENTS = '15 23 21 11 26 56 22 57 22 58 22 01 00 00 02 00 00 03 00 00 00 50';

  it('reads records one behind the other, with an AAH between them or none', () => {
    expect(trouble('06010001', concat(ONE, ONE))).toBe(16);
    expect(trouble('06010001', concat(ONE, Uint8Array.of(0xaa, 0xaa), ONE, Uint8Array.of(0xaa)))).toBe(16);
    // The last AAH may be missing, and more may follow it.
    expect(trouble('06010001', record(CURRENTS))).toBe(8);
    expect(trouble('06010001', record(`${CURRENTS} AA AA AA`))).toBe(8);
  });

  it('takes a class that is its AAH alone, or is not there at all, as not recorded', () => {
    const decoded = decodeRecords('06010001', record('15 23 21 11 26 AA'));
    expect('values' in decoded && decoded.values.slice(1).map(({ value }) => value)).toEqual(new Array(7).fill(null));
    expect(trouble('06010001', record('15 23 21 11 26'))).toBe(8);
    expect(trouble('06000000', record('15 23 21 11 26 AA AA AA AA AA AA'))).toBe(30);
    expect(trouble('06000000', record(`${CURRENTS} AA`))).toBe(30);
  });

  it('says of a record that is not whole what is wrong with it', () => {
    const none = new Uint8Array();
    expect(trouble('06010001', none)).toBe('no-record 06010001: no record');
    expect(trouble('06010001', ONE.subarray(0, -1))).toBe('bad-value 06010001: no record at byte 0');
    expect(trouble('06010001', concat(ONE, ONE.with(0, 0xa1)))).toBe(
      `bad-value 06010001: no record at byte ${ONE.length}`,
    );
    for (const at of [0, 1, 2, 10, ONE.length - 2, ONE.length - 1])
      expect(trouble('06010001', ONE.with(at, ONE[at]! ^ 0x01))).toBe('bad-value 06010001: no record at byte 0');
    expect(trouble('06010001', record('15 23 21 11'))).toBe('bad-value 06010001: no time in 15232111');
    expect(trouble('06010001', record('15 2A 21 11 26 AA'))).toBe('bad-value 06010001: no time in 152A211126AA');
    expect(trouble('06010001', record('15 23 21 11 26 56 22 57'))).toBe(
      'bad-value 06010001: 3 bytes where 17 are expected',
    );
    expect(trouble('06010001', record(CURRENTS.replace('57 22', '5B 22')))).toMatch(
      /^bad-value 06010001: voltage L2 at 2026-11-21T23:15 is no NNN\.N$/,
    );
    expect(trouble('06010001', record(`${CURRENTS} AB`))).toBe('bad-value 06010001: no AAH behind frequency');
    expect(trouble('06010001', record(`${CURRENTS} AA 01 02`))).toBe('bad-value 06010001: 2 bytes too many');
  });

  it('writes only what fits: whole records, of times and figures', () => {
    const one = ['2026-11-21T23:15', 225.6, 225.7, 225.8, 0.001, 0.002, 0.003, 50];
    expect(encodeRecords('06010001', one)).toEqual({ bytes: ONE });
    expect(encodeRecords('06010001', [...one, ...one])).toEqual({ bytes: concat(ONE, ONE) });
    expect(encodeRecords('06010001', one.slice(1))).toEqual({
      ...{ failure: 'bad-value', detail: '06010001: a record has 8 values' },
    });
    const wrong = [...one, ...one.with(0, 'noon')];
    expect(encodeRecords('06010001', wrong)).toEqual({
      ...{ failure: 'bad-value', detail: '06010001: record 2 does not fit' },
    });
    expect(encodeRecords('06010001', one.with(1, 99_999))).toMatchObject({ detail: '06010001: record 1 does not fit' });
  });
});
