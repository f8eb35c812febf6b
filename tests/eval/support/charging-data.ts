/**
 * Reads the measured data of `../shared/data/charging`: currents and voltages in SI units, powers in watts.
 * The folder is not part of the project; `haveChargingData` says whether it is there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const FOLDER = fileURLToPath(new URL('../../../../shared/data/charging/', import.meta.url));

export const haveChargingData = existsSync(`${FOLDER}manifest.json`);

interface Entry {
  file: string;
  dtype: 'int16' | 'float32';
  shape: number[];
  label?: string;
  labels?: (string | number)[];
  label_names?: Record<string, string>;
  on_event?: number[];
  fs?: number;
  f0?: number;
  v_per_count?: number;
  i_per_count?: number;
}

/** Voltage and current of one record, sampled together. */
export interface Recorded {
  /** One physical device: what is left out together. */
  device: string;
  rateHz: number;
  frequencyHz: number;
  voltageV: Float64Array;
  currentA: Float64Array;
}

function manifest(): Entry[] {
  return JSON.parse(readFileSync(`${FOLDER}manifest.json`, 'utf8'));
}

function numbers(entry: Entry): Int16Array | Float32Array {
  const bytes = gunzipSync(readFileSync(FOLDER + entry.file));
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return entry.dtype === 'int16' ? new Int16Array(buffer) : new Float32Array(buffer);
}

/** Splits `[record][sample][voltage, current]` into its records. */
function recordsOf(entry: Entry, deviceOf: (record: number) => string): Recorded[] {
  const [count = 0, length = 0] = entry.shape;
  const raw = numbers(entry);
  return Array.from({ length: count }, (_, record) => {
    const voltageV = new Float64Array(length);
    const currentA = new Float64Array(length);
    for (let k = 0; k < length; k++) {
      const at = (record * length + k) * 2;
      voltageV[k] = raw[at]! * (entry.v_per_count ?? 1);
      currentA[k] = raw[at + 1]! * (entry.i_per_count ?? 1);
    }
    return { device: deviceOf(record), rateHz: entry.fs ?? 0, frequencyHz: entry.f0 ?? 50, voltageV, currentA };
  });
}

/** Records of every waveform file whose name begins with `prefix` (`hfhad_`, `unibo_steady_`, `evcpw_`, …). */
export function loadWaveforms(prefix: string): Recorded[] {
  return manifest()
    .filter((entry) => entry.file.startsWith(prefix) && entry.file.endsWith('.bin.gz') && entry.shape.length === 3)
    .flatMap((entry) => recordsOf(entry, () => entry.label ?? entry.file));
}

/** One-cycle events of PLAID 2018 (60 Hz): `on` is a switch-on, else the same device's switch-off. */
export function loadPlaid(): (Recorded & { on: boolean })[] {
  const entry = manifest().find(({ file }) => file.startsWith('plaid2018'));
  if (entry === undefined) return [];
  const name = (record: number) => entry.label_names?.[String(entry.labels?.[record])] ?? 'unknown';
  return recordsOf(entry, (record) => `plaid_${name(record)}`).map((recorded, record) => ({
    ...recorded,
    on: entry.on_event?.[record] === 1,
  }));
}

/** One device-day at 1 Hz; −1 where the logger was silent. */
export interface DeviceDay {
  kind: string;
  device: string;
  powerW: Int16Array;
}

export function loadDeviceDays(): DeviceDay[] {
  const entry = manifest().find(({ file }) => file.startsWith('tracebase'));
  if (entry === undefined) return [];
  const raw = numbers(entry) as Int16Array;
  return (entry.labels ?? []).map((label, day) => {
    const [kind = '', device = ''] = String(label).split('|');
    return { kind, device, powerW: raw.subarray(day * 86_400, (day + 1) * 86_400) };
  });
}

/** Harmonic registers of a metering chip every two seconds: magnitudes of h1 … h32 in amperes. */
export interface HarmonicRow {
  powerW: number;
  harmonicsA: number[];
}

export function loadHarmonicDays(): { device: string; rows: HarmonicRow[] }[] {
  const dates = ['05-12', '05-14', '05-15', '05-16', '05-19'];
  const plugs = { S1P1: 'hair dryer', S1P2: 'water heater', S4P10: 'laptop charger' };
  return Object.entries(plugs).flatMap(([plug, device]) =>
    dates.map((date) => ({ device, rows: harmonicRows(csv(`harm2s_${date}_8h_${plug}.csv.gz`)) })),
  );
}

function harmonicRows(lines: string[][]): HarmonicRow[] {
  return lines.map((cells) => ({ powerW: Number(cells[5]), harmonicsA: cells.slice(6, 38).map(Number) }));
}

function csv(file: string): string[][] {
  const bytes = readFileSync(FOLDER + file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
}

/** The two real e-bike sessions: watts every 12 s. */
export function loadBoschSessions(): { name: string; stepS: number; powerW: number[] }[] {
  return ['single', 'dual'].map((name) => ({
    name,
    stepS: 12,
    powerW: csv(`ebike_bosch_${name}90charge_12s.csv`).map((cells) => Number(cells[1])),
  }));
}

/** One month of a home's mains by the minute. */
export interface HouseMonth {
  house: string;
  month: string;
  startMs: number;
  powerW: Float64Array;
  /** Sub-metered powers, to know which appliance made a step. */
  appliances: Record<string, Float64Array>;
}

export const HOUSE_MONTHS = {
  REFIT_House2: ['2013-10', '2013-11', '2013-12', '2014-01', '2014-02', '2014-03', '2014-04', '2014-05'],
  UKDALE_House2: ['2013-05', '2013-06', '2013-07', '2013-08', '2013-09', '2013-10'],
} as const;

export function loadHouse(house: keyof typeof HOUSE_MONTHS, month: string): HouseMonth {
  const bytes = readFileSync(`${FOLDER}house_${house}_${month}.csv.gz`);
  const [header = '', ...lines] = gunzipSync(bytes).toString('utf8').trim().split('\n');
  const names = header.split(',').slice(2);
  const columns = [0, ...names.map((_, index) => index + 1)].map(() => new Float64Array(lines.length));
  lines.forEach((line, row) => {
    const cells = line.split(',');
    columns.forEach((column, index) => {
      column[row] = Number(cells[index + 1]);
    });
  });
  const startMs = Date.parse(`${lines[0]?.slice(0, 19).replace(' ', 'T')}Z`);
  const appliances = Object.fromEntries(names.map((name, index) => [name, columns[index + 1]!]));
  return { house, month, startMs, powerW: columns[0]!, appliances };
}
