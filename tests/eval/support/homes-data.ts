/** The recordings of homes as even series of watts: gaps are NaN, time is epoch milliseconds. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export const DATA = new URL('../../../../shared/data/households/', import.meta.url);

/** One home: mean power of each interval, stamped at its end. */
export interface Series {
  name: string;
  periodMs: number;
  /** Start of the first interval. The zone of the recording is treated as its own civil time. */
  startMs: number;
  watts: Float64Array;
}

const MINUTE = 60_000;

export const has = (file: string): boolean => existsSync(new URL(file, DATA));

function rows(file: string): string[] {
  const bytes = readFileSync(new URL(file, DATA));
  const text = file.endsWith('.gz') ? gunzipSync(bytes).toString('utf8') : bytes.toString('utf8');
  return text.split('\n').filter((line) => line.length > 0);
}

/** The stamp's civil time as though it were UTC; an offset at its end is dropped. */
const civilMs = (stamp: string): number => Date.parse(`${stamp.slice(0, 19).replace(' ', 'T')}Z`);

/** Lays stamped values on an even grid; what is not stamped is NaN. */
function even(name: string, stamps: number[], values: number[], periodMs: number): Series {
  const startMs = stamps[0] ?? 0;
  const length = Math.floor(((stamps.at(-1) ?? 0) - startMs) / periodMs) + 1;
  const watts = new Float64Array(length).fill(Number.NaN);
  stamps.forEach((stamp, i) => {
    const at = Math.round((stamp - startMs) / periodMs);
    if (at >= 0 && at < length) watts[at] = values[i] ?? Number.NaN;
  });
  return { name, periodMs, startMs, watts };
}

/** Every column of a table as a series; `names` gives the columns that are wanted, all but the first by default. */
export function table(file: string, periodMs: number, scale = 1): Map<string, Series> {
  const [head, ...lines] = rows(file);
  const columns = (head ?? '').split(',').slice(1);
  const stamps: number[] = [];
  const values: number[][] = columns.map(() => []);
  for (const line of lines) {
    const cells = line.split(',');
    stamps.push(civilMs(cells[0] ?? ''));
    for (let i = 0; i < columns.length; i++) {
      const cell = cells[i + 1];
      values[i]?.push(cell === undefined || cell === '' ? Number.NaN : Number(cell) * scale);
    }
  }
  return new Map(columns.map((column, i) => [column, even(column, stamps, values[i] ?? [], periodMs)]));
}

/** REFIT and UK-DALE keep long gaps as zeros or frozen values: runs of an hour and more of one value are masked. */
export function masked(series: Series): Series {
  const { watts } = series;
  const longest = Math.round((60 * MINUTE) / series.periodMs);
  let from = 0;
  for (let i = 1; i <= watts.length; i++) {
    if (i < watts.length && watts[i] === watts[from]) continue;
    if (i - from >= longest) watts.fill(Number.NaN, from, i);
    from = i;
  }
  return series;
}

export function minuteHome(file: string, name: string): Series {
  const series = table(file, MINUTE).get('Aggregate');
  if (series === undefined) throw new Error(`${file} has no column Aggregate`);
  return { ...masked(series), name };
}

export function sgsc(): Series[] {
  const homes = new Map<string, [number[], number[]]>();
  for (const line of rows('sgsc6_30min_kwh.csv.gz').slice(1)) {
    const [id = '', stamp = '', kwh] = line.split(',');
    const home = homes.get(id) ?? [[], []];
    home[0].push(civilMs(stamp));
    home[1].push(Number(kwh) * 2000);
    homes.set(id, home);
  }
  return [...homes].map(([id, [stamps, values]]) => even(`sgsc-${id}`, stamps, values, 30 * MINUTE));
}

/** Mean of `factor` intervals, NaN where more than a quarter is missing. */
export function coarser(series: Series, factor: number): Series {
  const watts = new Float64Array(Math.floor(series.watts.length / factor));
  for (let i = 0; i < watts.length; i++) {
    let sum = 0;
    let count = 0;
    for (let k = i * factor; k < (i + 1) * factor; k++) {
      const w = series.watts[k] ?? Number.NaN;
      if (Number.isNaN(w)) continue;
      sum += w;
      count++;
    }
    watts[i] = count >= 0.75 * factor ? sum / count : Number.NaN;
  }
  return { ...series, periodMs: series.periodMs * factor, watts };
}
