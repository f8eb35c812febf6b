import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../protocols/bytes.ts';
import { crc16, crcFits, seal } from '../../../protocols/modbus/crc.ts';
import { explainModbus, findModbusFrame } from '../../../protocols/modbus/explain.ts';
import {
  answerLength,
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  type ModbusAnswer,
  type ModbusRequest,
  requestLength,
} from '../../../protocols/modbus/frame.ts';

const word = fc.integer({ min: 0, max: 0xffff });
const unit = fc.integer({ min: 0, max: 247 });
const registers = fc.array(word, { minLength: 1, maxLength: 120 });
const wholeBytes = fc
  .integer({ min: 1, max: 30 })
  .chain((n) => fc.array(fc.boolean(), { minLength: 8 * n, maxLength: 8 * n }));

const anyRequest: fc.Arbitrary<ModbusRequest> = fc.oneof(
  fc.record({ unit, function: fc.constantFrom(1, 2, 3, 4), address: word, count: fc.integer({ min: 1, max: 125 }) }),
  fc.record({ unit, function: fc.constant(5), address: word, on: fc.boolean() }),
  fc.record({ unit, function: fc.constant(6), address: word, value: word }),
  fc.record({
    unit,
    function: fc.constant(15),
    address: word,
    bits: fc.array(fc.boolean(), { minLength: 1, maxLength: 99 }),
  }),
  fc.record({ unit, function: fc.constant(16), address: word, registers }),
  fc.record({
    unit,
    function: fc.constant(20),
    spans: fc.array(fc.record({ file: word, record: word, count: word }), { minLength: 1, maxLength: 8 }),
  }),
  fc.record({
    unit,
    function: fc.constant(23),
    address: word,
    count: fc.integer({ min: 1, max: 125 }),
    writeAddress: word,
    registers,
  }),
) as fc.Arbitrary<ModbusRequest>;

