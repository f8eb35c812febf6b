/**
 * The current of one appliance over one mains cycle, so that a street can be made without any data file.
 *
 *   currentShape(kind, powerW, { seed, mains, voltage })  →  amperes, one per sample of the voltage's cycle
 *
 * `SHAPES` says what each kind stands for. The cycle begins at the voltage's rising zero crossing and its mean product with the voltage is `powerW`. Add the
 * cycles of all that is switched on to get a home's current; repeat the sum for a snapshot of several cycles. `seed`
 * draws one specimen of the kind (its resistance, capacitor, firing angle …): the same seed is the same appliance.
 * Negative power is a source (a solar inverter: kind `corrected`).
 */
import { MAINS, type Mains, mainsCycle } from './mains.ts';
import { rectifierCycle } from './rectifier.ts';
import { type Draw, seeded } from './seeded.ts';

export interface ShapeOptions {
  /** Which specimen of the kind; 0 is the typical one. */
  seed?: number;
  mains?: Mains;
  /** Volts over one cycle from the rising zero crossing; made from `mains` where absent. */
  voltage?: Float64Array;
}

type Shape = (powerW: number, voltage: Float64Array, frequencyHz: number, draw: Draw) => Float64Array;

/** What each kind stands for. Every shape may be out by a factor: `currentShape` scales it to the power. */
export const SHAPES = {
  /** Charger of an e-bike or e-scooter, and any supply of that circuit: bridge and capacitor, no correction. */
  charger: (powerW, voltage, frequencyHz, draw) =>
    rectifierCycle(voltage, { powerW, frequencyHz, ...specimen(powerW, draw, 0.4, 1.8) }),
  /** Old notebook, tool charger, LED group, set-top box: the same circuit with a roomier capacitor. */
  'small-supply': (powerW, voltage, frequencyHz, draw) =>
    rectifierCycle(voltage, { powerW, frequencyHz, ...specimen(powerW, draw, 1, 2.2) }),
  /** Inverter fridge or small air conditioner without correction: the same circuit behind a choke and filter. */
  'inverter-compressor': (powerW, voltage, frequencyHz, draw) =>
    rectifierCycle(voltage, { powerW, frequencyHz, ...specimen(powerW, draw, 0.8, 2.5) }),
  /** Kettle, water heater, cooker, filament lamp. */
  resistive: (_, voltage) => Float64Array.from(voltage),
  /** Induction motor: fan, range hood, pump, fridge of the old kind; lagging, with a little saturation. */
  motor: (_, voltage, __, draw) => {
    const lag = draw.between(0.25, 0.85);
    const third = draw.between(0.02, 0.12);
    return wave(voltage.length, (angle) => Math.sin(angle - lag) + third * Math.sin(3 * (angle - lag)));
  },
  /** Active power-factor correction: TV, PC, inverter air conditioner; follows the voltage with a cusp at zero. */
  corrected: (_, voltage, __, draw) => {
    const ripple = draw.between(0.01, 0.06);
    const lead = draw.between(0, 0.12);
    return wave(voltage.length, (angle) => Math.sin(angle + lead) + ripple * Math.sin(5 * angle + 6 * lead));
  },
  /** Dimmer or speed control: nothing until the triac fires in each half cycle. */
  'phase-cut': (_, voltage, __, draw) => {
    const firing = draw.between(0.2, 0.65) * Math.PI;
    return wave(voltage.length, (angle) => (angle % Math.PI < firing ? 0 : Math.sin(angle)));
  },
  /** Hair dryer or iron at half power: one diode. */
  'half-wave': (_, voltage) => wave(voltage.length, (angle) => Math.max(0, Math.sin(angle))),
} as const satisfies Record<string, Shape>;

export type CurrentKind = keyof typeof SHAPES;
export const CURRENT_KINDS = Object.keys(SHAPES) as CurrentKind[];

/**
 * Amperes over one cycle for an appliance of this kind drawing this power.
 * @returns as many samples as the voltage has; zeros for a power of 0
 */
export function currentShape(kind: CurrentKind, powerW: number, options: ShapeOptions = {}): Float64Array {
  const voltage = options.voltage ?? mainsCycle(options.mains);
  if (powerW === 0) return new Float64Array(voltage.length);
  const frequencyHz = options.mains?.frequencyHz ?? MAINS.frequencyHz;
  const shape: Shape = SHAPES[kind];
  const current = shape(Math.abs(powerW), voltage, frequencyHz, drawFor(options.seed ?? 0));
  let sum = 0;
  for (let k = 0; k < voltage.length; k++) sum += voltage[k]! * current[k]!;
  const factor = (powerW * voltage.length) / sum;
  return current.map((value) => value * factor);
}

/** Seed 0 draws the middle of every range: the typical specimen. */
function drawFor(seed: number): Draw {
  if (seed !== 0) return seeded(seed);
  return {
    unit: () => 0.5,
    between: (low, high) => (low + high) / 2,
    betweenLog: (low, high) => Math.sqrt(low * high),
    normal: () => 0,
    pick: (from) => from[from.length >> 1]!,
  };
}

/**
 * Capacitor by the usual microfarad per watt at 230 V. Resistance as a voltage drop: a maker of a bigger supply takes
 * a smaller thermistor, else it would burn.
 */
function specimen(powerW: number, draw: Draw, lowUfPerW: number, highUfPerW: number) {
  const dropV = draw.betweenLog(0.3, 9);
  return {
    capacitanceF: powerW * draw.betweenLog(lowUfPerW, highUfPerW) * 1e-6,
    seriesOhm: 0.4 + (dropV * MAINS.voltageV) / powerW / 2,
  };
}

function wave(samples: number, value: (angle: number) => number): Float64Array {
  return Float64Array.from({ length: samples }, (_, k) => value((2 * Math.PI * k) / samples));
}
