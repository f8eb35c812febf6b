/**
 * Makes recordings from measured household tables (CSV, plain or gzip): what each home really drew, as one meter each.
 *
 *   node sim/convert.ts data/min1_REFIT_House2.csv.gz refit.ndjson.gz [--from 2014-03-01] [--days 14] [--columns Aggregate]
 *
 * The first column is the time, civil and without offset or with one; the others are watts, or kWh per interval where
 * the file's name or header says kWh. Long gaps that were filled with zeros or frozen values are left out, as no meter
 * says them. Voltage, current and power factor are not in such tables and are made up around the power.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGunzip, createGzip } from 'node:zlib';
import type { MeterInfo, Reading, Sample } from '../protocols/reading.ts';
import { encodeHeader, encodeRecord } from '../protocols/recording.ts';
import { hash32, noiseAt } from './random.ts';

export interface ConvertOptions {
  /** Columns to take, each one meter; all but the first where absent. */
  columns?: readonly string[];
  timezone?: string;
  /** ISO date, inclusive. */
  from?: string;
  days?: number;
  /** Laid over every meter's entry in the header. */
  meter?: Partial<MeterInfo>;
}

/** As long as this without any change is a gap that somebody filled. */
const FROZEN_MS = 3 * 3_600_000;
const NOMINAL_V = 230;
/** A household's mean power factor; nothing better can be known from watts alone. */
const POWER_FACTOR = 0.92;
const DAY_MS = 86_400_000;

/**
 * Reads a table and writes a recording; memory does not grow with the file.
 * @returns how many readings were written
 * @throws Error when the table has no such column or no rows
 */
export async function convertTable(input: string, output: string, options: ConvertOptions = {}): Promise<number> {
  const file = createReadStream(input);
  const source = input.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  file.on('error', (error) => source.destroy(error));
  const count = { readings: 0 };
  const lines = recordingLines(
    createInterface({ input: source, crlfDelay: Number.POSITIVE_INFINITY }),
    input,
    options,
    count,
  );
  const target = createWriteStream(output);
  const text = Readable.from(lines);
  await (output.endsWith('.gz') ? pipeline(text, createGzip(), target) : pipeline(text, target));
  return count.readings;
}

async function* recordingLines(
  table: AsyncIterable<string>,
  name: string,
  options: ConvertOptions,
  count: { readings: number },
): AsyncGenerator<string> {
  let homes: Home[] | undefined;
  let firstMs: number | undefined;
  for await (const line of table) {
    const cells = line.split(',');
    if (homes === undefined) {
      homes = homesOf(cells, name, options);
      const meters = homes.map(({ info }) => info);
      yield `${encodeHeader({ timezone: options.timezone ?? 'UTC', meters })}\n`;
      continue;
    }
    const atMs = timeOf(cells[0] ?? '');
    if (Number.isNaN(atMs)) continue;
    const fromMs = options.from === undefined ? atMs : Date.parse(options.from);
    if (atMs < fromMs) continue;
    firstMs ??= atMs;
    if (options.days !== undefined && atMs >= firstMs + options.days * DAY_MS) break;
    for (const home of homes) {
      const reading = home.take(atMs, cells);
      if (reading === undefined) continue;
      count.readings++;
      yield `${encodeRecord({ atMs, meter: home.info.id, reading } satisfies Sample)}\n`;
    }
  }
  if (homes === undefined) throw new Error(`${name}: no rows`);
}

/** One column on its way to be a meter. */
class Home {
  readonly info: MeterInfo;
  readonly #column: number;
  readonly #isKwh: boolean;
  readonly #seed: number;
  #importWh = 0;
  #lastMs: number | undefined;
  #value = Number.NaN;
  #sinceMs = 0;

  constructor(info: MeterInfo, column: number, isKwh: boolean) {
    this.info = info;
    this.#column = column;
    this.#isKwh = isKwh;
    this.#seed = hash32(info.id);
  }

  take(atMs: number, cells: readonly string[]): Reading | undefined {
    const cell = cells[this.#column]?.trim() ?? '';
    const value = cell === '' ? Number.NaN : Number(cell);
    const stepMs = this.#lastMs === undefined ? 0 : atMs - this.#lastMs;
    this.#lastMs = atMs;
    if (!Number.isFinite(value)) return undefined;
    if (value !== this.#value) this.#sinceMs = atMs;
    this.#value = value;
    if (atMs - this.#sinceMs > FROZEN_MS) return undefined;
    const hours = Math.min(stepMs, DAY_MS) / 3_600_000;
    const powerW = this.#isKwh ? (hours === 0 ? 0 : (value * 1000) / hours) : value;
    this.#importWh += Math.max(0, this.#isKwh ? value * 1000 : value * hours);
    const volts = NOMINAL_V + 6 * (noiseAt(this.#seed, Math.floor(atMs / 600_000)) - 0.5);
    const amps = Math.abs(powerW) / POWER_FACTOR / volts;
    return {
      activePowerW: round(powerW, 1),
      voltageV: [round(volts, 1)],
      currentA: [round(amps, 3)],
      powerFactor: [powerW < 0 ? -POWER_FACTOR : POWER_FACTOR],
      importWh: Math.round(this.#importWh),
    };
  }
}

function homesOf(header: readonly string[], name: string, options: ConvertOptions): Home[] {
  const wanted = options.columns ?? header.slice(1);
  return wanted.map((column, index) => {
    const at = header.findIndex((cell) => cell.trim() === column.trim());
    if (at < 1) throw new Error(`${name}: no column ${column}; there are ${header.slice(1, 12).join(', ')}`);
    const info: MeterInfo = {
      id: String(index + 1).padStart(12, '0'),
      premises: 'flat',
      phases: 1,
      ratedCurrentA: 60,
      fuseA: 40,
      ...options.meter,
    };
    return new Home(info, at, /kwh/i.test(`${name} ${column}`));
  });
}

/** Tables without an offset are read as UTC: their own civil time is what their people lived by. */
function timeOf(text: string): number {
  const iso = text.trim().replace(' ', 'T');
  return Date.parse(/([+-]\d\d:\d\d|Z)$/.test(iso) ? iso : `${iso}Z`);
}

function round(value: number, decimals: number): number {
  return Math.round(value * 10 ** decimals) / 10 ** decimals;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      from: { type: 'string' },
      days: { type: 'string' },
      columns: { type: 'string' },
      timezone: { type: 'string' },
    },
  });
  const [input, output] = positionals;
  if (input === undefined || output === undefined) {
    console.error(
      'usage: node sim/convert.ts TABLE.csv[.gz] RECORDING.ndjson[.gz] [--from DATE] [--days N] [--columns A,B] [--timezone ZONE]',
    );
    process.exit(2);
  }
  const readings = await convertTable(input, output, {
    ...(values.from === undefined ? {} : { from: values.from }),
    ...(values.days === undefined ? {} : { days: Number(values.days) }),
    ...(values.columns === undefined ? {} : { columns: values.columns.split(',') }),
    ...(values.timezone === undefined ? {} : { timezone: values.timezone }),
  });
  console.error(`${output}: ${readings} readings`);
}
