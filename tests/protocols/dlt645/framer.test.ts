import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../protocols/bytes.ts';
import {
  addressMatches,
  checkFrame,
  decodeFrame,
  encodeAddress,
  encodeFrame,
  type Frame,
  isAddress,
  MAX_DATA,
  MAX_FRAME,
} from '../../../protocols/dlt645/frame.ts';
import { Framer } from '../../../protocols/dlt645/framer.ts';

const digits = fc
  .array(fc.constantFrom(...'0123456789'), { minLength: 12, maxLength: 12 })
  .map((parts) => parts.join(''));
const frames: fc.Arbitrary<Frame> = fc.record({
  address: fc.oneof(digits, fc.constant('AAAAAAAAAAAA')),
  control: fc.integer({ min: 0, max: 255 }),
  data: fc.uint8Array({ maxLength: 200 }),
});

function all(bytes: Uint8Array): { frames: Frame[]; discarded: number } {
  const framer = new Framer();
  const found = [...framer.push(bytes), ...framer.flush()];
  return { frames: found, discarded: framer.discardedBytes };
}

/** Frames without a 68H in their data cannot hide another, so what is expected is exactly known. */
const plain = frames.filter((frame) => !frame.data.includes(0x35));

describe('frame', () => {
  it('puts 33H on every data byte, modulo 256, and keeps the preamble out of the checksum', () => {
    const frame = { address: '000000000161', control: 0x91, data: Uint8Array.of(0, 0, 1, 0, 0x26, 0, 0, 0xff) };
    expect(toHex(encodeFrame(frame))).toBe('FEFEFEFE6861010000000068910833333433593333328916');
    expect(all(encodeFrame(frame)).frames).toEqual([frame]);
  });

  it('round-trips whatever it may carry', () => {
    fc.assert(
      fc.property(plain, fc.integer({ min: 0, max: 7 }), (frame, preamble) => {
        expect(all(encodeFrame(frame, preamble))).toEqual({ frames: [frame], discarded: 0 });
      }),
    );
  });

  it('carries 200 bytes and refuses one more, on both sides', () => {
    const address = '000000000161';
    const full = { address, control: 0x91, data: new Uint8Array(MAX_DATA).fill(7) };
    expect(all(encodeFrame(full)).frames).toEqual([full]);
    expect(() => encodeFrame({ ...full, data: new Uint8Array(MAX_DATA + 1) })).toThrow(RangeError);
    const tooLong = encodeFrame(full, 0);
    tooLong[9] = MAX_DATA + 1;
    // Not `incomplete`: waiting for a byte that no frame has would cost the frames behind.
    expect(checkFrame(tooLong, 0, tooLong.length)).toBe('length');
  });

  it('says of each beginning how much is missing, or what is wrong', () => {
    const bytes = encodeFrame({ address: '000000000161', control: 0x11, data: Uint8Array.of(0, 0, 1, 0) }, 0);
    for (let end = 1; end < bytes.length; end++) expect(checkFrame(bytes, 0, end)).toBe('incomplete');
    expect(checkFrame(bytes, 0, bytes.length)).toBe('frame');
    const spoilt = (at: number, byte: number) => Uint8Array.from(bytes, (old, i) => (i === at ? byte : old));
    // The second 68H is judged as soon as it is there, whatever else is still to come.
    expect(checkFrame(spoilt(7, 0x69), 0, 8)).toBe('start');
    expect(checkFrame(spoilt(0, 0x16), 0, bytes.length)).toBe('start');
    expect(checkFrame(spoilt(bytes.length - 1, 0x17), 0, bytes.length)).toBe('end');
    expect(checkFrame(spoilt(bytes.length - 2, 0x00), 0, bytes.length)).toBe('checksum');
  });

  it('takes twelve hex digits for an address and nothing else', () => {
    expect([...encodeAddress('0000000A0161')]).toEqual([0x61, 0x01, 0x0a, 0, 0, 0]);
    for (const text of ['0000000001611', '00000000016', '00000000016G', 'a00000000161', ' 000000000161']) {
      expect(isAddress(text)).toBe(false);
      expect(() => encodeAddress(text)).toThrow(RangeError);
    }
  });

  it('decodes a frame wherever it begins, and no byte of the next', () => {
    const first = { address: '000000000161', control: 0x91, data: Uint8Array.of(1, 2, 3) };
    const second = { address: '999999999999', control: 0x08, data: Uint8Array.of(9) };
    const bytes = Uint8Array.of(...encodeFrame(first, 0), ...encodeFrame(second, 0));
    expect(decodeFrame(bytes)).toEqual(first);
    expect(decodeFrame(bytes, 15)).toEqual(second);
  });

  it('lets a wildcard match from either side', () => {
    expect(addressMatches('AAAAAAAAAAAA', '000000000161')).toBe(true);
    expect(addressMatches('000000000161', 'AAAAAAAAAAAA')).toBe(true);
    expect(addressMatches('AAAAAAAAAA61', '000000000162')).toBe(false);
  });
});

