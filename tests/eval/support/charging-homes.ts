/**
 * A measured home by the minute, with a waveform for each step of its power: every step is given to an appliance of
 * fitting kind and power, measured where there is one, and the snapshot is the sum of all that is on. Chargers are laid
 * over it. What comes out is what a meter would have said.
 */
import type { Sample } from '../../../protocols/reading.ts';
import { mainsCycle } from '../../../sim/currents/mains.ts';
import { type Draw, seeded } from '../../../sim/currents/seeded.ts';
import { currentShape } from '../../../sim/currents/shapes.ts';
import type { HouseMonth } from './charging-data.ts';
import type { ChargingSession } from './charging-sessions.ts';
import { type Device, type MeterFront, POINTS, snapshot } from './events.ts';

const MINUTE_MS = 60_000;
/** A step of a home that its meter answers with a waveform. */
const STEP_W = 30;
/** Share of unnamed switch-ons below 75 W that are notebooks, lamps and the like, without correction. */
const UNCORRECTED_SHARE = 0.03;

/** A charger in a home: from when, and with which current. */
export interface Planted {
  startMs: number;
  endMs: number;
  session: ChargingSession;
  /** One cycle at one watt. */
  currentA: Float64Array;
}

interface Running {
  powerW: number;
  /** One cycle at one watt. */
  currentA: Float64Array;
}

const voltage = mainsCycle({ samples: POINTS, flatTop: 0.02 });

/** Plants sessions a day apart on average, never two at once. */
export function plant(house: HouseMonth, sessions: ChargingSession[], draw: Draw): Planted[] {
  const planted: Planted[] = [];
  const endMs = house.startMs + house.powerW.length * MINUTE_MS;
  // The first day is the gateway's own: nobody charges while it is being installed.
  let atMs = house.startMs + 86_400_000 * draw.between(1, 2);
  for (const session of sessions) {
    const lengthMs = session.powerW.length * session.stepS * 1000;
    if (atMs + lengthMs > endMs) break;
    const nominalW = Math.max(...session.powerW);
    const shape = currentShape('charger', nominalW, { voltage, seed: 1 + Math.floor(draw.unit() * 1e9) });
    planted.push({ startMs: atMs, endMs: atMs + lengthMs, session, currentA: shape.map((value) => value / nominalW) });
    atMs += lengthMs + 86_400_000 * draw.between(0.4, 1.2);
  }
  return planted;
}

/** Watts of a planted charger at a moment. */
export function chargerW({ startMs, session }: Planted, atMs: number): number {
  const k = (atMs - startMs) / (session.stepS * 1000);
  return k < 0 ? 0 : (session.powerW[Math.floor(k)] ?? 0);
}

export interface HomeOptions {
  meter: string;
  seed: number;
  front: MeterFront;
  devices: readonly Device[];
  planted: readonly Planted[];
  /** Further loads by the minute with the cycle at one watt: look-alikes to replay. */
  further?: readonly { powerW: (atMs: number) => number; currentA: Float64Array }[];
  /** Whether the detector asked for a snapshot since it was last asked this; without it only steps bring one. */
  asked?: () => boolean;
}

/** All that the meter says in a month, in order. */
export function* homeSamples(house: HouseMonth, options: HomeOptions): Generator<Sample> {
  const { meter, front, planted, further = [], asked = () => false } = options;
  const draw = seeded(options.seed);
  const running = new Map<number, Running>();
  const appliances = new Appliances(house, options);
  let lastW = house.powerW[0] ?? 0;
  let shownW = Number.NaN;
  for (let minute = 0; minute < house.powerW.length; minute++) {
    const atMs = house.startMs + minute * MINUTE_MS;
    const homeW = house.powerW[minute]!;
    if (Number.isNaN(homeW)) continue;
    if (Math.abs(homeW - lastW) >= STEP_W) switchAppliance(running, homeW - lastW, minute, appliances);
    lastW = homeW;
    const laid = [...planted.filter((one) => atMs >= one.startMs && atMs <= one.endMs)];
    const addedW = laid.reduce((sum, one) => sum + chargerW(one, atMs), 0);
    const furtherW = further.reduce((sum, one) => sum + one.powerW(atMs), 0);
    const powerW = homeW + addedW + furtherW;
    yield { atMs, meter, reading: { activePowerW: Math.round(powerW * 10) / 10, voltageV: [220] } };
    const wanted = asked();
    if (wanted || Number.isNaN(shownW) || Math.abs(powerW - shownW) >= STEP_W) {
      const added: Running[] = [
        ...laid.map((one) => ({ powerW: chargerW(one, atMs + 3000), currentA: one.currentA })),
        ...further.map((one) => ({ powerW: one.powerW(atMs), currentA: one.currentA })),
      ];
      const cycle = appliances.sum(running.values(), added, homeW);
      yield { atMs: atMs + 3000, meter, waveform: snapshot(cycle, front, draw, voltage) };
    }
    shownW = powerW;
  }
}

