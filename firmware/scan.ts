/**
 * What hangs on a bus: which baud rate and parity it speaks, and every meter on it. DL/T 645 first, by wildcard and,
 * where several answer at once, digit pair by digit pair; then the Modbus units one by one. Reads only.
 */

import type { Standard } from '../protocols/dlt645/control.ts';
import { findMeterExchange } from '../protocols/dlt645/exchange.ts';
import { type Probe, searchMeters } from '../protocols/dlt645/search.ts';
import type { Exchange } from '../protocols/exchange.ts';
import { POLICY } from '../protocols/failure.ts';
import { readRegisters } from '../protocols/modbus/exchange.ts';
import { modbusBlocks } from '../protocols/modbus/poll.ts';
import { PROFILES } from '../protocols/modbus/profiles.ts';
import type { Reading } from '../protocols/reading.ts';
import type { Answer, Bus } from './bus/bus.ts';
import { Line } from './bus/line.ts';
import { type Protocol, silenceMs } from './bus/plan.ts';
import { transact } from './bus/transaction.ts';
import type { Clock } from './clock.ts';
import type { LineSettings, OpenPort } from './port.ts';

/** One meter, as the `scan` verb prints it. */
export type Found = Pick<LineSettings, 'baud' | 'parity'> &
  (
    | { protocol: 'dlt645'; standard: Standard; address: string }
    /** `profile`: the register map whose voltages make sense, where one does. */
    | { protocol: 'modbus'; unit: number; profile?: string }
  );

export interface ScanOptions {
  /** The settings to try, likeliest first; a TCP port has only its converter's own. */
  lines: readonly LineSettings[];
  openPort: OpenPort;
  clock: Clock;
  protocols: readonly Protocol[];
  /** Modbus units to ask; 1–247 where nothing is said. */
  units?: readonly number[];
  /** Requests asked so far, and at most to come. */
  onProgress?(asked: number, most: number): void;
  signal: AbortSignal;
}

/** The standard allows a meter 500 ms. */
const DLT645_ANSWER_MS = 600;
/** Modbus names no limit; a meter that takes longer is found with its own `answerMs` in the site file. */
const MODBUS_TIMING = { answerMs: 250, gapMs: 60 };
const UNITS = Array.from({ length: 247 }, (_, i) => i + 1);
const STANDARDS: readonly Standard[] = ['2007', '1997'];
/** Two voltages that any meter on a mains reads, outer conductors included. */
const VOLTAGE_V = [80, 480] as const;
const FREQUENCY_HZ = [45, 66] as const;

/**
 * Scans a port that nobody else has open, over several settings. A bus has one of them, so the search ends with the
 * first at which a meter answers.
 * @throws Error when the port does not open
 */
export async function* scan(options: ScanOptions): AsyncGenerator<Found, void> {
  const { lines, protocols, onProgress, units = UNITS } = options;
  const most = lines.length * (STANDARDS.length + (protocols.includes('modbus') ? units.length : 0));
  let asked = 0;
  const onAsk = () => onProgress?.(++asked, Math.max(most, asked));
  let candidates = lines;
  for (const protocol of protocols) {
    for (const settings of candidates) {
      const line = await openLine(settings, protocol, options, onAsk);
      let found = 0;
      try {
        for await (const meter of findMeters(protocol, line, units)) {
          found++;
          yield meter;
        }
      } finally {
        await line.close();
      }
      if (options.signal.aborted) return;
      // Meters of both kinds on one bus share its setting.
      if (found > 0) candidates = [settings];
    }
  }
}

/** Scans a bus that is at work, at its own setting, in the share that requests have of it. */
export async function* scanBus(bus: Bus, signal: AbortSignal): AsyncGenerator<Found, void> {
  const line: OpenLine = {
    settings: bus.settings,
    signal,
    ask: async (exchange) =>
      sound(signal, await bus.request('scan', () => exchange, { priority: 0, quarantine: false })),
  };
  yield* findMeters('dlt645', line, UNITS);
  yield* findMeters('modbus', line, UNITS);
}

