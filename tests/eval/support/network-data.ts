/** What the network's evaluation reads from ../shared/data/households; undefined where it is absent. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const FOLDER = new URL('../../../../shared/data/households/', import.meta.url);

function text(name: string): string | undefined {
  const file = new URL(name, FOLDER);
  if (!existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

function rows(name: string): { names: string[]; cells: string[][] } | undefined {
  const lines = text(name)?.trim().split('\n');
  const head = lines?.shift();
  return head === undefined || lines === undefined
    ? undefined
    : { names: head.split(','), cells: lines.map((line) => line.split(',')) };
}

export interface Transformer {
  /** Active power of three windings and the oil's temperature, every 15 min for two years. */
  loads: Record<'HUFL' | 'MUFL' | 'LUFL', number[]>;
  oilC: number[];
}

export function transformer(): Transformer | undefined {
  const table = rows('ETTm1.csv.gz');
  if (table === undefined) return undefined;
  const column = (name: string): number[] => {
    const i = table.names.indexOf(name);
    return table.cells.map((cells) => Number(cells[i]));
  };
  return { loads: { HUFL: column('HUFL'), MUFL: column('MUFL'), LUFL: column('LUFL') }, oilC: column('OT') };
}

/** Mean power of each of 269 homes, kW, every 15 min for 49 days: one row a quarter. */
export function swissHomes(): number[][] | undefined {
  return rows('swiss269_15min_kwh.csv.gz')?.cells.map((cells) => cells.slice(1).map((cell) => 4 * Number(cell || 0)));
}

interface Params {
  [name: string]: number;
}

export interface ReferenceCases {
  iec60076_7_step_example: {
    params: Params;
    steps: { until_min: number; K: number }[];
    expected: { min: number; topOil: number; hotSpot: number }[];
  };
  iec60076_7_annex_3min: {
    params: Params;
    t: number[];
    K: number[];
    ambient: number[];
    topOil_exact: number[];
    hotSpot_exact: number[];
  };
  alliander_distribution: { K: number[]; topOil: number[]; hotSpot: number[] };
  alliander_onan: { topOil: number[]; hotSpot: number[] };
  ageing: { cases: { th: number; paper: 'normal' | 'TUP'; V: number }[] };
  iec60255_149: { cases: { Ip_over_kIB: number; I_over_kIB: number; t_over_tau: number }[] };
  unbalance: { Uab: number; Ubc: number; Uca: number; u2_IEC_pct: number; NEMA_pct: number }[];
}

export function referenceCases(): ReferenceCases | undefined {
  const json = text('standards_reference_cases.json');
  return json === undefined ? undefined : (JSON.parse(json) as ReferenceCases);
}

/** A small generator of numbers in [0, 1), the same on every machine (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * (sorted.length - 1)))]!;
}

/** One figure of the report: what was measured, what was wanted, whether it is met. */
export interface Figure {
  name: string;
  value: number;
  wanted: string;
  met: boolean | null;
  note?: string;
}

export const below = (name: string, value: number, limit: number, note?: string): Figure => ({
  name,
  value,
  wanted: `≤ ${Number(limit.toPrecision(4))}`,
  met: value <= limit,
  ...(note === undefined ? {} : { note }),
});

export const atLeast = (name: string, value: number, limit: number, note?: string): Figure => ({
  name,
  value,
  wanted: `≥ ${limit}`,
  met: value >= limit,
  ...(note === undefined ? {} : { note }),
});

export const told = (name: string, value: number, note?: string): Figure => ({
  name,
  value,
  wanted: '',
  met: null,
  ...(note === undefined ? {} : { note }),
});
