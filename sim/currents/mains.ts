/**
 * One cycle of mains voltage. Real sockets are flat-topped: thousands of rectifiers pull at the crest, which leaves
 * a few percent of third and fifth harmonic. Flatness widens a rectifier's pulse, so it matters to every shape here.
 */

export interface Mains {
  /** Root mean square. */
  voltageV?: number;
  frequencyHz?: number;
  /** Third harmonic as a share of the fundamental, in the phase that flattens the crest; half of it goes to the fifth. */
  flatTop?: number;
  /** Samples of the cycle. */
  samples?: number;
}

export const MAINS = { voltageV: 220, frequencyHz: 50, flatTop: 0.02, samples: 256 } as const satisfies Required<Mains>;

/** Volts over one cycle that begins at the rising zero crossing; the first sample is at phase 0. */
export function mainsCycle(mains: Mains = {}): Float64Array {
  const { voltageV, flatTop, samples } = { ...MAINS, ...mains };
  // At the crest sin(3·90°) is −1 and sin(5·90°) is +1, hence the signs that flatten.
  const third = flatTop;
  const fifth = -flatTop / 2;
  const peakV = voltageV * Math.SQRT2;
  const scale = peakV / Math.sqrt(1 + third * third + fifth * fifth);
  return Float64Array.from({ length: samples }, (_, k) => {
    const angle = (2 * Math.PI * k) / samples;
    return scale * (Math.sin(angle) + third * Math.sin(3 * angle) + fifth * Math.sin(5 * angle));
  });
}
