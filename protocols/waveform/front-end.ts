/**
 * A metering front end that streams samples on a UART of its own, in blocks of fixed size. High byte first.
 *
 *   0   A5 5A                    8   µV per count (4)
 *   2   sequence (2)             12  µA per count (4)
 *   4   rate in Hz (2)           16  32 pairs of voltage and current (2 + 2)
 *   6   phase                    144 CRC-16 as Modbus has it (2, low byte first)
 *   7   bits that are real, 12–16
 *
 * Nobody asks: the stream never stops, so a capture is the next blocks without a break. A cut that fell out of step (a
 * byte was lost) is found again by the next A5 5A whose CRC fits.
 */
import type { Exchange, Move } from '../exchange.ts';
import { crcFits, seal } from '../modbus/crc.ts';
import type { Waveform } from '../reading.ts';
import { type Failed, judged, rescale } from './snapshot.ts';

export const BLOCK_BYTES = 146;
export const BLOCK_SAMPLES = 32;
const SYNC = [0xa5, 0x5a] as const;
const HEADER = 16;
const MICRO = 1e-6;
/** A capture is given up when this many blocks more than it needs went by. */
const SPARE_BLOCKS = 64;

export interface Block {
  sequence: number;
  rateHz: number;
  phase: number;
  bits: number;
  microVolt: number;
  microAmp: number;
  voltage: Int16Array;
  current: Int16Array;
}

