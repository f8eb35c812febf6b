/**
 * Switch-on events as a meter would show them: a snapshot before, a snapshot after, of a home with some background
 * loads and one device that begins to draw. Devices are cycles: measured ones, or modelled rectifiers.
 */
import { difference, type Shape, shapeOf } from '../../../detectors/charging/shape.ts';
import { spectrumOf } from '../../../detectors/signal/spectrum.ts';
import type { Waveform } from '../../../protocols/reading.ts';
import { MAINS, mainsCycle } from '../../../sim/currents/mains.ts';
import { type Draw, seeded } from '../../../sim/currents/seeded.ts';
import { currentShape } from '../../../sim/currents/shapes.ts';
import { loadPlaid, loadWaveforms, type Recorded } from './charging-data.ts';
import { meanCycle } from './cycles.ts';

/** The points of a cycle in the library; a snapshot is read out of it at any rate. */
export const POINTS = 512;

/** One device's current over a cycle from the voltage's rising zero crossing; several takes where it was recorded long. */
export interface Device {
  name: string;
  uncorrected: boolean;
  measured: boolean;
  /** `starting`: the cycle of a switch-on, inrush included. */
  takes: { currentA: Float64Array; powerW: number; starting?: boolean }[];
}

/** What a meter's converter does. */
export interface MeterFront {
  rateHz: number;
  cycles: number;
  currentScale: number;
  noiseA: number;
  frequencyHz: number;
}

export const FRONTS = {
  '6.4 kHz / 16 bit': { rateHz: 6400, cycles: 10, currentScale: 100 / 32768, noiseA: 0.003, frequencyHz: 50 },
  '1.6 kHz / 12 bit': { rateHz: 1600, cycles: 10, currentScale: 100 / 2048, noiseA: 0.02, frequencyHz: 50 },
} as const satisfies Record<string, MeterFront>;

const UNCORRECTED = new Set(['Laptop', 'plaid_LaptopCharger', 'plaid_CFL']);

/** Every measured device; a take of less than 2 W is a device that was not on. */
export function measuredDevices(): Device[] {
  const devices = new Map<string, Device>();
  const records: { recorded: Recorded; first: number; cycles: number; starting?: boolean }[] = [
    ...loadWaveforms('hfhad_').flatMap((recorded) => [0, 40, 80].map((first) => ({ recorded, first, cycles: 10 }))),
    ...loadWaveforms('unibo_steady_').flatMap((recorded) =>
      Array.from({ length: 20 }, (_, k) => ({ recorded, first: k * 20, cycles: 10 })),
    ),
    ...loadWaveforms('evcpw_').map((recorded) => ({ recorded, first: 0, cycles: 6 })),
    // Their switch-on cycles hold the inrush; a switch-off shows the device as it ran.
    ...loadPlaid().map((recorded) => ({ recorded, first: 0, cycles: 1, starting: recorded.on })),
  ];
  for (const { recorded, first, cycles, starting = false } of records) {
    const cycle = meanCycle(recorded, first, cycles, POINTS);
    if (cycle === undefined || recorded.device.startsWith('Nothing')) continue;
    const powerW = cycle.voltageV.reduce((sum, v, k) => sum + v * cycle.currentA[k]!, 0) / POINTS;
    if (powerW < 2) continue;
    // The same power from the mains of this evaluation: a device of 120 V takes its form along, not its amperes.
    const voltageV = Math.sqrt(cycle.voltageV.reduce((sum, v) => sum + v * v, 0) / POINTS);
    const currentA = cycle.currentA.map((value) => (value * voltageV) / MAINS.voltageV);
    const name = recorded.device;
    const device = devices.get(name) ?? { name, uncorrected: UNCORRECTED.has(name), measured: true, takes: [] };
    device.takes.push({ currentA, powerW, starting });
    devices.set(name, device);
  }
  return [...devices.values()];
}

/** Chargers of 60 to 400 W, each its own resistance, capacitor and mains. */
export function modelledChargers(count: number, seed: number): Device[] {
  const draw = seeded(seed);
  return Array.from({ length: count }, (_, k) => {
    const powerW = draw.betweenLog(60, 400);
    const voltage = mainsCycle({ samples: POINTS, voltageV: draw.between(200, 240), flatTop: draw.between(0, 0.05) });
    const currentA = currentShape('charger', powerW, { seed: seed * 10_000 + k + 1, voltage });
    return { name: `charger ${k}`, uncorrected: true, measured: false, takes: [{ currentA, powerW }] };
  });
}

/** Sums cycles, each times its factor. */
export function mix(parts: readonly { currentA: Float64Array; factor: number }[]): Float64Array {
  const sum = new Float64Array(POINTS);
  for (const { currentA, factor } of parts) {
    for (let k = 0; k < POINTS; k++) sum[k]! += currentA[k]! * factor;
  }
  return sum;
}

