/** A waveform of a home from what is switched on in it: the sum of its appliances' cycles, as a meter samples it. */
import type { Waveform } from '../protocols/reading.ts';
import { mainsCycle } from './currents/mains.ts';
import { currentShape } from './currents/shapes.ts';
import type { Use } from './household.ts';
import { createRandom } from './random.ts';

export interface SnapshotOptions {
  voltageV: number;
  phase: number;
  /** Of the noise. */
  seed: number;
  rateHz?: number;
  cycles?: number;
}

/** Cycles of appliances already made; shapes are costly, homes repeat themselves. */
const CYCLES_KEPT = 4000;
const cycles = new Map<string, Float64Array>();
const SAMPLES = 128;

/** Ten cycles of 128 samples where nothing else is said: what a metering chip's buffer holds. */
export function snapshot(uses: readonly Use[], options: SnapshotOptions): Waveform {
  const { voltageV, phase, seed, cycles: count = 10, rateHz = 6400 } = options;
  const perCycle = Math.round(rateHz / 50);
  const voltage = mainsCycle({ voltageV, samples: SAMPLES });
  const current = new Float64Array(SAMPLES);
  for (const use of uses) {
    const shape = cycleOf(use);
    // A rectifier's current keeps its power when the voltage moves a little; the factor is within 2 %.
    for (let k = 0; k < SAMPLES; k++) current[k] = current[k]! + shape[k]!;
  }
  const random = createRandom(seed);
  const shift = random.int(SAMPLES);
  const length = perCycle * count;
  const peakA = Math.max(1, ...current.map(Math.abs));
  const currentScale = peakA / 30_000;
  const voltageScale = 0.02;
  const volts = new Int16Array(length);
  const amps = new Int16Array(length);
  for (let i = 0; i < length; i++) {
    const at = (shift + Math.round((i * SAMPLES) / perCycle)) % SAMPLES;
    volts[i] = Math.round((voltage[at]! + 0.3 * (random.next() - 0.5)) / voltageScale);
    amps[i] = Math.round((current[at]! + 0.006 * (random.next() - 0.5)) / currentScale);
  }
  return {
    rateHz,
    phase,
    voltage: { scale: voltageScale, samples: volts },
    current: { scale: currentScale, samples: amps },
  };
}

function cycleOf({ current, powerW, seed }: Use): Float64Array {
  const key = `${current}/${Math.round(powerW)}/${seed}`;
  let cycle = cycles.get(key);
  if (cycle === undefined) {
    if (cycles.size >= CYCLES_KEPT) cycles.clear();
    cycle = currentShape(current, powerW, { seed, mains: { samples: SAMPLES } });
    cycles.set(key, cycle);
  }
  return cycle;
}