interface OpenLine {
  settings: LineSettings;
  signal: AbortSignal;
  ask<T>(exchange: Exchange<T>): Promise<Answer<T>>;
}

/** The line without the bus's quarantine: every question is to another meter, so a late answer fits none of them. */
async function openLine(
  settings: LineSettings,
  protocol: Protocol,
  options: ScanOptions,
  onAsk: () => void,
): Promise<OpenLine & { close(): Promise<void> }> {
  const { clock, openPort, signal } = options;
  const stop = new AbortController();
  signal.addEventListener('abort', () => stop.abort(), { once: true });
  const opened = Promise.withResolvers<void>();
  const line = new Line(settings, openPort, clock, (state) => {
    if (state.state === 'open') opened.resolve();
    if ('reason' in state) opened.reject(new Error(state.reason));
  });
  const closed = line.keepOpen(stop.signal);
  const close = () => {
    stop.abort();
    return closed;
  };
  // A port that is stopped before it opened has said nothing at all.
  await Promise.race([opened.promise, closed]).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const timing = { silenceMs: silenceMs(settings, protocol), patienceMs: 0, answerBytes: 64 };
  const ask: OpenLine['ask'] = async (exchange) => {
    onAsk();
    return sound(signal, (await transact(line, clock, exchange, timing)).result);
  };
  return { settings, signal, ask, close };
}

/** A port that went away is no bus without meters, unless we closed it. @throws Error */
function sound<T>(signal: AbortSignal, answer: Answer<T>): Answer<T> {
  const lost = 'failure' in answer && POLICY[answer.failure].next === 'reopen-port';
  if (lost && !signal.aborted) throw new Error(answer.detail);
  return answer;
}

async function* findMeters(protocol: Protocol, line: OpenLine, units: readonly number[]): AsyncGenerator<Found> {
  const { baud, parity } = line.settings;
  const meters = protocol === 'dlt645' ? findDlt645(line) : findModbus(line, units);
  for await (const meter of meters) yield { ...meter, baud, parity };
}

type FoundDlt645 = { protocol: 'dlt645'; standard: Standard; address: string };
type FoundModbus = { protocol: 'modbus'; unit: number; profile?: string };

async function* findDlt645(line: OpenLine): AsyncGenerator<FoundDlt645> {
  // A meter of 2007 refuses the question of 1997, which tells of it a second time.
  const told = new Set<string>();
  for (const standard of STANDARDS) {
    const search = searchMeters();
    let next = search.next();
    while (!next.done && !line.signal.aborted) {
      const exchange = findMeterExchange({ address: next.value, standard, answerMs: DLT645_ANSWER_MS });
      const probe = probeOf(await line.ask(exchange));
      if (typeof probe === 'object' && !told.has(probe.address)) {
        told.add(probe.address);
        yield { protocol: 'dlt645', standard, address: probe.address };
      }
      next = search.next(probe);
    }
  }
}

/** A meter, nobody, or voices on top of each other. An answer that was asked for before belongs to nobody here. */
function probeOf(result: Answer<string>): Probe {
  if ('value' in result) return { address: result.value };
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

async function* findModbus(line: OpenLine, units: readonly number[]): AsyncGenerator<FoundModbus> {
  for (const unit of units) {
    if (line.signal.aborted) return;
    const result = await line.ask(readRegisters(unit, 'holding', 0, 1, MODBUS_TIMING));
    // A refusal, too, says that somebody is there.
    const there = 'value' in result || !POLICY[result.failure].quarantine;
    if (!there || line.signal.aborted) continue;
    const profile = await profileOf(line, unit);
    yield { protocol: 'modbus', unit, ...(profile === undefined ? {} : { profile }) };
  }
}

/** The register map by which this unit says the most, and nothing that a mains cannot be. */
async function profileOf(line: OpenLine, unit: number): Promise<string | undefined> {
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
  if (voltageV === undefined || !voltageV.every((volts) => within(volts, VOLTAGE_V))) return false;
  if (frequencyHz !== undefined && !within(frequencyHz, FREQUENCY_HZ)) return false;
  return powerFactor === undefined || powerFactor.every((factor) => Math.abs(factor) <= 1);
}
