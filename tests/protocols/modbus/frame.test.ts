import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../protocols/bytes.ts';
import { crc16, crcFits } from '../../../protocols/modbus/crc.ts';
import { explainModbus, findModbusFrame } from '../../../protocols/modbus/explain.ts';
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  type ModbusAnswer,
  type ModbusRequest,
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