/** A snapshot of this cycle as the meter would send it, beginning anywhere. */
export function snapshot(
  currentA: Float64Array,
  front: MeterFront,
  draw: Draw,
  voltage = mainsCycle({ samples: POINTS }),
) {
  const { rateHz, cycles, frequencyHz, currentScale, noiseA } = front;
  const count = Math.round((cycles * rateHz) / 50);
  const begin = draw.unit();
  const voltageScale = 0.02;
  const read = (cycle: Float64Array, k: number) => {
    // The mean over the sample's own span, which is what a converter's filter leaves.
    const span = (POINTS * frequencyHz) / rateHz;
    const from = ((begin + (k * frequencyHz) / rateHz) % 1) * POINTS;
    const taps = Math.max(1, Math.min(16, Math.round(span)));
    let sum = 0;
    for (let t = 0; t < taps; t++) sum += cycle[Math.floor(from + (t * span) / taps) % POINTS]!;
    return sum / taps;
  };
  const clip = (value: number) => Math.max(-32768, Math.min(32767, Math.round(value)));
  const waveform: Waveform = {
    rateHz,
    phase: 1,
    voltage: {
      scale: voltageScale,
      samples: Int16Array.from({ length: count }, (_, k) => clip(read(voltage, k) / voltageScale)),
    },
    current: {
      scale: currentScale,
      samples: Int16Array.from({ length: count }, (_, k) =>
        clip((read(currentA, k) + noiseA * draw.normal()) / currentScale),
      ),
    },
  };
  return waveform;
}

export interface SwitchOn {
  device: Device;
  powerW: number;
  backgrounds: number;
  before: Waveform;
  after: Waveform;
}

/**
 * One device begins over `backgrounds` others of the pool.
 * @param powerW what the device is scaled to; as measured where absent
 */
export function switchOn(
  device: Device,
  pool: readonly Device[],
  backgrounds: number,
  front: MeterFront,
  draw: Draw,
  powerW?: number,
): SwitchOn {
  const take = draw.pick(device.takes);
  const wantedW = powerW ?? take.powerW;
  const others = Array.from({ length: backgrounds }, () => draw.pick(draw.pick(pool).takes));
  const background = () =>
    // A load is never twice the same: half a percent of ripple.
    mix(others.map(({ currentA }) => ({ currentA, factor: 1 + 0.005 * draw.normal() })));
  const drifting = { ...front, frequencyHz: front.frequencyHz + draw.between(-0.1, 0.1) };
  const before = snapshot(background(), drifting, draw);
  const sum = mix([
    { currentA: background(), factor: 1 },
    { currentA: take.currentA, factor: wantedW / take.powerW },
  ]);
  return { device, powerW: wantedW, backgrounds, before, after: snapshot(sum, drifting, draw) };
}

/** A shape with its truth, for fitting and for scoring. */
export interface Labelled {
  shape: Shape;
  uncorrected: boolean;
  /** What is left out together: a device, or one modelled charger. */
  device: string;
  backgrounds: number;
  powerW: number;
}

/** Loads of a home that stay on while something else begins; cars and kilowatts of noise are no flat's background. */
export function homeLoads(devices: readonly Device[]): Device[] {
  return devices
    .filter(({ uncorrected, name }) => !uncorrected && !name.startsWith('ev_'))
    .map((device) => ({ ...device, takes: device.takes.filter(({ powerW }) => powerW < 2500) }));
}

/** The differential shape of an event, by the code that runs in the detector. */
export function shapeOfEvent({ before, after }: SwitchOn): Shape {
  const then = spectrumOf(before);
  const now = spectrumOf(after);
  if (then === undefined || now === undefined) throw new Error('a made snapshot has no mains');
  return shapeOf(difference(now, then), now.voltageV, Math.min(then.highestOrder, now.highestOrder));
}

const OTHER_KINDS = ['resistive', 'motor', 'corrected', 'phase-cut', 'half-wave'] as const;

/** Modelled loads of the other kinds, of a charger's power. */
function modelledOthers(each: number, draw: Draw): Device[] {
  const voltage = mainsCycle({ samples: POINTS });
  return OTHER_KINDS.flatMap((kind) =>
    Array.from({ length: each }, (_, k) => {
      const powerW = draw.betweenLog(60, 400);
      const currentA = currentShape(kind, powerW, { seed: k + 1, voltage });
      return { name: `modelled ${kind}`, uncorrected: false, measured: false, takes: [{ currentA, powerW }] };
    }),
  );
}

/** Events of every device through one meter front; measured negatives half at their own power, half at a charger's. */
export function labelledEvents(front: MeterFront, seed: number, perCharger = 10, perDevice = 150): Labelled[] {
  const draw = seeded(seed);
  const measured = measuredDevices();
  const loads = homeLoads(measured);
  const rows: Labelled[] = [];
  const add = (device: Device, times: number, powerOf: (k: number) => number | undefined) => {
    const pool = loads.filter(({ name }) => name !== device.name);
    for (let k = 0; k < times; k++) {
      const event = switchOn(device, pool, k % 5, front, draw, powerOf(k));
      const { uncorrected, name } = device;
      rows.push({ shape: shapeOfEvent(event), uncorrected, device: name, backgrounds: k % 5, powerW: event.powerW });
    }
  };
  for (const charger of modelledChargers(300, seed)) add(charger, perCharger, () => undefined);
  for (const device of measured.filter(({ uncorrected }) => !uncorrected)) {
    add(device, perDevice, (k) => (k % 2 === 0 ? undefined : draw.betweenLog(60, 400)));
  }
  for (const device of modelledOthers(40, draw)) add(device, 5, () => undefined);
  return rows;
}
