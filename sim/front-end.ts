/** A metering front end: streams the waveform of its phase as blocks on a port, at the pace at which it samples. */
import type { Waveform } from '../protocols/reading.ts';
import { BLOCK_SAMPLES, encodeBlocks } from '../protocols/waveform/front-end.ts';
import type { SimClock } from './clock.ts';
import type { Random } from './random.ts';

export interface FrontEndOptions {
  clock: SimClock;
  /** What is sampled from now on; asked again when it is streamed to its end. */
  waveform(): Waveform | undefined;
  write(bytes: Uint8Array): void;
  /** Bits that the converter resolves. */
  bits?: number;
  /** Probabilities per block: one byte is lost, the block never comes. */
  lostByte?: number;
  lostBlock?: number;
  random?: Random;
}

/** How long the stream rests while there is nothing to sample. */
const IDLE_MS = 200;

/** Starts streaming; the returned function ends it. */
export function streamFrontEnd(options: FrontEndOptions): () => void {
  const { clock, waveform, write, bits = 16 } = options;
  let sequence = 0;
  let waiting: Uint8Array[] = [];
  let blockMs = IDLE_MS;
  let dueMs = clock.monotonicMs();
  const step = (): void => {
    if (waiting.length === 0) {
      const next = waveform();
      waiting = next ? encodeBlocks(next, sequence, bits) : [];
      sequence = (sequence + waiting.length) & 0xffff;
      blockMs = next ? (BLOCK_SAMPLES * 1000) / next.rateHz : IDLE_MS;
    }
    const block = waiting.shift();
    if (block) write(spoilt(block, options));
    // Counted from the last due time: late timers do not slow the stream down.
    dueMs += blockMs;
    cancel = clock.after(Math.max(0, dueMs - clock.monotonicMs()), step);
  };
  let cancel = clock.after(0, step);
  return () => cancel();
}

function spoilt(block: Uint8Array, { random, lostByte = 0, lostBlock = 0 }: FrontEndOptions): Uint8Array {
  if (random?.chance(lostBlock)) return new Uint8Array();
  if (!random?.chance(lostByte)) return block;
  const at = random.int(block.length);
  return Uint8Array.of(...block.subarray(0, at), ...block.subarray(at + 1));
}
