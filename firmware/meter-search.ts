/**
 * Who answers on one open line. Each protocol has a few first questions that nearly every bus answers, and a long rest:
 * DL/T 645 addresses pair by pair where several answer the wildcard at once, and the Modbus units that are seldom set.
 * Reads only.
 */
import type { Standard } from '../protocols/dlt645/control.ts';
import { findMeterExchange, type MeterThere } from '../protocols/dlt645/exchange.ts';
import { ANY_ADDRESS } from '../protocols/dlt645/frame.ts';
import { type Probe, searchMeters } from '../protocols/dlt645/search.ts';
import type { Exchange } from '../protocols/exchange.ts';
import { POLICY } from '../protocols/failure.ts';
import { readRegisters } from '../protocols/modbus/exchange.ts';
import { modbusBlocks } from '../protocols/modbus/poll.ts';
import { PROFILES } from '../protocols/modbus/profiles.ts';
import type { Reading } from '../protocols/reading.ts';
import type { Answer } from './bus/asker.ts';

export type FoundMeter =
  | { protocol: 'dlt645'; standard: Standard; address: string }
  /** `profile`: the register map whose voltages make sense, where one does. */
  | { protocol: 'modbus'; unit: number; profile?: string };

export interface AskedLine {
  signal: AbortSignal;
  ask<T>(exchange: Exchange<T>): Promise<Answer<T>>;
  /** Listens as long as a meter may take: whether somebody spoke after the answer. Left out on a line that others use. */
  overheard?(): Promise<boolean>;
}

/** `voices`: somebody spoke and nobody was understood: several at once, two with the same number, or noise. */
export type Sign = 'meters' | 'voices' | 'silence';

/** The search of one line for one protocol: `rest` goes on where `first` ended, also after the line was opened anew. */
export interface Search {
  first(line: AskedLine): AsyncGenerator<FoundMeter, Sign>;
  rest(line: AskedLine): AsyncGenerator<FoundMeter, void>;
  /** How many questions `first` asks, and `rest` at least. */
  questions(): { first: number; rest: number };
}

/** The standard allows a meter 500 ms. */
export const DLT645_ANSWER_MS = 600;
/** Modbus names no limit; a meter that takes longer is found with its own `answerMs` in the site file. */
const MODBUS_TIMING = { answerMs: 250, gapMs: 60 };
const STANDARDS: readonly Standard[] = ['2007', '1997'];
const PAIRS = 100;
/** A bus is numbered from 1, and a meter comes as 1: who has one of these unanswered has no Modbus, or says so. */
export const LIKELY_UNITS = range(1, 10);
const OTHER_UNITS = range(LIKELY_UNITS.length + 1, 247);
/** How a meter of Modbus TCP without a number of its own is asked, and a number that is reserved on every line. */
const TCP_UNIT = 255;
const NO_UNIT = 251;
/** An address that no maker gives: what speaks when it is asked is no meter. */
const NOBODY = '989796959493';
/** Two voltages that any meter on a mains reads, outer conductors included. */
const VOLTAGE_V = [80, 480] as const;
const FREQUENCY_HZ = [45, 66] as const;

/**
 * DL/T 645 of both standards.
 * @param told every address found so far: a meter of 2007 refuses the question of 1997, which tells of it a second time
 * @param thorough searches for meters of 1997 also among those of 2007 that refuse its question all at once
 */
export function searchDlt645(told: Set<string>, thorough: boolean): Search {
  const unclear: Standard[] = [];
  const of2007: string[] = [];

  async function* ask(line: AskedLine, pattern: string, standard: Standard): AsyncGenerator<FoundMeter, Probe> {
    const probe = await probeOf(line, pattern, standard);
    if (typeof probe === 'string' || told.has(probe.address)) return probe;
    told.add(probe.address);
    const spoken = probe.refused && standard === '2007' ? await standardOf(line, probe.address) : standard;
    if (spoken === '2007') of2007.push(probe.address);
    yield { protocol: 'dlt645', standard: spoken, address: probe.address };
    // A slow neighbour's answer stands clear of a quick one's, and only the first is read.
    return (await line.overheard?.()) ? 'collision' : probe;
  }

  /** Several refusals at once sound like several meters of 1997. */
  async function areRefusals(line: AskedLine): Promise<boolean> {
    const some = of2007.slice(0, 2);
    for (const address of some) {
      const probe = await probeOf(line, address, '1997');
      if (typeof probe === 'string' || !probe.refused) return false;
    }
    return some.length === 2;
  }

  return {
    async *first(line) {
      const before = told.size;
      for (const standard of STANDARDS) {
        if (line.signal.aborted) break;
        if ((yield* ask(line, ANY_ADDRESS, standard)) === 'collision') unclear.push(standard);
      }
      if (told.size > before) return 'meters';
      return unclear.length > 0 ? 'voices' : 'silence';
    },
    async *rest(line) {
      if (unclear.length === 0 || (await isNoise(line))) return;
      for (const standard of unclear) {
        if (standard === '1997' && !thorough && (await areRefusals(line))) continue;
        const search = searchMeters();
        search.next();
        let next = search.next('collision');
        while (!next.done && !line.signal.aborted) next = search.next(yield* ask(line, next.value, standard));
      }
    },
    questions: () => ({ first: STANDARDS.length, rest: unclear.length > 0 ? PAIRS : 0 }),
  };
}

