import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../firmware/clock.ts';
import { frontEnd, openFrontEnd } from '../../../firmware/front-end.ts';
import { openSerialPort } from '../../../firmware/serial-port.ts';
import { concat } from '../../../protocols/bytes.ts';
import type { Waveform } from '../../../protocols/reading.ts';
import {
  addBlock,
  BLOCK_BYTES,
  BLOCK_SAMPLES,
  type Block,
  blockCutter,
  blocksFor,
  captureFrontEnd,
  cutBlocks,
  decodeBlock,
  encodeBlock,
  encodeBlocks,
} from '../../../protocols/waveform/front-end.ts';

import { streamFrontEnd } from '../../../sim/front-end.ts';
import { openPty } from '../../../sim/pty.ts';
import { createRandom } from '../../../sim/random.ts';

const sample = fc.integer({ min: -0x8000, max: 0x7fff });
const channel = fc
  .array(sample, { minLength: BLOCK_SAMPLES, maxLength: BLOCK_SAMPLES })
  .map((it) => Int16Array.from(it));
const anyBlock: fc.Arbitrary<Block> = fc.record({
  sequence: fc.nat({ max: 0xffff }),
  rateHz: fc.integer({ min: 800, max: 12_800 }),
  phase: fc.constantFrom(1, 2, 3),
  bits: fc.integer({ min: 12, max: 16 }),
  microVolt: fc.integer({ min: 1, max: 1_000_000 }),
  microAmp: fc.integer({ min: 1, max: 1_000_000 }),
  voltage: channel,
  current: channel,
});

function waveform(blocks: number): Waveform {
  const samples = Int16Array.from({ length: blocks * BLOCK_SAMPLES }, (_, i) => Math.round(30_000 * Math.sin(i / 20)));
  return { rateHz: 6400, phase: 1, voltage: { scale: 0.01, samples }, current: { scale: 0.001, samples } };
}

describe('blocks of a front end', () => {
  it('are read back as written', () => {
    fc.assert(fc.property(anyBlock, (block) => void expect(decodeBlock(encodeBlock(block))).toEqual(block)));
  });

  it('are the same whatever the chunking', () => {
    const blocks = encodeBlocks(waveform(20), 0xfff8);
    const stream = concat(...blocks);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (sizes) => {
        const cutter = blockCutter();
        const got: number[] = [];
        for (let at = 0, n = 0; at < stream.length; n++) {
          const size = sizes[n % sizes.length]!;
          got.push(...cutBlocks(cutter, stream.subarray(at, at + size)).map((block) => block.sequence));
          at += size;
        }
        expect(got).toEqual(Array.from({ length: 20 }, (_, i) => (0xfff8 + i) & 0xffff));
        expect(cutter).toMatchObject({ discarded: 0, held: new Uint8Array(0) });
      }),
    );
  });

  it('lose only the block that lost a byte', () => {
    const stream = concat(...encodeBlocks(waveform(20), 0));
    fc.assert(
      fc.property(fc.nat({ max: stream.length - 1 }), fc.boolean(), (at, lost) => {
        const damaged = concat(
          stream.subarray(0, at),
          lost ? new Uint8Array() : Uint8Array.of(0xa5),
          stream.subarray(at),
        );
        const broken = lost ? concat(damaged.subarray(0, at), damaged.subarray(at + 1)) : damaged;
        const cutter = blockCutter();
        const got = cutBlocks(cutter, broken).map((block) => block.sequence);
        const hit = Math.floor(at / BLOCK_BYTES);
        const whole = Array.from({ length: 20 }, (_, i) => i);
        expect(got.filter((sequence) => sequence !== hit)).toEqual(whole.filter((sequence) => sequence !== hit));
      }),
    );
  });

  it('never hold more than a block of garbage', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 1000 })), (chunks) => {
        const cutter = blockCutter();
        for (const chunk of chunks) {
          cutBlocks(cutter, chunk);
          expect(cutter.held.length).toBeLessThan(BLOCK_BYTES);
        }
      }),
    );
  });
});

