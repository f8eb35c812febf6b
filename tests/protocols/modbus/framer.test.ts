import { describe, expect, it } from 'vitest';
import { crcFits, seal } from '../../../protocols/modbus/crc.ts';
import { encodeRequest, type ModbusRequest } from '../../../protocols/modbus/frame.ts';
import { blame, expectAnswer, type Hearing, hear, takeChunk, takeRest } from '../../../protocols/modbus/framer.ts';

const request: ModbusRequest = { unit: 5, function: 3, address: 0, count: 2 };
const sealed = (...bytes: number[]) => seal(Uint8Array.of(...bytes, 0, 0));
const answer = sealed(5, 3, 4, 0, 1, 0, 2);

/** Everything in one hearing, chunk by chunk; the last result. */
function listen(to: ModbusRequest, ...chunks: Uint8Array[]) {
  const hearing = hear(expectAnswer(to));
  let heard: ReturnType<typeof takeChunk>;
  for (const chunk of chunks) heard = takeChunk(hearing, chunk);
  return { hearing, heard };
}

describe('what a request expects', () => {
  it.each<[string, ModbusRequest, object]>([
    ['bits', { unit: 5, function: 1, address: 0, count: 9 }, { length: 7, head: [2], mirrored: false }],
    ['inputs', { unit: 5, function: 2, address: 0, count: 8 }, { length: 6, head: [1], mirrored: false }],
    ['registers', request, { length: 9, head: [4], mirrored: false }],
    [
      'a coil',
      { unit: 5, function: 5, address: 0x102, on: true },
      { length: 8, head: [1, 2, 0xff, 0], mirrored: true },
    ],
    [
      'a register',
      { unit: 5, function: 6, address: 7, value: 0x203 },
      { length: 8, head: [0, 7, 2, 3], mirrored: true },
    ],
    ['registers to write', { unit: 5, function: 16, address: 7, registers: [1, 2] }, { length: 8, head: [0, 7, 0, 2] }],
    [
      'file records',
      {
        unit: 5,
        function: 20,
        spans: [
          { file: 4, record: 1, count: 2 },
          { file: 3, record: 9, count: 1 },
        ],
      },
      { length: 15, head: [10] },
    ],
  ])('%s', (_, asked, expected) => {
    expect(expectAnswer(asked)).toMatchObject({ unit: 5, function: asked.function, ...expected });
  });
});

describe('an answer among other bytes', () => {
  it('is whole with its last byte, byte by byte and at once', () => {
    expect(listen(request, answer).heard).toEqual(answer);
    const bytes = [...answer].map((byte) => Uint8Array.of(byte));
    expect(listen(request, ...bytes.slice(0, -1)).heard).toBeUndefined();
    expect(listen(request, ...bytes).heard).toEqual(answer);
  });

  it('is an exception as well, shorter than what was asked for', () => {
    const refusal = sealed(5, 0x83, 2);
    expect(listen(request, refusal).heard).toEqual(refusal);
    expect(listen(request, sealed(5, 0x84, 2)).heard).toBeUndefined();
  });

  it('comes behind our own echo, a neighbour and a false start', () => {
    const echo = encodeRequest(request);
    expect(listen(request, echo, answer).heard).toEqual(answer);
    expect(listen(request, Uint8Array.of(...sealed(6, 3, 4, 9, 9, 9, 9), ...answer)).heard).toEqual(answer);
    // 05 03 04 begins an answer whose CRC will not fit; the real one begins inside it.
    expect(listen(request, Uint8Array.of(5, 3, 4), answer).heard).toEqual(answer);
    expect(listen(request, Uint8Array.of(5), answer).heard).toEqual(answer);
  });

  it('may hold what looks like an exception, which is nobody’s as long as the answer is still coming', () => {
    const long: ModbusRequest = { unit: 5, function: 3, address: 0, count: 4 };
    const inner = sealed(5, 0x83, 2);
    const whole = sealed(5, 3, 8, ...inner, 1, 2, 3);
    const bytes = [...whole].map((byte) => Uint8Array.of(byte));
    expect(listen(long, ...bytes.slice(0, -1)).heard).toBeUndefined();
    expect(listen(long, ...bytes).heard).toEqual(whole);
    // Where the rest never comes, it was no answer that began there.
    const cut = listen(long, whole.subarray(0, 9));
    expect(cut.heard).toBeUndefined();
    expect(takeRest(cut.hearing)).toEqual(inner);
    expect(takeRest(listen(long, whole.subarray(0, 7)).hearing)).toBeUndefined();
  });

  it('may be the very bytes of its request, where a write is confirmed', () => {
    const write: ModbusRequest = { unit: 5, function: 6, address: 7, value: 1 };
    expect(listen(write, encodeRequest(write)).heard).toEqual(encodeRequest(write));
    expect(listen(request, encodeRequest(request)).heard).toBeUndefined();
  });

  it('is not one of another length, item or checksum', () => {
    expect(listen(request, sealed(5, 3, 2, 0, 1)).heard).toBeUndefined();
    expect(listen(request, sealed(5, 4, 4, 0, 1, 0, 2)).heard).toBeUndefined();
    const spoilt = Uint8Array.from(answer, (byte, i) => (i === 4 ? byte ^ 1 : byte));
    expect(listen(request, spoilt).heard).toBeUndefined();
    expect(listen(request, spoilt, answer).heard).toEqual(answer);
  });

  it('is given up on a line that never stops, within a bound of memory', () => {
    const hearing: Hearing = hear(expectAnswer(request));
    let heard: ReturnType<typeof takeChunk>;
    let bytes = 0;
    while (heard === undefined && bytes < 10_000) {
      heard = takeChunk(hearing, new Uint8Array(100).fill(0xaa));
      bytes += 100;
    }
    expect(heard).toBe('babble');
    expect(bytes).toBe(1_100);
    expect(hearing.held.length).toBeLessThanOrEqual(1_024);
    // One byte less is not yet babble, and an answer in the last bytes still counts.
    const nearly = hear(expectAnswer(request));
    expect(takeChunk(nearly, new Uint8Array(1_023 - answer.length))).toBeUndefined();
    expect(takeChunk(nearly, answer)).toEqual(answer);
    expect(takeChunk(hear(expectAnswer(request)), new Uint8Array(1_023))).toBeUndefined();
    expect(takeChunk(hear(expectAnswer(request)), new Uint8Array(1_024))).toBe('babble');
  });
});

