/**
 * Line loss of an area (kind `leakage`): what the transformer gave against what its users' meters counted.
 *
 * Intuition. Energy that left the transformer and reached no meter was burnt in the wires (2 to 7 %) or taken. One
 * civil day is the window: load swings and reading times cancel, and a day is how crews talk about loss. Every
 * register is taken *at midnight* by a straight line between the readings on both sides, so that meters read at
 * different times still balance. What cannot be known is carried as an uncertainty, and only loss beyond limit plus
 * uncertainty counts: half the time between the two readings around midnight plus the clock skew, times the meter's
 * mean power, added in quadrature over the users; and half the usual energy of every user whose day is missing, put
 * in its place. If more than a tenth of the supply would be such guesses, the day is not judged.
 *
 * Rejected: comparing momentary powers. With meters read minutes apart a kettle is a thief. Rejected: one fixed limit;
 * a long rural line loses 9 % for ever, so a network's own median loss plus 4 points counts where that is higher.
 * Loss under −2 % is told too: users counting more than was supplied means a wrong transformer ratio or wiring, or
 * homes listed under the wrong transformer, and hides theft.
 *
 * Thresholds. Two bad days in a row raise (one, at three times the limit), two good days clear.
 */
import type { MeterInfo, Reading } from '../../protocols/reading.ts';
import type { Finding } from '../alert.ts';
import { type Area, type AreaDetector, type Input, NOTHING, type Output, rejoin } from '../detector.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, round } from './figures.ts';

export interface LineLossSettings {
  limitPercent: number;
  /** Points over the network's own median. */
  overUsualPoints: number;
  gainPercent: number;
  /** How far a meter's clock or a reading's time may be off. */
  skewMs: number;
  /** Longer between the readings around midnight, and that midnight is unknown. */
  gapMs: number;
  /** Share of the supply that may be guessed. */
  guessedRatio: number;
  raiseDays: number;
  clearDays: number;
}

export const LINE_LOSS_DEFAULTS: LineLossSettings = {
  limitPercent: 10,
  overUsualPoints: 4,
  gainPercent: 2,
  skewMs: 5 * MINUTE_MS,
  gapMs: 4 * HOUR_MS,
  guessedRatio: 0.1,
  raiseDays: 2,
  clearDays: 2,
};

/** One register. Without one in the readings, power is added up; then a hole makes the day unknown. */
interface Register {
  lastMs: number;
  lastWh: number;
  lastW: number;
  /** At the last midnight; null: unknown. And how wide the readings around it lay. */
  markWh: number | null;
  markGapMs: number;
  /** The day that ended: null unknown; its uncertainty. */
  dayWh: number | null;
  errorWh: number;
  usualWh: number | null;
}

interface Balance {
  /** The last losses judged, percent, at most 15. */
  losses: number[];
  bad: number;
  good: number;
  /** When the first of the bad days in a row began. */
  sinceMs: number;
  raised: boolean;
}

export interface LineLossState {
  /** The civil day that runs; −1 before the first input. */
  day: number;
  judged: boolean;
  registers: Record<string, Register>;
  balances: Record<string, Balance>;
}

/** Watches every transformer and feeder meter against the users below it. */
export function lineLoss(settings: Partial<LineLossSettings> = {}): AreaDetector<LineLossState> {
  const rule = { ...LINE_LOSS_DEFAULTS, ...settings };
  return { scope: 'area', name: 'line-loss', start, step: (state, input, area) => step(state, input, area, rule) };
}

function start(area: Area, before?: LineLossState): LineLossState | undefined {
  const heads = area.meters.filter((meter) => usersOf(meter, area).length > 0);
  if (heads.length === 0) return undefined;
  const balances: LineLossState['balances'] = {};
  for (const head of heads) balances[head.id] = { losses: [], bad: 0, good: 0, sinceMs: 0, raised: false };
  return { day: -1, judged: true, registers: {}, ...before, balances: rejoin(balances, before?.balances) };
}

/** Who hangs below a head meter: everyone below a transformer, the feeder's own below a feeder. */
function usersOf(head: MeterInfo, area: Area): MeterInfo[] {
  const users = area.meters.filter((meter) => meter.premises !== 'transformer' && meter.premises !== 'feeder');
  if (head.premises === 'transformer') return users;
  return head.premises === 'feeder' && head.feeder !== undefined
    ? users.filter((meter) => meter.feeder === head.feeder)
    : [];
}