describe('a capture from a stream', () => {
  it('is the next blocks', () => {
    const exchange = captureFrontEnd(1, 4);
    exchange.start();
    const [move] = [exchange.received(concat(...encodeBlocks(waveform(4), 100)))];
    expect(move).toMatchObject({ do: 'done', value: { rateHz: 6400, phase: 1, voltage: { scale: 0.01 } } });
    expect(move?.do === 'done' && move.value.voltage.samples).toEqual(waveform(4).voltage.samples);
  });

  it('waits for an unbroken run after a lost block', () => {
    const blocks = encodeBlocks(waveform(12), 0);
    const exchange = captureFrontEnd(1, 4);
    exchange.start();
    const move = exchange.received(concat(...blocks.slice(0, 3), ...blocks.slice(4)));
    expect(move.do === 'done' && move.value.voltage.samples).toEqual(
      waveform(12).voltage.samples.slice(4 * BLOCK_SAMPLES, 8 * BLOCK_SAMPLES),
    );
  });

  it.each([
    ['torn', [0, 1, 3]],
    ['wrong-sequence', [5, 6, 2]],
    ['stale', [5, 6, 6]],
  ])('refuses a run as %s', (failure, sequences) => {
    const run = { wanted: 10, phase: 1, blocks: [] };
    const outcomes = sequences.map((sequence) => addBlock(run, decodeBlock(encodeBlocks(waveform(1), sequence)[0]!)!));
    expect(outcomes.at(-1)).toMatchObject({ failure });
  });

  it('names a stream that says nothing, stops, or is something else', () => {
    expect(captureFrontEnd(1, 4).timedOut()).toMatchObject({ failure: 'no-answer' });
    const stopped = captureFrontEnd(1, 4);
    stopped.received(encodeBlocks(waveform(1), 0)[0]!);
    expect(stopped.timedOut()).toMatchObject({ failure: 'incomplete' });
    expect(captureFrontEnd(1, 4).received(new Uint8Array(20_000))).toMatchObject({ failure: 'garbage' });
  });

  it('asks for as many blocks as the cycles hold', () => {
    expect(blocksFor(10, 6400)).toBe(40);
    expect(blocksFor(99, 12_800)).toBe(160);
  });
});

describe('the front end in the firmware', () => {
  it('cuts by length and finds its way back when a byte is lost', async () => {
    const end = frontEnd(systemClock);
    const stream = concat(...encodeBlocks(waveform(20), 7));
    const answer = end.capture(1, 4, 2000);
    // The first block lost a byte: every cut by length after it is out of step.
    const damaged = concat(stream.subarray(0, 50), stream.subarray(51));
    for (let at = 0; at < damaged.length; at += 64) end.onBytes(damaged.subarray(at, at + 64));
    const got = await answer;
    expect('waveform' in got && got.waveform.voltage.samples).toEqual(
      waveform(20).voltage.samples.slice(BLOCK_SAMPLES, 5 * BLOCK_SAMPLES),
    );
    end.close();
  });

  it('captures from a stream on a real port that loses bytes and blocks', async () => {
    const line = await openPty(() => undefined);
    const settings = { target: { kind: 'tty', path: line.url }, baud: 115_200, parity: 'none', stopBits: 1 } as const;
    const end = await openFrontEnd(settings, openSerialPort, systemClock);
    const stop = streamFrontEnd({
      clock: systemClock,
      waveform: () => waveform(20),
      write: (bytes) => line.write(bytes),
      lostByte: 0.05,
      lostBlock: 0.05,
      random: createRandom('front end'),
    });
    const allowed = new Set(waveform(20).voltage.samples);
    for (let i = 0; i < 3; i++) {
      const got = await end.capture(1, 4, 4000);
      if ('failure' in got) throw new Error(got.detail);
      expect(got.waveform).toMatchObject({ rateHz: 6400, phase: 1 });
      expect(got.waveform.voltage.samples).toHaveLength(4 * BLOCK_SAMPLES);
      expect(got.waveform.voltage.samples.every((value) => allowed.has(value))).toBe(true);
    }
    stop();
    end.close();
    expect(await end.capture(1, 4, 4000)).toMatchObject({ failure: 'cancelled' });
    await line.close();
  });

  it('ends a capture at its deadline and when it is closed', async () => {
    const end = frontEnd(systemClock);
    expect(await end.capture(1, 4, 20)).toMatchObject({ failure: 'no-answer' });
    const open = end.capture(1, 4, 5000);
    end.close();
    expect(await open).toMatchObject({ failure: 'cancelled' });
  });
});
