/**
 * Holds alerts against what really happened: precision, recall, F1, false alarms per meter-month, delay, calibration.
 *
 * An alert is one decision, however many messages it took: it counts from the first message that is more than a
 * suspicion or a question (`stage` `suspected` and `ask`, `level` `heavy` send nobody out yet). It is true if the same meter had the same
 * kind of thing going on, with some slack on both sides. One outage on forty meters is one thing, found by any of them.
 */
import { createRandom } from './random.ts';
import type { Truth, TruthHeader } from './truth.ts';

/** What the score needs of an alert; the contract's section 3. */
export interface ScoredAlert {
  id: string;
  meter: string;
  kind: string;
  state: string;
  at: number;
  since: number;
  confidence: number;
  evidence?: Record<string, unknown>;
}

export interface Interval {
  low: number;
  high: number;
}

export interface KindScore {
  kind: string;
  /** Things that happened, and how many of them were found. */
  truths: number;
  found: number;
  /** Alerts decided, and how many of them were true. */
  alerts: number;
  right: number;
  precision: number | null;
  precision95: Interval | null;
  recall: number | null;
  recall95: Interval | null;
  f1: number | null;
  f195: Interval | null;
  falsePerMeterMonth: number;
  falsePerMeterMonth95: Interval;
  delayP50Min: number | null;
  delayP90Min: number | null;
  delaysMin: number[];
  /** Mean confidence and share of true ones, in five bins; empty bins are left out. */
  calibration: { confidence: number; share: number; alerts: number }[];
  /** Mean squared difference of confidence and outcome. */
  brier: number | null;
}

export interface Decision {
  id: string;
  meter: string;
  kind: string;
  at: number;
  since: number;
  until: number;
  confidence: number;
  right: boolean;
  /** How far a forecast looks. */
  horizonMs: number;
  /** What it fell for: a holiday, a fridge. */
  fooledBy?: string;
}

export interface Score {
  scenario: string;
  meters: number;
  meterMonths: number;
  from: number;
  to: number;
  kinds: KindScore[];
  decisions: Decision[];
  incidents: Incident[];
}

/** One thing that happened, to one meter or to many at once. */
export interface Incident {
  kind: string;
  meters: string[];
  from: number;
  to: number;
  what: string;
  foundAt: number | null;
}

const MONTH_MS = 30.44 * 86_400_000;
/** An onset may be dated a little early, and a decision may come after the thing is over. */
const SLACK_MS = { before: 30 * 60_000, after: 60 * 60_000 };
/** Judged by the day or the week: the decision may come days later. */
const SLOW_KINDS = new Set([
  'inactivity',
  'occupancy',
  'night-residence',
  'abnormal-use',
  'tariff-tier',
  'profile',
  'meter-fault',
]);
const SLOW_AFTER_MS = 3 * 86_400_000;
/** States that come and go under an alert that stands: who was told of the first quarter hour knows of the next. */
const STANDING_KINDS = new Set(['imbalance', 'overload', 'voltage']);
/** Things that strike many meters at once are one incident. */
const SHARED_KINDS = new Set(['outage', 'gateway']);
/** Told before they happen: how long before is no delay. */
const AHEAD_KINDS = new Set(['low-balance', 'tariff-tier', 'overload-forecast']);
const FORECAST_MS = 4 * 3_600_000;
const NOT_YET = new Set(['suspected', 'ask']);

/** @param header how much was watched; without it, from the first truth to the last alert over the meters that are named */
export function score(truths: readonly Truth[], alerts: readonly ScoredAlert[], header?: TruthHeader): Score {
  const incidents = gather(truths);
  const decisions = decide(alerts);
  for (const decision of decisions) judge(decision, incidents, truths);
  const from = header?.from ?? Math.min(...truths.map((it) => it.from), ...alerts.map((it) => it.at));
  const to = header?.to ?? Math.max(...truths.map((it) => it.to), ...alerts.map((it) => it.at));
  const meters = header?.meters ?? new Set([...truths, ...alerts].map((it) => it.meter)).size;
  const meterMonths = Number.isFinite(to - from) ? (meters * Math.max(0, to - from)) / MONTH_MS : 0;
  const names = new Set([...incidents.map((it) => it.kind), ...decisions.map((it) => it.kind)]);
  const kinds = [...names].sort().map((kind) => {
    const ofKind = <T extends { kind: string }>(all: readonly T[]) => all.filter((it) => it.kind === kind);
    return scoreKind(kind, ofKind(incidents), ofKind(decisions), meterMonths);
  });
  return { scenario: header?.scenario ?? '', meters, meterMonths, from, to, kinds, decisions, incidents };
}

