/**
 * What a meter shows of the current's form at one moment, whatever it can: a waveform's phasors, or the magnitudes of
 * the harmonics. Two views make a step's shape.
 */
import type { Reading, Waveform } from '../../protocols/reading.ts';
import { ORDERS, type Phasors, spectrumOf } from '../signal/spectrum.ts';
import { rectifierProbability } from './model.ts';
import { difference, type Shape, shapeOf } from './shape.ts';

export interface View extends Phasors {
  atMs: number;
  inputs: 'waveform' | 'harmonics';
  voltageV: number;
  powerW: number;
  highestOrder: number;
  frequencyHz: number;
  /** Power of the rectifier that would make all of these harmonics: what grows when one is switched on. */
  rectifierW: number;
  /** The first view of its phase, which no step has been judged with yet. */
  lone?: true;
}

/** Four digits are more than any converter has, and a third of the bytes. */
const short = (value: number) => Number(value.toPrecision(4));

/** @returns undefined where the snapshot is too short or its voltage is no mains */
export function viewOfWaveform(waveform: Waveform, atMs: number, hintHz?: number): View | undefined {
  const spectrum = spectrumOf(waveform, hintHz);
  if (spectrum === undefined) return undefined;
  const { voltageV, powerW, highestOrder, frequencyHz } = spectrum;
  const re = spectrum.re.map(short);
  const im = spectrum.im.map(short);
  const { rectifierW } = shapeOf({ re, im }, voltageV, highestOrder);
  return { atMs, inputs: 'waveform', re, im, voltageV, powerW, highestOrder, frequencyHz, rectifierW };
}

/**
 * Magnitudes alone, `harmonicsA[phase][order − 1]`: all harmonics are taken to be in step, as those of rectifiers are,
 * so a difference of magnitudes is the least that can have been added. The fundamental is what carries the power.
 */
export function viewOfHarmonics(reading: Reading, phase: number, powerW: number, atMs: number): View | undefined {
  const harmonicsA = reading.harmonicsA?.[phase];
  if (harmonicsA === undefined || harmonicsA.length < 7) return undefined;
  const voltageV = reading.voltageV?.[phase] ?? 220;
  const ofPhaseW = voltageV * (harmonicsA[0] ?? 0) * Math.abs(reading.powerFactor?.[phase] ?? 1);
  const re = ORDERS.map((order) => short(order === 1 ? ofPhaseW / voltageV : (harmonicsA[order - 1] ?? 0)));
  const im = ORDERS.map(() => 0);
  const highestOrder = harmonicsA.length;
  const { rectifierW } = shapeOf({ re, im }, voltageV, highestOrder);
  return { atMs, inputs: 'harmonics', re, im, voltageV, powerW, highestOrder, frequencyHz: 50, rectifierW };
}

export interface Judged {
  shape: Shape;
  /** That a rectifier was switched on or off. */
  probability: number;
  /** Its power. */
  powerW: number;
  /** Switched on: the harmonics grew. This holds also where a clamp is turned round or a roof feeds in. */
  grew: boolean;
}

/**
 * What changed between two views.
 * @param stepW what the readings say was switched on, to take a background away that no view has shown
 */
export function judge(now: View, before: View | undefined, stepW = now.powerW): Judged {
  const backgroundA = (now.powerW - stepW) / Math.max(now.voltageV, 1);
  const order = Math.min(now.highestOrder, before?.highestOrder ?? now.highestOrder);
  const shape = shapeOf(difference(now, before, backgroundA), now.voltageV, order);
  const grew = now.rectifierW > (before?.rectifierW ?? 0);
  const powerW = Math.abs(shape.powerW);
  const fits = Math.abs(powerW - shape.rectifierW) <= 0.4 * shape.rectifierW;
  // Magnitudes without phases cannot tell a dimmer's late pulse from a rectifier's.
  const most = now.inputs === 'waveform' ? 1 : 0.9;
  if (fits) return { shape, probability: Math.min(most, rectifierProbability(shape)), powerW, grew };
  const alone = withoutOthers(shape);
  const probability = Math.min(0.85, most, Math.max(rectifierProbability(shape), rectifierProbability(alone)));
  return { shape: alone, probability, powerW: shape.rectifierW, grew };
}

/**
 * The same harmonics as though a rectifier alone had made them: a kettle that began in the same minute, or a cloud
 * over a solar roof, changes the fundamental and hides the ratios. A pulse that flattens the crest is the voltage's
 * own form in a big heater, and stays what it is.
 */
function withoutOthers(shape: Shape): Shape {
  if (shape.pulse3 < 0.3) return shape;
  const a3 = 0.6 + 0.38 * Math.min(shape.fall5, 1);
  const a5 = a3 * shape.fall5;
  return { ...shape, a3, a5, a7: a5 * shape.fall7, displacementPf: 0.95, powerW: shape.rectifierW };
}
