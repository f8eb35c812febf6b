/**
 * How much one hour speaks for an empty home: the logarithm of "as in this home's quietest nights" over "as usual at
 * this hour". The level and the swing inside the hour are weighed together; one hour counts for at most 2, half of the
 * lowest threshold, so that no single hour is an alarm, and activity takes up to 3 back at once. At most 1 was too
 * little: a breakfast that comes on every day of the month then counted no more than a lamp that is often on.
 */
import { BINS, binAt, HOURS, type Memory } from './memory.ts';

/** What the home looks like when nothing happens in it; learnt afresh every day. */
export interface Quiet {
  /** Counts by bin over the quietest nights. */
  level: number[];
  swing: number[];
  total: number;
  /** First hour of the five in which this home is quietest. */
  fromHour: number;
  /** Four of five quiet hours lie at or below this bin. */
  highLevel: number;
}

const WINDOW_H = 5;
/** Of the nights, the quietest share stands for the empty home: in the others somebody was up. */
const QUIET_SHARE = 0.35;
/** The swing repeats much of what the level says: together they count for less than twice. */
const LEVEL_WEIGHT = 1.1;
const SWING_WEIGHT = 0.6;
const EVIDENCE_MIN = -3;
export const EVIDENCE_MAX = 2;
/** Neighbouring bins and hours lend their counts: a month holds only 30 days. */
const NEIGHBOUR_BIN = 0.4;
const NEIGHBOUR_HOUR = 0.5;
const UNSEEN = 0.3;

export const noQuiet = (): Quiet => ({ level: [], swing: [], total: 0, fromHour: 2, highLevel: 0 });

/** Finds the quiet window of the day and counts the quietest third of the nights in it. */
export function learnQuiet(memory: Memory): Quiet {
  const fromHour = quietWindow(memory);
  const nights: { start: number; sum: number }[] = [];
  const oldest = Math.max(memory.first, memory.last - HOURS + 1);
  for (let start = memory.last - WINDOW_H + 1; start >= oldest; start--) {
    if (start % 24 !== fromHour) continue;
    let sum = 0;
    for (let i = 0; i < WINDOW_H; i++) {
      const bin = binAt(memory.level, start + i);
      sum += bin < 0 ? Number.NaN : bin + 0.3 * binAt(memory.swing, start + i);
    }
    if (!Number.isNaN(sum)) nights.push({ start, sum });
  }
  nights.sort((a, b) => a.sum - b.sum || b.start - a.start);
  const level = new Array<number>(BINS).fill(0);
  const swing = new Array<number>(BINS).fill(0);
  const chosen = nights.slice(0, Math.max(3, Math.ceil(nights.length * QUIET_SHARE)));
  for (const night of chosen) {
    for (let i = 0; i < WINDOW_H; i++) {
      count(level, binAt(memory.level, night.start + i));
      count(swing, binAt(memory.swing, night.start + i));
    }
  }
  const total = chosen.length * WINDOW_H;
  return { level, swing, total, fromHour, highLevel: quantileBin(level, 0.8 * total) };
}

/** The five hours of the day whose usual level is lowest. */
function quietWindow(memory: Memory): number {
  const usual: number[] = [];
  for (let hour = 0; hour < 24; hour++) usual.push(medianLevel(memory, hour));
  let best = 0;
  let lowest = Number.POSITIVE_INFINITY;
  for (let from = 0; from < 24; from++) {
    let sum = 0;
    for (let i = 0; i < WINDOW_H; i++) sum += usual[(from + i) % 24] ?? 0;
    if (sum < lowest) {
      lowest = sum;
      best = from;
    }
  }
  return best;
}

function medianLevel(memory: Memory, hourOfDay: number): number {
  const counts = new Array<number>(BINS).fill(0);
  let total = 0;
  for (let hour = hourOfDay; hour < HOURS; hour += 24) {
    const bin = binAt(memory.level, hour);
    if (bin < 0) continue;
    count(counts, bin);
    total++;
  }
  return total === 0 ? BINS : quantileBin(counts, total / 2);
}

function quantileBin(counts: readonly number[], rank: number): number {
  let seen = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    seen += counts[bin] ?? 0;
    if (seen >= rank) return bin;
  }
  return counts.length - 1;
}

function count(counts: number[], bin: number): void {
  if (bin >= 0) counts[bin] = (counts[bin] ?? 0) + 1;
}

export interface Evidence {
  /** For an empty home, from level and swing. */
  both: number;
  /** From the swing alone: a load left on hides the level, not the stillness. */
  still: number;
}

/**
 * The evidence of one hour, before it is written to memory. Nothing is said of an hour that this home never showed,
 * neither busy nor quiet: a level far below every night is a fault or an outage.
 */
export function weigh(memory: Memory, quiet: Quiet, hour: number, level: number, swing: number): Evidence {
  if (quiet.total === 0 || unheardOf(quiet, level)) return { both: 0, still: 0 };
  const usualLevel = usual(memory.level, memory, hour, level);
  const usualSwing = usual(memory.swing, memory, hour, swing);
  const forLevel = Math.log(share(around(quiet.level, level), quiet.total) / usualLevel);
  const forSwing = Math.log(share(around(quiet.swing, swing), quiet.total) / usualSwing);
  return { both: clip(LEVEL_WEIGHT * forLevel + SWING_WEIGHT * forSwing), still: clip(forSwing) };
}

function unheardOf(quiet: Quiet, level: number): boolean {
  const lowest = quiet.level.findIndex((n) => n > 0);
  return level < lowest - 2;
}

/** The share of this bin among the hours of the last thirty days at the same time of day. */
function usual(text: string, memory: Memory, hour: number, bin: number): number {
  let found = 0;
  let total = 0;
  const days = Math.min(HOURS / 24 - 1, Math.ceil((memory.last - memory.first) / 24));
  for (let day = 1; day <= days; day++) {
    for (let offset = -1; offset <= 1; offset++) {
      const seen = binAt(text, hour - day * 24 + offset);
      if (seen < 0) continue;
      const weight = offset === 0 ? 1 : NEIGHBOUR_HOUR;
      total += weight;
      if (seen === bin) found += weight;
      else if (seen === bin - 1 || seen === bin + 1) found += weight * NEIGHBOUR_BIN;
    }
  }
  return share(found, total);
}

/** An empty home by day uses a little more than in its quietest nights: the counts below lend more than those above. */
const LEND = [0.25, 0.55, 1, 0.4] as const;

function around(counts: readonly number[], bin: number): number {
  let sum = 0;
  for (let i = 0; i < LEND.length; i++) sum += (LEND[i] ?? 0) * (counts[bin - 2 + i] ?? 0);
  return sum;
}

const share = (found: number, total: number): number =>
  (found + UNSEEN) / (total * (1 + 2 * NEIGHBOUR_BIN) + UNSEEN * BINS);

const clip = (evidence: number): number => Math.max(EVIDENCE_MIN, Math.min(EVIDENCE_MAX, evidence));
