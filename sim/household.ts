/**
 * What one home, shop or plant draws, minute by minute, from people's days and their appliances.
 *
 * A day is made whole, from the seed and its number alone, so that any day can be asked for at any time, on any
 * machine, with the same answer, and a minute of it costs one look into an array.
 */
import { APPLIANCES, type Appliance, type ApplianceName, RHYTHMS, type RhythmName } from './appliances.ts';
import type { CurrentKind } from './currents/shapes.ts';
import { createRandom, hash32, mix32, type Random } from './random.ts';
import { ambientC, type Climate } from './weather.ts';

export const DAY_MS = 86_400_000;
export const MINUTES = 1440;

/** One appliance at work: minutes of its day (possibly past midnight) and what it draws. */
export interface Use {
  appliance: string;
  fromMin: number;
  toMin: number;
  powerW: number;
  powerFactor: number;
  current: CurrentKind;
  /** Which specimen, for the shape of its current. */
  seed: number;
  /** 0 … phases − 1. */
  phase: number;
}

/** Watts and var per minute, one array per phase, and who draws them. */
export interface DayLoad {
  day: number;
  activeW: Float32Array[];
  reactiveVar: Float32Array[];
  uses: Use[];
  /** Watt-hours over the whole day, import only and export only. */
  importWh: number;
  exportWh: number;
}

/** Something that happens to this home and to nobody else. Civil time. */
export interface Overlay {
  fromMs: number;
  toMs: number;
  /** Draws this on top of all else (negative: feeds in). With `tailH` the last hours fall off as a battery fills. */
  load?: { powerW: number; powerFactor: number; current: CurrentKind; tailH?: number; phase?: number; name: string };
  /** Nobody is there; with `leftOn` what ran at that moment runs on. */
  away?: { leftOn: boolean };
  /** People live by this rhythm instead. */
  rhythm?: RhythmName;
}

export interface HomeSpec {
  seed: number;
  phases: 1 | 3;
  rhythm: RhythmName;
  appliances: readonly ApplianceName[];
  /** Scales how much everybody uses. */
  appetite: number;
  climate: Climate;
  climateSeed: number;
  /** Days off besides Saturday and Sunday, by day number. */
  daysOff: ReadonlySet<number>;
}

/** A charger's power at its knee over its mean until there. */
const KNEE = 1.06;
/** Enough for reading forward with one look back over midnight. */
const DAYS_KEPT = 3;

export class Household {
  readonly spec: HomeSpec;
  /** Changed only by `add` and `end`, which forget the days made before. */
  readonly #overlays: Overlay[] = [];
  #days: DayLoad[] = [];
  /** What the people did on the day made last, for the evening that reaches into the next. */
  #last: { day: number; uses: Use[] } | undefined;

  constructor(spec: HomeSpec) {
    this.spec = spec;
  }

  add(overlay: Overlay): void {
    this.#overlays.push(overlay);
    this.#days = [];
    this.#last = undefined;
  }

  /** It is over at this civil time; what was drawn before stays drawn. */
  end(overlay: Overlay, localMs: number): void {
    overlay.toMs = localMs;
    this.#days = [];
    this.#last = undefined;
  }

  /** @param day civil days since 1970 */
  load(day: number): DayLoad {
    const kept = this.#days.find((load) => load.day === day);
    if (kept !== undefined) return kept;
    const load = this.#make(day);
    this.#days = [load, ...this.#days].slice(0, DAYS_KEPT);
    return load;
  }

