/**
 * A waveform snapshot as a handful of phasors: the current's harmonics, turned so that the voltage's fundamental is the
 * zero of angle. Two snapshots taken at any moment can then be subtracted, harmonic by harmonic, which is the same as
 * aligning their cycles on the voltage's zero crossing, averaging and subtracting them; and the background that must
 * be remembered shrinks from a waveform to twenty numbers.
 *
 * Mains at 49.5–50.5 or 60 Hz: the nominal frequency is the one that explains the voltage better, the exact one follows
 * from how far the voltage's angle turned between the two halves of the snapshot.
 */
import type { Samples, Waveform } from '../../protocols/reading.ts';
import { type FourSteps, goertzel, goertzelTwice } from './goertzel.ts';

/** Orders that are kept. The even ones tell half-wave loads; above 15 a 1.6 kHz meter sees nothing. */
export const ORDERS = [1, 3, 5, 7, 9, 11, 13, 15, 2, 4] as const;

/** Current in amperes rms; real parts are in phase with the voltage's fundamental. As long as `ORDERS`. */
export interface Phasors {
  re: number[];
  im: number[];
}

/** What `ORDERS` is computed in; the last two are the even ones and two that are thrown away. */
const FOURS = [
  [1, 3, 5, 7],
  [9, 11, 13, 15],
  [2, 4, 0, 0],
] as const;

export interface Spectrum extends Phasors {
  /** Orders at the end of the odd ones that the sampling rate cannot show are zero and above this one. */
  highestOrder: number;
  frequencyHz: number;
  /** Fundamental, rms. */
  voltageV: number;
  /** Of the fundamental: what a meter calls active power, but for a fraction of a percent. */
  powerW: number;
  /** Whether the converter ran into its end. */
  clipped: boolean;
  cycles: number;
}

const NOMINAL_HZ = [50, 60] as const;
/** Below this share of the voltage's power at the fundamental it is no mains. */
const MAINS_SHARE = 0.7;
/** A cycle counts as settled while its energy is within this share of the last cycle's; aliasing at 800 Hz alone makes 0.2. */
const SETTLED = 0.35;
/** Faster snapshots are averaged down to about this before anything else: the fifteenth harmonic lies at 750 Hz. */
const ENOUGH_HZ = 3000;
const out = new Float64Array(8);
/** Room for twenty cycles of either channel; written and read within one call. */
const voltsRoom = new Float64Array(2048);
const ampsRoom = new Float64Array(2048);

/**
 * @param hintHz the mains as last seen on this meter; saves the search
 * @returns undefined where the snapshot is shorter than a cycle or its voltage is no mains
 */
export function spectrumOf(waveform: Waveform, hintHz?: number): Spectrum | undefined {
  const { rateHz, voltage, current } = waveform;
  const count = Math.min(voltage.samples.length, current.samples.length);
  if (!(rateHz >= 700) || count < rateHz / 62) return undefined;
  const block = Math.max(1, Math.floor(rateHz / ENOUGH_HZ));
  const slow = { block, rateHz: rateHz / block };
  const volts = blockMeans(voltage.samples, count, block, voltsRoom);
  const mains = mainsOf(volts, slow.rateHz, hintHz);
  if (mains === undefined) return undefined;
  const amps = blockMeans(current.samples, count, block, ampsRoom);
  const period = slow.rateHz / mains.frequencyHz;
  // A snapshot meant as one cycle may lack a sample of it when the mains runs slow.
  const available = Math.max(1, Math.floor((amps.length + 0.02 * period + 1) / period));
  const first = available > 2 ? settledFrom(amps, available, period) : 0;
  const cycles = available - first;
  const from = Math.round(first * period);
  const length = Math.min(cycles * period, amps.length - from);
  const phasors = phasorsOf(amps, from, length, slow, mains, current.scale);
  const voltageV = mains.amplitude * Math.SQRT1_2 * voltage.scale;
  const powerW = voltageV * phasors.re[0]!;
  const { frequencyHz } = mains;
  return { ...phasors, frequencyHz, voltageV, powerW, clipped: isClipped(current), cycles };
}

interface Mains {
  frequencyHz: number;
  /** Of the fundamental at the first sample, in the samples' own unit. */
  angle: number;
  amplitude: number;
  /** Of the voltage's power, what the fundamental explains. */
  share: number;
}

