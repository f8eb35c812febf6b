/**
 * One row of a register map, and how its registers become a number and the other way round.
 * Rows are data; this file knows only types, word orders, units and reading fields.
 */
import type { Reading } from '../reading.ts';

export type Table = 'holding' | 'input';

/** How many registers each raw type takes. */
export const WIDTH = { u16: 1, i16: 1, u32: 2, i32: 2, f32: 2, u64: 4, i64: 4, f64: 4 } as const;
export type RowType = keyof typeof WIDTH;

/** What a unit is in the reading's own one, and beyond what a value in that unit is impossible. */
export const UNITS = {
  V: { base: 'V', factor: 1, limit: 1e6 },
  kV: { base: 'V', factor: 1e3, limit: 1e3 },
  A: { base: 'A', factor: 1, limit: 1e5 },
  mA: { base: 'A', factor: 1e-3, limit: 1e8 },
  W: { base: 'W', factor: 1, limit: 1e9 },
  kW: { base: 'W', factor: 1e3, limit: 1e6 },
  var: { base: 'var', factor: 1, limit: 1e9 },
  kvar: { base: 'var', factor: 1e3, limit: 1e6 },
  VA: { base: 'VA', factor: 1, limit: 1e9 },
  kVA: { base: 'VA', factor: 1e3, limit: 1e6 },
  '1': { base: '1', factor: 1, limit: 100 },
  '%': { base: '1', factor: 0.01, limit: 1e4 },
  Hz: { base: 'Hz', factor: 1, limit: 500 },
  Wh: { base: 'Wh', factor: 1, limit: 1e14 },
  kWh: { base: 'Wh', factor: 1e3, limit: 1e11 },
  kvarh: { base: 'varh', factor: 1e3, limit: 1e11 },
  '°C': { base: '°C', factor: 1, limit: 1e3 },
} as const satisfies Record<string, { base: string; factor: number; limit: number }>;
export type Unit = keyof typeof UNITS;

/** The reading fields a register may feed, with the unit each is kept in. */
export const FIELDS = {
  activePowerW: { base: 'W', perPhase: false },
  reactivePowerVar: { base: 'var', perPhase: false },
  voltageV: { base: 'V', perPhase: true },
  currentA: { base: 'A', perPhase: true },
  neutralCurrentA: { base: 'A', perPhase: false },
  residualCurrentA: { base: 'A', perPhase: false },
  powerFactor: { base: '1', perPhase: true },
  frequencyHz: { base: 'Hz', perPhase: false },
  importWh: { base: 'Wh', perPhase: false },
  exportWh: { base: 'Wh', perPhase: false },
  temperatureC: { base: '°C', perPhase: false },
  currentThd: { base: '1', perPhase: true },
} as const satisfies Partial<Record<keyof Reading, { base: string; perPhase: boolean }>>;
export type Field = keyof typeof FIELDS;

/** One quantity of a meter. `address` is the protocol's own, from 0. Value in `unit` = raw × `scale`. */
export interface Row {
  name: string;
  address: number;
  type: RowType;
  unit: Unit;
  /** 1 where absent. */
  scale?: number;
  /** The profile's table where absent. */
  table?: Table;
  /** The reading field it feeds; rows without one are read by name only. */
  feeds?: Field;
  phase?: 1 | 2 | 3;
}

/** A register map. */
export interface Profile {
  name: string;
  vendor: string;
  model: string;
  /** Where the numbers come from. */
  source: string;
  table: Table;
  /** `high-first`: the most significant word has the lower address, as Modbus itself orders bytes. */
  words: 'high-first' | 'low-first';
  /** Values are on the secondary side: multiplied by the site's transformer ratios. */
  secondary?: true;
  /** A register that holds one of few values in every such meter, to tell that the right one answers. */
  identity?: { table: Table; address: number; oneOf: readonly number[] };
  rows: readonly Row[];
}

/** Outside transformers in front of the meter; 1 where absent. */
export interface Ratios {
  currentRatio?: number;
  voltageRatio?: number;
}

export const tableOf = (row: Row, profile: Profile): Table => row.table ?? profile.table;

/** The rows whose registers all lie in the `count` registers at `start` of `table`. */
export function rowsWithin(
  rows: readonly Row[],
  table: Table,
  start: number,
  count: number,
  own: Table = table,
): Row[] {
  return rows.filter(
    (row) => (row.table ?? own) === table && row.address >= start && row.address + WIDTH[row.type] <= start + count,
  );
}

/**
 * What vendors and SunSpec send for a value that is not there: the largest unsigned number, the smallest signed one, and
 * of some the largest signed one. No measured value lies at the end of its range; of 64 bits it is beyond every limit.
 */
const NO_VALUE: Partial<Record<RowType, readonly number[]>> = {
  u16: [0xffff],
  i16: [-0x8000, 0x7fff],
  u32: [0xffff_ffff],
  i32: [-0x8000_0000, 0x7fff_ffff],
};

const scratch = new DataView(new ArrayBuffer(8));
/** The same 32 bits as a number and as a float, whatever the machine's byte order. */
const bits32 = new Uint32Array(1);
const float32 = new Float32Array(bits32.buffer);

/**
 * The row's value in its own unit, from `registers` that begin at address `start`.
 * Undefined for "not available" (NaN floats, the end of an integer's range) and for values no meter can mean.
 */
export function readRow(row: Row, profile: Profile, registers: readonly number[], start: number): number | undefined {
  const at = row.address - start;
  const { type } = row;
  const raw = isPair(type) ? rawPair(type, profile, registers, at) : rawRegisters(type, profile, registers, at);
  if (NO_VALUE[type]?.includes(raw)) return undefined;
  const value = unscale(raw, row.scale);
  return Number.isFinite(value) && Math.abs(value) <= UNITS[row.unit].limit ? value : undefined;
}