  #make(day: number): DayLoad {
    const { phases, seed } = this.spec;
    const activeW = Array.from({ length: phases }, () => new Float32Array(MINUTES));
    const reactiveVar = Array.from({ length: phases }, () => new Float32Array(MINUTES));
    const evening = (this.#last?.day === day - 1 ? this.#last.uses : this.#uses(day - 1))
      .filter((use) => use.toMin > MINUTES)
      .map((use) => ({ ...use, fromMin: use.fromMin - MINUTES, toMin: use.toMin - MINUTES }));
    const own = this.#uses(day);
    this.#last = { day, uses: own };
    const uses = [...evening, ...own, ...this.#extra(day)].filter((use) => use.toMin > 0 && use.fromMin < MINUTES);
    for (const use of uses) {
      const watts = activeW[use.phase] ?? activeW[0]!;
      const vars = reactiveVar[use.phase] ?? reactiveVar[0]!;
      const perWatt = Math.tan(Math.acos(Math.min(1, use.powerFactor)));
      const end = Math.min(MINUTES, use.toMin);
      const { powerW } = use;
      let noise = mix32(seed ^ Math.imul(use.seed, 0x9e3779b1) ^ (day * MINUTES + use.fromMin)) | 1;
      for (let minute = Math.max(0, use.fromMin); minute < end; minute++) {
        noise ^= noise << 13;
        noise ^= noise >>> 17;
        noise ^= noise << 5;
        // Nothing draws exactly the same from one minute to the next.
        const power = powerW * (1 + 7e-12 * noise);
        watts[minute] = watts[minute]! + power;
        vars[minute] = vars[minute]! + power * perWatt;
      }
    }
    let importWh = 0;
    let exportWh = 0;
    for (let minute = 0; minute < MINUTES; minute++) {
      let sum = 0;
      for (const watts of activeW) sum += watts[minute]!;
      if (sum > 0) importWh += sum / 60;
      else exportWh -= sum / 60;
    }
    return { day, activeW, reactiveVar, uses, importWh, exportWh };
  }

  /** What the people and the machines do of their own on one day, cut down by absences. */
  #uses(day: number): Use[] {
    const { spec } = this;
    const random = createRandom(`${spec.seed}/${day}`);
    const awake = this.#awake(day, random);
    const uses: Use[] = [];
    for (const [index, name] of spec.appliances.entries()) {
      const appliance: Appliance = APPLIANCES[name];
      const specimen = createRandom(`${spec.seed}/${index}/${name}`);
      const powerW = specimen.between(...appliance.powerW);
      const seed = hash32(`${spec.seed}/${name}/${index}`) % 100_000;
      const base = { appliance: name, powerW, powerFactor: appliance.powerFactor, current: appliance.current, seed };
      const phase = index % spec.phases;
      // Every appliance has its own chance, so that adding one changes none of the others.
      const own = createRandom(`${spec.seed}/${day}/${index}/${name}`);
      for (const [fromMin, toMin] of this.#runs(appliance, awake, day, own, specimen)) {
        if (toMin <= fromMin) continue;
        const use = { ...base, fromMin, toMin, phase };
        if (appliance.current === 'inverter-compressor') uses.push(...compressorRun(use));
        else if (name === 'notebook') uses.push(...notebookRun(use, own.between(30, 70), own));
        else uses.push(use);
      }
    }
    return uses.flatMap((use) => this.#whilePresent(use, day));
  }

  #awake(day: number, random: Random): [number, number][] {
    const noonMs = (day + 0.5) * DAY_MS;
    const name = this.#overlays.find((o) => o.rhythm !== undefined && o.fromMs <= noonMs && noonMs < o.toMs)?.rhythm;
    const rhythm = RHYTHMS[name ?? this.spec.rhythm];
    const weekday = (day + 4) % 7;
    const off = weekday === 0 || weekday === 6 || this.spec.daysOff.has(day);
    return (off ? rhythm.off : rhythm.work).map(([from, to]) => [
      Math.round(from * 60 + random.normal() * rhythm.variesMin),
      Math.round(to * 60 + random.normal() * rhythm.variesMin),
    ]);
  }

