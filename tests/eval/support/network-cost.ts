/** What a thousand meters and a transformer cost: time per reading and memory, all network detectors together. */
import type { Detector } from '../../../detectors/detector.ts';
import { Engine } from '../../../detectors/engine.ts';
import { imbalance } from '../../../detectors/network/imbalance.ts';
import { lineLoss } from '../../../detectors/network/line-loss.ts';
import { outage } from '../../../detectors/network/outage.ts';
import { overload } from '../../../detectors/network/overload.ts';
import { overloadForecast } from '../../../detectors/network/overload-forecast.ts';
import { voltage } from '../../../detectors/network/voltage.ts';
import type { MeterInfo, Sample } from '../../../protocols/reading.ts';
import { below, type Figure, seeded, told } from './network-data.ts';

export const networkDetectors = (): Detector[] => [
  overload(),
  overloadForecast(),
  imbalance(),
  voltage(),
  outage(),
  lineLoss(),
];

/** An area of homes on three phases, in boxes of twelve on four feeders, under one transformer. */
export function streetOf(homes: number): MeterInfo[] {
  const meters: MeterInfo[] = Array.from({ length: homes }, (_, i) => ({
    id: String(i).padStart(12, '0'),
    premises: 'flat',
    phases: 1,
    phase: ((i % 3) + 1) as 1 | 2 | 3,
    fuseA: 40,
    feeder: `F${i % 4}`,
    box: `B${Math.floor(i / 48)}`,
  }));
  return [...meters, { id: 'transformer', premises: 'transformer', phases: 3, ratedKva: 1.2 * Math.max(1, homes) }];
}

/** One minute of a street: every home once, then the transformer. */
export function* minuteOf(meters: readonly MeterInfo[], minute: number, random: () => number): Generator<Sample> {
  const amps: [number, number, number] = [0, 0, 0];
  let sum = 0;
  const atMs = Date.UTC(2025, 0, 1) + minute * 60_000;
  const evening = 0.6 + 0.4 * Math.sin((2 * Math.PI * (minute - 840)) / 1440);
  for (let i = 0; i < meters.length - 1; i++) {
    const powerW = Math.round(2 * evening * (100 + 900 * random()));
    const currentA = powerW / 221;
    amps[i % 3] = amps[i % 3]! + currentA;
    sum += powerW;
    const reading = {
      activePowerW: powerW,
      voltageV: [218 + 6 * random()],
      currentA: [currentA],
      powerFactor: [0.97],
      importWh: 1_000_000 + minute * 9,
    };
    yield { atMs: atMs + Math.floor((i * 59_000) / meters.length), meter: meters[i]!.id, reading };
  }
  const reading = {
    activePowerW: sum * 1.03,
    voltageV: [231, 230, 232],
    currentA: amps,
    importWh: 9e8 + minute * 9 * meters.length * 1.03,
    ambientC: 25,
  };
  yield { atMs: atMs + 59_500, meter: 'transformer', reading };
}

/** Replays some hours, the first few to warm up. Processor time counts, so that a busy machine does not. */
export function timeStreet(detectors: Detector[], homes: number, minutes: number): { micros: number; engine: Engine } {
  const meters = streetOf(homes);
  const engine = new Engine({ timezone: 'Asia/Shanghai', meters }, detectors);
  const random = seeded(4);
  let spentMicros = 0;
  let readings = 0;
  for (let minute = 0; minute < minutes; minute++) {
    const samples = [...minuteOf(meters, minute, random)];
    const began = process.cpuUsage();
    for (const sample of samples) engine.take(sample);
    if (minute < minutes / 4) continue;
    const { user, system } = process.cpuUsage(began);
    spentMicros += user + system;
    readings += samples.length;
  }
  return { micros: spentMicros / readings, engine };
}

export function costFigures(): Figure[] {
  const bare = timeStreet([], 1000, 120);
  const { micros, engine } = timeStreet(networkDetectors(), 1000, 600);
  const snapshot = engine.snapshot();
  const bytes = (value: unknown): number => JSON.stringify(value).length;
  const own = Object.values(snapshot.meters).map(bytes);
  const old = new Engine({ timezone: 'UTC', meters: streetOf(0) }, networkDetectors());
  const random = seeded(5);
  for (let quarter = 0; quarter < 60 * 96; quarter++) {
    const reading = { activePowerW: 1000 * random(), ambientC: 20 + 5 * random(), temperatureC: 40 + 30 * random() };
    old.take({ atMs: quarter * 900_000, meter: 'transformer', reading });
  }
  const areaBytes = bytes(snapshot.area);
  return [
    below(
      'cost of a reading, 1,000 meters and a transformer, engine and ticks included, µs',
      micros,
      5,
      `engine alone ${bare.micros.toFixed(2)}`,
    ),
    below('state per meter, mean, bytes', (bytes(snapshot.meters) + areaBytes) / own.length, 4096),
    told('state of a transformer after 60 days, its forecast learnt, bytes', bytes(old.snapshot().meters.transformer)),
  ];
}
