/** The meters of a world: a plain home that draws too much now and then, speaking either protocol. */
import type { Reading } from '../../protocols/reading.ts';
import { Dlt645Meter } from '../../sim/dlt645-meter.ts';
import type { Station } from '../../sim/line.ts';
import type { MeterView } from '../../sim/meter-view.ts';
import { ModbusSimMeter } from '../../sim/modbus-station.ts';
import { noiseAt, type Random } from '../../sim/random.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';

const FUSE_A = 40;
const SLOT_MS = 60_000;

export interface Household {
  /** As the gateway names the meter. */
  id: string;
  /** Its line in the site file. */
  entry: string;
  silent: boolean;
  /** No load changes any more: the last alerts clear, and nothing new is on its way when the run ends. */
  calm: boolean;
  station: Station;
}

export function newHousehold(bus: number, index: number, clock: VirtualClock, random: Random): Household {
  const seed = random.int(2 ** 31);
  const household = { id: '', entry: '', silent: false, calm: false };
  const view = homeView(clock, seed, household);
  const turnaroundMs = random.between(20, 120);
  const facts = `premises: flat, fuseA: ${FUSE_A}, grid: cell-${bus}`;
  if (random.chance(0.5)) {
    const address = String(100_000 * (bus + 1) + index).padStart(12, '0');
    const station = new Dlt645Meter({ address, turnaroundMs, preamble: random.int(5) }, view, random);
    const entry = `{ protocol: dlt645, address: "${address}", ${facts} }`;
    return Object.assign(household, { id: address, entry, station });
  }
  const unit = index + 1;
  const station = new ModbusSimMeter({ unit, profile: 'sdm630', turnaroundMs }, view, random);
  const id = `m-${bus}-${unit}`;
  const entry = `{ protocol: modbus, unit: ${unit}, id: ${id}, profile: sdm630, ${facts} }`;
  return Object.assign(household, { id, entry, station });
}

/** The station on the line: deaf and dumb while the household is silent. */
export function stationOf(household: Household): Station {
  return { hear: (bytes, atMs) => (household.silent ? [] : household.station.hear(bytes, atMs)) };
}

/** A load that changes every minute and is over the fuse in one minute of four. */
function homeView(clock: VirtualClock, seed: number, household: { calm: boolean }): MeterView {
  let clockOffMs = 0;
  const reading = (): Reading => {
    const slot = Math.floor(clock.monotonicMs() / SLOT_MS);
    const over = !household.calm && noiseAt(seed, Math.floor(slot / 2), 1) < 0.25;
    const currentA = over ? FUSE_A * (1.3 + noiseAt(seed, slot)) : 1 + 10 * noiseAt(seed, slot);
    const voltageV = 230;
    return {
      voltageV: [voltageV],
      currentA: [currentA],
      activePowerW: voltageV * currentA,
      reactivePowerVar: 0,
      powerFactor: [1],
      frequencyHz: 50,
      importWh: Math.round(clock.monotonicMs() / 500),
      exportWh: 0,
    };
  };
  return {
    phases: 1,
    reading,
    localMs: () => clock.nowMs() + clockOffMs,
    setLocalMs: (localMs) => {
      clockOffMs = localMs - clock.nowMs();
    },
    waveform: () => undefined,
    record: () => [],
    count: () => 0,
    relayOpen: false,
  };
}