  #runs(
    appliance: Appliance,
    awake: readonly [number, number][],
    day: number,
    random: Random,
    specimen: Random,
  ): [number, number][] {
    const { habit } = appliance;
    const there = (minute: number) => awake.some(([from, to]) => from <= minute && minute < to);
    switch (habit.type) {
      case 'always':
        return [[0, MINUTES]];
      case 'timer':
        return [[Math.round(habit.fromH * 60), Math.round(habit.toH * 60)]];
      case 'cycle':
        return cycles(
          day,
          specimen.between(...habit.periodMin),
          specimen.between(...habit.duty),
          specimen.next(),
          random,
        );
      case 'use': {
        const runs: [number, number][] = [];
        const wanted = habit.perDay * this.spec.appetite;
        const times = Math.floor(wanted) + (random.chance(wanted % 1) ? 1 : 0);
        for (let i = 0; i < times; i++) {
          const from = Math.round(random.pick(habit.hours) * 60 + random.between(0, 60));
          const minutes = Math.round(random.between(...habit.minutes));
          if (there(from)) runs.push([from, from + minutes]);
        }
        return apart(runs);
      }
      case 'presence': {
        let on = random.chance(habit.share * this.spec.appetite);
        const runs = quarters(awake, (minute) => {
          // People leave a thing on for about an hour and do not flick it every quarter.
          if (random.chance(0.25)) on = random.chance(habit.share * this.spec.appetite);
          return on && (!habit.dark || dark(minute));
        });
        return notTogether(runs, random);
      }
      case 'climate':
        return quarters(awake, (minute) => {
          const outsideC = ambientC(this.spec.climate, this.spec.climateSeed, day * DAY_MS + minute * 60_000);
          const wanted =
            (habit.aboveC !== undefined && outsideC > habit.aboveC) ||
            (habit.belowC !== undefined && outsideC < habit.belowC);
          return random.chance(habit.duty) && wanted;
        });
      default:
        return habit satisfies never;
    }
  }

  /** A use that needs people stops where they are away, unless it was left on. */
  #whilePresent(use: Use, day: number): Use[] {
    const { habit } = APPLIANCES[use.appliance as ApplianceName] as Appliance;
    if (habit.type === 'always' || habit.type === 'cycle' || habit.type === 'timer') return [use];
    for (const { away, fromMs, toMs } of this.#overlays) {
      if (away === undefined) continue;
      const from = Math.round((fromMs - day * DAY_MS) / 60_000);
      const to = Math.round((toMs - day * DAY_MS) / 60_000);
      if (use.toMin <= from || use.fromMin >= to) continue;
      if (use.fromMin >= from) return [];
      // Left on for at most as long as the fuse and the battery of luck last: until the end or twelve hours.
      const left = habit.type === 'presence' || habit.type === 'climate';
      const toMin = away.leftOn && left ? Math.min(to, from + 720) : from;
      return [{ ...use, toMin }];
    }
    return [use];
  }

  #extra(day: number): Use[] {
    const uses: Use[] = [];
    for (const [index, { load, fromMs, toMs }] of this.#overlays.entries()) {
      if (load === undefined) continue;
      const fromMin = Math.floor((fromMs - day * DAY_MS) / 60_000);
      const toMin = Math.floor((toMs - day * DAY_MS) / 60_000);
      if (toMin <= 0 || fromMin >= MINUTES) continue;
      const base = {
        appliance: load.name,
        powerFactor: load.powerFactor,
        current: load.current,
        phase: load.phase ?? 0,
      };
      const seed = hash32(`${this.spec.seed}/${load.name}/${index}`) % 100_000;
      const tailMin = Math.round((load.tailH ?? 0) * 60);
      const bendMin = toMin - tailMin;
      // At constant current a battery's voltage, and with it the power, rises by an eighth until the knee.
      const kneeW = tailMin > 0 ? KNEE * load.powerW : load.powerW;
      const bulkMin = bendMin - fromMin;
      const pieceMin = tailMin > 0 ? 10 : bulkMin;
      for (let minute = fromMin; minute < bendMin; minute += pieceMin) {
        const powerW = kneeW - ((kneeW - load.powerW) * 2 * (bendMin - minute)) / bulkMin;
        uses.push({ ...base, fromMin: minute, toMin: Math.min(bendMin, minute + pieceMin), powerW, seed });
      }
      // Then it takes less and less.
      for (let minute = bendMin; minute < toMin; minute++) {
        const powerW = kneeW * Math.max(0.08, Math.exp((-2.2 * (minute - bendMin)) / tailMin));
        uses.push({ ...base, fromMin: minute, toMin: minute + 1, powerW, seed });
      }
    }
    return uses;
  }
}

