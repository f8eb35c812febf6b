/** Items read by hand: from the command line, the local page, or a command of the platform. One way for both protocols. */
import { readItemExchange } from '../protocols/dlt645/exchange.ts';
import { findItemByName } from '../protocols/dlt645/items/catalogue.ts';
import type { Exchange } from '../protocols/exchange.ts';
import { parseModbusItem, readModbusItem } from '../protocols/modbus/item.ts';
import type { Bus } from './bus/bus.ts';
import type { Clock } from './clock.ts';
import { meterId } from './config/meter-id.ts';
import type { Site, SiteMeter } from './config/site.ts';

/** Whom to ask, without the facts about the premises. `standard` is told by the item where it is not known. */
export type ReadTarget =
  | { protocol: 'dlt645'; address: string; standard?: '2007' | '1997' | undefined; answerMs?: number | undefined }
  | { protocol: 'modbus'; unit: number; profile?: string | undefined; answerMs?: number | undefined };

/** An item as asked for: how to read it, or what was expected instead. */
export type PlannedRead = { exchange: () => Exchange<object> } | { problem: string };

/** What `read` prints: the shape of `decode` with `meter` and `at`, or the failure's name. */
export type ReadResult = { meter: string; item: string } & Record<string, unknown>;

/** How a modbus profile's answer may be late: what a field engineer is ready to wait for. */
const GAP_MS = 500;
const ANSWER_MS = 1_000;

/** @param text a data identifier in hex, `holding:0x2012/2`, or a name of the catalogue or profile */
export function planRead(target: ReadTarget, text: string): PlannedRead {
  return target.protocol === 'dlt645' ? planDlt645(target, text) : planModbus(target, text);
}

function planDlt645(target: ReadTarget & { protocol: 'dlt645' }, text: string): PlannedRead {
  const { address, answerMs } = target;
  const hex = /^([0-9a-f]{8}|[0-9a-f]{4})$/i.test(text);
  // 2007 identifiers have eight digits, those of 1997 four: the item itself tells the standard.
  const told = hex ? (text.length === 8 ? '2007' : '1997') : undefined;
  const standard = target.standard ?? told ?? (findItemByName('2007', text) !== undefined ? '2007' : '1997');
  if (told !== undefined && told !== standard) {
    return { problem: `${text}: DL/T 645-${standard} wants ${standard === '2007' ? 8 : 4} hex digits` };
  }
  const di = hex ? text.toUpperCase() : findItemByName(standard, text)?.di;
  if (di === undefined)
    return { problem: `${text}: expected eight hex digits (four for 1997) or a name of the catalogue` };
  return {
    exchange: () =>
      mapped(readItemExchange({ address, standard, ...(answerMs === undefined ? {} : { answerMs }) }, di), (read) => ({
        protocol: 'dlt645',
        standard,
        valid: true,
        direction: 'response',
        // Some meters echo the wildcard: that is nobody's address.
        address: /^\d{12}$/.test(read.from) ? read.from : address,
        item: read.di,
        ...(read.name === undefined ? {} : { name: read.name }),
        values: read.values,
      })),
  };
}

function planModbus(target: ReadTarget & { protocol: 'modbus' }, text: string): PlannedRead {
  const { unit, profile, answerMs = ANSWER_MS } = target;
  const item = parseModbusItem(text, profile);
  if (item === undefined) {
    return {
      problem: `${text}: expected holding:ADDRESS/COUNT, input:ADDRESS/COUNT${profile === undefined ? '' : ` or a name of ${profile}`}`,
    };
  }
  const options = { timing: { answerMs, gapMs: GAP_MS }, ...(profile === undefined ? {} : { profile }) };
  return { exchange: () => mapped(readModbusItem(unit, item, options), (read) => ({ ...read, item: text })) };
}

/** The same exchange with another view of its value. */
function mapped<T, U>(exchange: Exchange<T>, view: (value: T) => U): Exchange<U> {
  const through = (move: ReturnType<Exchange<T>['start']>): ReturnType<Exchange<U>['start']> =>
    move.do === 'done' ? { ...move, value: view(move.value) } : move;
  return {
    start: () => through(exchange.start()),
    received: (chunk) => through(exchange.received(chunk)),
    timedOut: () => through(exchange.timedOut()),
  };
}

/** Asks now, out of turn, with the retries of the failure's policy. */
export async function readItem(
  bus: Bus,
  meter: string,
  item: string,
  planned: PlannedRead,
  clock: Clock,
): Promise<ReadResult> {
  if ('problem' in planned) return { meter, item, error: 'unknown-item', detail: planned.problem };
  const answer = await bus.request(meter, planned.exchange, { retry: true });
  if ('failure' in answer) return { meter, item, error: answer.failure, detail: answer.detail };
  return { ...answer.value, meter, item, at: isoLocal(clock.nowMs()) };
}

/** For a meter of the site file. */
export async function readOnDemand(
  site: Site,
  bus: Bus | undefined,
  meter: string,
  item: string,
  clock: Clock,
): Promise<ReadResult> {
  const entry = site.buses.flatMap((one) => one.meters).find((one) => meterId(one) === meter);
  if (entry === undefined || bus === undefined)
    return { meter, item, error: 'unknown-meter', detail: `${meter}: not in the site file` };
  return readItem(bus, meter, item, planRead(targetOf(entry), item), clock);
}

function targetOf(meter: SiteMeter): ReadTarget {
  const { answerMs } = meter;
  return meter.protocol === 'dlt645'
    ? { protocol: 'dlt645', address: meter.address, standard: meter.standard, answerMs }
    : { protocol: 'modbus', unit: meter.unit, profile: meter.profile, answerMs };
}

/** ISO 8601 with the machine's offset: `2026-03-01T08:15:00.000+08:00`. */
export function isoLocal(atMs: number): string {
  const offsetMin = -new Date(atMs).getTimezoneOffset();
  const local = new Date(atMs + offsetMin * 60_000).toISOString().slice(0, -1);
  const two = (value: number) => String(Math.trunc(Math.abs(value))).padStart(2, '0');
  return `${local}${offsetMin < 0 ? '-' : '+'}${two(offsetMin / 60)}:${two(offsetMin % 60)}`;
}
