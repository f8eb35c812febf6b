/**
 * What happened though no scenario asked for it: a kettle, a heater and an oven at once are an overload too, a prepaid
 * meter runs dry, a family reaches the next tier, and the supply has a quality of its own (`supply.ts`). Watches the true
 * readings go by and writes it down.
 */
import type { MeterInfo, Sample } from '../protocols/reading.ts';
import type { Area } from './area.ts';
import { simulateReadings } from './simulate.ts';
import { Supply } from './supply.ts';
import type { Truth } from './truth.ts';

interface Spell {
  fromMs: number;
  lastMs: number;
  worst: number;
}

/** Above the fuse for so long: a breaker bears 1.13 times its current for an hour, so shorter ones are ordinary life. */
const SPELL_MIN_MS = 10 * 60_000;
/** A spell goes on over a pause as short as this. */
const PAUSE_MS = 5 * 60_000;

/** A scenario that turns a voltage or loads a phase only means to: whether a limit was passed, the quantities tell. */
const MEASURED = new Set(['voltage', 'imbalance']);

/** From here on somebody should have been told that the light will go out. */
const LOW_YUAN = 10;
/** A warning that comes so much earlier is a forecast, not a false alarm. */
const AHEAD_MS = 7 * 86_400_000;

interface Month {
  name: string;
  startMs: number;
  startWh: number;
  tiers: number[];
}

export class Accidents {
  readonly #limits = new Map<string, number>();
  readonly #supply: Supply;
  readonly #tiers = new Map<string, readonly number[]>();
  readonly #months = new Map<string, Month>();
  readonly #low = new Set<string>();
  readonly #offsetMs: number;
  readonly #spells = new Map<string, Spell>();
  readonly #truths: Truth[] = [];

  /** @param offsetMs civil time minus UTC: tiers begin with the civil month */
  constructor(meters: readonly MeterInfo[], offsetMs: number) {
    this.#offsetMs = offsetMs;
    this.#supply = new Supply(meters, offsetMs);
    for (const { id, fuseA, premises, tariff } of meters) {
      if (tariff !== undefined) this.#tiers.set(id, tariff.tiersKwhPerMonth);
      if (fuseA !== undefined && premises !== 'transformer') this.#limits.set(id, fuseA);
    }
  }

  take(sample: Sample): void {
    if (!('reading' in sample)) return;
    this.#supply.take(sample.meter, sample.atMs, sample.reading);
    this.#takeBalance(sample.meter, sample.atMs, sample.reading.balanceYuan);
    this.#takeRegister(sample.meter, sample.atMs, sample.reading.importWh);
    const limitA = this.#limits.get(sample.meter);
    if (limitA === undefined) return;
    const spell = this.#spells.get(sample.meter);
    const mostA = Math.max(...(sample.reading.currentA ?? [0]));
    if (mostA > limitA) {
      if (spell === undefined)
        this.#spells.set(sample.meter, { fromMs: sample.atMs, lastMs: sample.atMs, worst: mostA / limitA });
      else {
        spell.lastMs = sample.atMs;
        spell.worst = Math.max(spell.worst, mostA / limitA);
      }
    } else if (spell !== undefined && sample.atMs - spell.lastMs > PAUSE_MS) this.#close(sample.meter, spell);
  }

  /** What was planned and what there was besides; of what is measured, what there was. */
  truths(planned: readonly Truth[]): Truth[] {
    for (const [meter, spell] of [...this.#spells]) this.#close(meter, spell);
    const kept = planned.filter(({ kind }) => !MEASURED.has(kind));
    const overlaps = (a: Truth, b: Truth) =>
      a.meter === b.meter && a.kind === b.kind && a.from <= b.to && b.from <= a.to;
    const own = [...this.#truths, ...this.#supply.truths()];
    return [...kept, ...own.filter((truth) => !kept.some((other) => overlaps(truth, other)))];
  }

  #takeBalance(meter: string, atMs: number, yuan: number | undefined): void {
    if (yuan === undefined || yuan >= LOW_YUAN || this.#low.has(meter)) return;
    this.#low.add(meter);
    const to = Number.MAX_SAFE_INTEGER;
    this.#truths.push({
      meter,
      kind: 'low-balance',
      from: atMs - AHEAD_MS,
      to,
      what: `less than ${LOW_YUAN} yuan left`,
    });
  }

  #takeRegister(meter: string, atMs: number, wh: number | undefined): void {
    const tiers = this.#tiers.get(meter);
    if (tiers === undefined || wh === undefined) return;
    const name = new Date(atMs + this.#offsetMs).toISOString().slice(0, 7);
    let month = this.#months.get(meter);
    if (month?.name !== name) {
      month = { name, startMs: atMs, startWh: wh, tiers: [...tiers] };
      this.#months.set(meter, month);
    }
    const [next] = month.tiers;
    if (next === undefined || wh - month.startWh < next * 1000) return;
    month.tiers.shift();
    // Whoever forecasts the day early in the month is right all the month.
    const span = { from: month.startMs, to: atMs + 86_400_000 };
    this.#truths.push({ meter, kind: 'tariff-tier', ...span, what: `${next} kWh this month` });
  }

  #close(meter: string, { fromMs, lastMs, worst }: Spell): void {
    this.#spells.delete(meter);
    if (lastMs - fromMs < SPELL_MIN_MS) return;
    const what = `${Math.round(100 * worst)} % of its fuse, by chance`;
    this.#truths.push({ meter, kind: 'overload', from: fromMs, to: lastMs, what });
  }
}

/** All that really happened in an area from its start until `untilMs`: what was planned, and what its readings show. */
export function happenedUntil(area: Area, planned: readonly Truth[], untilMs: number): Truth[] {
  const accidents = new Accidents(area.meters, area.offsetMs);
  for (const sample of simulateReadings(area, area.startMs, untilMs)) accidents.take(sample);
  return accidents.truths(planned.filter(({ from }) => from <= untilMs));
}
