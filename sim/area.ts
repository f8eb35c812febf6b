/**
 * A transformer area made from a scenario: who draws what, what the voltage makes of it, and what each meter shows.
 * Deterministic: the same scenario gives the same figures at every moment, on every machine.
 */
import type { MeterEvent, MeterInfo, Reading, Waveform } from '../protocols/reading.ts';
import { DAY_MS, type DayLoad, Household, MINUTES } from './household.ts';
import type { MeterFaults } from './meter-view.ts';
import { hash32, noiseAt } from './random.ts';
import { type Group, type Kind, kindOf, type Scenario, type Wire } from './scenario.ts';
import { snapshot } from './snapshot.ts';
import type { Source } from './source.ts';
import { ambientC, type Climate, sunshine, TEMPERATE } from './weather.ts';

/** Something that changes what a meter shows, not what its users draw. Epoch milliseconds. */
export interface MeterEffect {
  fromMs: number;
  toMs: number;
  /** No voltage: the meter is dark. */
  dark?: boolean;
  /** Phase 1 … 3 of a three-phase meter without voltage. */
  lostPhase?: number;
  /** Times the voltage; `phase` where only one. */
  voltageFactor?: number;
  phase?: number;
  leakA?: number;
  /** The meter measures this share of the current. */
  measures?: number;
  stuck?: boolean;
  lessWh?: number;
  /** Another meter under the same address: what the old one had counted by `fromMs` is gone. */
  exchanged?: boolean;
}

export interface AreaMeter {
  info: MeterInfo;
  group: string;
  /** `302`: floor and door. */
  room: string;
  wire: Wire;
  faults: Partial<MeterFaults>;
  home: Household;
  effects: MeterEffect[];
  events: { atMs: number; event: MeterEvent }[];
  /** Of all its phases; of a transformer, of all roofs behind it by their phases. */
  pvW: number[];
  balanceYuan: number | undefined;
  startWh: number;
  energy: EnergyCursor;
}

/** Where the count of energy stands; only ever moved forward, or begun again. */
interface EnergyCursor {
  day: number;
  minute: number;
  /** Up to the beginning of `day`, and from there up to `minute`. */
  importWh: number;
  exportWh: number;
  dayImportWh: number;
  dayExportWh: number;
}

const NOMINAL_V = 231;
/** Of the line from the transformer to the socket. */
const LINE_OHM = 0.18;
const YUAN_PER_KWH = 0.5;