/** Orders of the current against the voltage's angle, with what the averaging took from each given back. */
function phasorsOf(
  amps: Float64Array,
  from: number,
  length: number,
  { block, rateHz }: { block: number; rateHz: number },
  { frequencyHz, angle }: Mains,
  scale: number,
) {
  const step = (2 * Math.PI * frequencyHz) / rateHz;
  const re: number[] = new Array(ORDERS.length).fill(0);
  const im: number[] = new Array(ORDERS.length).fill(0);
  let highestOrder = 1;
  let k = 0;
  for (const four of FOURS) {
    goertzel(amps, { from, length }, four.map((order) => order * step) as unknown as FourSteps, out);
    for (let n = 0; n < 4 && k < ORDERS.length; n++, k++) {
      const order = four[n]!;
      // Just below half the rate the filter in front of the converter has begun to cut.
      if (order * frequencyHz > 0.45 * rateHz) continue;
      const half = (order * step) / 2;
      const gain = block === 1 ? 1 : Math.sin(half) / (block * Math.sin(half / block));
      const factor = (Math.SQRT2 * scale) / (length * gain);
      const turned = order * (angle + step * from);
      const cos = Math.cos(turned) * factor;
      const sin = Math.sin(turned) * factor;
      re[k] = out[2 * n]! * cos + out[2 * n + 1]! * sin;
      im[k] = out[2 * n + 1]! * cos - out[2 * n]! * sin;
      if (order % 2 === 1 && order > highestOrder) highestOrder = order;
    }
  }
  return { re, im, highestOrder };
}

/** Means of `block` samples each, into `room` where it is large enough: two buffers a snapshot are work for the collector. */
function blockMeans(samples: Int16Array, count: number, block: number, room: Float64Array): Float64Array {
  const length = Math.floor(count / block);
  const means = length <= room.length ? room.subarray(0, length) : new Float64Array(length);
  const share = 1 / block;
  for (let k = 0, n = 0; k < length; k++) {
    let sum = samples[n++]!;
    for (let rest = 1; rest < block; rest++) sum += samples[n++]!;
    means[k] = sum * share;
  }
  return means;
}

/** The mains in the voltage, or undefined where neither 50 nor 60 Hz explains it. */
function mainsOf(volts: Float64Array, rateHz: number, hintHz?: number): Mains | undefined {
  if (hintHz !== undefined) {
    const likely = mainsAt(volts, rateHz, Math.abs(hintHz - 60) < 5 ? 60 : 50);
    if (likely.share > 0.9) return likely;
  }
  const [at50, at60] = NOMINAL_HZ.map((nominalHz) => mainsAt(volts, rateHz, nominalHz));
  const best = at60!.share > at50!.share ? at60! : at50!;
  return best.share > MAINS_SHARE ? best : undefined;
}

function mainsAt(volts: Float64Array, rateHz: number, nominalHz: number): Mains {
  const count = volts.length;
  const period = rateHz / nominalHz;
  if (count < 0.97 * period - 1) return { frequencyHz: nominalHz, angle: 0, amplitude: 0, share: 0 };
  const cycles = Math.max(1, Math.floor((count + 1) / period));
  // Two windows of whole cycles: the first and the last that fit. They may overlap when there are few.
  const length = Math.min(count, Math.max(1, cycles >> 1) * period);
  const second = Math.floor(count - length);
  const step = (2 * Math.PI) / period;
  goertzelTwice(volts, { from: 0, length }, second, step, out);
  const angle = Math.atan2(out[1]!, out[0]!);
  const amplitude = (2 * Math.hypot(out[0]!, out[1]!)) / length;
  const share = amplitude ** 2 / 2 / Math.max(1e-9, variance(volts, Math.floor(length)));
  if (cycles < 2) return { share, angle, amplitude, frequencyHz: nominalHz };
  const advance = Math.atan2(out[3]!, out[2]!) - angle - step * second;
  const turned = advance - 2 * Math.PI * Math.round(advance / (2 * Math.PI));
  const offHz = (turned / (2 * Math.PI)) * (rateHz / second);
  // A generator or a wrong rate: what is further off than this is not measured but guessed.
  if (Math.abs(offHz) >= 2) return { share, angle, amplitude, frequencyHz: nominalHz };
  // The window shows the angle of its middle; from there it is half a window back at the true frequency.
  const back = ((2 * Math.PI * offHz) / rateHz) * ((length - 1) / 2);
  return { share, angle: angle - back, amplitude, frequencyHz: nominalHz + offHz };
}

function variance(x: Float64Array, count: number): number {
  let sum = 0;
  let squares = 0;
  for (let n = 0; n < count; n++) {
    const value = x[n]!;
    sum += value;
    squares += value * value;
  }
  return squares / count - (sum / count) ** 2;
}

/** First cycle from which on the current stays as it ends: an inrush or a switching in the snapshot is left out. */
function settledFrom(amps: Float64Array, cycles: number, period: number): number {
  const energy = (cycle: number) => {
    const from = Math.round(cycle * period);
    const to = Math.min(amps.length, Math.round((cycle + 1) * period));
    let squares = 0;
    for (let n = from; n < to; n++) squares += amps[n]! * amps[n]!;
    return squares;
  };
  const last = energy(cycles - 1);
  let from = cycles - 1;
  while (from > 0 && Math.abs(energy(from - 1) - last) <= SETTLED * last + 64) from--;
  // A load that never settles (a welder, a motor that hunts) is averaged over all.
  return cycles - from >= 2 ? from : 0;
}

/** Two full-scale samples side by side do not happen to a current that fits. */
function isClipped({ samples }: Samples): boolean {
  for (let n = 1; n < samples.length; n++) {
    const value = samples[n]!;
    if ((value === 32767 || value === -32768) && value === samples[n - 1]) return true;
  }
  return false;
}