describe('why there is no answer', () => {
  const why = (...chunks: Uint8Array[]) => blame(listen(request, ...chunks).hearing);
  it.each<[string, Uint8Array[], string, RegExp]>([
    ['silence', [], 'no-answer', /^nothing came$/],
    ['our echo alone', [encodeRequest(request)], 'no-answer', /^only our own echo came back$/],
    ['half of it', [answer.subarray(0, 5)], 'incomplete', /^5 of 9 bytes came$/],
    ['two bytes of it', [answer.subarray(0, 2)], 'incomplete', /^2 of 9 bytes came$/],
    ['echo and half', [encodeRequest(request), answer.subarray(0, 6)], 'incomplete', /^6 of 9 bytes came$/],
    ['three stray bytes', [Uint8Array.of(9, 9, 9)], 'incomplete', /^3 of 9 bytes came$/],
    ['four stray bytes', [Uint8Array.of(9, 9, 9, 9)], 'garbage', /^4 bytes that are no answer$/],
    ['a spoilt one', [Uint8Array.from(answer, (byte, i) => (i === 8 ? byte ^ 1 : byte))], 'checksum', /CRC/],
    ['a neighbour', [sealed(6, 3, 4, 0, 1, 0, 2)], 'wrong-address', /^unit 6 answered, not 5$/],
    ['a neighbour behind noise', [Uint8Array.of(0xff, 0xfe), sealed(6, 3, 2, 0, 1)], 'wrong-address', /unit 6/],
    ['another length', [sealed(5, 3, 2, 0, 1)], 'wrong-item', /^the answer has 7 bytes, asked for 9 bytes$/],
    [
      'another function',
      [sealed(5, 4, 4, 0, 1, 0, 2)],
      'wrong-item',
      /^the answer has function 4, asked for function 3$/,
    ],
  ])('%s', (_, chunks, failure, detail) => {
    expect(why(...chunks)).toEqual({ failure, detail: expect.stringMatching(detail) });
  });
});

describe('a CRC', () => {
  it('fits no less than four bytes, and none beyond the end', () => {
    const shortest = sealed(5, 3);
    expect(crcFits(shortest)).toBe(true);
    expect(crcFits(shortest, 0, 3)).toBe(false);
    expect(crcFits(shortest, 0, 5)).toBe(false);
    // The CRC of nothing is FFFFH.
    expect(crcFits(Uint8Array.of(0xff, 0xff))).toBe(false);
  });
});