export class Area implements Source {
  readonly scenario: Scenario;
  readonly timezone: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly meters: readonly MeterInfo[];
  readonly all: readonly AreaMeter[];
  /** Civil time minus UTC. */
  readonly offsetMs: number;
  readonly #climate: Climate;
  readonly #byId = new Map<string, AreaMeter>();
  #summed: { day: number; loads: DayLoad } | undefined;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.timezone = scenario.timezone;
    const localMs = Date.parse(`${scenario.start}Z`);
    this.offsetMs = offsetOf(scenario.timezone, localMs);
    this.startMs = localMs - this.offsetMs;
    this.endMs = this.startMs + scenario.days * DAY_MS;
    const given = Object.fromEntries(Object.entries(scenario.climate).filter(([, value]) => value !== undefined));
    this.#climate = { ...TEMPERATE, ...given };
    const all = scenario.groups.flatMap((group, index) =>
      Array.from({ length: group.count }, (_, n) => this.#meter(group, kindOf(group), index, n)),
    );
    if (scenario.transformer?.meter) all.push(this.#transformer(scenario.transformer, all));
    this.all = all;
    this.meters = all.map((meter) => meter.info);
    for (const meter of all) this.#byId.set(meter.info.id, meter);
  }

  /** Civil time as though it were UTC. */
  localMs(atMs: number): number {
    return atMs + this.offsetMs;
  }

  meter(id: string): AreaMeter | undefined {
    return this.#byId.get(id);
  }

  /** Meters that `flat`, `flat/302`, a room, or an id names. */
  named(name: string): AreaMeter[] {
    const [group, room] = name.split('/');
    const found = this.all.filter((meter) => meter.group === group && (room === undefined || meter.room === room));
    if (found.length > 0) return found;
    return this.all.filter((meter) => meter.info.id === name || meter.room === name);
  }

  readingAt(id: string, atMs: number): Reading {
    const meter = this.#byId.get(id);
    if (meter === undefined) return {};
    const effects = meter.effects.length === 0 ? NO_EFFECTS : meter.effects.filter((effect) => covers(effect, atMs));
    const stuck = effects.find((effect) => effect.stuck);
    if (stuck !== undefined && stuck.fromMs < atMs) return this.readingAt(id, stuck.fromMs - 1);
    if (effects.some((effect) => effect.dark)) return {};
    return this.#read(meter, atMs, effects);
  }

  /** Makes the day that `atMs` is in, so that nobody waits for it later. */
  makeDay(id: string, atMs: number): void {
    const meter = this.#byId.get(id);
    if (meter !== undefined) this.#load(meter, Math.floor(this.localMs(atMs) / DAY_MS));
  }

  isDark(id: string, atMs: number): boolean {
    return this.#byId.get(id)?.effects.some((effect) => effect.dark && covers(effect, atMs)) ?? true;
  }

  waveformAt(id: string, atMs: number, phase: number, cycles = 10): Waveform | undefined {
    const meter = this.#byId.get(id);
    if (meter === undefined || this.isDark(id, atMs)) return undefined;
    const localMs = this.localMs(atMs);
    const day = Math.floor(localMs / DAY_MS);
    const minute = Math.floor((localMs - day * DAY_MS) / 60_000);
    const at = meter.info.phases === 3 ? phase - 1 : 0;
    const uses = meter.home
      .load(day)
      .uses.filter((use) => use.fromMin <= minute && minute < use.toMin && use.phase === at);
    const voltageV = this.readingAt(id, atMs).voltageV?.[at] ?? NOMINAL_V;
    return snapshot(uses, { voltageV, phase, cycles, seed: hash32(`${id}/${atMs}`) });
  }

  eventsBetween(id: string, fromMs: number, toMs: number): { atMs: number; event: MeterEvent }[] {
    return (this.#byId.get(id)?.events ?? []).filter(({ atMs }) => atMs > fromMs && atMs <= toMs);
  }

  #read(meter: AreaMeter, atMs: number, effects: readonly MeterEffect[]): Reading {
    const localMs = this.localMs(atMs);
    const day = Math.floor(localMs / DAY_MS);
    const minute = Math.floor((localMs - day * DAY_MS) / 60_000);
    const { info } = meter;
    const seed = meter.home.spec.seed;
    const load = this.#load(meter, day);
    const phases = info.phases ?? 1;
    const voltageV: number[] = [];
    const currentA: number[] = [];
    const powerFactor: number[] = [];
    let activePowerW = 0;
    let reactivePowerVar = 0;
    for (let phase = 0; phase < phases; phase++) {
      const pvW = meter.pvW[phase] ?? 0;
      const sun = pvW > 0 ? pvW * sunshine(this.#climate, this.scenario.seed, localMs) : 0;
      let active = (load.activeW[phase]?.[minute] ?? 0) - sun;
      let reactive = load.reactiveVar[phase]?.[minute] ?? 0;
      let volts = this.#volts(seed, atMs, phase) - (LINE_OHM * active) / NOMINAL_V;
      let share = 1;
      for (const effect of effects) {
        if (effect.voltageFactor !== undefined && (effect.phase ?? phase + 1) === phase + 1)
          volts *= effect.voltageFactor;
        if (effect.lostPhase === phase + 1) share = 0;
        if (effect.measures !== undefined) share *= effect.measures;
      }
      if (share === 0) volts *= 0.02;
      active *= share;
      reactive *= share;
      const apparent = Math.hypot(active, reactive);
      voltageV.push(round(volts, 1));
      currentA.push(round(apparent / Math.max(1, volts), 3));
      powerFactor.push(apparent === 0 ? 1 : round(active / apparent, 3));
      activePowerW += active;
      reactivePowerVar += reactive;
    }
    for (const effect of effects) if (effect.exchanged) effect.lessWh ??= this.#registerAt(meter, effect.fromMs);
    const energy = this.#energy(meter, day, minute);
    const leakA = effects.reduce((sum, effect) => sum + (effect.leakA ?? 0), 0);
    const lessWh = effects.reduce((sum, effect) => sum + (effect.lessWh ?? 0), 0);
    const reading: Reading = {
      activePowerW: round(activePowerW, 1),
      reactivePowerVar: round(reactivePowerVar, 1),
      voltageV,
      currentA,
      powerFactor,
      frequencyHz: round(50 + 0.06 * (noiseAt(this.scenario.seed, Math.floor(atMs / 60_000), 7) - 0.5), 2),
      importWh: Math.round(Math.max(0, meter.startWh + energy.importWh + energy.dayImportWh - lessWh)),
      exportWh: Math.round(energy.exportWh + energy.dayExportWh),
    };
    // Own current and a few milliamperes of filters to earth; what leaks is missing in the neutral.
    const residual = 0.003 + 0.002 * noiseAt(seed, minute, day) + leakA;
    if (phases === 1) reading.neutralCurrentA = round(Math.abs((currentA[0] ?? 0) - leakA), 3);
    reading.residualCurrentA = round(residual, 4);
    if (meter.balanceYuan !== undefined) {
      const usedKwh = (energy.importWh + energy.dayImportWh) / 1000;
      reading.balanceYuan = round(meter.balanceYuan - usedKwh * YUAN_PER_KWH, 2);
    }
    if (info.premises === 'transformer')
      reading.ambientC = round(ambientC(this.#climate, this.scenario.seed, localMs), 1);
    return reading;
  }

  /** The transformer's load is everybody's sum, made once a day. */
  #load(meter: AreaMeter, day: number): DayLoad {
    if (meter.info.premises !== 'transformer') return meter.home.load(day);
    if (this.#summed?.day === day) return this.#summed.loads;
    const activeW = [0, 1, 2].map(() => new Float32Array(MINUTES));
    const reactiveVar = [0, 1, 2].map(() => new Float32Array(MINUTES));
    for (const one of this.all) {
      if (one === meter) continue;
      const load = one.home.load(day);
      for (const [index, watts] of load.activeW.entries()) {
        const phase = one.info.phases === 3 ? index : (one.info.phase ?? 1) - 1;
        add(activeW[phase]!, watts);
        add(reactiveVar[phase]!, load.reactiveVar[index]!);
      }
    }
    let importWh = 0;
    for (const watts of activeW) for (const power of watts) importWh += power / 60;
    const loads = { day, activeW, reactiveVar, uses: [], importWh, exportWh: 0 };
    this.#summed = { day, loads };
    return loads;
  }

  #volts(seed: number, atMs: number, phase: number): number {
    const slow = Math.sin(atMs / 9_700_000 + phase);
    return NOMINAL_V + 2.2 * slow + 1.2 * (noiseAt(seed, Math.floor(atMs / 1000), phase) - 0.5);
  }

  #registerAt(meter: AreaMeter, atMs: number): number {
    const localMs = this.localMs(atMs);
    const day = Math.floor(localMs / DAY_MS);
    const { importWh, dayImportWh } = this.#energy(meter, day, Math.floor((localMs - day * DAY_MS) / 60_000));
    return meter.startWh + importWh + dayImportWh;
  }

  #energy(meter: AreaMeter, day: number, minute: number): EnergyCursor {
    const cursor = meter.energy;
    if (cursor.day < 0 || day < cursor.day || (day === cursor.day && minute < cursor.minute)) {
      Object.assign(cursor, FRESH_CURSOR, { day: Math.floor(this.localMs(this.startMs) / DAY_MS) });
    }
    while (cursor.day < day) {
      this.#countUpTo(meter, cursor, MINUTES);
      cursor.importWh += cursor.dayImportWh;
      cursor.exportWh += cursor.dayExportWh;
      Object.assign(cursor, { day: cursor.day + 1, minute: 0, dayImportWh: 0, dayExportWh: 0 });
    }
    this.#countUpTo(meter, cursor, minute);
    return cursor;
  }

  #countUpTo(meter: AreaMeter, cursor: EnergyCursor, minute: number): void {
    const load = this.#load(meter, cursor.day);
    const dark = meter.effects.filter((effect) => effect.dark);
    const pvW = meter.pvW.reduce((sum, watts) => sum + watts, 0);
    for (; cursor.minute < minute; cursor.minute++) {
      const minuteMs = cursor.day * DAY_MS + cursor.minute * 60_000;
      if (dark.length > 0 && dark.some((effect) => covers(effect, minuteMs - this.offsetMs))) continue;
      let watts = 0;
      for (const phase of load.activeW) watts += phase[cursor.minute]!;
      if (pvW > 0) watts -= pvW * sunshine(this.#climate, this.scenario.seed, minuteMs);
      if (watts > 0) cursor.dayImportWh += watts / 60;
      else cursor.dayExportWh -= watts / 60;
    }
  }

  #meter(group: Group, kind: Kind, index: number, n: number): AreaMeter {
    const room = String((Math.floor(n / 4) + 1) * 100 + (n % 4) + 1);
    const digits = `${String(index + 1).padStart(4, '0')}${room.padStart(8, '0')}`;
    const phases = group.phases ?? kind.phases;
    const watch = group.watch ?? kind.watch;
    const charging = group.charging ?? kind.charging;
    const info: MeterInfo = {
      id: group.wire.protocol === 'dlt645' ? digits : `${group.name}-${room}`,
      premises: group.premises ?? kind.premises,
      phases,
      ...(phases === 1 ? { phase: ((n % 3) + 1) as 1 | 2 | 3 } : {}),
      ratedCurrentA: group.ratedCurrentA ?? kind.ratedCurrentA,
      fuseA: group.fuseA ?? kind.fuseA,
      ...(watch === undefined ? {} : { watch }),
      ...(charging === undefined ? {} : { charging }),
      grid: group.grid ?? 'grid-1',
      feeder: group.feeder,
      box: `${group.feeder}-${group.name}-${Math.floor(n / group.metersPerBox) + 1}`,
      ...(group.tiersKwhPerMonth === undefined ? {} : { tariff: { tiersKwhPerMonth: group.tiersKwhPerMonth } }),
      ...(group.contract === undefined ? {} : { contract: group.contract }),
    };
    const seed = hash32(`${this.scenario.seed}/${group.name}/${n}`);
    const home = this.#household(seed, phases, group, kind);
    return this.#areaMeter(info, group.name, room, group.wire, group.faults, home, {
      pvW: Array.from({ length: phases }, () => ((group.pvKw ?? 0) * 1000) / phases),
      balanceYuan: group.balanceYuan,
    });
  }

  #household(
    seed: number,
    phases: 1 | 3,
    group: Pick<Group, 'rhythm' | 'appliances' | 'appetite'>,
    kind: Kind,
  ): Household {
    const firstDay = Math.floor(this.localMs(this.startMs) / DAY_MS);
    return new Household({
      seed,
      phases,
      rhythm: group.rhythm ?? kind.rhythm,
      appliances: group.appliances ?? kind.appliances,
      // Neighbours with the same things differ by a factor of two.
      appetite: (group.appetite ?? 1) * (0.7 + 0.6 * noiseAt(seed, 1)),
      climate: this.#climate,
      climateSeed: this.scenario.seed,
      daysOff: new Set(this.scenario.holidays.map((day) => firstDay + day)),
    });
  }

  #transformer(transformer: NonNullable<Scenario['transformer']>, users: readonly AreaMeter[]): AreaMeter {
    const info: MeterInfo = {
      id: transformer.wire.protocol === 'dlt645' ? '999900000001' : 'transformer-1',
      premises: 'transformer',
      phases: 3,
      ratedKva: transformer.ratedKva,
      ratedCurrentA: Math.round((transformer.ratedKva * 1000) / (3 * NOMINAL_V)),
      grid: 'grid-1',
    };
    const nobody: Kind = {
      premises: 'transformer',
      rhythm: 'nobody',
      appliances: [],
      phases: 3,
      ratedCurrentA: 0,
      fuseA: 0,
    };
    const group = { rhythm: undefined, appliances: undefined, appetite: undefined };
    const home = this.#household(this.scenario.seed, 3, group, nobody);
    const pvW = [0, 0, 0];
    for (const user of users) {
      for (const [index, watts] of user.pvW.entries()) {
        pvW[user.info.phases === 3 ? index : (user.info.phase ?? 1) - 1]! += watts;
      }
    }
    return this.#areaMeter(info, 'transformer', '1', transformer.wire, {}, home, { pvW, balanceYuan: undefined });
  }

  #areaMeter(
    info: MeterInfo,
    group: string,
    room: string,
    wire: Wire,
    faults: Group['faults'],
    home: Household,
    extra: { pvW: number[]; balanceYuan: number | undefined },
  ): AreaMeter {
    const startWh = Math.round(500_000 + 9_000_000 * noiseAt(home.spec.seed, 2));
    const known = Object.entries(faults).filter(([, value]) => value !== undefined);
    const base = { info, group, room, wire, faults: Object.fromEntries(known), home, startWh, ...extra };
    return { ...base, effects: [], events: [], energy: { ...FRESH_CURSOR } };
  }
}

const NO_EFFECTS: readonly MeterEffect[] = [];

function covers(effect: MeterEffect, atMs: number): boolean {
  return effect.fromMs <= atMs && atMs < effect.toMs;
}

const FRESH_CURSOR: EnergyCursor = { day: -1, minute: 0, importWh: 0, exportWh: 0, dayImportWh: 0, dayExportWh: 0 };

function add(to: Float32Array, from: Float32Array): void {
  for (let i = 0; i < to.length; i++) to[i] = to[i]! + from[i]!;
}

function round(value: number, decimals: number): number {
  const factor = 10 ** decimals;
  return Math.round(value * factor) / factor;
}

/** The zone's offset at a civil time, asked once: a street keeps one offset for its whole life. */
function offsetOf(timezone: string, localMs: number): number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' });
  const name = format.formatToParts(localMs).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
  const match = /GMT([+-])(\d{2}):(\d{2})/.exec(name);
  if (match === null) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return (match[1] === '-' ? -minutes : minutes) * 60_000;
}
