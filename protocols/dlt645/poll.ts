/**
 * What a DL/T 645 meter is asked for, and how its answers become a reading. Three-phase meters are asked for the phases
 * in one block (`0201FF00`); some know the single items only (fact of the field: Clou falls back, with phase A as the
 * probe), so a meter that has no block is asked for the single ones from then on.
 */
import type { Block, Exchange } from '../exchange.ts';
import type { Failure } from '../failure.ts';
import type { Reading } from '../reading.ts';
import type { Standard } from './control.ts';
import { type Conversation, converse, readValues } from './exchange.ts';
import { FRAME_OVERHEAD } from './frame.ts';
import { harmonicsBlock } from './harmonics.ts';
import { findItem, type Item } from './items/catalogue.ts';
import { unitBytes } from './items/codec.ts';
import { identifierBytes } from './requests.ts';

export interface Dlt645Meter {
  protocol: 'dlt645';
  /** 12 digits as printed. */
  address: string;
  standard: Standard;
  phases: 1 | 3;
  answerMs?: number;
}

export interface Dlt645PollOptions {
  /** Periods of active power; of current; of voltage. */
  powerMs?: number;
  currentMs?: number;
  voltageMs?: number;
  /** Of energy, power factor, neutral current and the rest. */
  slowMs?: number;
  /** Of the current's harmonics; absent: on demand only. */
  harmonicsMs?: number;
}

/** What one block asks and where it goes. */
interface Poll {
  name: string;
  pace: 'power' | 'current' | 'voltage' | 'slow';
  priority: 0 | 1;
  /** Per phase of the meter: the item, or a block with the single items to fall back to. */
  items: Partial<Record<Standard, Partial<Record<1 | 3, Source>>>>;
  feed(reading: Reading, values: readonly number[]): void;
}
type Source = string | { block: string; singles: readonly string[] };

const both = (di: string) => ({ 1: di, 3: di });

const POLLS: readonly Poll[] = [
  {
    name: 'power',
    pace: 'power',
    priority: 1,
    items: { '2007': both('02030000'), '1997': both('B630') },
    feed: (reading, [kw]) => set(reading, 'activePowerW', kw, 1000),
  },
  {
    name: 'current',
    pace: 'current',
    priority: 1,
    items: {
      '2007': { 1: '02020100', 3: { block: '0202FF00', singles: ['02020100', '02020200', '02020300'] } },
      '1997': { 1: 'B621', 3: { block: 'B62F', singles: ['B621', 'B622', 'B623'] } },
    },
    // Its sign is the direction of power, which active power and power factor already carry.
    feed: (reading, amps) => {
      reading.currentA = amps.map(Math.abs);
    },
  },
  {
    name: 'voltage',
    pace: 'voltage',
    priority: 1,
    items: {
      '2007': { 1: '02010100', 3: { block: '0201FF00', singles: ['02010100', '02010200', '02010300'] } },
      '1997': { 1: 'B611', 3: { block: 'B61F', singles: ['B611', 'B612', 'B613'] } },
    },
    feed: (reading, volts) => {
      reading.voltageV = [...volts];
    },
  },
  {
    name: 'energy',
    pace: 'slow',
    priority: 1,
    items: { '2007': both('00010000'), '1997': both('9010') },
    feed: (reading, [kwh]) => set(reading, 'importWh', kwh, 1000),
  },
  {
    name: 'reverse-energy',
    pace: 'slow',
    priority: 0,
    items: { '2007': both('00020000'), '1997': both('9020') },
    feed: (reading, [kwh]) => set(reading, 'exportWh', kwh, 1000),
  },
  {
    name: 'power-factor',
    pace: 'slow',
    priority: 0,
    items: {
      '2007': { 1: '02060000', 3: { block: '0206FF00', singles: ['02060000', '02060100', '02060200', '02060300'] } },
      '1997': { 1: 'B650', 3: { block: 'B65F', singles: ['B650', 'B651', 'B652', 'B653'] } },
    },
    // Behind the total come the phases; a single-phase meter has the total only.
    feed: (reading, factors) => {
      reading.powerFactor = factors.length > 1 ? factors.slice(1) : [...factors];
    },
  },
  {
    name: 'reactive-power',
    pace: 'slow',
    priority: 0,
    items: { '2007': both('02040000'), '1997': both('B640') },
    feed: (reading, [kvar]) => set(reading, 'reactivePowerVar', kvar, 1000),
  },
  {
    name: 'neutral-current',
    pace: 'slow',
    priority: 0,
    items: { '2007': both('02800001') },
    feed: (reading, [amps]) => set(reading, 'neutralCurrentA', amps === undefined ? undefined : Math.abs(amps), 1),
  },
  {
    name: 'frequency',
    pace: 'slow',
    priority: 0,
    items: { '2007': both('02800002') },
    feed: (reading, [hertz]) => set(reading, 'frequencyHz', hertz, 1),
  },
  {
    name: 'distortion',
    pace: 'slow',
    priority: 0,
    items: { '2007': { 1: '02090100', 3: { block: '0209FF00', singles: ['02090100', '02090200', '02090300'] } } },
    feed: (reading, percents) => {
      reading.currentThd = percents.map((percent) => percent / 100);
    },
  },
  {
    name: 'temperature',
    pace: 'slow',
    priority: 0,
    items: { '2007': both('02800007') },
    feed: (reading, [celsius]) => set(reading, 'temperatureC', celsius, 1),
  },
  {
    name: 'balance',
    pace: 'slow',
    priority: 0,
    items: { '2007': both('00900200') },
    feed: (reading, [yuan]) => set(reading, 'balanceYuan', yuan, 1),
  },
];

