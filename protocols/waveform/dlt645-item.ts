/**
 * A snapshot as one DL/T 645 item of the manufacturer's, longer than a frame and so fetched by follow-on frames (12H).
 * The standard has no sampled waveform; the meter profile names the item. All numbers low byte first, as everywhere there.
 *
 *   0   phase, 1–3                       10  rate in Hz (2)
 *   1   bits per sample, 12 or 16        12  µV per count (4)
 *   2   number of the capture (2)        16  µA per count (4)
 *   4   ss mm hh DD MM YY, BCD           20  samples n of each channel (2)
 *   22  n of voltage, n of current; 12-bit samples two in three bytes, the first in the low 12 bits
 *   end CRC-16 as Modbus has it (2): over all before it, since each frame's own sum says nothing of the whole
 */
import type { Exchange, Move } from '../exchange.ts';
import { crc16, crcFits, seal } from '../modbus/crc.ts';
import type { Waveform } from '../reading.ts';
import { type CaptureMemory, type Failed, judged, type Phase, rescale } from './snapshot.ts';

const HEADER = 22;
const TAIL = 2;
const MICRO = 1e-6;

export interface Dlt645Snapshot {
  capture: number;
  /** Civil time of the meter as though it were UTC; whole seconds. */
  localMs: number;
  waveform: Waveform;
}

/** The item's bytes. With 12 bits the samples are scaled to fit; `capture` tells this snapshot from the one before. */
export function encodeDlt645Waveform(snapshot: Dlt645Snapshot, bits: 12 | 16 = 16): Uint8Array {
  const { phase, rateHz } = snapshot.waveform;
  const voltage = fitted(snapshot.waveform.voltage, bits);
  const current = fitted(snapshot.waveform.current, bits);
  const count = voltage.samples.length;
  const bytes = new Uint8Array(HEADER + 2 * packedBytes(count, bits) + TAIL);
  const view = new DataView(bytes.buffer);
  bytes.set([phase, bits], 0);
  view.setUint16(2, snapshot.capture, true);
  const at = new Date(snapshot.localMs);
  const civil = [at.getUTCSeconds(), at.getUTCMinutes(), at.getUTCHours(), at.getUTCDate(), at.getUTCMonth() + 1];
  bytes.set([...civil, at.getUTCFullYear() % 100].map(toBcd), 4);
  view.setUint16(10, rateHz, true);
  view.setUint32(12, voltage.micro, true);
  view.setUint32(16, current.micro, true);
  view.setUint16(20, count, true);
  pack(bytes, HEADER, voltage.samples, bits);
  pack(bytes, HEADER + packedBytes(count, bits), current.samples, bits);
  return seal(bytes);
}

/** What the item says, or why it is refused: `incomplete`, `torn` (the CRC does not fit), `bad-value`. */
export function decodeDlt645Waveform(bytes: Uint8Array): Dlt645Snapshot | Failed {
  if (bytes.length < HEADER + TAIL) return { failure: 'incomplete', detail: `${bytes.length} bytes are no snapshot` };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bits = bytes[1];
  const count = view.getUint16(20, true);
  if (bits !== 12 && bits !== 16) return { failure: 'bad-value', detail: `${bits} bits a sample` };
  const length = HEADER + 2 * packedBytes(count, bits) + TAIL;
  if (bytes.length < length) return { failure: 'incomplete', detail: `${bytes.length} of ${length} bytes` };
  if (!crcFits(bytes, 0, length)) return { failure: 'torn', detail: 'the snapshot changed while it was read' };
  const civil = [...bytes.subarray(4, 10)].map(fromBcd);
  const [second, minute, hour, day, month, year] = civil as [number, number, number, number, number, number];
  if (civil.some(Number.isNaN)) return { failure: 'bad-value', detail: 'the time is no BCD' };
  const waveform: Waveform = {
    rateHz: view.getUint16(10, true),
    phase: bytes[0]!,
    voltage: { scale: view.getUint32(12, true) * MICRO, samples: unpack(bytes, HEADER, count, bits) },
    current: {
      scale: view.getUint32(16, true) * MICRO,
      samples: unpack(bytes, HEADER + packedBytes(count, bits), count, bits),
    },
  };
  return {
    capture: view.getUint16(2, true),
    localMs: Date.UTC(2000 + year, month - 1, day, hour, minute, second),
    waveform,
  };
}

