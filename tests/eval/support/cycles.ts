/** Cuts measured records into mains cycles on the voltage's rising zero crossing, all with the same number of samples. */
import type { Recorded } from './charging-data.ts';

export interface Cycle {
  voltageV: Float64Array;
  currentA: Float64Array;
}

/** The mean of `cycles` cycles of a record, beginning about its cycle number `first`; undefined where it is too short. */
export function meanCycle(recorded: Recorded, first: number, cycles: number, samples = 256): Cycle | undefined {
  const nominal = recorded.rateHz / recorded.frequencyHz;
  const { voltageV, currentA } = recorded;
  // A record of a single cycle has no crossing to spare: it is turned round as though it repeated.
  const wraps = voltageV.length < 2 * nominal;
  const start = risingCrossing(voltageV, nominal, wraps ? 0 : Math.round(first * nominal));
  const last = Math.round(start + (cycles - 1) * nominal);
  if (!wraps && last + 2 * nominal + 2 > voltageV.length) return undefined;
  // The mains is never quite at its nominal frequency; a tenth of a percent over ten cycles blurs the fifteenth harmonic.
  const period = cycles < 3 ? nominal : (risingCrossing(voltageV, nominal, last - 2) - start) / (cycles - 1);
  if (Math.abs(period / nominal - 1) > 0.03) return undefined;
  const cycle = { voltageV: new Float64Array(samples), currentA: new Float64Array(samples) };
  for (let c = 0; c < cycles; c++) {
    for (let k = 0; k < samples; k++) {
      const at = start + (c + k / samples) * period;
      cycle.voltageV[k]! += cubic(voltageV, at) / cycles;
      cycle.currentA[k]! += cubic(currentA, at) / cycles;
    }
  }
  return cycle;
}

/** Removes the converter's offset and all even harmonics. */
export function halfWaveSymmetric(cycle: Float64Array): Float64Array {
  const half = cycle.length / 2;
  return Float64Array.from(cycle, (value, k) => (value - cycle[(k + half) % cycle.length]!) / 2);
}

/** First rising crossing after `from`, by the fundamental's phase over one period: noise cannot fake one. */
function risingCrossing(voltage: Float64Array, period: number, from: number): number {
  let cosine = 0;
  let sine = 0;
  const span = Math.min(voltage.length - from, Math.round(period));
  for (let k = 0; k < span; k++) {
    cosine += voltage[from + k]! * Math.cos((2 * Math.PI * k) / period);
    sine += voltage[from + k]! * Math.sin((2 * Math.PI * k) / period);
  }
  const at = (Math.atan2(-cosine, sine) / (2 * Math.PI)) * period;
  return from + (at < 1 ? at + period : at);
}

/** Catmull–Rom interpolation, wrapping round at the ends. */
function cubic(x: Float64Array, at: number): number {
  const n = x.length;
  const left = Math.floor(at);
  const t = at - left;
  const a = x[(left - 1 + n) % n]!;
  const b = x[left % n]!;
  const c = x[(left + 1) % n]!;
  const d = x[(left + 2) % n]!;
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}