function gather(truths: readonly Truth[]): Incident[] {
  const byKey = new Map<string, Incident>();
  for (const { meter, kind, from, to, what } of truths) {
    if (kind === 'none') continue;
    const key = `${kind}|${from}|${to}|${SHARED_KINDS.has(kind) ? what : meter}`;
    const incident = byKey.get(key);
    if (incident === undefined) byKey.set(key, { kind, meters: [meter], from, to, what, foundAt: null });
    else incident.meters.push(meter);
  }
  return [...byKey.values()];
}

/** A monthly portrait is no alarm: nobody is sent anywhere, so it is neither right nor wrong. */
function decide(alerts: readonly ScoredAlert[]): Decision[] {
  const byId = new Map<string, Decision>();
  for (const { id, meter, kind, state, at, since, confidence, evidence } of alerts) {
    const known = byId.get(id);
    if (known !== undefined) {
      known.until = Math.max(known.until, at);
      continue;
    }
    const early = NOT_YET.has(String(evidence?.stage)) || evidence?.level === 'heavy';
    if (kind === 'profile' || state === 'cleared' || early) continue;
    const hours = Number(evidence?.horizonH);
    const horizonMs = hours > 0 ? hours * 3_600_000 : FORECAST_MS;
    byId.set(id, { id, meter, kind, at, since, until: at, confidence, right: false, horizonMs });
  }
  return [...byId.values()].sort((a, b) => a.at - b.at);
}

function judge(decision: Decision, incidents: readonly Incident[], truths: readonly Truth[]): void {
  if (decision.kind === 'overload-forecast') {
    judgeForecast(decision, incidents);
    return;
  }
  const afterMs = SLOW_KINDS.has(decision.kind) ? SLOW_AFTER_MS : SLACK_MS.after;
  for (const incident of incidents) {
    if (incident.kind !== decision.kind) continue;
    const open = STANDING_KINDS.has(decision.kind) && decision.until >= incident.from;
    const early = decision.at < incident.from - SLACK_MS.before;
    if ((early && !open) || decision.since > incident.to + afterMs) continue;
    if (decision.at > incident.to + afterMs) continue;
    if (!SHARED_KINDS.has(decision.kind) && !incident.meters.includes(decision.meter)) continue;
    // An alert that came long before is not made right by what came later.
    if (!early) decision.right = true;
    incident.foundAt = Math.min(incident.foundAt ?? Number.POSITIVE_INFINITY, decision.at);
  }
  if (decision.right) return;
  const trap = truths.find(
    (it) => it.meter === decision.meter && it.from <= decision.at && decision.at <= it.to + SLACK_MS.after,
  );
  if (trap !== undefined) decision.fooledBy = trap.what;
}

/** Right if what was forecast, or an overload, began within its horizon. */
function judgeForecast(decision: Decision, incidents: readonly Incident[]): void {
  const endMs = decision.at + decision.horizonMs;
  for (const incident of incidents) {
    const { kind, meters, from, to } = incident;
    if ((kind !== 'overload' && kind !== decision.kind) || !meters.includes(decision.meter)) continue;
    if (decision.at > to || from > endMs) continue;
    decision.right = true;
    if (kind === decision.kind) incident.foundAt = Math.min(incident.foundAt ?? Number.POSITIVE_INFINITY, decision.at);
  }
}

