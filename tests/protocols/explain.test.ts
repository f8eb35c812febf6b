import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, toHex } from '../../protocols/bytes.ts';
import { encodeFrame } from '../../protocols/dlt645/frame.ts';
import { Framer } from '../../protocols/dlt645/framer.ts';
import { decodeRequest, encodeRequest } from '../../protocols/dlt645/requests.ts';
import { explain } from '../../protocols/explain.ts';

const hex = (text: string) => fromHex(text)!;
const ENERGY = hex('68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16');

describe('explain', () => {
  it('names item, value and unit of an answer', () => {
    expect(explain(ENERGY)).toEqual([
      {
        protocol: 'dlt645',
        standard: '2007',
        valid: true,
        direction: 'response',
        address: '000000000161',
        control: '91',
        function: 'read-data',
        more: false,
        item: '00010000',
        name: 'forward active energy total',
        nameZh: '正向有功总电能',
        values: [{ name: 'forward active energy total', value: 0.26, unit: 'kWh' }],
      },
    ]);
  });

  it('names the bits of an error', () => {
    expect(explain(hex('68 12 00 00 00 10 20 68 D1 01 35 19 16'))).toMatchObject([
      { valid: true, control: 'D1', error: ['no-such-data'] },
    ]);
  });

  it('tells frames of both protocols and noise between them apart, in order', () => {
    const bytes = concat(hex('FF FF 00'), hex('FE FE'), ENERGY, hex('01 04 00 00 00 02 71 CB'), hex('00'), ENERGY);
    expect(explain(bytes)).toMatchObject([
      { discarded: 'FFFF00' },
      { protocol: 'dlt645', preamble: 2 },
      { protocol: 'modbus-rtu', valid: true, direction: 'request', unit: 1, function: 4, address: 0, count: 2 },
      { discarded: '00' },
      { protocol: 'dlt645' },
    ]);
  });

  it('says what is wrong with a frame, and goes on behind it', () => {
    const broken = ENERGY.with(18, 0x8b);
    expect(explain(concat(broken, ENERGY))).toMatchObject([
      { protocol: 'dlt645', valid: false, problem: 'checksum: expected 8A, got 8B', bytes: toHex(broken) },
      { valid: true },
    ]);
    expect(explain(concat(hex('FE FE FE'), broken))).toHaveLength(1);
    expect(explain(ENERGY.subarray(0, 15))).toMatchObject([
      { valid: false, problem: 'truncated: 20 bytes announced, 15 came' },
    ]);
    expect(explain(concat(ENERGY.with(9, 0xff), ENERGY))).toMatchObject([{ valid: false }, { valid: true }]);
    expect(explain(ENERGY.with(19, 0x17))).toMatchObject([{ problem: 'end: expected 16, got 17' }]);
    expect(explain(concat(hex('68'), ENERGY))).toMatchObject([{ valid: false, bytes: '68' }, { valid: true }]);
    expect(explain(hex('01 04 00 00 00 02 71 CC'))).toMatchObject([{ protocol: 'modbus-rtu', valid: false }]);
    expect(explain(hex('DE AD BE EF 00'))).toEqual([{ discarded: 'DEADBEEF00' }]);
  });

  it('shows what a transparent forwarding carries, as it is', () => {
    const data = concat(
      hex('00 00 E5 E5'),
      ENERGY.map((byte) => byte - 0x33),
    );
    const outer = encodeFrame({ address: '000000000162', control: 0x11, data }, 0);
    expect(explain(outer)).toMatchObject([{ address: '000000000162', item: 'E5E50000', forwards: toHex(ENERGY) }]);
  });

  it('says what a command would do', () => {
    const trip = hex('68 61 10 01 30 12 15 68 1C 10 35 6A 39 35 34 33 33 33 4D 33 33 33 33 63 45 CC 2C 16');
    expect(explain(trip)).toMatchObject([
      {
        function: 'relay-control',
        direction: 'request',
        values: [
          { name: 'command', value: 'trip' },
          { name: 'until', value: '2099-12-30T00:00:00' },
          { name: 'level', value: 2 },
          { name: 'password', value: '020637' },
          { name: 'operator', value: '00000001' },
        ],
      },
    ]);
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(ENERGY), fc.uint8Array({ maxLength: 60 })), { maxLength: 5 }),
        (parts) => {
          const frames = explain(concat(...parts));
          expect(JSON.stringify(frames)).toBeTypeOf('string');
        },
      ),
    );
  });
});

