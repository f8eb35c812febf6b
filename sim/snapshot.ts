/** A waveform of a home from what is switched on in it: the sum of its appliances' cycles, as a meter samples it. */
import type { Waveform } from '../protocols/reading.ts';
import { MAINS, mainsCycle } from './currents/mains.ts';
import { currentShape } from './currents/shapes.ts';
import type { Use } from './household.ts';
import { mix32 } from './random.ts';

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
const UNIT = mainsCycle({ voltageV: 1, samples: SAMPLES });
/** Peak to peak of what the converter adds. */
const NOISE_V = 0.3;
const NOISE_A = 0.006;

/** Ten cycles of 128 samples where nothing else is said: what a metering chip's buffer holds. */
export function snapshot(uses: readonly Use[], options: SnapshotOptions): Waveform {
  const { voltageV, phase, seed, cycles: count = 10, rateHz = 6400 } = options;
  const perCycle = Math.round(rateHz / 50);
  const current = new Float64Array(SAMPLES);
  // The power is what the readings say, whatever the voltage; a dead phase draws no current without end.
  const perVolt = Math.min(1.25, MAINS.voltageV / Math.max(1, voltageV));
  for (const use of uses) {
    const shape = cycleOf(use);
    for (let k = 0; k < SAMPLES; k++) current[k] = current[k]! + perVolt * shape[k]!;
  }
  let peakA = 1;
  for (const value of current) peakA = Math.max(peakA, Math.abs(value));
  const length = perCycle * count;
  const scale = { voltage: 0.02, current: peakA / 30_000 };
  const voltage = new Int16Array(length);
  const amps = new Int16Array(length);
  // A year has millions of snapshots: the noise is one xorshift per sample, its halves for volts and amps.
  let noise = mix32(seed) | 1;
  const shift = noise & (SAMPLES - 1);
  for (let i = 0; i < length; i++) {
    noise ^= noise << 13;
    noise ^= noise >>> 17;
    noise ^= noise << 5;
    const at = (shift + Math.trunc((i * SAMPLES) / perCycle)) % SAMPLES;
    const volts = UNIT[at]! * voltageV + NOISE_V * ((noise & 0xffff) / 0xffff - 0.5);
    voltage[i] = Math.floor(volts / scale.voltage + 0.5);
    const ampere = current[at]! + NOISE_A * ((noise >>> 16) / 0xffff - 0.5);
    amps[i] = Math.floor(ampere / scale.current + 0.5);
  }
  return {
    rateHz,
    phase,
    voltage: { scale: scale.voltage, samples: voltage },
    current: { scale: scale.current, samples: amps },
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