function scoreKind(kind: string, incidents: Incident[], decisions: Decision[], meterMonths: number): KindScore {
  const found = incidents.filter((it) => it.foundAt !== null);
  const right = decisions.filter((it) => it.right).length;
  const wrong = decisions.length - right;
  // What an alert that stood already covered was known at once, which says nothing of how fast it is found.
  const timed = AHEAD_KINDS.has(kind) ? [] : found.filter((it) => it.foundAt! >= it.from - SLACK_MS.before);
  const delaysMin = timed.map((it) => Math.max(0, it.foundAt! - it.from) / 60_000).sort((a, b) => a - b);
  const precision = ratio(right, decisions.length);
  const recall = ratio(found.length, incidents.length);
  return {
    kind,
    truths: incidents.length,
    found: found.length,
    alerts: decisions.length,
    right,
    precision,
    precision95: wilson(right, decisions.length),
    recall,
    recall95: wilson(found.length, incidents.length),
    f1: f1Of(precision, recall),
    f195: f1Interval(
      decisions.map((it) => it.right),
      incidents.map((it) => it.foundAt !== null),
    ),
    falsePerMeterMonth: meterMonths === 0 ? 0 : wrong / meterMonths,
    falsePerMeterMonth95: poisson(wrong, meterMonths),
    delayP50Min: quantile(delaysMin, 0.5),
    delayP90Min: quantile(delaysMin, 0.9),
    delaysMin,
    calibration: calibrate(decisions),
    brier:
      decisions.length === 0
        ? null
        : decisions.reduce((sum, it) => sum + (it.confidence - Number(it.right)) ** 2, 0) / decisions.length,
  };
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function f1Of(precision: number | null, recall: number | null): number | null {
  if (recall === null) return null;
  if (precision === null || precision + recall === 0) return 0;
  return (2 * precision * recall) / (precision + recall);
}

/** Wilson's 95 % interval of a share. */
export function wilson(part: number, whole: number): Interval | null {
  if (whole === 0) return null;
  const z = 1.96;
  const share = part / whole;
  const centre = share + (z * z) / (2 * whole);
  const spread = z * Math.sqrt((share * (1 - share)) / whole + (z * z) / (4 * whole * whole));
  const scale = 1 + (z * z) / whole;
  return { low: Math.max(0, (centre - spread) / scale), high: Math.min(1, (centre + spread) / scale) };
}

/** 95 % interval of a rate: the chi-squared limits by Wilson and Hilferty's cube. */
export function poisson(count: number, exposure: number): Interval {
  if (exposure === 0) return { low: 0, high: 0 };
  const limit = (n: number, z: number) => n * (1 - 1 / (9 * n) + z / (3 * Math.sqrt(n))) ** 3;
  return { low: count === 0 ? 0 : limit(count, -1.96) / exposure, high: limit(count + 1, 1.96) / exposure };
}

/** Percentile bootstrap, seeded: the same figures on every machine. */
function f1Interval(right: readonly boolean[], found: readonly boolean[]): Interval | null {
  if (found.length === 0 || right.length === 0) return null;
  const random = createRandom('bootstrap');
  const draw = (from: readonly boolean[]): number => {
    let hits = 0;
    for (let i = 0; i < from.length; i++) hits += Number(from[random.int(from.length)]);
    return hits / from.length;
  };
  const drawn = Array.from({ length: 500 }, () => f1Of(draw(right), draw(found)) ?? 0).sort((a, b) => a - b);
  return { low: quantile(drawn, 0.025)!, high: quantile(drawn, 0.975)! };
}

function quantile(sorted: readonly number[], q: number): number | null {
  if (sorted.length === 0) return null;
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at % 1);
}

function calibrate(decisions: readonly Decision[]): KindScore['calibration'] {
  return [0, 1, 2, 3, 4].flatMap((bin) => {
    const inBin = decisions.filter((it) => Math.min(4, Math.floor(it.confidence * 5)) === bin);
    if (inBin.length === 0) return [];
    const confidence = inBin.reduce((sum, it) => sum + it.confidence, 0) / inBin.length;
    return [{ confidence, share: inBin.filter((it) => it.right).length / inBin.length, alerts: inBin.length }];
  });
}
