/** What one reading says about load: amps per phase, and apparent power. */
import type { MeterInfo, Reading } from '../../protocols/reading.ts';

/** GB/T 156: 220 V phase to neutral, where a reading brings no voltage of its own. */
const NOMINAL_V = 220;
/** A voltage below this is a dead phase, not a divisor. */
const LIVE_V = 60;

/**
 * The current of the most loaded phase, A. Measured current counts first. Without it, active power is spread evenly
 * over the phases and divided by voltage and power factor (220 V and 1 where unknown): a lower bound of the current,
 * so a derived load raises late rather than wrongly.
 * @returns undefined when the reading says nothing about load
 */
export function highestCurrentA(reading: Reading, meter: MeterInfo): number | undefined {
  const { currentA, activePowerW } = reading;
  if (currentA !== undefined && currentA.length > 0) {
    let highest = 0;
    for (const amps of currentA) {
      const size = Math.abs(amps);
      if (size > highest) highest = size;
    }
    return Number.isFinite(highest) ? highest : undefined;
  }
  if (activePowerW === undefined || !Number.isFinite(activePowerW)) return undefined;
  const phases = reading.voltageV?.length ?? meter.phases ?? 1;
  const perPhaseVa = apparentVa(Math.abs(activePowerW), reading) / Math.max(1, phases);
  return perPhaseVa / meanLiveVoltage(reading);
}

function meanLiveVoltage(reading: Reading): number {
  let sum = 0;
  let live = 0;
  for (const volts of reading.voltageV ?? []) {
    if (volts < LIVE_V) continue;
    sum += volts;
    live++;
  }
  return live === 0 ? NOMINAL_V : sum / live;
}

/** Apparent power of an active power: by reactive power where measured, else by the mean power factor, else P itself. */
function apparentVa(activeW: number, reading: Reading): number {
  if (reading.reactivePowerVar !== undefined) return Math.hypot(activeW, reading.reactivePowerVar);
  const factors = reading.powerFactor;
  if (factors === undefined || factors.length === 0) return activeW;
  let sum = 0;
  for (const factor of factors) sum += Math.abs(factor);
  const mean = sum / factors.length;
  // Below 0.2 a power factor belongs to a load near nothing and would blow up the quotient.
  return mean > 0.2 && mean <= 1 ? activeW / mean : activeW;
}

/**
 * Apparent power through a meter, VA: from active power (see `highestCurrentA`), else Σ U·I over the phases.
 * @returns undefined when the reading says nothing about load
 */
export function loadVa(reading: Reading): number | undefined {
  const { activePowerW, currentA, voltageV } = reading;
  if (activePowerW !== undefined && Number.isFinite(activePowerW)) return apparentVa(Math.abs(activePowerW), reading);
  if (currentA === undefined || currentA.length === 0) return undefined;
  let sum = 0;
  for (let i = 0; i < currentA.length; i++) sum += Math.abs(currentA[i]!) * (voltageV?.[i] ?? NOMINAL_V);
  return Number.isFinite(sum) ? sum : undefined;
}

/**
 * Load over rating of a feeder or a transformer: apparent power over rated power, else the highest phase current
 * over the rated (or fuse) current.
 * @returns undefined when load or rating is not known
 */
export function loadRatio(reading: Reading, meter: MeterInfo): number | undefined {
  if (meter.ratedKva !== undefined) {
    const va = loadVa(reading);
    return va === undefined ? undefined : va / (1000 * meter.ratedKva);
  }
  const limitA = meter.ratedCurrentA ?? meter.fuseA;
  const currentA = highestCurrentA(reading, meter);
  return limitA === undefined || currentA === undefined ? undefined : currentA / limitA;
}
