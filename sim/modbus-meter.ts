/**
 * The meter's side of Modbus RTU: one request frame in, the exact answer bytes out, exceptions included.
 * Pure over bytes: the line it hangs on, its delay and its faults are others' business.
 */

import { crcFits } from '../protocols/modbus/crc.ts';
import { ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE } from '../protocols/modbus/exception.ts';
import {
  decodeRequest,
  encodeAnswer,
  MAX_REGISTERS,
  type ModbusAnswer,
  type ModbusRequest,
} from '../protocols/modbus/frame.ts';
import { profileNamed } from '../protocols/modbus/profiles.ts';
import { type Profile, type Row, type Table, tableOf, UNITS, WIDTH, writeRow } from '../protocols/modbus/row.ts';
import type { Reading } from '../protocols/reading.ts';

/** Registers outside the profile: a waveform window, set-up. Asked first, in the order of addresses, so reads may count. */
export interface RegisterBank {
  /** Undefined where the bank has no such register. */
  read(table: Table, address: number): number | undefined;
  /** False where it cannot be written. */
  write?(address: number, value: number): boolean;
}

export interface ModbusMeterOptions {
  unit: number;
  profile: string;
  /** What the row shows now, in the row's unit; undefined: this meter lacks it. */
  value(row: Row): number | undefined;
  banks?: readonly RegisterBank[];
  /** Function 20; undefined where there is no such record. */
  file?(file: number, record: number, count: number): number[] | undefined;
  /** Reads across registers that no row covers are refused, as some meters do; else they are 0. */
  refusesHoles?: boolean;
  /** An exception to give instead of an answer, for instance 6 while busy. */
  exception?(): number | undefined;
}

export interface ModbusStation {
  unit: number;
  /** The answer to whole request bytes; undefined where the meter stays silent (other unit, damaged, broadcast). */
  answer(request: Uint8Array): Uint8Array | undefined;
}

/** @throws RangeError when there is no such profile */
export function modbusMeter(options: ModbusMeterOptions): ModbusStation {
  const profile = profileNamed(options.profile);
  if (!profile) throw new RangeError(`no register map is called ${options.profile}`);
  const meter: Meter = { ...options, map: profile, rowAt: indexRows(profile), written: new Map(), coils: new Map() };
  return {
    unit: options.unit,
    answer(bytes) {
      if (bytes[0] !== options.unit && bytes[0] !== 0) return undefined;
      const request = decodeRequest(bytes);
      if ('problem' in request) return unknownFunction(bytes);
      const answer = judge(meter, request);
      return request.unit === 0 ? undefined : encodeAnswer(answer);
    },
  };
}

interface Meter extends ModbusMeterOptions {
  map: Profile;
  rowAt: ReadonlyMap<string, Row>;
  written: Map<number, number>;
  coils: Map<number, boolean>;
}

function indexRows(profile: Profile): ReadonlyMap<string, Row> {
  const rows = new Map<string, Row>();
  for (const row of profile.rows) {
    for (let i = 0; i < WIDTH[row.type]; i++) rows.set(`${tableOf(row, profile)}:${row.address + i}`, row);
  }
  return rows;
}

/** A meter answers a function it lacks with an exception, but only to a frame that is whole. */
function unknownFunction(bytes: Uint8Array): Uint8Array | undefined {
  const code = bytes[1] ?? 0;
  const known = [1, 2, 3, 4, 5, 6, 15, 16, 20, 23].includes(code) || code >= 0x80 || code === 0;
  if (known || bytes.length < 4 || !crcFits(bytes)) return undefined;
  return encodeAnswer({ unit: bytes[0]!, function: code, exception: ILLEGAL_FUNCTION });
}