function step(state: LineLossState, input: Input, area: Area, rule: LineLossSettings): readonly Output[] {
  if (input.type === 'reading') {
    take(state, input.meter, input.reading, input.atMs, input.localMs, rule);
    return NOTHING;
  }
  if (input.type !== 'tick') return NOTHING;
  const day = Math.floor(input.localMs / DAY_MS);
  if (day !== state.day) {
    state.day = day;
    state.judged = false;
  }
  // Late readings close their day too: judge two holes after midnight.
  if (state.judged || input.localMs - day * DAY_MS < 2 * rule.gapMs) return NOTHING;
  state.judged = true;
  const outputs: Output[] = [];
  const beganMs = input.atMs - (input.localMs - day * DAY_MS) - DAY_MS;
  for (const [id, balance] of Object.entries(state.balances)) judge(state, id, balance, beganMs, area, rule, outputs);
  for (const register of Object.values(state.registers)) register.dayWh = null;
  return outputs.length === 0 ? NOTHING : outputs;
}

function take(
  state: LineLossState,
  id: string,
  reading: Reading,
  atMs: number,
  localMs: number,
  rule: LineLossSettings,
): void {
  const { importWh, exportWh, activePowerW } = reading;
  if (importWh === undefined && activePowerW === undefined) return;
  const register = state.registers[id];
  if (register === undefined) {
    state.registers[id] = {
      lastMs: atMs,
      lastWh: importWh === undefined ? 0 : importWh - (exportWh ?? 0),
      lastW: activePowerW ?? 0,
      markWh: null,
      markGapMs: 0,
      dayWh: null,
      errorWh: 0,
      usualWh: null,
    };
    return;
  }
  const passedMs = atMs - register.lastMs;
  // Far back, the clock was wrong before: begin again.
  if (passedMs < -HOUR_MS) delete state.registers[id];
  if (passedMs <= 0) return;
  const hole = passedMs > rule.gapMs;
  const added = activePowerW === undefined ? 0 : (((activePowerW + register.lastW) / 2) * passedMs) / HOUR_MS;
  const wh = importWh === undefined ? register.lastWh + added : importWh - (exportWh ?? 0);
  // A register that jumps back was replaced or reset: both days around it are unknown.
  const broken =
    (hole && importWh === undefined) || (importWh !== undefined && wh < register.lastWh - lowestStepWh(passedMs));
  const midnightMs = Math.floor(localMs / DAY_MS) * DAY_MS - localMs + atMs;
  if (broken) register.markWh = null;
  if (register.lastMs < midnightMs && midnightMs <= atMs) {
    passMidnight(register, wh, atMs, midnightMs, hole || broken, rule);
  }
  register.lastMs = atMs;
  register.lastWh = wh;
  register.lastW = activePowerW ?? 0;
}

/** What a roof may feed back in this time: 50 kW, and a kWh for rounding. */
function lowestStepWh(passedMs: number): number {
  return 1000 + (50_000 * passedMs) / HOUR_MS;
}

/** Takes the register at midnight by a straight line, and closes the day if its other end is known. */
function passMidnight(
  register: Register,
  wh: number,
  atMs: number,
  midnightMs: number,
  unknown: boolean,
  rule: LineLossSettings,
): void {
  const share = (midnightMs - register.lastMs) / (atMs - register.lastMs);
  // A reading on midnight itself leaves only the skew.
  const gapMs = atMs === midnightMs ? 0 : atMs - register.lastMs;
  const mark = unknown ? null : register.lastWh + share * (wh - register.lastWh);
  register.dayWh = null;
  if (mark !== null && register.markWh !== null) {
    register.dayWh = mark - register.markWh;
    const meanW = Math.abs(register.dayWh) / 24;
    const doubtMs = (register.markGapMs + gapMs) / 2 + 2 * rule.skewMs;
    register.errorWh = (meanW * doubtMs) / HOUR_MS / 2;
    register.usualWh =
      register.usualWh === null ? register.dayWh : register.usualWh + 0.2 * (register.dayWh - register.usualWh);
  }
  register.markWh = mark;
  register.markGapMs = gapMs;
}

