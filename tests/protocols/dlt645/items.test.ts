import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../protocols/bytes.ts';
import { allItems, findItem, findItemByName, type Item } from '../../../protocols/dlt645/items/catalogue.ts';
import { decodeItem, encodeItem, unitBytes } from '../../../protocols/dlt645/items/codec.ts';
import { type Format, formatBytes, type Scalar } from '../../../protocols/dlt645/items/format.ts';
import { PROFILE_CLASSES } from '../../../protocols/dlt645/items/load-profile.ts';

const TIMES: Record<string, string> = {
  YYMMDDhhmmss: '2026-11-21T23:59:58',
  YYMMDDhhmm: '2026-02-28T00:01',
  YYMMDD: '2026-12-31',
  MMDDhhmm: '11-21T23:15',
  hhmmss: '00:00:07',
  hhmm: '23:59',
  DDhh: '01T00',
  MMDDNN: '06-01/02',
  hhmmNN: '22:30/04',
  YYMMDDNN: '2026-10-01/03',
};

/** A value that fits: the largest number, or its negative; `salt` makes neighbours differ. */
function sample(format: Format, signed: boolean, salt: number): Scalar {
  if (format in TIMES) return TIMES[format]!;
  if (format.startsWith('ASCII')) return `${salt % 100}.0V`.slice(0, formatBytes(format));
  if (format.startsWith('HEX')) return '1234567890AB'.slice(0, 2 * formatBytes(format));
  if (format.startsWith('BITS')) return (salt * 37) % 256 ** formatBytes(format);
  const digits = formatBytes(format) * 2;
  const decimals = format.includes('.') ? format.length - format.indexOf('.') - 1 : 0;
  const whole = (signed ? 8 * 10 ** (digits - 1) : 10 ** digits) - 1 - (salt % 7);
  return ((signed && salt % 2 === 0 ? -1 : 1) * whole) / 10 ** decimals;
}

function sampleOf(item: Item): Scalar[] {
  if (item.parts !== undefined) return item.parts.flatMap(sampleOf);
  if (item.fields[0]?.format === 'RECORDS') {
    const index = Number(item.di.slice(2, 4));
    const fields = PROFILE_CLASSES.filter((_, i) => index === 0 || index === i + 1).flatMap((row) => row.fields);
    return [TIMES.YYMMDDhhmm!, ...fields.map((field, i) => sample(field.format, field.signed === true, i))];
  }
  const units = item.members === undefined ? 1 : Math.min(5, item.members.length);
  return Array.from({ length: units }, (_, unit) =>
    item.fields.map((field, i) => sample(field.format, field.signed === true, unit + i)),
  ).flat();
}

describe('the catalogue', () => {
  const items = [...allItems('2007'), ...allItems('1997')];

  it('has at least 1,200 items, each with names in English and Chinese, and units, formats and signs', () => {
    expect(items.length).toBeGreaterThan(1200);
    const isNamed = ({ nameEn, nameZh }: Item) => /^[\x20-\x7e]+$/.test(nameEn) && /[\u4e00-\u9fff]/.test(nameZh);
    const isClean = ({ nameEn, nameZh }: Item) => !/[{}]|undefined| {2}/.test(nameEn + nameZh);
    const hasFormats = ({ fields }: Item) =>
      fields.every(({ format }) => format === 'RECORDS' || formatBytes(format) > 0);
    expect(items.filter((item) => !isNamed(item) || !isClean(item) || !hasFormats(item))).toEqual([]);
  });

  it('has no two rows that overlap, no two names, and finds every item by its identifier', () => {
    for (const standard of ['2007', '1997'] as const) {
      const own = items.filter((item) => item.standard === standard);
      expect(new Set(own.map(({ di }) => di)).size).toBe(own.length);
      expect(new Set(own.map(({ nameEn }) => nameEn)).size).toBe(own.length);
      expect(new Set(own.map(({ nameZh }) => nameZh)).size).toBe(own.length);
      expect(own.filter(({ di, nameEn }) => findItem(standard, di)?.nameEn !== nameEn)).toEqual([]);
    }
  });

  it('round-trips every item', () => {
    const faults: string[] = [];
    for (const item of items) {
      const values = sampleOf(item);
      const encoded = encodeItem(item, values);
      const decoded = 'bytes' in encoded ? decodeItem(item, encoded.bytes) : encoded;
      if ('failure' in decoded) faults.push(`${item.di}: ${decoded.detail}`);
      else if (decoded.values.some(({ value }, i) => value !== values[i])) faults.push(`${item.di} differs`);
      else if (decoded.values.length !== values.length) faults.push(`${item.di}: ${decoded.values.length} values`);
    }
    expect(faults).toEqual([]);
  });

  it('finds by name, whatever the blanks and dashes', () => {
    expect(findItemByName('2007', 'voltage-L1')?.di).toBe('02010100');
    expect(findItemByName('2007', '正向有功总电能')?.di).toBe('00010000');
    expect(findItemByName('1997', 'forward active energy total')?.di).toBe('9010');
    expect(findItemByName('2007', 'no such thing')).toBeUndefined();
  });
});