/** Dividing by 10 is exact where multiplying by 0.1 is not: 2301 becomes 230.1, as the meter shows it. */
function unscale(raw: number, scale = 1): number {
  return scale < 1 ? raw / Math.round(1 / scale) : raw * scale;
}

const DIGITS = 7;
/** Powers of ten are exact here, so dividing by one rounds as reading the decimal digits would. */
const POWERS = Array.from({ length: DIGITS + 3 }, (_, i) => 10 ** i);
const LEAST = 0.001;
/** Of half a unit in the last digit: nearer than this the product below may have fallen on the other side. */
const DOUBT = 1e-6;

/** `Number(value.toPrecision(7))`, without the detour over text wherever the same digits come out for sure. */
function sevenDigits(value: number): number {
  const size = Math.abs(value);
  if (size >= LEAST && size < POWERS[DIGITS]!) {
    if (Number.isInteger(value)) return value;
    let whole = size >= 0.1 ? 0 : size >= 0.01 ? -1 : -2;
    while (whole >= 0 && size >= POWERS[whole]!) whole++;
    const power = POWERS[DIGITS - whole]!;
    const scaled = size * power;
    const rounded = Math.round(scaled);
    if (Math.abs(Math.abs(scaled - rounded) - 0.5) > DOUBT) return (value < 0 ? -rounded : rounded) / power;
  }
  return value === 0 ? 0 : Number(value.toPrecision(DIGITS));
}

type Pair = 'u32' | 'i32' | 'f32';
const isPair = (type: RowType): type is Pair => type === 'f32' || type === 'u32' || type === 'i32';

/** Most rows of most meters are two registers: put together by hand at a third of the time. */
function rawPair(type: Pair, { words }: Profile, registers: readonly number[], at: number): number {
  const highFirst = words === 'high-first';
  bits32[0] = (registers[highFirst ? at : at + 1]! << 16) | registers[highFirst ? at + 1 : at]!;
  // Seven digits are all that a float32 holds; the rest would be noise of the conversion.
  if (type === 'f32') return sevenDigits(float32[0]!);
  return type === 'i32' ? bits32[0] | 0 : bits32[0];
}

function rawRegisters(
  type: Exclude<RowType, Pair>,
  { words }: Profile,
  registers: readonly number[],
  at: number,
): number {
  const width = WIDTH[type];
  for (let i = 0; i < width; i++)
    scratch.setUint16(2 * i, registers[at + (words === 'high-first' ? i : width - 1 - i)]!);
  return rawNumber(type);
}

function rawNumber(type: Exclude<RowType, Pair>): number {
  switch (type) {
    case 'u16':
      return scratch.getUint16(0);
    case 'i16':
      return scratch.getInt16(0);
    case 'u64':
      return Number(scratch.getBigUint64(0));
    case 'i64':
      return Number(scratch.getBigInt64(0));
    case 'f64':
      return scratch.getFloat64(0);
    default:
      return type satisfies never;
  }
}

/** The registers of `value` (in the row's unit), cut to what the type can hold. The mirror of `readRow`. */
export function writeRow(row: Row, profile: Profile, value: number): number[] {
  const width = WIDTH[row.type];
  putRaw(row.type, value / (row.scale ?? 1));
  const registers = Array.from({ length: width }, (_, i) => scratch.getUint16(2 * i));
  return profile.words === 'high-first' ? registers : registers.reverse();
}

function putRaw(type: RowType, raw: number): void {
  const within = (low: number, high: number): number => Math.max(low, Math.min(high, Math.round(raw)));
  switch (type) {
    case 'u16':
      scratch.setUint16(0, within(0, 0xffff));
      break;
    case 'i16':
      scratch.setInt16(0, within(-0x8000, 0x7fff));
      break;
    case 'u32':
      scratch.setUint32(0, within(0, 0xffff_ffff));
      break;
    case 'i32':
      scratch.setInt32(0, within(-0x8000_0000, 0x7fff_ffff));
      break;
    case 'f32':
      scratch.setFloat32(0, raw);
      break;
    case 'u64':
      scratch.setBigUint64(0, BigInt(within(0, Number.MAX_SAFE_INTEGER)));
      break;
    case 'i64':
      scratch.setBigInt64(0, BigInt(within(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)));
      break;
    case 'f64':
      scratch.setFloat64(0, raw);
      break;
    default: {
      return void (type satisfies never);
    }
  }
}

/** Puts `value` (in the row's unit) into the reading field it feeds, in that field's unit and behind the transformers. */
export function feed(reading: Reading, row: Row, profile: Profile, value: number, ratios: Ratios = {}): void {
  if (!row.feeds) return;
  const unit = UNITS[row.unit];
  const base = value * unit.factor * (profile.secondary ? ratioOf(unit.base, ratios) : 1);
  const field = row.feeds;
  if (FIELDS[field].perPhase) {
    const fields = reading as Record<string, number[] | undefined>;
    const phases = fields[field] ?? [];
    phases[(row.phase ?? 1) - 1] = base;
    fields[field] = phases;
  } else (reading as Record<string, number>)[field] = base;
}

function ratioOf(base: string, { currentRatio = 1, voltageRatio = 1 }: Ratios): number {
  switch (base) {
    case 'V':
      return voltageRatio;
    case 'A':
      return currentRatio;
    case 'W':
    case 'var':
    case 'VA':
    case 'Wh':
    case 'varh':
      return voltageRatio * currentRatio;
    default:
      return 1;
  }
}