const FRAMES = '../shared/vectors/frames.json';

interface Vector {
  hex: string;
  protocol: string;
  standard: string;
  direction: string;
  valid: boolean;
  meaning: string | null;
  decoded: null | {
    address?: string;
    control?: string;
    di?: string;
    value?: unknown;
    err?: unknown[];
    errByte?: string;
    payloadAddress?: string;
  };
  oracle: string;
  golden?: boolean;
}

describe.skipIf(!existsSync(FRAMES))('published frames (needs ../shared/vectors/frames.json)', () => {
  const vectors = (existsSync(FRAMES) ? JSON.parse(readFileSync(FRAMES, 'utf8')) : []) as Vector[];
  const dlt645 = vectors.filter(({ protocol }) => protocol === 'dlt645');

  it.each(dlt645.filter(({ valid }) => valid))('$hex', ({ hex: text, decoded, direction, standard }) => {
    const found = explain(hex(text));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ valid: true, direction, address: decoded!.address, control: decoded!.control });
    if (standard === '2007' || standard === '1997') expect(found[0]).toMatchObject({ standard });
    const frame = found[0] as { item?: string; values?: { value: unknown }[]; errorByte?: string };
    if (decoded!.di !== undefined) expect(frame.item).toBe(decoded!.di);
    if (decoded!.errByte !== undefined) expect(frame.errorByte).toBe(decoded!.errByte);
    if (decoded!.payloadAddress !== undefined) expect(frame.values).toMatchObject([{ value: decoded!.payloadAddress }]);
    if (decoded!.value !== undefined) expect(frame.values!.map(({ value }) => value)).toEqual(expected(decoded!.value));
  });

  it.each(dlt645.filter((it) => it.standard === 'vendor-on-2007-frame' && it.oracle === 'stated'))('$meaning', ({
    hex: text,
    meaning,
  }) => {
    const found = explain(hex(text))[0] as { values?: { value: unknown }[] };
    expect(meaning).toContain(String(found.values?.[0]?.value));
  });

  it.each(vectors.filter(({ valid }) => !valid))('is invalid: $hex', ({ hex: text }) => {
    expect(explain(hex(text))).toContainEqual(expect.objectContaining({ valid: false }));
  });

  it.each(vectors.filter(({ protocol, valid }) => protocol === 'modbus' && valid))('$hex', ({
    hex: text,
    direction,
  }) => {
    const as = direction as 'request' | 'response';
    expect(explain(hex(text), { as })).toMatchObject([{ protocol: 'modbus-rtu', valid: true, direction }]);
  });

  it.each(
    dlt645.filter((it) => it.valid && it.direction === 'request' && it.standard !== 'vendor-on-2007-frame'),
  )('encodes the request $hex again', ({ hex: text }) => {
    const bytes = hex(text);
    const frame = new Framer().push(bytes)[0]!;
    const request = decodeRequest(frame);
    if ('problem' in request) throw new Error(request.problem);
    const preamble = bytes.indexOf(0x68);
    expect(toHex(encodeFrame(encodeRequest(frame.address, request), preamble))).toBe(toHex(bytes));
  });

  /** Their way of writing a value, as ours. */
  function expected(value: unknown): unknown[] {
    if (Array.isArray(value)) return value.map((it) => (it === 'invalid(FF)' ? null : it));
    const text = String(value);
    const date = /^(\d{4}-\d\d-\d\d) weekday (\d)$/.exec(text);
    if (date) return [date[1], Number(date[2])];
    if (/^\d{4}-\d\d-\d\d \d\d:\d\d$/.test(text)) return [text.replace(' ', 'T')];
    const word = /^0x([0-9A-F]{4}) \(bit4/.exec(text);
    if (word) return [Number.parseInt(word[1]!, 16)];
    // A frame whose bytes are no BCD: nothing is known of its two values.
    return value === null ? [null, null] : [value];
  }
});