/** The first `levels` of a run a minute each, the last one until its end. */
function minuteByMinute(use: Use, fromMin: number, toMin: number, levels: readonly number[]): Use[] {
  return levels.flatMap((level, k) => {
    const from = fromMin + k;
    const to = k === levels.length - 1 ? toMin : Math.min(toMin, from + 1);
    return to > from ? [{ ...use, fromMin: from, toMin: to, powerW: use.powerW * level }] : [];
  });
}

/** An inverter starts softly, pulls down at full speed and then holds at less; it changes speed over minutes. */
function compressorRun(use: Use): Use[] {
  const minutes = use.toMin - use.fromMin;
  const [fullMin, lessMin] = [0.08, 0.4].map((share) => use.fromMin + Math.round(share * minutes)) as [number, number];
  return [
    ...minuteByMinute(use, use.fromMin, fullMin, [0.6]),
    ...minuteByMinute(use, fullMin, lessMin, [0.7, 0.8, 0.9, 1]),
    ...minuteByMinute(use, lessMin, use.toMin, [0.95, 0.9, 0.85, 0.8, 0.75]),
  ];
}

/**
 * A notebook charges its 30 to 60 Wh beside its own work; after that the work alone is two fifths of its power. The work
 * is never the same for long: measured notebooks scatter about a line by 2 to 9 % from one look in five minutes to the
 * next (quartiles, above 45 W), a third of them by less than 2.5 %.
 */
function notebookRun(use: Use, chargingMin: number, random: Random): Use[] {
  const fullMin = Math.round(chargingMin);
  const minutes = use.toMin - use.fromMin;
  const restless = Math.exp(random.between(Math.log(0.04), Math.log(0.5)));
  const levels: number[] = [];
  while (levels.length < minutes) {
    const work = 0.4 * (1 + restless * random.between(-1, 1));
    for (let heldMin = random.between(1, 6); heldMin > 0; heldMin--) {
      const charge = 0.6 * Math.exp(-Math.max(0, levels.length - fullMin) / 6);
      levels.push(work + (charge > 0.02 ? charge : 0));
    }
  }
  return minuteByMinute(use, use.fromMin, use.toMin, levels.slice(0, Math.max(1, minutes)));
}

/** On for `duty` of each period, the phase going on from day to day, every period a little different. */
function cycles(day: number, periodMin: number, duty: number, phase: number, random: Random): [number, number][] {
  const runs: [number, number][] = [];
  let at = Math.round(-((day * MINUTES + phase * periodMin) % periodMin));
  while (at < MINUTES) {
    const on = Math.max(1, Math.round(periodMin * duty * random.between(0.85, 1.15)));
    // Yesterday's last run ends at midnight; what reaches past today is tomorrow's first.
    if (at + on > 0) runs.push([Math.max(0, at), Math.min(MINUTES, at + on)]);
    at += Math.max(on + 1, Math.round(periodMin * random.between(0.93, 1.07)));
  }
  return runs;
}

/** Quarters of an hour of the windows in which `wanted`, joined where they touch. */
function quarters(windows: readonly [number, number][], wanted: (minute: number) => boolean): [number, number][] {
  const runs: [number, number][] = [];
  for (const [from, to] of windows) {
    for (let minute = from; minute < to; minute += 15) {
      if (!wanted(minute)) continue;
      const end = Math.min(to, minute + 15);
      const last = runs.at(-1);
      if (last !== undefined && last[1] === minute) last[1] = end;
      else runs.push([minute, end]);
    }
  }
  return runs;
}

/** Nobody switches two things in the same minute every quarter of an hour: each spell begins and ends somewhere in its. */
function notTogether(runs: readonly [number, number][], random: Random): [number, number][] {
  return apart(runs.map(([from, to]) => [from + random.int(15), to + random.int(15) - 14]));
}

/** One appliance does not run twice at once. */
function apart(runs: [number, number][]): [number, number][] {
  runs.sort((a, b) => a[0] - b[0]);
  const kept: [number, number][] = [];
  for (const run of runs) if (run[0] >= (kept.at(-1)?.[1] ?? Number.NEGATIVE_INFINITY)) kept.push(run);
  return kept;
}

function dark(minute: number): boolean {
  const hour = (minute / 60) % 24;
  return hour < 7 || hour > 17.5;
}