interface Sum {
  usedWh: number;
  guessedWh: number;
  errorWh: number;
  missing: number;
}

/** What the users counted. Who is missing is guessed by his own usual day, one never known by the mean of the others. */
function sumUsers(state: LineLossState, users: readonly MeterInfo[]): Sum {
  const sum: Sum = { usedWh: 0, guessedWh: 0, errorWh: 0, missing: 0 };
  let squares = 0;
  const missing: (Register | undefined)[] = [];
  for (const user of users) {
    const register = state.registers[user.id];
    const dayWh = register?.dayWh ?? null;
    if (register === undefined || dayWh === null) {
      missing.push(register);
      continue;
    }
    sum.usedWh += dayWh;
    squares += register.errorWh ** 2;
  }
  const meanWh = sum.usedWh / Math.max(1, users.length - missing.length);
  for (const register of missing) {
    const usualWh = register?.usualWh ?? null;
    const guessWh = usualWh ?? meanWh;
    sum.usedWh += guessWh;
    sum.guessedWh += Math.abs(guessWh);
    squares += (usualWh === null ? guessWh : guessWh / 2) ** 2;
  }
  sum.missing = missing.length;
  sum.errorWh = Math.sqrt(squares);
  return sum;
}

function judge(
  state: LineLossState,
  id: string,
  balance: Balance,
  beganMs: number,
  area: Area,
  rule: LineLossSettings,
  outputs: Output[],
): void {
  const head = area.meters.find((meter) => meter.id === id);
  const supply = state.registers[id];
  const suppliedWh = supply?.dayWh ?? null;
  if (head === undefined || supply === undefined || suppliedWh === null || suppliedWh < 1000) return;
  const users = usersOf(head, area);
  const sum = sumUsers(state, users);
  if (sum.missing === users.length || sum.guessedWh > rule.guessedRatio * suppliedWh) return;
  const lossPercent = (100 * (suppliedWh - sum.usedWh)) / suppliedWh;
  const doubtPercent = (100 * Math.hypot(sum.errorWh, supply.errorWh)) / suppliedWh;
  const usual = median(balance.losses);
  const limitPercent = Math.max(rule.limitPercent, (usual ?? 0) + rule.overUsualPoints);
  const over = lossPercent - doubtPercent > limitPercent;
  const gain = lossPercent + doubtPercent < -rule.gainPercent;
  const gross = lossPercent - doubtPercent > 3 * limitPercent;
  if ((over || gain) && balance.bad === 0 && !balance.raised) balance.sinceMs = beganMs;
  balance.bad = over || gain ? balance.bad + (gross ? rule.raiseDays : 1) : 0;
  balance.good = over || gain ? 0 : balance.good + 1;
  // Bad days teach nothing about what is usual, or theft would become the norm.
  if (!over && !gain) balance.losses = [...balance.losses, round(lossPercent, 2)].slice(-15);
  const change = changeOf(balance, rule);
  if (change === undefined) return;
  balance.raised = change === 'raised';
  const finding: Finding = {
    meter: id,
    kind: 'leakage',
    key: 'line-loss',
    state: change,
    severity: 'warning',
    sinceMs: balance.sinceMs,
    confidence: 0.9,
    evidence: {
      balance: gain ? 'users count more than was supplied' : 'energy that reached no meter',
      lossPercent: round(lossPercent, 2),
      uncertaintyPercent: round(doubtPercent, 2),
      limitPercent: round(limitPercent, 2),
      suppliedKwh: round(suppliedWh / 1000, 2),
      countedKwh: round(sum.usedWh / 1000, 2),
      lostKwh: round((suppliedWh - sum.usedWh) / 1000, 2),
      users: users.length,
      usersGuessed: sum.missing,
      ...(usual === undefined ? {} : { usualLossPercent: round(usual, 2) }),
    },
    recipients: ['power'],
  };
  outputs.push({ type: 'finding', finding });
}

function changeOf(balance: Balance, rule: LineLossSettings): 'raised' | 'cleared' | undefined {
  if (!balance.raised && balance.bad >= rule.raiseDays) return 'raised';
  return balance.raised && balance.good >= rule.clearDays ? 'cleared' : undefined;
}

function median(values: readonly number[]): number | undefined {
  if (values.length < 3) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
