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
import { goertzelPair, type Window } from './goertzel.ts';

/** Orders that are kept. The even ones tell half-wave loads; above 15 a 1.6 kHz meter sees nothing. */
export const ORDERS = [1, 3, 5, 7, 9, 11, 13, 15, 2, 4] as const;

/** Current in amperes rms; real parts are in phase with the voltage's fundamental. As long as `ORDERS`. */
export interface Phasors {
  re: number[];
  im: number[];
}

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
const out = new Float64Array(4);

/**
 * @param hintHz the mains as last seen on this meter; saves the search
 * @returns undefined where the snapshot is shorter than a cycle or its voltage is no mains
 */
export function spectrumOf(waveform: Waveform, hintHz?: number): Spectrum | undefined {
  const { rateHz, voltage, current } = waveform;
  const count = Math.min(voltage.samples.length, current.samples.length);
  if (!(rateHz >= 700) || count < rateHz / 62) return undefined;
  const frequencyHz = mainsFrequency(voltage.samples, count, rateHz, hintHz);
  if (frequencyHz === undefined) return undefined;
  const period = rateHz / frequencyHz;
  // A snapshot meant as one cycle may lack a sample of it when the mains runs slow.
  const available = Math.max(1, Math.floor((count + 0.02 * period + 1) / period));
  const from = available > 2 ? settledFrom(current.samples, available, period) : 0;
  const cycles = available - from;
  const start = Math.round(from * period);
  const window = { from: start, length: Math.min(cycles * period, count - start) };
  return phasors(waveform, window, frequencyHz, cycles);
}

function phasors({ rateHz, voltage, current }: Waveform, window: Window, frequencyHz: number, cycles: number) {
  const step = (2 * Math.PI * frequencyHz) / rateHz;
  const voltageScale = (Math.SQRT2 / window.length) * voltage.scale;
  goertzelPair(voltage.samples, window, step, 2 * step, out);
  const voltageV = Math.hypot(out[0]!, out[1]!) * voltageScale;
  const angle = Math.atan2(out[1]!, out[0]!);
  const scale = (Math.SQRT2 / window.length) * current.scale;
  const re: number[] = new Array(ORDERS.length).fill(0);
  const im: number[] = new Array(ORDERS.length).fill(0);
  let highestOrder = 1;
  for (let k = 0; k < ORDERS.length; k += 2) {
    const first = ORDERS[k]!;
    const second = ORDERS[k + 1]!;
    // Just below half the rate the filter in front of the converter has begun to cut.
    if (first * frequencyHz > 0.45 * rateHz) continue;
    goertzelPair(current.samples, window, first * step, second * step, out);
    turn(k, first, 0);
    if (second * frequencyHz <= 0.45 * rateHz) turn(k + 1, second, 2);
  }
  function turn(at: number, order: number, from: number) {
    const cos = Math.cos(order * angle);
    const sin = Math.sin(order * angle);
    re[at] = (out[from]! * cos + out[from + 1]! * sin) * scale;
    im[at] = (out[from + 1]! * cos - out[from]! * sin) * scale;
    if (order % 2 === 1 && order > highestOrder) highestOrder = order;
  }
  const powerW = voltageV * re[0]!;
  return { re, im, highestOrder, frequencyHz, voltageV, powerW, clipped: isClipped(current), cycles };
}

/** The exact frequency, or undefined where neither 50 nor 60 Hz explains the voltage. */
function mainsFrequency(voltage: Int16Array, count: number, rateHz: number, hintHz?: number): number | undefined {
  if (hintHz !== undefined) {
    const nominal = Math.abs(hintHz - 60) < 5 ? 60 : 50;
    const found = tryFrequency(voltage, count, rateHz, nominal);
    if (found.share > 0.9) return found.frequencyHz;
  }
  const [at50, at60] = NOMINAL_HZ.map((nominal) => tryFrequency(voltage, count, rateHz, nominal));
  const best = at60!.share > at50!.share ? at60! : at50!;
  return best.share > MAINS_SHARE ? best.frequencyHz : undefined;
}

function tryFrequency(voltage: Int16Array, count: number, rateHz: number, nominalHz: number) {
  const period = rateHz / nominalHz;
  if (count < 0.97 * period - 1) return { share: 0, frequencyHz: nominalHz };
  const cycles = Math.max(1, Math.floor((count + 1) / period));
  // Two windows of whole cycles: the first and the last that fit. They may overlap when there are few.
  const length = Math.min(count, Math.max(1, cycles >> 1) * period);
  const step = (2 * Math.PI) / period;
  goertzelPair(voltage, { from: 0, length }, step, 0, out);
  const angle = Math.atan2(out[1]!, out[0]!);
  const power = (2 * (out[0]! ** 2 + out[1]! ** 2)) / length ** 2;
  const share = power / Math.max(1e-9, meanSquare(voltage, Math.floor(length)));
  const from = Math.floor(count - length);
  if (cycles < 2) return { share, frequencyHz: nominalHz };
  goertzelPair(voltage, { from, length }, step, 0, out);
  const advance = Math.atan2(out[1]!, out[0]!) - angle - step * from;
  const turned = advance - 2 * Math.PI * Math.round(advance / (2 * Math.PI));
  const frequencyHz = nominalHz + (turned / (2 * Math.PI)) * (rateHz / from);
  // A generator or a wrong rate: what is further off than this is not measured but guessed.
  return { share, frequencyHz: Math.abs(frequencyHz - nominalHz) < 2 ? frequencyHz : nominalHz };
}

function meanSquare(x: Int16Array, count: number): number {
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
function settledFrom(current: Int16Array, cycles: number, period: number): number {
  const energy = (cycle: number) => {
    const from = Math.round(cycle * period);
    const to = Math.min(current.length, Math.round((cycle + 1) * period));
    let squares = 0;
    // Every second sample is enough to see a step and costs half.
    for (let n = from; n < to; n += 2) squares += current[n]! * current[n]!;
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
    if ((value >= 32767 || value <= -32768) && value === samples[n - 1]) return true;
  }
  return false;
}
