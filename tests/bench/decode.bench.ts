/** DL/T 645 bytes to frames, to values, and through noise; one core. */
import { concat } from '../../protocols/bytes.ts';
import { encodeFrame } from '../../protocols/dlt645/frame.ts';
import { Framer } from '../../protocols/dlt645/framer.ts';
import { findItem } from '../../protocols/dlt645/items/catalogue.ts';
import { decodeItem } from '../../protocols/dlt645/items/codec.ts';
import { decodeAnswer, encodeAnswer } from '../../protocols/dlt645/requests.ts';

export const name = 'decode';

const FRAMES = 1_000;
const ROUNDS = 1_000;
const NOISE_BYTES = 1 << 20;
const REPEATS = 5;

/**
 * `decodeFramesPerSecond`: answers with a voltage, each as a chunk of its own, to frames with address and data.
 * `decodeValuesPerSecond`: the same, to the value with name and unit. `garbageMegabytesPerSecond`: random bytes in
 * chunks of 4 KiB through the framer.
 */
export async function run(): Promise<Record<string, number>> {
  const chunks = Array.from({ length: FRAMES }, (_, i) => {
    const data = Uint8Array.of(i % 100 < 90 ? 0x56 : 0x99, 0x22);
    const answer = { standard: '2007', function: 'read-data', di: '02010100', data, more: false } as const;
    return encodeFrame(encodeAnswer(String(i * 7919).padStart(12, '0'), answer), 4);
  });
  const noise = noiseOf(NOISE_BYTES);
  return {
    decodeFramesPerSecond: best(FRAMES * ROUNDS, () => decodeAll(chunks, ROUNDS)),
    decodeValuesPerSecond: best(FRAMES * (ROUNDS / 10), () => decodeValues(chunks, ROUNDS / 10)),
    garbageMegabytesPerSecond: best((16 * NOISE_BYTES) / 1e6, () => scan(noise, 16)),
    framesLostBesidesCorruptOnes: lostBesides(chunks),
  };
}

/** Units of work per second, the best of a few times: the others were disturbed. */
function best(work: number, task: () => void): number {
  let most = 0;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const startedMs = performance.now();
    task();
    most = Math.max(most, (work * 1000) / (performance.now() - startedMs));
  }
  return most;
}

function decodeAll(chunks: readonly Uint8Array[], rounds: number): void {
  const framer = new Framer();
  let frames = 0;
  for (let round = 0; round < rounds; round++) for (const chunk of chunks) frames += framer.push(chunk).length;
  if (frames !== chunks.length * rounds) throw new Error(`${frames} frames came out`);
}

function decodeValues(chunks: readonly Uint8Array[], rounds: number): void {
  const framer = new Framer();
  let values = 0;
  for (let round = 0; round < rounds; round++) {
    for (const chunk of chunks) {
      const answer = decodeAnswer(framer.push(chunk)[0]!);
      if (!('data' in answer)) continue;
      const item = findItem(answer.standard, answer.di);
      if (item !== undefined && 'values' in decodeItem(item, answer.data)) values++;
    }
  }
  if (values !== chunks.length * rounds) throw new Error(`${values} values came out`);
}

function scan(noise: Uint8Array, rounds: number): void {
  const framer = new Framer();
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < noise.length; at += 4096) framer.push(noise.subarray(at, at + 4096));
  }
}

/** Frames that did not come out although none of their bytes was changed: one byte in each tenth frame is. */
function lostBesides(chunks: readonly Uint8Array[]): number {
  const whole = concat(...chunks);
  const each = chunks[0]!.length;
  const random = xorshift(7);
  for (let frame = 0; frame < chunks.length; frame += 10)
    whole[frame * each + (random() % each)]! ^= 1 + (random() % 255);
  const framer = new Framer();
  const found = new Set([...framer.push(whole), ...framer.flush()].map(({ address }) => address));
  const intact = chunks.map((_, i) => String(i * 7919).padStart(12, '0')).filter((_, i) => i % 10 !== 0);
  return intact.filter((address) => !found.has(address)).length;
}

function noiseOf(length: number): Uint8Array {
  const random = xorshift(1);
  return Uint8Array.from({ length }, () => random() & 0xff);
}

function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