/** The bytes of one block; both channels hold `BLOCK_SAMPLES`. */
export function encodeBlock(block: Block): Uint8Array {
  const bytes = new Uint8Array(BLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(SYNC);
  view.setUint16(2, block.sequence);
  view.setUint16(4, block.rateHz);
  bytes[6] = block.phase;
  bytes[7] = block.bits;
  view.setUint32(8, block.microVolt);
  view.setUint32(12, block.microAmp);
  for (let i = 0; i < BLOCK_SAMPLES; i++) {
    view.setInt16(HEADER + 4 * i, block.voltage[i] ?? 0);
    view.setInt16(HEADER + 4 * i + 2, block.current[i] ?? 0);
  }
  return seal(bytes);
}

/** The block that fills `bytes` from `at`; undefined when there is none with a right CRC. */
export function decodeBlock(bytes: Uint8Array, at = 0): Block | undefined {
  if (bytes[at] !== SYNC[0] || bytes[at + 1] !== SYNC[1] || !crcFits(bytes, at, at + BLOCK_BYTES)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, BLOCK_BYTES);
  const channel = (offset: number): Int16Array =>
    Int16Array.from({ length: BLOCK_SAMPLES }, (_, i) => view.getInt16(HEADER + 4 * i + offset));
  return {
    sequence: view.getUint16(2),
    rateHz: view.getUint16(4),
    phase: view.getUint8(6),
    bits: view.getUint8(7),
    microVolt: view.getUint32(8),
    microAmp: view.getUint32(12),
    voltage: channel(0),
    current: channel(2),
  };
}

/** A waveform as the front end would stream it; what does not fill a block is left out. */
export function encodeBlocks(waveform: Waveform, sequence: number, bits = 16): Uint8Array[] {
  const most = 2 ** (bits - 1) - 1;
  const { samples: voltage, micro: microVolt } = inMicro(waveform.voltage, most);
  const { samples: current, micro: microAmp } = inMicro(waveform.current, most);
  return Array.from({ length: Math.floor(voltage.length / BLOCK_SAMPLES) }, (_, i) =>
    encodeBlock({
      sequence: (sequence + i) & 0xffff,
      rateHz: waveform.rateHz,
      phase: waveform.phase,
      bits,
      microVolt,
      microAmp,
      voltage: voltage.subarray(i * BLOCK_SAMPLES, (i + 1) * BLOCK_SAMPLES),
      current: current.subarray(i * BLOCK_SAMPLES, (i + 1) * BLOCK_SAMPLES),
    }),
  );
}

function inMicro(part: Waveform['voltage'], most: number): { samples: Int16Array; micro: number } {
  const peak = part.samples.reduce((largest, sample) => Math.max(largest, Math.abs(sample)), 0);
  const exact = Math.round(part.scale / MICRO);
  const micro = Math.max(1, exact, Math.ceil((part.scale * peak) / most / MICRO));
  return { micro, samples: micro === exact ? part.samples : rescale(part, micro * MICRO) };
}

/** Cuts the stream into blocks. `held` is never longer than a block, whatever comes. */
export interface BlockCutter {
  held: Uint8Array;
  /** Bytes that were no block. */
  discarded: number;
}

export function blockCutter(): BlockCutter {
  return { held: new Uint8Array(0), discarded: 0 };
}

/** The blocks that `chunk` completes, in any chunking; `cutter` keeps the rest. */
export function cutBlocks(cutter: BlockCutter, chunk: Uint8Array): Block[] {
  // In step, every chunk is one block and nothing is copied.
  const bytes = cutter.held.length === 0 ? chunk : joined(cutter.held, chunk);
  const blocks: Block[] = [];
  let at = 0;
  while (bytes.length - at >= BLOCK_BYTES) {
    const block = decodeBlock(bytes, at);
    if (block) blocks.push(block);
    else cutter.discarded++;
    at += block ? BLOCK_BYTES : 1;
  }
  cutter.held = bytes.slice(at);
  return blocks;
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}

/** Blocks in a row, as many as a capture needs. */
export interface Run {
  wanted: number;
  phase: number;
  blocks: Block[];
}

/**
 * Adds a block to a run. The waveform when the run is long enough; `torn` when a block between is missing or the
 * settings changed, `stale` when a block is repeated, `wrong-sequence` when an older one comes. After a failure the run starts again with `block`.
 */
export function addBlock(run: Run, block: Block): { value: Waveform } | Failed | undefined {
  if (block.phase !== run.phase) return undefined;
  const last = run.blocks.at(-1);
  const broken = last && breakBetween(last, block);
  if (broken) {
    run.blocks = [block];
    return broken;
  }
  run.blocks.push(block);
  if (run.blocks.length < run.wanted) return undefined;
  const { rateHz, phase, microVolt, microAmp } = block;
  const gather = (pick: (one: Block) => Int16Array): Int16Array => {
    const samples = new Int16Array(run.blocks.length * BLOCK_SAMPLES);
    for (const [i, one] of run.blocks.entries()) samples.set(pick(one), i * BLOCK_SAMPLES);
    return samples;
  };
  const voltage = { scale: microVolt * MICRO, samples: gather((one) => one.voltage) };
  const current = { scale: microAmp * MICRO, samples: gather((one) => one.current) };
  run.blocks = [];
  return judged({ rateHz, phase, voltage, current });
}

function breakBetween(last: Block, next: Block): Failed | undefined {
  const step = (next.sequence - last.sequence) & 0xffff;
  if (step === 0) return { failure: 'stale', detail: `block ${next.sequence} came again` };
  if (step > 0x8000) {
    return { failure: 'wrong-sequence', detail: `block ${next.sequence} came after ${last.sequence}` };
  }
  if (step > 1) return { failure: 'torn', detail: `${step - 1} blocks are missing before ${next.sequence}` };
  const same = next.rateHz === last.rateHz && next.microVolt === last.microVolt && next.microAmp === last.microAmp;
  return same ? undefined : { failure: 'torn', detail: 'the settings changed within the snapshot' };
}

/** Blocks for `cycles` of a mains frequency, rounded up; at most what 20 cycles hold. */
export function blocksFor(cycles: number, rateHz: number, mainsHz = 50): number {
  return Math.max(1, Math.floor((Math.min(cycles, 20) * rateHz) / mainsHz / BLOCK_SAMPLES));
}

/** The next `wanted` blocks of `phase` as one waveform. Sends nothing; the bytes are the stream as it comes. */
export function captureFrontEnd(phase: number, wanted: number, answerMs = 1000): Exchange<Waveform> {
  const cutter = blockCutter();
  const run: Run = { wanted, phase, blocks: [] };
  let heard = 0;
  let broken: Failed | undefined;
  const silence = (): Failed =>
    broken ??
    (heard === 0
      ? { failure: 'no-answer', detail: 'no stream' }
      : { failure: 'incomplete', detail: 'the stream stopped' });
  return {
    start: () => ({ do: 'send', bytes: new Uint8Array(0), answerMs, gapMs: answerMs }),
    received(chunk): Move<Waveform> {
      heard += chunk.length;
      for (const block of cutBlocks(cutter, chunk)) {
        const outcome = addBlock(run, block);
        if (outcome && 'value' in outcome) return { do: 'done', value: outcome.value, wireBytes: heard };
        // A missing block only starts the run again: the stream goes on, and the count of bytes bounds the patience.
        if (outcome) broken = outcome;
      }
      if (heard <= (wanted + SPARE_BLOCKS) * BLOCK_BYTES) return { do: 'wait' };
      const noise: Failed = {
        failure: 'garbage',
        detail: `${cutter.discarded} bytes that are no block of phase ${phase}`,
      };
      return { do: 'failed', ...(broken ?? noise) };
    },
    timedOut: () => ({ do: 'failed', ...silence() }),
  };
}