type NumberField = { [K in keyof Reading]-?: number extends Reading[K] ? K : never }[keyof Reading];

/** 1.001 × 1000 is 1000.9999999999999 in binary: what the conversion adds is cut off. */
function set(reading: Reading, field: NumberField, value: number | undefined, scale: number): void {
  if (value !== undefined) reading[field] = Math.round(value * scale * 1e6) / 1e6;
}

/**
 * The read blocks of a meter, with default periods at which 32 meters fit one bus of 2400 Bd. What the
 * meter turns out not to have in one block is remembered in the blocks: make them once and keep them.
 */
export function dlt645Blocks(meter: Dlt645Meter, options: Dlt645PollOptions = {}): Block<Reading>[] {
  const { powerMs = 20_000, currentMs = 30_000, voltageMs = 60_000, slowMs = 900_000 } = options;
  const periods = { power: powerMs, current: currentMs, voltage: voltageMs, slow: slowMs };
  const blocks = POLLS.flatMap((poll) => {
    const source = poll.items[meter.standard]?.[meter.phases];
    return source === undefined ? [] : [new ItemBlock(meter, poll, source, periods[poll.pace])];
  });
  return meter.standard === '2007' ? [...blocks, harmonicsBlock(meter, options.harmonicsMs ?? null)] : blocks;
}

/** Of the silences of a meter to a block the third, and every tenth from there, is followed by its first single item. */
const PROBE_AT = 3;
const PROBE_EVERY = 10;
/** Losses in a row on a bad line look like a block that is not there: what was learnt is looked at again. */
const FORGET_AFTER = 100;

/** A class, because a gateway holds twelve thousand: closures and a getter of its own made each 700 bytes. */
class ItemBlock implements Block<Reading> {
  readonly name: string;
  readonly periodMs: number;
  readonly priority: 0 | 1;
  wireBytes: number;
  readonly #meter: Dlt645Meter;
  readonly #poll: Poll;
  readonly #source: Source;
  /** Learnt: the meter knows the single items only. */
  #lacksBlock = false;
  /** Times in a row that it was silent to the block. */
  #silences = 0;
  #singleReads = 0;

  constructor(meter: Dlt645Meter, poll: Poll, source: Source, periodMs: number) {
    this.name = poll.name;
    this.periodMs = periodMs;
    this.priority = poll.priority;
    this.wireBytes = wireBytesOf(meter.standard, source, false);
    this.#meter = meter;
    this.#poll = poll;
    this.#source = source;
  }

  exchange(): Exchange<Reading> {
    return converse(this.#meter, this.#read());
  }

  *#read(): Conversation<Reading> {
    const read = yield* this.#readSource();
    if ('failure' in read) return read;
    const { name, feed } = this.#poll;
    const numbers = present(read.value);
    if (numbers === undefined) return { failure: 'no-such-data', detail: `${name}: the meter has no value` };
    const reading: Reading = {};
    feed(reading, numbers);
    return { value: reading };
  }

  *#readSource(): Conversation<unknown[]> {
    const { standard } = this.#meter;
    const source = this.#source;
    if (typeof source === 'string') return yield* readNumbers(standard, source);
    if (!this.#lacksBlock || ++this.#singleReads % FORGET_AFTER === 0) {
      const block = yield* readNumbers(standard, source.block);
      if ('value' in block) this.#learn(false);
      if ('value' in block || !(this.#lacksBlock || this.#mayLack(block.failure))) return block;
    }
    const values: unknown[] = [];
    for (const di of source.singles) {
      const single = yield* readNumbers(standard, di);
      if ('failure' in single) {
        // The first is the probe: a meter without it has none of them.
        if (single.failure === 'no-such-data' && values.length > 0) break;
        return single;
      }
      values.push(...single.value);
      this.#learn(true);
    }
    return { value: values };
  }

  /** Not every meter names its refusal, and some are silent to what they do not know: now and then the first single tells. */
  #mayLack(failure: Failure): boolean {
    this.#silences = failure === 'no-answer' ? this.#silences + 1 : 0;
    return failure === 'no-such-data' || failure === 'refused' || this.#silences % PROBE_EVERY === PROBE_AT;
  }

  #learn(lacksBlock: boolean): void {
    this.#silences = 0;
    if (this.#lacksBlock === lacksBlock) return;
    this.#lacksBlock = lacksBlock;
    this.#singleReads = 0;
    this.wireBytes = wireBytesOf(this.#meter.standard, this.#source, lacksBlock);
  }
}

function* readNumbers(standard: Standard, di: string): Conversation<unknown[]> {
  const read = yield* readValues(standard, itemOf(standard, di));
  return 'failure' in read ? read : { value: read.value.map(({ value }) => value) };
}

/** The phases a meter has come first; a gap between them (three-wire meters) cannot be told in a reading. */
function present(values: readonly unknown[]): number[] | undefined {
  const there = values.slice(0, values.findLastIndex((value) => value !== null) + 1);
  return there.length > 0 && there.every((value) => typeof value === 'number') ? there : undefined;
}

/** Request and answer, each behind four FE. */
function wireBytesOf(standard: Standard, source: Source, lacksBlock: boolean): number {
  const around = 2 * (4 + FRAME_OVERHEAD + identifierBytes(standard));
  if (typeof source === 'string') return around + unitBytes(itemOf(standard, source));
  const sizes = source.singles.map((di) => unitBytes(itemOf(standard, di)));
  const data = sizes.reduce((sum, size) => sum + size, 0);
  return (lacksBlock ? sizes.length : 1) * around + data;
}

function itemOf(standard: Standard, di: string): Item {
  const item = findItem(standard, di);
  if (item === undefined) throw new RangeError(`no item ${di} in ${standard}`);
  return item;
}
