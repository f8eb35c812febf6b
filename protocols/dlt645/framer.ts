/**
 * Bytes to frames on a line where garbage is normal. The length decides where a frame ends; after a bad start exactly
 * one byte is dropped and the next 68H is tried, so that a corrupt byte costs at most its own frame.
 */
import { checkFrame, decodeFrame, FRAME_OVERHEAD, type Frame, START, WAKE } from './frame.ts';

/** Room for one frame that is still growing and what came with it. */
const BUFFER_BYTES = 512;

export class Framer {
  /** Bytes so far that were neither frame nor FE preamble. */
  discardedBytes = 0;
  /** The worst that a start came to since `clear`: a whole frame with a wrong checksum says more than half a frame. */
  problem: 'checksum' | 'incomplete' | undefined;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #used = 0;

  /** Bytes that may yet become a frame; never more than one frame's worth. */
  get pendingBytes(): number {
    return this.#used;
  }

  /** The frames completed by `chunk`, echoes of the master included. The same frames whatever the chunking. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let taken = 0;
    while (taken < chunk.length) {
      const room = Math.min(BUFFER_BYTES - this.#used, chunk.length - taken);
      this.#buffer.set(taken === 0 && room === chunk.length ? chunk : chunk.subarray(taken, taken + room), this.#used);
      this.#used += room;
      taken += room;
      this.#scan(frames, false);
    }
    return frames;
  }

  /** Nothing more will come: the start that waits for its rest is given up, and frames hidden behind it come out. */
  flush(): Frame[] {
    const frames: Frame[] = [];
    this.#scan(frames, true);
    return frames;
  }

  /** Forgets what is pending, uncounted: a new request begins. */
  clear(): void {
    this.#used = 0;
    this.problem = undefined;
  }

  #scan(frames: Frame[], final: boolean): void {
    const buffer = this.#buffer;
    const end = this.#used;
    let at = 0;
    let discarded = 0;
    while (at < end) {
      const byte = buffer[at]!;
      if (byte === START) {
        const check = checkFrame(buffer, at, end);
        if (check === 'frame' && !hidesAnother(buffer, at)) {
          frames.push(decodeFrame(buffer, at));
          at += FRAME_OVERHEAD + buffer[at + 9]!;
          continue;
        }
        if (check === 'incomplete' && !final) break;
        if (check === 'checksum') this.problem = check;
        else if (check === 'incomplete') this.problem ??= check;
      }
      if (byte !== WAKE) discarded++;
      at++;
    }
    this.discardedBytes += discarded;
    if (at > 0) buffer.copyWithin(0, at, end);
    this.#used = end - at;
  }
}

/**
 * Whether the whole frame at `at` holds another whole one. With 33H added, no meter's data do; it is what a corrupt
 * length byte and one chance in 256 make of two frames, and the inner one is the real one. Only the transparent
 * forwarding of E5E50000H and E5E50001H carries frames as they are.
 */
export function hidesAnother(bytes: Uint8Array, at: number): boolean {
  const end = at + FRAME_OVERHEAD + bytes[at + 9]!;
  if (isForwarding(bytes, at + 10)) return false;
  for (let inner = at + 1; inner <= end - FRAME_OVERHEAD; inner++) {
    if (bytes[inner] === START && checkFrame(bytes, inner, end) === 'frame') return true;
  }
  return false;
}

function isForwarding(bytes: Uint8Array, at: number): boolean {
  if (bytes[at + 3] !== 0x18 || bytes[at + 2] !== 0x18 || bytes[at + 1] !== 0x33) return false;
  return bytes[at] === 0x33 || bytes[at] === 0x34;
}