/** Up: one more is on. Down: the one whose power comes nearest is off. */
function switchAppliance(running: Map<number, Running>, deltaW: number, minute: number, appliances: Appliances): void {
  if (deltaW > 0) {
    running.set(minute, { powerW: deltaW, currentA: appliances.of(deltaW, minute) });
    if (running.size > 24) running.delete(running.keys().next().value!);
    return;
  }
  let nearest: number | undefined;
  for (const [key, { powerW }] of running) {
    if (nearest === undefined || Math.abs(powerW + deltaW) < Math.abs(running.get(nearest)!.powerW + deltaW))
      nearest = key;
  }
  if (nearest !== undefined) running.delete(nearest);
}

/** Which appliance makes a step, the same for steps of the same height in one home. */
class Appliances {
  readonly #house: HouseMonth;
  readonly #options: HomeOptions;
  readonly #byBin = new Map<string, Float64Array>();
  readonly #base: Float64Array;
  readonly #baseW: number;
  readonly #chance: Draw;
  readonly #rest: Float64Array;

  constructor(house: HouseMonth, options: HomeOptions) {
    this.#house = house;
    this.#options = options;
    this.#chance = seeded(options.seed + 1);
    // What never goes off: a router, clocks, chargers in waiting, and a pump.
    const standing = [...house.powerW].filter((powerW) => powerW > 5).sort((a, b) => a - b);
    this.#baseW = Math.max(15, standing[Math.floor(standing.length / 20)] ?? 0);
    const electronicsW = Math.min(30, 0.4 * this.#baseW);
    const electronics = currentShape('small-supply', electronicsW, { voltage, seed: 5 });
    const pump = currentShape('motor', this.#baseW - electronicsW, { voltage, seed: 3 });
    this.#base = electronics.map((value, k) => value + pump[k]!);
    this.#rest = currentShape('corrected', 1, { voltage, seed: 2 });
  }

  of(deltaW: number, minute: number): Float64Array {
    const named = Object.entries(this.#house.appliances).find(
      ([, powerW]) => (powerW[minute] ?? 0) - (powerW[minute - 1] ?? 0) > 0.5 * deltaW,
    )?.[0];
    if (named === undefined && deltaW < 75 && this.#chance.unit() < UNCORRECTED_SHARE)
      return this.#pick(this.#chance, 'Laptop');
    const key = `${named ?? 'other'} ${Math.round(Math.log(deltaW) * 8)}`;
    const known = this.#byBin.get(key);
    if (known !== undefined) return known;
    const made = this.#draw(named, deltaW, key);
    this.#byBin.set(key, made);
    return made;
  }

  #draw(named: string | undefined, deltaW: number, key: string): Float64Array {
    const seed = [...`${this.#house.house} ${key}`].reduce(
      (hash, c) => (hash * 31 + c.charCodeAt(0)) | 0,
      this.#options.seed,
    );
    const draw = seeded(seed);
    const pick = (...names: string[]) => this.#pick(draw, ...names);
    if (named === 'Kettle') return pick('kettle', 'Waterkettle');
    if (named === 'Microwave') return pick('Microwave');
    if (named !== undefined) return pick('water_heater', 'Fan1', 'Vacuum', 'plaid_AC');
    if (deltaW > 600) return pick('kettle', 'water_heater', 'CoffeeMaker', 'rice_cooker', 'ElectricMoka');
    return pick(
      'fridge',
      'Fridge',
      'tv',
      'range_hood',
      'ILB',
      'Fan',
      'plaid_AC',
      'HairIron',
      'LightBulb',
      'Vacuum',
      'SolderingIron',
    );
  }

  #pick(draw: Draw, ...names: string[]): Float64Array {
    const fitting = this.#options.devices.filter(({ name }) => names.some((part) => name.includes(part)));
    const take = draw.pick(draw.pick(fitting).takes);
    return take.currentA.map((value) => value / take.powerW);
  }

  /** The home's current: its base, what is known to run, and for the rest of its power something corrected. */
  sum(running: Iterable<Running>, laid: readonly Running[], homeW: number): Float64Array {
    const parts = [...running];
    const restW = homeW - this.#baseW - parts.reduce((sum, { powerW }) => sum + powerW, 0);
    const cycle = this.#base.map((value, k) => value + restW * this.#rest[k]!);
    parts.push(...laid);
    for (const { powerW, currentA } of parts) {
      for (let k = 0; k < POINTS; k++) cycle[k]! += currentA[k]! * powerW;
    }
    return cycle;
  }
}

/** Measured device-days, one after the other, as a load without correction: the notebook on the kitchen table. */
export function replayed(days: readonly Int16Array[], startMs: number, seed: number) {
  const shape = currentShape('small-supply', 65, { voltage, seed });
  const powerW = (atMs: number) => {
    const s = Math.floor((atMs - startMs) / 1000);
    return Math.max(0, days[Math.floor(s / 86_400) % days.length]?.[s % 86_400] ?? 0);
  };
  return { powerW, currentA: shape.map((value) => value / 65) };
}