const anyAnswer: fc.Arbitrary<ModbusAnswer> = fc.oneof(
  fc.record({ unit, function: fc.constantFrom(1, 2), bits: wholeBytes }),
  fc.record({ unit, function: fc.constantFrom(3, 4, 23), registers }),
  fc.record({ unit, function: fc.constant(5), address: word, on: fc.boolean() }),
  fc.record({ unit, function: fc.constant(6), address: word, value: word }),
  fc.record({ unit, function: fc.constantFrom(15, 16), address: word, count: word }),
  fc.record({
    unit,
    function: fc.constant(20),
    records: fc.array(fc.array(word, { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 5 }),
  }),
  fc.record({ unit, function: fc.integer({ min: 1, max: 127 }), exception: fc.integer({ min: 1, max: 11 }) }),
) as fc.Arbitrary<ModbusAnswer>;

describe('Modbus RTU frames', () => {
  it('has the CRC of the standard', () => {
    // Modbus over Serial Line 1.02, appendix B: 02 07 → 41 12 on the wire.
    expect(crc16(Uint8Array.of(0x02, 0x07))).toBe(0x1241);
  });

  it('reads back every request it writes', () => {
    fc.assert(
      fc.property(anyRequest, (request) => void expect(decodeRequest(encodeRequest(request))).toEqual(request)),
    );
  });

  it('reads back every answer it writes', () => {
    fc.assert(fc.property(anyAnswer, (answer) => void expect(decodeAnswer(encodeAnswer(answer))).toEqual(answer)));
  });

  it('sees every single wrong byte', () => {
    fc.assert(
      fc.property(anyRequest, fc.nat(), fc.integer({ min: 1, max: 255 }), (request, where, flip) => {
        const bytes = encodeRequest(request);
        const at = where % bytes.length;
        bytes[at] = (bytes[at] as number) ^ flip;
        expect(crcFits(bytes)).toBe(false);
        expect(decodeRequest(bytes)).toHaveProperty('problem');
      }),
    );
  });

  it('never throws on garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        decodeRequest(bytes);
        decodeAnswer(bytes);
        explainModbus(bytes);
        findModbusFrame(bytes, 0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('explaining Modbus bytes', () => {
  it('says what the contract shows', () => {
    const bytes = encodeRequest({ unit: 1, function: 4, address: 342, count: 4 });
    const expected = {
      protocol: 'modbus-rtu',
      valid: true,
      direction: 'request',
      unit: 1,
      function: 4,
      address: 342,
      count: 4,
    };
    expect(explainModbus(bytes)).toEqual(expected);
  });

  it('names exceptions', () => {
    expect(explainModbus(encodeAnswer({ unit: 1, function: 3, exception: 2 }))).toMatchObject({
      direction: 'response',
      function: 3,
      error: ['illegal-address'],
    });
  });

  it('takes the reading it is told to', () => {
    // A one-byte bit answer is as long as a request is not; an answer of three data bytes is: 8 bytes both ways.
    const bytes = encodeRequest({ unit: 1, function: 1, address: 0x0310, count: 0x2030 });
    expect(explainModbus(bytes)?.direction).toBe('request');
    expect(explainModbus(bytes, { as: 'response' })?.direction).toBe('response');
  });

  it('takes the second of two equal frames for the answer', () => {
    const write = encodeRequest({ unit: 1, function: 6, address: 3, value: 77 });
    const asked = explainModbus(write);
    expect(asked?.direction).toBe('request');
    expect(explainModbus(write, { answerTo: asked })?.direction).toBe('response');
    const read = encodeRequest({ unit: 1, function: 3, address: 3, count: 7 });
    expect(explainModbus(read, { answerTo: explainModbus(read) })?.direction).toBe('request');
  });

  it('says nothing where no CRC fits', () => {
    expect(explainModbus(Uint8Array.of(1, 4, 1, 86, 0, 2, 0x90, 0x28))).toBeUndefined();
  });

  it('makes a profile of an answer when it knows the question', () => {
    const asked = explainModbus(encodeRequest({ unit: 1, function: 4, address: 0, count: 2 }));
    const answer = encodeAnswer({ unit: 1, function: 4, registers: [0x4366, 0x3333] });
    const explained = explainModbus(answer, { profile: 'sdm630', answerTo: asked });
    expect(explained?.registers).toEqual([0x4366, 0x3333]);
    expect(explained?.values).toEqual([{ name: 'voltage-l1', value: expect.closeTo(230.2, 4), unit: 'V' }]);
    const none = encodeAnswer({ unit: 1, function: 4, registers: [0x7fc0, 0] });
    expect(explainModbus(none, { profile: 'sdm630', answerTo: asked })?.values).toEqual([
      { name: 'voltage-l1', value: null, unit: 'V' },
    ]);
  });

  it('finds a frame among others', () => {
    const first = encodeRequest({ unit: 1, function: 4, address: 0, count: 2 });
    const second = encodeAnswer({ unit: 1, function: 4, registers: [1, 2] });
    const line = Uint8Array.of(0xff, ...first, ...second);
    expect(findModbusFrame(line, 0)).toBeUndefined();
    expect(findModbusFrame(line, 1)).toMatchObject({ length: 8, explained: { direction: 'request' } });
    expect(findModbusFrame(line, 9)).toMatchObject({ length: 9, explained: { registers: [1, 2] } });
  });
});

interface Vector {
  hex: string;
  protocol: string;
  direction: string;
  valid: boolean;
  meaning: string;
}

const VECTORS = '../shared/vectors/frames.json';
describe.skipIf(!existsSync(VECTORS))('published Modbus frames (needs ../shared/vectors/frames.json)', () => {
  const vectors = existsSync(VECTORS) ? (JSON.parse(readFileSync(VECTORS, 'utf8')) as Vector[]) : [];
  const modbus = vectors.filter((vector) => vector.protocol === 'modbus');

  it.each(modbus.map((vector) => [vector.meaning, vector] as const))('%s', (_, vector) => {
    const bytes = fromHex(vector.hex) as Uint8Array;
    expect(explainModbus(bytes)).toMatchObject({ valid: vector.valid, direction: vector.direction });
    const again = vector.direction === 'request' ? decodeRequest(bytes) : decodeAnswer(bytes);
    const encoded =
      vector.direction === 'request' ? encodeRequest(again as ModbusRequest) : encodeAnswer(again as ModbusAnswer);
    expect(encoded).toEqual(bytes);
  });

  it('gives the values the sources state', () => {
    const floats = explainModbus(fromHex('01040C436B5AB442DC672042480C63AF7C') as Uint8Array);
    expect(floats?.readAs).toMatchObject({ float32: [235.3543, 110.2014, 50.0121].map((v) => expect.closeTo(v, 2)) });
    const counts = explainModbus(fromHex('11030C0000000B0000000C0000000D2188') as Uint8Array);
    expect(counts?.readAs).toMatchObject({ uint32: [11, 12, 13] });
  });
});

describe('Modbus frames that are none', () => {
  /** Hex without its CRC, which is put behind it. */
  const sealed = (hex: string) => seal(Uint8Array.of(...fromHex(hex)!, 0, 0));

  it.each([
    ['01 03 00 10 00', 'request of function 3 is 8 bytes, got 7'],
    ['01 03 00 10 00 01 00', 'request of function 3 is 8 bytes, got 9'],
    ['01 07', 'function 7 is not known'],
    ['01 05 00 10 01 00', 'a bit is written as FF00 or 0000, not 0100'],
    ['01 0F 00 10 00 09 01 FF', 'bit count and byte count disagree'],
    ['01 10 00 10 00 02 02 00 01', 'register count and byte count disagree'],
    ['01 17 00 10 00 01 00 20 00 02 02 00 01', 'register count and byte count disagree'],
    ['01 14 00', 'file spans are 7 bytes each, got 0'],
    ['01 14 06 06 00 01 00 02 00', 'file spans are 7 bytes each, got 6'],
    ['01 14 07 05 00 01 00 02 00 03', 'reference type must be 6, got 5'],
    ['01 14 0E 06 00 01 00 02 00 03 07 00 01 00 02 00 03', 'reference type must be 6, got 7'],
  ])('says of the request %s: %s', (hex, problem) => {
    expect(decodeRequest(sealed(hex))).toEqual({ problem });
  });

  it.each([
    ['01 03 03 00 01 02', 'odd byte count'],
    ['01 06 00 10 00', 'answer of function 6 is 8 bytes, got 7'],
    ['01 05 00 10 FF 01', 'a bit is written as FF00 or 0000, not FF01'],
    ['01 07', 'function 7 is not known'],
    ['01 14 04 04 06 00 01', 'record of 4 bytes does not fit'],
    ['01 14 04 05 06 00 01', 'record of 5 bytes does not fit'],
    ['01 14 04 03 05 00 01', 'reference type must be 6, got 5'],
  ])('says of the answer %s: %s', (hex, problem) => {
    expect(decodeAnswer(sealed(hex))).toEqual({ problem });
  });

  it('says of a wrong CRC that it does not fit, and of two bytes nothing', () => {
    const wrong = sealed('01 03 00 10 00 01').with(7, 0x99);
    expect(decodeRequest(wrong)).toEqual({ problem: 'CRC does not fit' });
    expect(decodeAnswer(sealed('01 03 02 00 01').with(6, 0x99))).toEqual({ problem: 'CRC does not fit' });
    expect(decodeAnswer(Uint8Array.of(1))).toEqual({ problem: 'the answer is too short' });
    expect(decodeRequest(Uint8Array.of(1, 16, 0))).toEqual({ problem: 'the request is too short' });
  });

  it('knows how long a frame must be as soon as its bytes say so', () => {
    const lengths = (hex: string, of: (bytes: Uint8Array) => number | undefined) => {
      const bytes = fromHex(hex)!;
      return Array.from({ length: bytes.length + 1 }, (_, n) => of(bytes.subarray(0, n)));
    };
    expect(lengths('01 03 00', requestLength)).toEqual([0, 0, 8, 8]);
    expect(lengths('01 0F 00 10 00 09 02 FF', requestLength)).toEqual([0, 0, 0, 0, 0, 0, 0, 11, 11]);
    expect(lengths('01 10 00 10 00 02 04 00', requestLength)).toEqual([0, 0, 0, 0, 0, 0, 0, 13, 13]);
    expect(lengths('01 14 07', requestLength)).toEqual([0, 0, 0, 12]);
    expect(lengths('01 17 00 10 00 01 00 20 00 01 02', requestLength).slice(9)).toEqual([0, 0, 15]);
    expect(lengths('01 07', requestLength)).toEqual([0, 0, undefined]);
    for (const code of ['01', '02', '03', '04', '14', '17'])
      expect(lengths(`01 ${code} 06`, answerLength)).toEqual([0, 0, 0, 11]);
    for (const code of ['05', '06', '0F', '10']) expect(lengths(`01 ${code} 06`, answerLength)).toEqual([0, 0, 8, 8]);
    expect(lengths('01 87', answerLength)).toEqual([0, 0, 5]);
    expect(lengths('01 07', answerLength)).toEqual([0, 0, undefined]);
    // From the middle of what was heard as from its beginning.
    expect(requestLength(fromHex('FF 01 03')!, 1)).toBe(8);
    expect(answerLength(fromHex('FF FF 01 03 06')!, 2)).toBe(11);
  });

  it.each([
    // The examples of the Application Protocol 1.1b3, section 6.
    [
      { unit: 1, function: 15, address: 19, bits: [...'1011001110'].map((bit) => bit === '1') },
      '01 0F 00 13 00 0A 02 CD 01',
    ],
    [{ unit: 1, function: 16, address: 1, registers: [10, 0x102] }, '01 10 00 01 00 02 04 00 0A 01 02'],
    [{ unit: 1, function: 5, address: 172, on: true }, '01 05 00 AC FF 00'],
    [{ unit: 1, function: 5, address: 172, on: false }, '01 05 00 AC 00 00'],
    [{ unit: 1, function: 6, address: 1, value: 3 }, '01 06 00 01 00 03'],
    [
      {
        ...{ unit: 1, function: 20 },
        spans: [
          { file: 4, record: 1, count: 2 },
          { file: 3, record: 9, count: 2 },
        ],
      },
      '01 14 0E 06 00 04 00 01 00 02 06 00 03 00 09 00 02',
    ],
    [
      { unit: 1, function: 23, address: 3, count: 6, writeAddress: 14, registers: [255, 255, 255] },
      '01 17 00 03 00 06 00 0E 00 03 06 00 FF 00 FF 00 FF',
    ],
  ] as [ModbusRequest, string][])('writes %o as the standard does', (request, hex) => {
    expect(encodeRequest(request)).toEqual(sealed(hex));
    expect(decodeRequest(sealed(hex))).toEqual(request);
  });

  it('writes the answers of the standard', () => {
    const written = (answer: ModbusAnswer) => encodeAnswer(answer);
    expect(
      written({
        unit: 1,
        function: 20,
        records: [
          [0x0dfe, 0x20],
          [0x33cd, 0x40],
        ],
      }),
    ).toEqual(sealed('01 14 0C 05 06 0D FE 00 20 05 06 33 CD 00 40'));
    expect(written({ unit: 1, function: 1, bits: [...'1011001111010110'].map((bit) => bit === '1') })).toEqual(
      sealed('01 01 02 CD 6B'),
    );
    expect(written({ unit: 1, function: 23, registers: [0xfe, 0x0acd] })).toEqual(sealed('01 17 04 00 FE 0A CD'));
    expect(written({ unit: 1, function: 15, address: 19, count: 10 })).toEqual(sealed('01 0F 00 13 00 0A'));
    expect(written({ unit: 1, function: 3, exception: 2 })).toEqual(sealed('01 83 02'));
    expect(decodeAnswer(sealed('01 83 02'))).toEqual({ unit: 1, function: 3, exception: 2 });
  });
});
