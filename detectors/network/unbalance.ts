/** Unbalance of three phases, in percent. */

/**
 * Voltage unbalance u₂ (negative over positive sequence) from three line voltages, IEC 61000-4-30, 5.7.1:
 * √((1 − √(3 − 6β)) / (1 + √(3 − 6β))), β = ΣU⁴ / (ΣU²)². Magnitudes are enough, no angles are needed.
 * @returns NaN where three voltages cannot form a triangle
 */
export function negativeSequencePercent(line: readonly [number, number, number]): number {
  const [ab, bc, ca] = line;
  const squares = ab * ab + bc * bc + ca * ca;
  const beta = (ab ** 4 + bc ** 4 + ca ** 4) / (squares * squares);
  const root = Math.sqrt(Math.max(0, 3 - 6 * beta));
  return beta > 0.5 ? Number.NaN : 100 * Math.sqrt(Math.max(0, (1 - root) / (1 + root)));
}

/** Largest deviation from the mean over the mean, NEMA MG 1; for voltages or currents. */
export function nemaPercent(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (!(mean > 0)) return 0;
  let worst = 0;
  for (const value of values) worst = Math.max(worst, Math.abs(value - mean));
  return (100 * worst) / mean;
}

/** (max − min) / max of the phase currents, the figure that the 15 % and 25 % of distribution practice are meant for. */
export function spreadPercent(values: readonly number[]): number {
  const highest = Math.max(...values);
  return highest > 0 ? (100 * (highest - Math.min(...values))) / highest : 0;
}

/** Line voltages from phase voltages, taken as 120° apart: meters report magnitudes only. */
export function lineVoltages(phase: readonly [number, number, number]): [number, number, number] {
  const between = (a: number, b: number): number => Math.sqrt(a * a + b * b + a * b);
  return [between(phase[0], phase[1]), between(phase[1], phase[2]), between(phase[2], phase[0])];
}
