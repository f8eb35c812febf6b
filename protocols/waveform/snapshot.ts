/**
 * One snapshot as a meter keeps it: voltage and current of up to three phases sampled together, with the moment.
 * Every source brings its own bytes into this shape and lets `checkWaveform` judge the result.
 */
import type { Failure } from '../failure.ts';
import type { Samples, Waveform } from '../reading.ts';

export interface Snapshot {
  /** When the last sample was taken, in the meter's own civil time as though it were UTC. */
  localMs: number;
  rateHz: number;
  /** Phase 1 first. All hold equally many samples. */
  phases: readonly { voltage: Samples; current: Samples }[];
}

export type Phase = 1 | 2 | 3;

export interface Failed {
  failure: Failure;
  detail: string;
}

/** What a source remembers between captures, so that the same snapshot is not taken twice for a new one. */
export interface CaptureMemory {
  /** What told the last snapshot from others: its time stamp, its number. */
  last?: string;
}

export const RATE_HZ = { min: 800, max: 12_800 } as const;
/** Cycles are counted at the mains frequency that allows more of them. */
const CYCLES = { min: 1, max: 20 } as const;
const MAINS_HZ = { min: 50, max: 60 } as const;

/** Why this is no snapshot a detector can use; undefined when it is one. */
export function checkWaveform(waveform: Waveform): Failed | undefined {
  const { rateHz, voltage, current } = waveform;
  const count = voltage.samples.length;
  const bad = (detail: string): Failed => ({ failure: 'bad-value', detail });
  if (!(rateHz >= RATE_HZ.min && rateHz <= RATE_HZ.max)) return bad(`${rateHz} Hz is outside 800 Hz to 12.8 kHz`);
  if (current.samples.length !== count) return { failure: 'torn', detail: 'voltage and current differ in length' };
  if (count < (CYCLES.min * rateHz) / MAINS_HZ.max) return bad(`${count} samples are less than a cycle`);
  if (count > (CYCLES.max * rateHz) / MAINS_HZ.min) return bad(`${count} samples are more than 20 cycles`);
  if (!(voltage.scale > 0 && current.scale > 0)) return bad('a scale is not positive');
  return undefined;
}

/** The waveform if it is usable. */
export function judged(waveform: Waveform): { value: Waveform } | Failed {
  return checkWaveform(waveform) ?? { value: waveform };
}

/** The samples on another scale: what a source with fixed units sends. Saturates at 16 bits. */
export function rescale({ scale, samples }: Samples, to: number): Int16Array {
  return Int16Array.from(samples, (sample) => Math.max(-0x8000, Math.min(0x7fff, Math.round((sample * scale) / to))));
}
