/**
 * Thirty days of hours, one character each, in a ring by civil time: the level, the swing inside the hour, and the
 * score of silence that stood at its end. Strings are a tenth of what arrays cost as JSON.
 */

export const DAYS = 30;
export const HOURS = DAYS * 24;
export const BINS = 24;

const BASE = 40;
const BLANK = ' ';
/** Scores are kept in halves; BASE + 2 × 20 stays below the backslash that JSON would escape. */
const KEPT_MAX = 20;

export interface Memory {
  level: string;
  swing: string;
  score: string;
  /** Civil hours since 1970 of the last that was written, and of the first ever; 0 before there is one. */
  last: number;
  first: number;
}

export const noMemory = (): Memory => ({
  level: BLANK.repeat(HOURS),
  swing: BLANK.repeat(HOURS),
  score: BLANK.repeat(HOURS),
  last: 0,
  first: 0,
});

/** Logarithmic, finer at the bottom: 0–3 W, 3–8 W, … a third more from bin to bin above 30 W, 8 kW and more last. */
export function binOf(watts: number): number {
  if (!(watts > 0)) return 0;
  return Math.min(BINS - 1, Math.floor(2.4 * Math.log2(watts / 10 + 1)));
}

/** The bin of an hour in one of the strings, −1 where nothing is known. */
export function binAt(text: string, hour: number): number {
  const code = text.charCodeAt(((hour % HOURS) + HOURS) % HOURS);
  return code === 32 ? -1 : code - BASE;
}

/** The score that stood at the end of an hour, −1 where nothing is known. */
export function scoreAt(memory: Memory, hour: number): number {
  const bin = binAt(memory.score, hour);
  return bin < 0 ? -1 : bin / 2;
}

/** For how long this home has been watched. */
export const daysKnown = (memory: Memory): number => (memory.last - memory.first) / 24;

/** Writes an hour; the hours that were passed over since the last one are blank. */
export function write(memory: Memory, hour: number, level: number, swing: number, score: number): void {
  if (memory.first === 0) memory.first = hour;
  const passed = Math.min(HOURS - 1, hour - memory.last - 1);
  if (memory.last > 0) for (let i = 1; i <= passed; i++) put(memory, memory.last + i, BLANK, BLANK, BLANK);
  const half = Math.round(Math.min(KEPT_MAX, score) * 2);
  put(memory, hour, letter(level), letter(swing), score < 0 ? BLANK : letter(half));
  memory.last = hour;
}

const letter = (bin: number): string => String.fromCharCode(BASE + bin);

function put(memory: Memory, hour: number, level: string, swing: string, score: string): void {
  const at = ((hour % HOURS) + HOURS) % HOURS;
  memory.level = memory.level.slice(0, at) + level + memory.level.slice(at + 1);
  memory.swing = memory.swing.slice(0, at) + swing + memory.swing.slice(at + 1);
  memory.score = memory.score.slice(0, at) + score + memory.score.slice(at + 1);
}
