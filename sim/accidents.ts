/**
 * What happened though no scenario asked for it: a kettle, a heater and an oven at once are an overload too. Watches
 * the true readings go by and writes down what a physicist would have called one.
 */
import type { MeterInfo, Sample } from '../protocols/reading.ts';
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

export class Accidents {
  readonly #limits = new Map<string, number>();
  readonly #spells = new Map<string, Spell>();
  readonly #truths: Truth[] = [];

  constructor(meters: readonly MeterInfo[]) {
    for (const { id, fuseA, premises, ratedCurrentA } of meters) {
      const limitA = premises === 'transformer' ? ratedCurrentA : fuseA;
      if (limitA !== undefined) this.#limits.set(id, limitA);
    }
  }

  take(sample: Sample): void {
    if (!('reading' in sample)) return;
    const limitA = this.#limits.get(sample.meter);
    if (limitA === undefined) return;
    const spell = this.#spells.get(sample.meter);
    let mostA = 0;
    for (const amps of sample.reading.currentA ?? []) mostA = Math.max(mostA, amps);
    if (mostA > limitA) {
      if (spell === undefined)
        this.#spells.set(sample.meter, { fromMs: sample.atMs, lastMs: sample.atMs, worst: mostA / limitA });
      else {
        spell.lastMs = sample.atMs;
        spell.worst = Math.max(spell.worst, mostA / limitA);
      }
    } else if (spell !== undefined && sample.atMs - spell.lastMs > PAUSE_MS) this.#close(sample.meter, spell);
  }

  /** What there was, without what `planned` already tells of the same meter at the same time. */
  truths(planned: readonly Truth[]): Truth[] {
    for (const [meter, spell] of [...this.#spells]) this.#close(meter, spell);
    const overlaps = (a: Truth, b: Truth) =>
      a.meter === b.meter && a.kind === b.kind && a.from <= b.to && b.from <= a.to;
    return this.#truths.filter((truth) => !planned.some((other) => overlaps(truth, other)));
  }

  #close(meter: string, { fromMs, lastMs, worst }: Spell): void {
    this.#spells.delete(meter);
    if (lastMs - fromMs < SPELL_MIN_MS) return;
    const what = `${Math.round(100 * worst)} % of its fuse, by chance`;
    this.#truths.push({ meter, kind: 'overload', from: fromMs, to: lastMs, what });
  }
}