function values(di: string, hex: string) {
  const decoded = decodeItem(findItem(di.length === 4 ? '1997' : '2007', di)!, fromHex(hex)!);
  return 'failure' in decoded ? decoded.failure : decoded.values.map(({ value }) => value);
}

describe('values', () => {
  it('reads sign and magnitude, not two’s complement', () => {
    expect(values('02030000', '12 25 80')).toEqual([-0.2512]);
    expect(values('02060000', '00 90')).toEqual([-1]);
    expect(values('02060000', '00 80')).toEqual([0]);
    expect(values('02010100', '31 82')).toEqual([823.1]);
  });

  it('refuses a BCD digit above 9 and a length that is none', () => {
    expect(values('02010100', '3A 22')).toBe('bad-value');
    expect(values('02010100', '31')).toBe('bad-value');
    expect(values('04000101', '05 C8 55 2C')).toBe('bad-value');
    expect(values('00010000', '00 00 00 00 00')).toBe('bad-value');
  });

  it('reads blocks plainly, with AA between, with AA or DD at the end, and absent phases as null', () => {
    expect(values('0201FF00', '56 22 FF FF FF FF')).toEqual([225.6, null, null]);
    expect(values('0201FF00', '56 22 AA 57 22 AA 58 22')).toEqual([225.6, 225.7, 225.8]);
    expect(values('0201FF00', '56 22 AA 57 22 AA 58 22 AA')).toEqual([225.6, 225.7, 225.8]);
    expect(values('0201FF00', '56 22 57 22 58 22 DD')).toEqual([225.6, 225.7, 225.8]);
    expect(values('0001FF00', '29 01 00 00 62 00 00 00')).toEqual([1.29, 0.62]);
    expect(values('B61F', '20 02 AA 21 02 AA 22 02')).toEqual([220, 221, 222]);
  });

  it('reads dates, text and words as a meter sends them', () => {
    expect(values('04000101', '01 11 01 16')).toEqual(['2016-01-11', 1]);
    expect(values('04000102', '55 53 21')).toEqual(['21:53:55']);
    expect(values('04000404', '00 00 56 30 32 32')).toEqual(['220V']);
    expect(values('04000B01', '00 01')).toEqual(['01T00']);
    // A second settlement day that is not used; half a one is none.
    expect(values('04000B02', '99 99')).toEqual([null]);
    expect(decodeItem(findItem('2007', '04000B02')!, fromHex('99 01')!)).toMatchObject({ failure: 'bad-value' });
    const decoded = decodeItem(findItem('2007', '04000503')!, fromHex('50 00')!);
    expect(decoded).toMatchObject({ values: [{ value: 0x50, states: { relay: 'open', supply: 'main' } }] });
  });

  it('knows how long a month is', () => {
    const date = (hex: string) => {
      const decoded = decodeItem(findItem('2007', '04000101')!, fromHex(`01 ${hex}`)!);
      return 'failure' in decoded ? decoded.failure : decoded.values[0]?.value;
    };
    expect([date('29 02 28'), date('29 02 26'), date('29 02 00')]).toEqual(['2028-02-29', 'bad-value', '2000-02-29']);
    expect([date('31 12 99'), date('31 04 26'), date('30 04 26')]).toEqual(['2099-12-31', 'bad-value', '2026-04-30']);
    // Without a year every 29 February may be one.
    expect(values('04000A01', '00 00 29 02')).toEqual(['02-29T00:00']);
    expect(decodeItem(findItem('2007', '04000A01')!, fromHex('00 00 30 02')!)).toMatchObject({ failure: 'bad-value' });
    expect(encodeItem(findItem('2007', '04000101')!, ['2026-02-30', 1])).toMatchObject({ failure: 'bad-value' });
  });

  it('takes the block of status words apart by length, where AA may be a word’s own', () => {
    const words = [0xaa, 0xaaaa, 0x10, 1, 2, 3, 4];
    expect(values('040005FF', 'AA 00 AA AA 10 00 01 00 02 00 03 00 04 00')).toEqual(words);
    expect(values('040005FF', 'AA 00 AA AA AA AA 10 00 AA 01 00 AA 02 00 AA 03 00 AA 04 00')).toEqual(words);
    expect(values('040005FF', 'AA 00 AA AA AA AA 10 00 AA 01 00 AA 02 00 AA 03 00 AA 04 00 AA')).toEqual(words);
    const unseparated = fromHex('AA 00 AA AA AA AA 10 00 AB 01 00 AA 02 00 AA 03 00 AA 04 00')!;
    expect(decodeItem(findItem('2007', '040005FF')!, unseparated)).toMatchObject({ failure: 'bad-value' });
  });

  it('takes a daily freeze of everything apart at its separators', () => {
    const item = findItem('2007', '0504FF01')!;
    const bytes = fromHex('15 23 21 11 26 AA 01 00 00 00 AA 02 00 00 00 AA')!;
    expect(decodeItem(item, bytes)).toMatchObject({
      values: [{ value: '2026-11-21T23:15' }, { value: 0.01 }, { value: 0.02 }],
    });
  });

  it('says when a value does not fit', () => {
    expect(encodeItem(findItem('2007', '02010100')!, [-1])).toMatchObject({ failure: 'bad-value' });
    expect(encodeItem(findItem('2007', '02010100')!, [1000])).toMatchObject({ failure: 'bad-value' });
    expect(encodeItem(findItem('2007', '02030000')!, [80])).toMatchObject({ failure: 'bad-value' });
  });
});

const LAYOUTS = '../shared/vectors/dlt645-event-layouts.json';

describe.skipIf(!existsSync(LAYOUTS))('event records (needs ../shared/vectors/dlt645-event-layouts.json)', () => {
  const { layout } = JSON.parse(existsSync(LAYOUTS) ? readFileSync(LAYOUTS, 'utf8') : '{"layout":{}}') as {
    layout: Record<string, { length: number; fields: [number, number, string, string][] }>;
  };
  // One column of theirs stands for two of ours, or is a code.
  const split: Record<string, string[]> = {
    'XXXXXX,XXXXXX': ['NNNNNN', 'NNNNNN'],
    C0C1C2C3: ['HEX4'],
    XXXXXXXX: ['HEX4'],
  };

  it.each(Object.keys(layout))('%s has the published fields', (di) => {
    const item = findItem('2007', di)!;
    expect(unitBytes(item)).toBe(layout[di]!.length);
    const theirs = layout[di]!.fields.flatMap(([, , format]) => split[format] ?? [format.replaceAll('X', 'N')]);
    const ours: string[] = item.fields.map(({ format }) => (format === 'HEX1' ? 'NN' : format));
    expect(ours).toEqual(theirs);
  });
});