function judge(meter: Meter, request: ModbusRequest): ModbusAnswer {
  const { unit } = request;
  const refuse = (exception: number): ModbusAnswer => ({ unit, function: request.function, exception });
  const forced = meter.exception?.();
  if (forced !== undefined) return refuse(forced);
  switch (request.function) {
    case 1:
    case 2: {
      if (request.count < 1 || request.count > 2000) return refuse(ILLEGAL_VALUE);
      const bits = Array.from({ length: request.count }, (_, i) => meter.coils.get(request.address + i) ?? false);
      return { unit, function: request.function, bits };
    }
    case 3:
    case 4: {
      if (request.count < 1 || request.count > MAX_REGISTERS) return refuse(ILLEGAL_VALUE);
      const registers = readTable(meter, request.function === 4 ? 'input' : 'holding', request.address, request.count);
      return registers ? { unit, function: request.function, registers } : refuse(ILLEGAL_ADDRESS);
    }
    case 5:
      meter.coils.set(request.address, request.on);
      return request;
    case 6:
      return write(meter, request.address, [request.value]) ? request : refuse(ILLEGAL_ADDRESS);
    case 15:
      for (const [i, on] of request.bits.entries()) meter.coils.set(request.address + i, on);
      return { unit, function: 15, address: request.address, count: request.bits.length };
    case 16: {
      const done = write(meter, request.address, request.registers);
      return done
        ? { unit, function: 16, address: request.address, count: request.registers.length }
        : refuse(ILLEGAL_ADDRESS);
    }
    case 20: {
      const records = request.spans.map(({ file, record, count }) => meter.file?.(file, record, count));
      if (records.some((record) => record === undefined)) return refuse(ILLEGAL_ADDRESS);
      const bytes = records.reduce((sum, record) => sum + 2 + 2 * record!.length, 0);
      return bytes > 245 ? refuse(ILLEGAL_VALUE) : { unit, function: 20, records: records as number[][] };
    }
    case 23: {
      if (!write(meter, request.writeAddress, request.registers)) return refuse(ILLEGAL_ADDRESS);
      const registers = readTable(meter, 'holding', request.address, request.count);
      return registers ? { unit, function: 23, registers } : refuse(ILLEGAL_ADDRESS);
    }
    default:
      return request satisfies never;
  }
}

/** Undefined where a register is missing: the meter then answers nothing of the span. */
function readTable(meter: Meter, table: Table, address: number, count: number): number[] | undefined {
  const registers: number[] = [];
  let touched = false;
  for (let at = address; at < address + count; at++) {
    const own = ownRegister(meter, table, at);
    if (own === undefined && meter.refusesHoles) return undefined;
    touched ||= own !== undefined;
    registers.push(own ?? 0);
  }
  return touched ? registers : undefined;
}

function ownRegister(meter: Meter, table: Table, at: number): number | undefined {
  for (const bank of meter.banks ?? []) {
    const register = bank.read(table, at);
    if (register !== undefined) return register;
  }
  const written = table === 'holding' ? meter.written.get(at) : undefined;
  if (written !== undefined) return written;
  const { identity } = meter.map;
  if (identity?.table === table && identity.address === at) return identity.oneOf[0];
  const row = meter.rowAt.get(`${table}:${at}`);
  const value = row && meter.value(row);
  return row && value !== undefined ? writeRow(row, meter.map, value)[at - row.address] : undefined;
}

/** Set-up registers are whatever no row measures; only as many as a meter could have are kept. */
function write(meter: Meter, address: number, values: readonly number[]): boolean {
  return values.every((value, i) => {
    const at = address + i;
    const bank = meter.banks?.find((it) => it.write?.(at, value));
    if (bank) return true;
    if (meter.rowAt.has(`holding:${at}`) || meter.written.size >= 1000) return false;
    meter.written.set(at, value);
    return true;
  });
}

/** What a row of `profile` shows while the meter measures `reading`; rows that follow from others are worked out. */
export function rowValue(row: Row, reading: Reading): number | undefined {
  const base = row.feeds ? fieldOf(row, reading) : derived(row, reading);
  return base === undefined ? undefined : base / UNITS[row.unit].factor;
}

function fieldOf(row: Row, reading: Reading): number | undefined {
  const value = reading[row.feeds!];
  return Array.isArray(value) ? (value[(row.phase ?? 1) - 1] as number | undefined) : value;
}

function derived(row: Row, reading: Reading): number | undefined {
  const volts = (phase: number): number => reading.voltageV?.[phase] ?? 0;
  const amps = (phase: number): number => reading.currentA?.[phase] ?? 0;
  const phase = Number(/-l([123])$/.exec(row.name)?.[1] ?? 0) - 1;
  switch (row.name.replace(/-l[123]+$/, '')) {
    case 'active-power':
      return volts(phase) * amps(phase) * (reading.powerFactor?.[phase] ?? 1);
    case 'apparent-power':
      return [0, 1, 2].reduce((sum, l) => sum + volts(l) * amps(l), 0);
    case 'line-voltage':
      return volts(0) * Math.sqrt(3);
    case 'voltage-average':
      return volts(0);
    case 'current-average':
      return (amps(0) + amps(1) + amps(2)) / 3;
    case 'power-factor':
      return reading.powerFactor?.[0];
    case 'total-energy':
      return reading.importWh === undefined ? undefined : reading.importWh + (reading.exportWh ?? 0);
    case 'ct-ratio':
      return 1;
    default:
      return 0;
  }
}
