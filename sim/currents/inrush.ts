/**
 * What a charger's plug-in looks like: the empty capacitor takes one huge pulse within half a cycle (a meter clips
 * it), the controller wakes for a second or two in which almost nothing flows, then the load begins. A charger that
 * is plugged into the mains before its battery shows none of it.
 */
import { seeded } from './seeded.ts';

export interface Plugin {
  /** Peak of the first half cycle, already clipped to what the meter can show. */
  inrushA: number;
  gapS: number;
}

/** @param clipA the meter's largest current; @returns one plug-in, the same for the same seed */
export function plugin(seed: number, clipA = Number.POSITIVE_INFINITY): Plugin {
  const draw = seeded(seed);
  return { inrushA: Math.min(clipA, draw.betweenLog(15, 60)), gapS: draw.between(0.8, 1.9) };
}

/**
 * Amperes of the plug-in from its first instant: half a cycle of inrush, the gap, then the steady cycle.
 * @param cycle amperes over one cycle in the steady state
 * @param cycles how many cycles to give
 */
export function pluginCurrent({ inrushA, gapS }: Plugin, cycle: Float64Array, cycles: number, frequencyHz = 50) {
  const samples = cycle.length;
  const gapCycles = Math.round(gapS * frequencyHz);
  return Float64Array.from({ length: cycles * samples }, (_, k) => {
    const angle = (2 * Math.PI * k) / samples;
    // The capacitor fills on the first rising quarter: a half sine of that width.
    if (angle < Math.PI) return inrushA * Math.max(0, Math.sin(2 * angle)) ** 2 * (angle < Math.PI / 2 ? 1 : 0);
    return angle < 2 * Math.PI * (1 + gapCycles) ? 0 : cycle[k % samples]!;
  });
}
