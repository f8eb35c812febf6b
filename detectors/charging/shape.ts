/**
 * What was switched on, by the form of its current: the difference of two spectra is the differential cycle's spectrum,
 * and its magnitudes tell a bridge rectifier (a narrow pulse: every odd harmonic nearly as big as the one before)
 * from all that follows the voltage.
 *
 * Phases enter only relative to the pulse itself (`arg I₃ − 3·arg I₁`), never to the voltage: the pulse leads the crest
 * by up to 27°, which turns the fifth harmonic by 135°, so its sign against the voltage says nothing.
 */
import { ORDERS, type Phasors } from '../signal/spectrum.ts';

/** How a harmonic order is found in `ORDERS`. */
const at = (order: (typeof ORDERS)[number]) => ORDERS.indexOf(order);
const [H1, H2, H3, H4, H5, H7, H9] = [at(1), at(2), at(3), at(4), at(5), at(7), at(9)];

export interface Shape {
  /** Change of active power; negative when something was switched off. */
  powerW: number;
  /** cos of the fundamental against the voltage, without sign. */
  displacementPf: number;
  truePf: number;
  /** |I_h / I_1|. */
  a3: number;
  a5: number;
  a7: number;
  a9: number;
  /** √(a2² + a4²): half-wave loads and induction cookers. */
  even: number;
  /** cos(arg I₃ − 3·arg I₁): 1 when third and fundamental make one pulse, −1 when they flatten the crest. */
  pulse3: number;
  /** The same of the fifth. */
  pulse5: number;
  /** cos(arg I₃) against the voltage: a charger's third makes the crest's pulse, a heater's copies the flat crest. */
  crest3: number;
  /** cos(arg I₇ − 2·arg I₅ + arg I₃): the same without the fundamental, which a big background disturbs most. */
  pulse7: number;
  /** |I5/I3| and |I7/I5|: how fast the harmonics fall, again without the fundamental. */
  fall5: number;
  fall7: number;
  /** The power a rectifier must have to make these harmonics; another load that switched at the same time is not in it. */
  rectifierW: number;
  /** Part of the half cycle in which current flows, in degrees of 180. */
  conductionDeg: number;
}

/** `after − before`, harmonic by harmonic. Without a `before` its fundamental is taken as `resistiveA` in phase. */
export function difference(after: Phasors, before: Phasors | undefined, resistiveA = 0): Phasors {
  const re = after.re.map((value, k) => value - (before?.re[k] ?? (k === H1 ? resistiveA : 0)));
  const im = after.im.map((value, k) => value - (before?.im[k] ?? 0));
  return { re, im };
}

/**
 * Features of a differential current at this voltage. A switch-off, or a clamp put on the wrong way round, gives the
 * same features but for the sign of the power.
 * @param highestOrder what the slower of the two snapshots could show; the seventh is extrapolated below it
 */
export function shapeOf(current: Phasors, voltageV: number, highestOrder: number): Shape {
  const magnitude = (k: number) => Math.hypot(current.re[k]!, current.im[k]!);
  const fundamental = Math.max(magnitude(H1), 1e-6);
  const angle = (k: number) => Math.atan2(current.im[k]!, current.re[k]!);
  const a = (k: number) => magnitude(k) / fundamental;
  const a3 = a(H3);
  const a5 = a(H5);
  // Along the rectifier's family the ratios fall ever faster; this line is within 0.04 of it for a5 of 0.5 to 0.9.
  const a7 = highestOrder >= 7 ? a(H7) : a5 * Math.min(1, a5 / Math.max(a3, 1e-6)) ** 1.5;
  const fall5 = a5 / Math.max(a3, 1e-6);
  let squares = 0;
  for (let k = 0; k < ORDERS.length; k++) squares += magnitude(k) ** 2;
  const inPhase = Math.abs(current.re[H1]!);
  return {
    powerW: voltageV * current.re[H1]!,
    displacementPf: inPhase / fundamental,
    truePf: inPhase / Math.max(Math.sqrt(squares), 1e-6),
    a3,
    a5,
    a7,
    a9: a(H9),
    even: Math.hypot(a(H2), a(H4)),
    pulse3: Math.cos(angle(H3) - 3 * angle(H1)),
    crest3: Math.cos(angle(H3)),
    pulse5: Math.cos(angle(H5) - 5 * angle(H1)),
    pulse7: highestOrder >= 7 ? Math.cos(angle(H7) - 2 * angle(H5) + angle(H3)) : 1,
    fall5,
    fall7: a7 / Math.max(a5, 1e-6),
    rectifierW: (0.95 * voltageV * magnitude(H3)) / (0.6 + 0.38 * Math.min(fall5, 1)),
    conductionDeg: conduction(current),
  };
}

const CYCLE_POINTS = 64;

/** The differential cycle itself, in amperes, from the voltage's rising zero crossing. */
export function cycleOf(current: Phasors, points = CYCLE_POINTS): Float64Array {
  return Float64Array.from({ length: points }, (_, n) => {
    let sum = 0;
    for (let k = 0; k < ORDERS.length; k++) {
      // Phasors are against the voltage's crest; a quarter cycle earlier it crosses zero.
      const angle = ORDERS[k]! * ((2 * Math.PI * n) / points - Math.PI / 2);
      sum += current.re[k]! * Math.cos(angle) - current.im[k]! * Math.sin(angle);
    }
    return sum * Math.SQRT2;
  });
}

/** Where the current is above a fifth of its peak: below lies the ripple of the orders that are not kept. */
function conduction(current: Phasors): number {
  const cycle = cycleOf(current);
  let peak = 0;
  for (const value of cycle) peak = Math.max(peak, Math.abs(value));
  let flowing = 0;
  for (const value of cycle) if (Math.abs(value) > peak / 5) flowing++;
  return (180 * flowing) / cycle.length;
}
