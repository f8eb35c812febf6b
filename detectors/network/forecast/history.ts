/**
 * The last week of one load in quarters of an hour, small enough for a concentrator: one printable character per
 * quarter (steps of 2 %, −40 … 142 % of the rating), and the last hours exactly, for slopes need more than 2 %.
 */

export const SLOT_MS = 15 * 60_000;
export const SLOTS_PER_DAY = 96;
/** A reading this late still belongs to the quarter that is over: a round of the bus. */
export const GRACE_MS = 60_000;
/** A week, and four hours more, so that a target of four hours ago still finds its own week. */
const LENGTH = 7 * SLOTS_PER_DAY + 16;
/** Four hours for the target, four for the slopes before it. */
const EXACT = 34;
/** As far back as the longest target. */
const AIR = 17;
/** A hole up to this many slots is bridged by a straight line; a longer one stays a hole. */
const BRIDGE = 4;
/** The first printable character that JSON writes as it stands and that no level uses. */
const HOLE = 0x20;
const FIRST = 0x23;
const BACKSLASH = 0x5c;

export interface History {
  /** The newest quarter, counted in civil time by its end; −1: nothing heard yet. */
  slot: number;
  /** Whether it is still being filled. */
  open: boolean;
  sum: number;
  count: number;
  /** Newest first; null is a hole. */
  exact: (number | null)[];
  /** Newest last, one character a quarter. */
  week: string;
  /** Quarters known in all, up to a week. */
  known: number;
  /** Air temperature of the last hours, °C, newest first, and what was told last. */
  airC: (number | null)[];
  nowC: number | null;
}

export function newHistory(): History {
  return { slot: -1, open: false, sum: 0, count: 0, exact: [], week: '', known: 0, airC: [], nowC: null };
}

/**
 * Takes one value, which stands for the time before it: one at 10:15 or just after completes the quarter that ends
 * at 10:15, so that a meter read every 15 min is not looked at 15 min late.
 * `closed` is called after each quarter that is completed, `slot` being that quarter and age 0 its value. A value
 * older than the quarter being filled (a clock set back) is dropped.
 */
export function record(history: History, localMs: number, value: number, closed: () => void): void {
  const slot = Math.ceil((localMs - GRACE_MS) / SLOT_MS);
  // More than a day back is a clock that was wrong: what was learnt stays, the course starts afresh.
  if (slot < history.slot - SLOTS_PER_DAY) Object.assign(history, newHistory());
  if (slot < history.slot || (slot === history.slot && !history.open)) return;
  if (slot > history.slot) {
    finish(history, closed);
    if (history.slot >= 0) bridge(history, slot, value, closed);
    history.slot = slot;
    history.open = true;
  }
  history.sum += value;
  history.count++;
  if (localMs >= slot * SLOT_MS) finish(history, closed);
}

/** Lets time pass: a quarter that is over is complete also when its next reading is late. */
export function elapse(history: History, localMs: number, closed: () => void): void {
  if (history.open && localMs >= history.slot * SLOT_MS + GRACE_MS) finish(history, closed);
}

function finish(history: History, closed: () => void): void {
  if (!history.open) return;
  push(history, history.sum / history.count);
  history.open = false;
  history.sum = 0;
  history.count = 0;
  closed();
}

/** Fills the quarters between the newest and `slot`, which nobody measured. */
function bridge(history: History, slot: number, next: number, closed: () => void): void {
  const missing = slot - history.slot - 1;
  const last = at(history, 0);
  if (missing < BRIDGE && last !== undefined) {
    for (let i = 1; i <= missing; i++) {
      push(history, last + ((next - last) * i) / (missing + 1));
      history.slot++;
      closed();
    }
    return;
  }
  for (let i = 0; i < Math.min(missing, LENGTH); i++) push(history, null);
}

function push(history: History, value: number | null): void {
  history.airC.unshift(history.nowC);
  if (history.airC.length > AIR) history.airC.pop();
  history.exact.unshift(value === null ? null : Math.round(value * 1e4) / 1e4);
  if (history.exact.length > EXACT) history.exact.pop();
  history.week += String.fromCharCode(value === null ? HOLE : codeOf(value));
  if (history.week.length > LENGTH) history.week = history.week.slice(history.week.length - LENGTH);
  if (value !== null) history.known = Math.min(history.known + 1, LENGTH);
}

function codeOf(value: number): number {
  const level = Math.max(0, Math.min(90, Math.round((value + 0.4) / 0.02)));
  const code = FIRST + level;
  return code >= BACKSLASH ? code + 1 : code;
}

/** The value `age` quarters before the newest; undefined where nothing was measured. */
export function at(history: History, age: number): number | undefined {
  if (age < history.exact.length) return history.exact[age] ?? undefined;
  const code = history.week.charCodeAt(history.week.length - 1 - age);
  if (Number.isNaN(code) || code === HOLE) return undefined;
  return ((code > BACKSLASH ? code - 1 : code) - FIRST) * 0.02 - 0.4;
}
