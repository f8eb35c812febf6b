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
  phase: number;
  inputs: 'waveform' | 'harmonics' | 'distortion';
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
  return {
    atMs,
    phase: waveform.phase,
    inputs: 'waveform',
    re,
    im,
    voltageV,
    powerW,
    highestOrder,
    frequencyHz,
    rectifierW,
  };
}

/** Third, fifth … of a typical charger as shares of all its distortion: what a single figure of distortion is spread to. */
const TYPICAL = { 3: 0.66, 5: 0.53, 7: 0.38, 9: 0.26, 11: 0.16 } as const;

/**
 * Magnitudes alone, `harmonicsA[phase][order − 1]`: all harmonics are taken to be in step, as those of rectifiers are,
 * so a difference of magnitudes is the least that can have been added. The fundamental is what carries the power.
 * Where there is only `currentThd`, the distortion is spread as a charger's would be: whether it fits the power is then
 * all that can be judged.
 */
export function viewOfHarmonics(reading: Reading, phase: number, powerW: number, atMs: number): View | undefined {
  const voltageV = reading.voltageV?.[phase] ?? 220;
  const harmonicsA = reading.harmonicsA?.[phase];
  if (harmonicsA !== undefined && harmonicsA.length >= 7) {
    const ofPhaseW = voltageV * (harmonicsA[0] ?? 0) * Math.abs(reading.powerFactor?.[phase] ?? 1);
    const re = ORDERS.map((order) => short(order === 1 ? ofPhaseW / voltageV : (harmonicsA[order - 1] ?? 0)));
    return magnitudes(re, 'harmonics', { atMs, phase: phase + 1, voltageV, powerW, highestOrder: harmonicsA.length });
  }
  const thd = reading.currentThd?.[phase];
  if (thd === undefined) return undefined;
  const currentA = reading.currentA?.[phase];
  const fundamentalA = currentA === undefined ? Math.abs(powerW) / voltageV : currentA / Math.sqrt(1 + thd * thd);
  const typical: Partial<Record<number, number>> = TYPICAL;
  const re = ORDERS.map((order) => short(fundamentalA * (order === 1 ? 1 : thd * (typical[order] ?? 0))));
  return magnitudes(re, 'distortion', { atMs, phase: phase + 1, voltageV, powerW, highestOrder: 11 });
}

function magnitudes(
  re: number[],
  inputs: View['inputs'],
  rest: Pick<View, 'atMs' | 'phase' | 'voltageV' | 'powerW' | 'highestOrder'>,
): View {
  const im = ORDERS.map(() => 0);
  const { rectifierW } = shapeOf({ re, im }, rest.voltageV, rest.highestOrder);
  return { ...rest, inputs, re, im, frequencyHz: 50, rectifierW };
}

const STALE_MS = 30 * 60_000;
/** Views that are kept, of all phases together. */
const KEPT = 8;

/** Remembers a view; the oldest of its phase makes room, so that no phase starves the others. */
export function keep(views: View[], view: View): void {
  views.push(view);
  if (views.length <= KEPT) return;
  const counts = [1, 2, 3].map((phase) => views.filter((one) => one.phase === phase).length);
  const fullest = counts.indexOf(Math.max(...counts)) + 1;
  views.splice(
    views.findIndex(({ phase }) => phase === fullest),
    1,
  );
}

/**
 * The view that shows the home as it was before: the newest one, unless the home's power had drifted away from what it
 * shows (a charger that tapered off since, without a step) and an older one comes much closer.
 * @param beforeW the landing before the step, where one was seen
 */
export function viewBefore(views: readonly View[], now: View, beforeW: number | undefined): View | undefined {
  // Magnitudes that are taken to be in step are nothing to subtract from true phasors.
  const alike = (view: View) => (view.inputs === 'waveform') === (now.inputs === 'waveform');
  const past = views.filter((view) => view.phase === now.phase && view.atMs < now.atMs && alike(view));
  const newest = past.at(-1);
  if (newest === undefined || beforeW === undefined) return newest;
  const misfitW = (view: View) => Math.abs(Math.abs(view.powerW) - Math.abs(beforeW));
  const fits = Math.max(15, 0.08 * Math.abs(beforeW));
  const fitting = past.findLast((view) => misfitW(view) <= fits);
  if (fitting !== undefined) return fitting;
  // An old view of quite another home is worse than what the readings alone say of the background.
  const useless = now.atMs - newest.atMs > STALE_MS && misfitW(newest) > Math.max(30, 0.25 * Math.abs(beforeW));
  return useless ? undefined : newest;
}

