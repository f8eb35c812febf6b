import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Exchange } from '../../../protocols/exchange.ts';
import { seal } from '../../../protocols/modbus/crc.ts';
import {
  readCoils,
  readFileRecords,
  readRegisters,
  readWriteRegisters,
  transact,
  wireBytesOf,
  writeCoil,
  writeCoils,
  writeRegister,
  writeRegisters,
} from '../../../protocols/modbus/exchange.ts';
import { encodeAnswer, encodeRequest } from '../../../protocols/modbus/frame.ts';
import { talk } from './talk.ts';

const good = encodeAnswer({ unit: 7, function: 4, registers: [1, 2, 3] });
const read = () => readRegisters(7, 'input', 0x10, 3);
const noise = fc.uint8Array({ maxLength: 40 });

describe('a Modbus exchange', () => {
  it('sends the request and is done with the last byte of the answer', () => {
    const exchange = read();
    const sent = exchange.start();
    expect(sent).toMatchObject({ do: 'send', bytes: encodeRequest({ unit: 7, function: 4, address: 0x10, count: 3 }) });
    for (const byte of good.subarray(0, -1)) expect(exchange.received(Uint8Array.of(byte))).toEqual({ do: 'wait' });
    const last = exchange.received(good.subarray(-1));
    expect(last).toEqual({ do: 'done', value: [1, 2, 3], wireBytes: 8 + good.length });
  });

  it('has nothing more to do once it is done, whatever comes and however late', () => {
    const exchange = read();
    exchange.start();
    // In two pieces, so that the answer was held and could be found again.
    exchange.received(good.subarray(0, 4));
    expect(exchange.received(good.subarray(4))).toMatchObject({ do: 'done' });
    expect([exchange.timedOut(), exchange.received(good)]).toEqual([{ do: 'wait' }, { do: 'wait' }]);
  });

  it('finds the answer behind noise, in any chunking', () => {
    fc.assert(
      fc.property(noise, fc.integer({ min: 1, max: 20 }), (before, chunk) => {
        const result = talk(read(), () => Uint8Array.of(...before, ...good), chunk);
        expect(result).toMatchObject({ do: 'done', value: [1, 2, 3] });
      }),
    );
  });

  it('steps over its own echo', () => {
    expect(talk(read(), (request) => Uint8Array.of(...request, ...good), 3)).toMatchObject({
      do: 'done',
      value: [1, 2, 3],
    });
    expect(talk(read(), (request) => request)).toMatchObject({ do: 'failed', failure: 'no-answer' });
  });

  it('never takes a frame that is not the answer', () => {
    const strangers = fc.oneof(
      fc.record({
        unit: fc.integer({ min: 1, max: 247 }),
        function: fc.constantFrom(3, 4),
        n: fc.integer({ min: 1, max: 60 }),
      }),
    );
    fc.assert(
      fc.property(strangers, ({ unit, function: code, n }) => {
        fc.pre(!(unit === 7 && code === 4 && n === 3));
        const stranger = encodeAnswer({ unit, function: code as 3 | 4, registers: new Array<number>(n).fill(9) });
        const result = talk(read(), () => stranger);
        expect(result).toMatchObject({ do: 'failed', failure: unit === 7 ? 'wrong-item' : 'wrong-address' });
        const both = talk(read(), () => Uint8Array.of(...stranger, ...good));
        expect(both).toMatchObject({ do: 'done', value: [1, 2, 3] });
      }),
    );
  });

  it('never takes a changed byte for a value', () => {
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bad = good.slice();
        bad[at] = bad[at]! ^ flip;
        expect(talk(read(), () => bad).do).toBe('failed');
      }),
    );
  });

  it.each([
    ['silence', new Uint8Array(), 'no-answer'],
    ['half an answer', good.subarray(0, 6), 'incomplete'],
    ['a wrong CRC', Uint8Array.of(...good.subarray(0, -1), good.at(-1)! ^ 1), 'checksum'],
    ['noise', Uint8Array.of(0xff, 0, 0xff, 0x33, 0x12, 0x55, 0xff), 'garbage'],
    ['an endless babble', new Uint8Array(2000).fill(0x55), 'garbage'],
    ['illegal address', encodeAnswer({ unit: 7, function: 4, exception: 2 }), 'no-such-data'],
    ['busy', encodeAnswer({ unit: 7, function: 4, exception: 6 }), 'busy'],
    ['a broken meter', encodeAnswer({ unit: 7, function: 4, exception: 4 }), 'device-fault'],
    ['an unknown exception', encodeAnswer({ unit: 7, function: 4, exception: 0x40 }), 'refused'],
  ])('names %s', (_, bytes, failure) => {
    expect(talk(read(), () => bytes)).toMatchObject({ do: 'failed', failure });
  });

  it('reads and writes with the other functions', () => {
    const bits = encodeAnswer({ unit: 1, function: 1, bits: [true, false, true, true, false, false, false, false] });
    expect(talk(readCoils(1, 'coil', 3, 3), () => bits)).toMatchObject({ value: [true, false, true] });
    const echo = (request: Uint8Array) => request;
    expect(talk(writeCoil(1, 3, true), echo)).toMatchObject({ do: 'done', value: true });
    expect(talk(writeRegister(1, 3, 77), echo)).toMatchObject({ do: 'done', value: true });
    const written = encodeAnswer({ unit: 1, function: 16, address: 3, count: 2 });
    expect(talk(writeRegisters(1, 3, [1, 2]), () => written)).toMatchObject({ do: 'done', value: true });
    const elsewhere = encodeAnswer({ unit: 1, function: 16, address: 4, count: 2 });
    expect(talk(writeRegisters(1, 3, [1, 2]), () => elsewhere)).toMatchObject({ failure: 'wrong-item' });
    const records = encodeAnswer({ unit: 1, function: 20, records: [[1, 2], [3]] });
    const spans = [
      { file: 4, record: 1, count: 2 },
      { file: 4, record: 9, count: 1 },
    ];
    expect(talk(readFileRecords(1, spans), () => records)).toMatchObject({ value: [[1, 2], [3]] });
    const both = encodeAnswer({ unit: 1, function: 23, registers: [5] });
    const swap = readWriteRegisters(1, { address: 0, count: 1 }, { address: 9, registers: [1] });
    expect(talk(swap, () => both)).toMatchObject({ do: 'done', value: [5] });
  });

  it('expects no answer to a broadcast', () => {
    const exchange = writeRegisters(0, 3, [1]);
    expect(exchange.start()).toMatchObject({ do: 'send', answerMs: 0 });
    expect(exchange.timedOut()).toMatchObject({ do: 'done', value: true });
  });

  it('asks the table that was meant, with the times that were meant', () => {
    const asked = (exchange: { start(): unknown }) => (exchange.start() as { bytes: Uint8Array }).bytes[1];
    expect([readRegisters(1, 'holding', 0, 1), readRegisters(1, 'input', 0, 1)].map(asked)).toEqual([3, 4]);
    expect([readCoils(1, 'coil', 0, 1), readCoils(1, 'discrete', 0, 1)].map(asked)).toEqual([1, 2]);
    expect(read().start()).toMatchObject({ answerMs: 500, gapMs: 60 });
    const slow = { answerMs: 900, gapMs: 10 };
    expect(readRegisters(1, 'input', 0, 1, slow).start()).toMatchObject(slow);
    expect(writeRegister(0, 0, 1, slow).start()).toMatchObject({ answerMs: 0, gapMs: 10 });
    expect(writeRegister(1, 0, 1, slow).start()).toMatchObject(slow);
  });

  it('takes a broadcast for done when the line is free, whatever was written, and lets nobody be read by it', () => {
    const done = (exchange: Exchange<unknown>) => {
      exchange.start();
      return exchange.timedOut();
    };
    expect(done(writeCoil(0, 3, true))).toMatchObject({ do: 'done', value: true });
    expect(done(writeRegister(0, 3, 7))).toMatchObject({ do: 'done', value: true });
    expect(done(writeCoils(0, 3, [true, false]))).toMatchObject({ do: 'done', value: true });
    expect(done(readRegisters(0, 'holding', 3, 1))).toEqual({
      ...{ do: 'failed', failure: 'no-such-data', detail: 'exception 1 illegal-function' },
    });
    const many = transact({ unit: 0, function: 16, address: 3, registers: [1, 2, 3] });
    expect(done(many)).toMatchObject({ value: { unit: 0, function: 16, address: 3, count: 3 } });
    const coils = transact({ unit: 0, function: 15, address: 3, bits: [true, false] });
    expect(done(coils)).toMatchObject({ value: { unit: 0, function: 15, address: 3, count: 2 } });
  });

  it('writes coils, and gives any answer as it is decoded', () => {
    const written = encodeAnswer({ unit: 1, function: 15, address: 3, count: 2 });
    const sent = talk(writeCoils(1, 3, [true, false]), () => written);
    expect(sent).toMatchObject({ do: 'done', value: true });
    expect(sent.sent).toEqual([encodeRequest({ unit: 1, function: 15, address: 3, bits: [true, false] })]);
    const answer = { unit: 7, function: 4, registers: [1, 2, 3] } as const;
    expect(talk(transact({ unit: 7, function: 4, address: 0, count: 3 }), () => good)).toMatchObject({ value: answer });
  });

  it('says by its detail what came instead', () => {
    const detail = (bytes: Uint8Array) => {
      const move = talk(read(), () => bytes);
      return move.do === 'failed' ? move.detail : '';
    };
    expect(detail(encodeAnswer({ unit: 7, function: 4, exception: 6 }))).toBe('exception 6 busy');
    expect(detail(encodeAnswer({ unit: 7, function: 4, exception: 0x40 }))).toBe('exception 64');
    expect(detail(new Uint8Array(2000).fill(0x55))).toBe('bytes without end and no answer in them');
  });

  it('gives up a line that babbles at once, not only when the deadline comes', () => {
    const exchange = read();
    exchange.start();
    expect(exchange.received(new Uint8Array(2000).fill(0x55))).toMatchObject({ do: 'failed', failure: 'garbage' });
  });

  it('takes the answer that stands behind a damaged start when the deadline comes', () => {
    const exchange = read();
    exchange.start();
    // A start that promises 250 bytes swallows the answer until it is known that no more come.
    const swallowing = Uint8Array.of(7, 4, 250);
    let move = exchange.received(Uint8Array.of(...swallowing, ...good));
    if (move.do === 'wait') move = exchange.timedOut();
    expect(move).toMatchObject({ do: 'done', value: [1, 2, 3] });
  });

  it('refuses a sound frame whose inside is none', () => {
    // Two records of which the first says to be longer than the frame.
    const inside = [1, 20, 8, 9, 6, 0, 1, 3, 6, 0, 2];
    const spans = [
      { file: 4, record: 1, count: 1 },
      { file: 4, record: 9, count: 1 },
    ];
    const move = talk(readFileRecords(1, spans), () => seal(Uint8Array.of(...inside, 0, 0)));
    expect(move).toMatchObject({ do: 'failed', failure: 'garbage' });
    expect(move.do === 'failed' && move.detail).not.toBe('');
  });

  it('waits before it was started', () => {
    expect(read().received(good)).toEqual({ do: 'wait' });
    expect(read().timedOut()).toEqual({ do: 'wait' });
  });

  it('plans the bytes that then move', () => {
    const request = { unit: 7, function: 4, address: 0x10, count: 3 } as const;
    expect(talk(read(), () => good)).toMatchObject({ wireBytes: wireBytesOf(request) });
    expect(wireBytesOf(request)).toBe(8 + 11);
  });
});