/** A meter, nobody, or voices on top of each other. An answer that was asked for before belongs to nobody here. */
async function probeOf(
  line: AskedLine,
  address: string,
  standard: Standard,
): Promise<Exclude<Probe, object> | MeterThere> {
  const result = await line.ask(findMeterExchange({ address, standard, answerMs: DLT645_ANSWER_MS }));
  if ('value' in result) return result.value;
  switch (result.failure) {
    case 'checksum':
    case 'garbage':
    case 'incomplete':
    case 'bad-value':
      return 'collision';
    default:
      return 'silence';
  }
}

/** The standard of a meter that refused the question of 2007. */
async function standardOf(line: AskedLine, address: string): Promise<Standard> {
  const probe = await probeOf(line, address, '1997');
  return typeof probe === 'object' && !probe.refused ? '1997' : '2007';
}

/** A line on which even nobody has a voice would have each of its addresses asked for nothing. */
async function isNoise(line: AskedLine): Promise<boolean> {
  for (let times = 0; times < 2; times++) if ((await probeOf(line, NOBODY, '2007')) !== 'collision') return false;
  return true;
}

/**
 * Modbus units 1 to 10 first, then all that can be set.
 * @param isTcp over Modbus TCP most meters do not look at the number: they would be found 247 times
 */
export function searchModbus(isTcp = false): Search {
  let isAlone = false;
  return {
    async *first(line) {
      const own = isTcp ? yield* askUnits(line, [TCP_UNIT]) : undefined;
      isAlone = own?.found === 1 && (await isThere(line, NO_UNIT));
      if (isAlone) return 'meters';
      const { found, voices } = yield* askUnits(line, LIKELY_UNITS);
      if (found > 0 || own?.found === 1) return 'meters';
      // Two meters of the same number spoil one answer; noise spoils them all.
      return voices > 0 && voices <= LIKELY_UNITS.length / 2 ? 'voices' : 'silence';
    },
    async *rest(line) {
      if (!isAlone) yield* askUnits(line, OTHER_UNITS);
    },
    questions: () => ({ first: LIKELY_UNITS.length + (isTcp ? 2 : 0), rest: isAlone ? 0 : OTHER_UNITS.length }),
  };
}

async function* askUnits(
  line: AskedLine,
  units: readonly number[],
): AsyncGenerator<FoundMeter, { found: number; voices: number }> {
  let found = 0;
  let voices = 0;
  for (const unit of units) {
    if (line.signal.aborted) break;
    const result = await line.ask(readRegisters(unit, 'holding', 0, 1, MODBUS_TIMING));
    // A refusal, too, says that somebody is there.
    const there = 'value' in result || !POLICY[result.failure].quarantine;
    if (!there && result.failure !== 'no-answer') voices++;
    if (!there || line.signal.aborted) continue;
    found++;
    const profile = await profileOf(line, unit);
    yield { protocol: 'modbus', unit, ...(profile === undefined ? {} : { profile }) };
  }
  return { found, voices };
}

async function isThere(line: AskedLine, unit: number): Promise<boolean> {
  const result = await line.ask(readRegisters(unit, 'holding', 0, 1, MODBUS_TIMING));
  return 'value' in result || !POLICY[result.failure].quarantine;
}

/** The register map by which this unit says the most, and nothing that a mains cannot be. */
async function profileOf(line: AskedLine, unit: number): Promise<string | undefined> {
  let best: { name: string; fields: number } | undefined;
  for (const { name } of PROFILES) {
    const block = modbusBlocks({ protocol: 'modbus', unit, profile: name, answerMs: MODBUS_TIMING.answerMs })[0];
    if (block === undefined || line.signal.aborted) continue;
    const result = await line.ask(block.exchange());
    if (!('value' in result) || !isMains(result.value)) continue;
    const fields = Object.keys(result.value).length;
    if (fields > (best?.fields ?? 0)) best = { name, fields };
  }
  return best?.name;
}

function isMains({ voltageV, frequencyHz, powerFactor }: Reading): boolean {
  const within = (value: number, [low, high]: readonly [number, number]) => value >= low && value <= high;
  if (voltageV === undefined || !voltageV.some((volts) => within(volts, VOLTAGE_V))) return false;
  // A phase that is not connected, as of a three-phase meter in a flat, reads nothing.
  if (!voltageV.every((volts) => volts === 0 || within(volts, VOLTAGE_V))) return false;
  if (frequencyHz !== undefined && !within(frequencyHz, FREQUENCY_HZ)) return false;
  return powerFactor === undefined || powerFactor.every((factor) => Math.abs(factor) <= 1);
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