describe('framer', () => {
  it('gives the same frames whatever the chunking', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            plain.map((frame) => encodeFrame(frame)),
            fc.uint8Array({ maxLength: 40 }),
          ),
          { maxLength: 6 },
        ),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 20 }),
        (parts, cuts) => {
          const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
          const framer = new Framer();
          const found: Frame[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = cuts[i % cuts.length]!;
            found.push(...framer.push(bytes.subarray(at, at + size)));
            expect(framer.pendingBytes).toBeLessThan(MAX_FRAME);
            at += size;
          }
          found.push(...framer.flush());
          expect({ frames: found, discarded: framer.discardedBytes }).toEqual(all(bytes));
        },
      ),
    );
  });

  it('loses to a corrupt byte at most its own frame, for every byte and every value', () => {
    const street = ['000000000161', '201000000012', '151230011061'].map((address, i) => ({
      address,
      control: 0x91,
      data: Uint8Array.of(0, 0, 1, 0, 0x26 + i, 0, 0, 0),
    }));
    const bytes = Uint8Array.from(street.flatMap((frame) => [...encodeFrame(frame)]));
    const each = bytes.length / 3;
    const lost: string[] = [];
    for (let at = 0; at < bytes.length; at++) {
      const own = Math.floor(at / each);
      for (let value = 0; value < 256; value++) {
        const heard = new Set(all(bytes.with(at, value)).frames.map((frame) => frame.address));
        const missing = street.filter((frame, i) => i !== own && !heard.has(frame.address));
        if (missing.length > 0) lost.push(`byte ${at} = ${value}`);
      }
    }
    expect(lost).toEqual([]);
  });

  it('takes the inner frame when a corrupt length byte happens to span two', () => {
    const inner = encodeFrame({ address: '000000000161', control: 0x91, data: Uint8Array.of(1, 2, 3, 4) }, 0);
    const outer = encodeFrame({ address: '000000000007', control: 0x91, data: inner.map((byte) => byte - 0x33) }, 0);
    expect(all(outer).frames.map((frame) => frame.address)).toEqual(['000000000161']);
  });

  it('is not fooled by an extra 68H before the frame, nor by 16H as its checksum', () => {
    const doubled = fromHex('68 68 03 00 00 00 00 00 68 91 07 33 34 34 35 33 33 33 D4 16')!;
    expect(all(doubled)).toMatchObject({ frames: [{ address: '000000000003' }], discarded: 1 });
    const early = fromHex('68 61 01 00 00 00 00 68 91 07 33 34 35 35 CC 7C 33 16 16')!;
    expect(all(early)).toMatchObject({ frames: [{ address: '000000000161' }], discarded: 0 });
  });

  it('keeps a frame whole that forwards another one, and only such a frame', () => {
    const inner = encodeFrame({ address: '000000000007', control: 0x11, data: new Uint8Array() }, 0);
    const outer = (...item: number[]) =>
      encodeFrame(
        { address: '000000000161', control: 0x91, data: Uint8Array.of(...item, ...inner.map((byte) => byte - 0x33)) },
        0,
      );
    // E5E50000H and E5E50001H, low byte first.
    for (const low of [0x00, 0x01]) {
      expect(all(outer(low, 0x00, 0xe5, 0xe5)).frames.map(({ address }) => address)).toEqual(['000000000161']);
    }
    const others = [
      [0x02, 0x00, 0xe5, 0xe5],
      [0x00, 0x01, 0xe5, 0xe5],
      [0x00, 0x00, 0xe4, 0xe5],
      [0x00, 0x00, 0xe5, 0xe4],
    ];
    for (const item of others) {
      expect(all(outer(...item)).frames.map(({ address }) => address)).toEqual(['000000000007']);
    }
  });

  it('forgets half a frame and what was wrong when a new request begins', () => {
    const framer = new Framer();
    const bytes = encodeFrame({ address: '000000000161', control: 0x11, data: Uint8Array.of(1) }, 0);
    const spoilt = Uint8Array.from(bytes, (byte, i) => (i === bytes.length - 2 ? byte ^ 1 : byte));
    framer.push(spoilt);
    expect(framer.problem).toBe('checksum');
    framer.push(bytes.subarray(0, 6));
    expect(framer.pendingBytes).toBe(6);
    framer.clear();
    expect([framer.pendingBytes, framer.problem]).toEqual([0, undefined]);
    expect(framer.push(bytes)).toHaveLength(1);
    framer.push(bytes.subarray(0, 6));
    framer.flush();
    expect(framer.problem).toBe('incomplete');
    framer.push(Uint8Array.of(1, 2, 3));
    expect(framer.problem).toBe('incomplete');
  });

  it('says nothing is wrong with a line on which nothing began', () => {
    const framer = new Framer();
    framer.push(Uint8Array.of(1, 2, 3, 0x16));
    framer.flush();
    expect([framer.problem, framer.discardedBytes]).toEqual([undefined, 4]);
  });

  it('stays bounded under a flood of starts', () => {
    const framer = new Framer();
    const flood = new Uint8Array(100_000).fill(0x68);
    expect(framer.push(flood)).toEqual([]);
    expect(framer.pendingBytes).toBeLessThan(MAX_FRAME);
    framer.flush();
    expect(framer.discardedBytes).toBe(flood.length);
  });
});
