/**
 * The circuit of a cheap charger: mains through a resistance (line, thermistor, choke) into a bridge, a capacitor
 * behind it, and a load that draws constant power because a switching converter follows. The bridge conducts only
 * while the mains is above the capacitor, near the crest: that narrow pulse is all the signature there is.
 *
 * With the voltage of the record as the source it reproduces a measured 47 W laptop charger within 0.02 on the ratios
 * of the harmonics 3 to 9 (tests/sim/currents). There is no inductance in it: the resistance alone already matches.
 */

export interface Rectifier {
  /** Drawn from the mains, losses in the resistance included. */
  powerW: number;
  frequencyHz: number;
  /** Line, thermistor and choke together. */
  seriesOhm: number;
  capacitanceF: number;
}

/** Two silicon diodes conduct at a time. */
const BRIDGE_V = 1.6;
/** Steps of the integration per cycle: 20 µs at 50 Hz, a tenth of the shortest pulse's rise. */
const STEPS = 1024;
/** Cycles until the capacitor repeats itself; it forgets its start within a few pulses. */
const CYCLES_MAX = 60;

/**
 * Amperes over one cycle in the steady state.
 * @param voltage volts over one cycle, equidistant, any number of samples; the answer has as many
 */
export function rectifierCycle(voltage: Float64Array, circuit: Rectifier): Float64Array {
  const fine = interpolate(voltage, STEPS);
  let loadW = circuit.powerW;
  let current = settle(fine, circuit, loadW);
  // What the load may draw is not known before the losses are: they are a few percent, so three rounds suffice.
  for (let round = 0; round < 3; round++) {
    const drawnW = meanProduct(fine, current);
    loadW = Math.max(loadW * 0.2, loadW + circuit.powerW - drawnW);
    current = settle(fine, circuit, loadW);
  }
  return Float64Array.from(voltage, (_, k) => mean(current, k, voltage.length));
}

/** Integrates until the capacitor's voltage repeats from cycle to cycle; current per fine step. */
function settle(voltage: Float64Array, { seriesOhm, capacitanceF, frequencyHz }: Rectifier, loadW: number) {
  const stepS = 1 / frequencyHz / STEPS;
  const current = new Float64Array(STEPS);
  const peakV = Math.max(...voltage) - BRIDGE_V;
  let capacitorV = peakV;
  for (let cycle = 0; cycle < CYCLES_MAX; cycle++) {
    const beforeV = capacitorV;
    for (let k = 0; k < STEPS; k++) {
      const sourceV = voltage[k]!;
      const openV = Math.abs(sourceV) - BRIDGE_V;
      // Below a third of the crest a converter gives up; the floor also keeps the division tame.
      const loadA = loadW / Math.max(capacitorV, peakV / 3);
      // Backward Euler on the charging branch: stable whatever the time constant of resistance and capacitor.
      const idleV = capacitorV - (loadA * stepS) / capacitanceF;
      const chargeA = Math.max(0, (openV - idleV) / (seriesOhm + stepS / capacitanceF));
      capacitorV = Math.max(0, idleV + (chargeA * stepS) / capacitanceF);
      current[k] = sourceV < 0 ? -chargeA : chargeA;
    }
    if (Math.abs(capacitorV - beforeV) < 1e-4) break;
  }
  return current;
}

/** Linear interpolation of one cycle onto `count` samples. */
function interpolate(cycle: Float64Array, count: number): Float64Array {
  const ratio = cycle.length / count;
  return Float64Array.from({ length: count }, (_, k) => {
    const left = Math.floor(k * ratio);
    const share = k * ratio - left;
    return cycle[left]! * (1 - share) + cycle[(left + 1) % cycle.length]! * share;
  });
}

/** Mean over the sample's own span, centred on it: a metering chip's filter does the same before it decimates. */
function mean(fine: Float64Array, k: number, count: number): number {
  const span = fine.length / count;
  const from = Math.ceil((k - 0.5) * span);
  const to = Math.max(from + 1, Math.ceil((k + 0.5) * span));
  let sum = 0;
  for (let at = from; at < to; at++) sum += fine[(at + fine.length) % fine.length]!;
  return sum / (to - from);
}

function meanProduct(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum / a.length;
}
