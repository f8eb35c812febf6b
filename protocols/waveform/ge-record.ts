/** Byte layouts of the GE EPM 9650's sample and trigger records; see `ge-epm9650.ts` for how they are fetched. */
import { type Phase, rescale, type Snapshot } from './snapshot.ts';

const SET_BYTES = 16;
const RECORD_BYTES = 16_384;
const TRIGGER_BYTES = 256;
/** Where the eight gain factors begin in a trigger record: its last 32 bytes. */
const GAINS_AT = TRIGGER_BYTES - 32;
const STAMP_AT = GAINS_AT - 12;
const COUNTER_AT = STAMP_AT - 1;
/** Offsets of VAN and IA in a set; the other phases follow, two bytes each. */
const VOLTAGE_AT = 8;
const CURRENT_AT = 0;
const FRACTION = 0x1_0000;

export interface GeGains {
  voltage: readonly number[];
  current: readonly number[];
}

/**
 * A voltage sample: 15 bits, two's complement, low byte first; the high byte holds bits 14–7 rounded up by bit 6, which
 * is the meter's own fast RMS value and is taken back here.
 */
function voltageAt(bytes: Uint8Array, at: number): number {
  const low = bytes[at]!;
  const high = (bytes[at + 1]! << 24) >> 24;
  const rounded = low & 0x40 ? high - 1 : high;
  return (rounded << 7) | (low & 0x7f);
}

function putVoltage(bytes: Uint8Array, at: number, sample: number): void {
  bytes[at] = sample & 0xff;
  bytes[at + 1] = (sample >> 7) + (sample & 0x40 ? 1 : 0);
}

/** A sample of voltage fits 15 bits, less the rounding at the top. */
const VOLTAGE_MAX = 0x3fbf;

export function decodeGeVoltage(bytes: Uint8Array, phase: Phase, count: number): Int16Array {
  return Int16Array.from({ length: count }, (_, i) => voltageAt(bytes, i * SET_BYTES + VOLTAGE_AT + 2 * (phase - 1)));
}

/** A current sample is taken as plain two's complement of 16 bits, low byte first. */
export function decodeGeCurrent(bytes: Uint8Array, phase: Phase, count: number): Int16Array {
  return Int16Array.from({ length: count }, (_, i) => {
    const at = i * SET_BYTES + CURRENT_AT + 2 * (phase - 1);
    return bytes[at]! | (bytes[at + 1]! << 8);
  });
}

/** The gain factors of a trigger record: volts and amps per count. */
export function readGeGains(trigger: Uint8Array): GeGains {
  const view = new DataView(trigger.buffer, trigger.byteOffset, trigger.byteLength);
  const gain = (slot: number): number => view.getUint32(GAINS_AT + 4 * slot) / FRACTION;
  return { voltage: [gain(0), gain(1), gain(2)], current: [gain(4), gain(5), gain(6)] };
}

/** Both records of one snapshot, as the meter keeps them. */
export function encodeGeRecords(snapshot: Snapshot, counter = 0): { samples: Uint8Array; trigger: Uint8Array } {
  const samples = new Uint8Array(RECORD_BYTES);
  const trigger = new Uint8Array(TRIGGER_BYTES);
  const view = new DataView(trigger.buffer);
  trigger.set(geStamp(snapshot.localMs), 0);
  trigger[COUNTER_AT] = counter;
  trigger.set(geStamp(snapshot.localMs), STAMP_AT);
  trigger[STAMP_AT + 8] = new Date(snapshot.localMs).getUTCMilliseconds() % 10;
  for (const [index, { voltage, current }] of snapshot.phases.entries()) {
    const voltageGain = gainFor(voltage.scale, peak(voltage.samples), VOLTAGE_MAX);
    const currentGain = gainFor(current.scale, peak(current.samples), 0x7fff);
    view.setUint32(GAINS_AT + 4 * index, voltageGain * FRACTION);
    view.setUint32(GAINS_AT + 4 * (index + 4), currentGain * FRACTION);
    const u = rescale(voltage, voltageGain);
    const i = rescale(current, currentGain);
    for (let n = 0; n < Math.min(u.length, RECORD_BYTES / SET_BYTES); n++) {
      putVoltage(samples, n * SET_BYTES + VOLTAGE_AT + 2 * index, u[n]!);
      samples[n * SET_BYTES + CURRENT_AT + 2 * index] = i[n]! & 0xff;
      samples[n * SET_BYTES + CURRENT_AT + 2 * index + 1] = i[n]! >> 8;
    }
  }
  return { samples, trigger };
}

function peak(samples: Int16Array): number {
  return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1);
}

/** The finest gain, in steps of the register, that still holds the peak. */
function gainFor(scale: number, largest: number, most: number): number {
  return Math.max(1, Math.ceil((scale * largest * FRACTION) / most)) / FRACTION;
}

/** Century, year, month, day, hour, minute, second, centisecond. */
export function geStamp(localMs: number): Uint8Array {
  const at = new Date(localMs);
  const year = at.getUTCFullYear();
  return Uint8Array.of(
    Math.floor(year / 100),
    year % 100,
    at.getUTCMonth() + 1,
    at.getUTCDate(),
    at.getUTCHours(),
    at.getUTCMinutes(),
    at.getUTCSeconds(),
    Math.floor(at.getUTCMilliseconds() / 10),
  );
}