export interface Judged {
  shape: Shape;
  /** That a rectifier was switched on or off. */
  probability: number;
  /** Its power. */
  powerW: number;
  /** Switched on, not off. */
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
  const grew = hasGrown(now, before, shape);
  const powerW = Math.abs(shape.powerW);
  // A third harmonic that hangs from the crest of what was added: a rectifier went while something else came.
  const upright = now.inputs !== 'waveform' || now.powerW <= 0 || shape.crest3 * Math.sign(shape.powerW) > REVERSED;
  const fits = upright && Math.abs(powerW - shape.rectifierW) <= 0.35 * shape.rectifierW;
  // Magnitudes without phases cannot tell a dimmer's late pulse from a rectifier's.
  const most = MOST[now.inputs];
  if (fits) {
    // Without a view before, every small supply of the home is in the harmonics of what was switched on.
    if (before === undefined && stepW !== now.powerW && !isPure(shape)) return { shape, probability: 0, powerW, grew };
    // The harmonics are the rectifier's own; the power may hold a change of the background.
    const ownW = Math.abs(powerW - shape.rectifierW) <= 0.12 * powerW ? powerW : shape.rectifierW;
    return { shape, probability: Math.min(most, rectifierProbability(shape)), powerW: ownW, grew };
  }
  // Without a view before, the harmonics are all the home's: where it drew more before, none of them came now.
  const fell = before === undefined && Math.abs(now.powerW - stepW) > Math.abs(now.powerW);
  if (fell || now.inputs === 'distortion') return { shape, probability: 0, powerW, grew };
  const alone = withoutOthers(shape);
  if (alone === undefined) return { shape, probability: 0, powerW, grew };
  return {
    shape: alone,
    probability: Math.min(most, MIXED),
    powerW: shape.rectifierW,
    grew: hasCome(now, shape, grew),
  };
}

/**
 * On or off. A home that draws power shows it by the sign. Where the clamp is turned round, or a roof feeds in, the sign
 * says nothing and the harmonics must: they grow when a rectifier begins, whichever way they are counted.
 */
function hasGrown(now: View, before: View | undefined, { powerW }: Shape): boolean {
  return now.powerW > 0 ? powerW > 0 : now.rectifierW > (before?.rectifierW ?? 0);
}

/**
 * Whether a rectifier beneath another load came or went. Its third harmonic stands on the crest when it came, whatever
 * the other load did; where that is no clear word, the home's power must have grown as well.
 */
function hasCome(now: View, { crest3, powerW, rectifierW }: Shape, grew: boolean): boolean {
  const crest = crest3 * Math.sign(now.powerW);
  const other = Math.abs(powerW - rectifierW);
  const clear = now.inputs === 'waveform' && now.powerW > 0 && crest > UPRIGHT && rectifierW > FLAT_TOP * other;
  return clear || (crest > REVERSED && grew);
}

/** A charger's figures throughout: the harmonics of the home's small supplies under a motor's power are not. */
const isPure = ({ a3, displacementPf }: Shape) => a3 > 0.72 && displacementPf > 0.88;

/** How sure each kind of view can be at most. */
const MOST = { waveform: 1, harmonics: 0.9, distortion: 0.85 } as const satisfies Record<View['inputs'], number>;
/** A charger's third harmonic stands on the crest, above 0.05 in all of the events; below this it went. */
const REVERSED = -0.2;
const UPRIGHT = 0.2;
/** A heater that goes off leaves the flat crest's third behind, up to this much of it. */
const FLAT_TOP = 0.1;
/** What a meter and the home's other changes may hide of that: 0.12 is more than in 99 of 100 switch-ons. */
const LESS = 0.12;
/** One that is found beneath another load: the harmonics are a rectifier's, the rest is guessed. */
const MIXED = 0.8;

/**
 * The same harmonics as though a rectifier alone had made them: a kettle that began in the same minute, or a cloud
 * over a solar roof, changes the fundamental and hides the ratios. A pulse that flattens the crest is the voltage's
 * own form in a big heater and is not asked. Only harmonics that fall as slowly as a charger's count: a vacuum cleaner's fifth is a third
 * of its third.
 */
function withoutOthers(shape: Shape): Shape | undefined {
  const { fall5, fall7, pulse7, even } = shape;
  if (pulse7 < 0.9 || fall5 < 0.62 || fall7 < 0.5 || even > 0.3) return undefined;
  // Of a pulse each ratio is less than the one before it; the edge of a dimmer that went off has them alike.
  if (fall7 > fall5 + LESS) return undefined;
  const a3 = 0.6 + 0.38 * Math.min(fall5, 1);
  const a5 = a3 * fall5;
  return { ...shape, a3, a5, a7: a5 * fall7, displacementPf: 0.95, powerW: shape.rectifierW };
}