/** What a capture over DL/T 645 needs to know. */
export interface Dlt645CaptureOptions {
  phase: Phase;
  memory?: CaptureMemory;
}

/**
 * Turns the exchange that reads the item's bytes (follow-on frames and their sequence are its business) into one that
 * gives the waveform. Fails with what the read failed with, or `torn`, `stale`, `wrong-item` (another phase), `bad-value`.
 */
export function captureDlt645(read: Exchange<Uint8Array>, options: Dlt645CaptureOptions): Exchange<Waveform> {
  const judge = (move: Move<Uint8Array>): Move<Waveform> => {
    if (move.do !== 'done') return move;
    const outcome = accept(move.value, options);
    if ('failure' in outcome) return { do: 'failed', ...outcome };
    return { do: 'done', value: outcome.value, wireBytes: move.wireBytes };
  };
  return {
    start: () => judge(read.start()),
    received: (chunk) => judge(read.received(chunk)),
    timedOut: () => judge(read.timedOut()),
  };
}

function accept(bytes: Uint8Array, { phase, memory }: Dlt645CaptureOptions): { value: Waveform } | Failed {
  const snapshot = decodeDlt645Waveform(bytes);
  if ('failure' in snapshot) return snapshot;
  if (snapshot.waveform.phase !== phase) {
    return { failure: 'wrong-item', detail: `phase ${snapshot.waveform.phase} came, not ${phase}` };
  }
  // The CRC tells captures apart that carry one number, as after a restart of the meter.
  const stamp = `${snapshot.capture}.${snapshot.localMs}.${crc16(bytes)}`;
  if (memory && memory.last === stamp) return { failure: 'stale', detail: 'no new snapshot since the last capture' };
  if (memory) memory.last = stamp;
  return judged(snapshot.waveform);
}

function packedBytes(count: number, bits: 12 | 16): number {
  return bits === 16 ? 2 * count : Math.ceil((3 * count) / 2);
}

/** Samples on a scale of whole micro-units, and within the bits. */
function fitted(part: Waveform['voltage'], bits: 12 | 16): { micro: number; samples: Int16Array } {
  const most = bits === 16 ? 0x7fff : 0x7ff;
  const peak = part.samples.reduce((largest, sample) => Math.max(largest, Math.abs(sample)), 0);
  const exact = Math.round(part.scale / MICRO);
  const micro = Math.max(1, exact, Math.ceil((part.scale * peak) / most / MICRO));
  return { micro, samples: micro === exact ? part.samples : rescale(part, micro * MICRO) };
}

function pack(bytes: Uint8Array, start: number, samples: Int16Array, bits: 12 | 16): void {
  for (const [i, sample] of samples.entries()) {
    if (bits === 16) {
      bytes[start + 2 * i] = sample & 0xff;
      bytes[start + 2 * i + 1] = (sample >> 8) & 0xff;
      continue;
    }
    const at = start + 3 * (i >> 1);
    if (i % 2 === 0) {
      bytes[at] = sample & 0xff;
      bytes[at + 1] = (sample >> 8) & 0x0f;
    } else {
      bytes[at + 1] = bytes[at + 1]! | ((sample & 0x0f) << 4);
      bytes[at + 2] = (sample >> 4) & 0xff;
    }
  }
}

function unpack(bytes: Uint8Array, start: number, count: number, bits: 12 | 16): Int16Array {
  return Int16Array.from({ length: count }, (_, i) => {
    if (bits === 16) return bytes[start + 2 * i]! | (bytes[start + 2 * i + 1]! << 8);
    const at = start + 3 * (i >> 1);
    const raw =
      i % 2 === 0 ? bytes[at]! | ((bytes[at + 1]! & 0x0f) << 8) : (bytes[at + 1]! >> 4) | (bytes[at + 2]! << 4);
    return (raw << 20) >> 20;
  });
}

const toBcd = (value: number): number => (Math.floor(value / 10) << 4) | (value % 10);
const fromBcd = (byte: number): number =>
  (byte & 0x0f) > 9 || byte >> 4 > 9 ? Number.NaN : 10 * (byte >> 4) + (byte & 0x0f);
