/**
 * `outage`: who is without power, where the fault lies, when it was over, and how often it happens there.
 *
 * Intuition. A meter without power says nothing, and so does a meter on a cut wire. What tells them apart is what
 * the others say. A meter's own power-off (its last gasp, or record 03 11 read after its return) is proof. Silence
 * (`no-answer`: asked, and nothing came) counts only where a bus could not have caused it; see `outage-scope.ts`.
 * If *all* meters fall silent at once and none says power-off, it is the bus or the gateway, and nothing is alerted
 * here: the gateway's own notices speak of that, and if it was power after all, the records read on return say so
 * and the outage is told then, with its true begin. Not being asked is no evidence at all: a hole in the readings
 * without `no-answer` changes nothing. A transformer meter whose voltage is gone on one or all phases is proof too.
 *
 * Rejected: a timeout per meter ("no reading for 15 min"). It calls every bus fault an outage, and every outage
 * fifteen minutes late. Rejected: one alert per meter: a box of twelve is one fault and one visit.
 *
 * Thresholds. The first sign starts a settling time of 2 min (records of one fault arrive within a bus round), then
 * one alert stands for the whole part; it is updated if the part grows by a fifth or becomes another part. It clears
 * when 90 % are back and stayed so for 2 min. Three outages in 60 days of a meter are an alert of their own.
 */
import type { MeterInfo, Reading } from '../../protocols/reading.ts';
import type { Evidence, Finding } from '../alert.ts';
import { type Area, type AreaDetector, type Input, NOTHING, type Output } from '../detector.ts';
import { DAY_MS, MINUTE_MS, round } from './figures.ts';
import { type Condition, locate, type Part, type Scope } from './outage-scope.ts';
import { countDay, newReliability, publishDay, type Reliability } from './reliability.ts';

export interface OutageSettings {
  settleMs: number;
  restoreHoldMs: number;
  repeatCount: number;
  repeatDays: number;
}

export const OUTAGE_DEFAULTS: OutageSettings = {
  settleMs: 2 * MINUTE_MS,
  restoreHoldMs: 2 * MINUTE_MS,
  repeatCount: 3,
  repeatDays: 60,
};

/** One user's meter. */
export interface Seat {
  condition: Condition;
  /** When it was last heard, and what it drew then, W. */
  heardMs: number;
  powerW: number;
  /** When the present or last time without power or answer began and ended for this meter. */
  downMs: number;
  backMs: number;
  /** Whether all that is known of it was looked at and counted. */
  told: boolean;
  /** Its last absence was a mere silence that a record may yet explain. */
  unexplained: boolean;
  /** Days since 1970 of its outages, at most eight, newest last. */
  days: number[];
}

interface Incident {
  scope: Scope;
  where: string;
  meter: string;
  sinceMs: number;
  meters: string[];
  said: number;
  repeats: number;
  confidence: number;
  /** When so many were back that it counts as over; 0: not yet. */
  overMs: number;
}

export interface OutageState {
  seats: Record<string, Seat>;
  incidents: Incident[];
  /** A change of conditions that waits for its settling time; 0: none. */
  changedMs: number;
  /** Transformer's load over the last quarter of an hour, newest last: [time, W]. */
  load: [number, number][];
  /** Phases that a transformer or feeder meter sees without voltage: meter → phases. */
  dead: Record<string, number[]>;
  repeated: Record<string, { sinceMs: number; scope: Scope; where: string }>;
  reliability: Reliability;
}

/** Watches all meters of the area. */
export function outage(settings: Partial<OutageSettings> = {}): AreaDetector<OutageState> {
  const rule = { ...OUTAGE_DEFAULTS, ...settings };
  return { scope: 'area', name: 'outage', start, step: (state, input, area) => step(state, input, area, rule) };
}

function start(area: Area): OutageState {
  const seats: OutageState['seats'] = {};
  for (const meter of area.meters) {
    if (isUser(meter)) {
      seats[meter.id] = {
        condition: 'live',
        heardMs: 0,
        powerW: 0,
        downMs: 0,
        backMs: 0,
        told: true,
        unexplained: false,
        days: [],
      };
    }
  }
  return { seats, incidents: [], changedMs: 0, load: [], dead: {}, repeated: {}, reliability: newReliability() };
}

function isUser(meter: MeterInfo): boolean {
  return meter.premises !== 'transformer' && meter.premises !== 'feeder';
}

function step(state: OutageState, input: Input, area: Area, rule: OutageSettings): readonly Output[] {
  if (input.type === 'reading') {
    const seat = state.seats[input.meter];
    if (seat === undefined) hearTransformer(state, input.meter, input.reading, input.atMs, area);
    else hear(state, seat, input.reading, input.atMs);
    return NOTHING;
  }
  if (input.type === 'event') {
    const seat = state.seats[input.meter];
    if (seat !== undefined) said(state, seat, input.event, input.atMs);
    else if (input.event === 'power-off') setDead(state, input.meter, [1, 2, 3], input.atMs);
    else if (input.event === 'power-on') setDead(state, input.meter, [], input.atMs);
    return NOTHING;
  }
  return input.type === 'tick' ? tick(state, input.atMs, input.localMs, area, rule) : NOTHING;
}

/** A live voltage below this is no supply. */
const LIVE_V = 22;

function hear(state: OutageState, seat: Seat, reading: Reading, atMs: number): void {
  if (reading.activePowerW !== undefined) seat.powerW = reading.activePowerW;
  if (seat.condition === 'live') {
    seat.heardMs = atMs;
    return;
  }
  // A converter with a battery may answer for a dead supply; and a reading of the same moment was taken before.
  const { voltageV } = reading;
  if (voltageV?.every((volts) => volts < LIVE_V)) return;
  if (seat.condition === 'off' && atMs === seat.downMs) return;
  seat.heardMs = atMs;
  back(state, seat, atMs);
}

function back(state: OutageState, seat: Seat, atMs: number): void {
  if (seat.condition === 'silent') seat.told = true;
  seat.condition = 'live';
  seat.backMs = atMs;
  state.changedMs ||= atMs;
}

function said(state: OutageState, seat: Seat, event: (Input & { type: 'event' })['event'], atMs: number): void {
  switch (event) {
    case 'power-off':
      if (seat.condition === 'off') return;
      seat.told = false;
      // A record read just after a silence explains that silence: it began then, and the meter is back.
      if (seat.condition === 'live' && seat.unexplained && atMs - seat.backMs <= RECORD_MS) {
        seat.unexplained = false;
        state.changedMs ||= atMs;
        return;
      }
      if (seat.condition === 'live') seat.downMs = atMs;
      seat.condition = 'off';
      state.changedMs ||= atMs;
      return;
    case 'power-on':
      if (seat.condition !== 'live') back(state, seat, atMs);
      return;
    case 'no-answer':
      if (seat.condition !== 'live' || seat.heardMs === 0) return;
      seat.condition = 'silent';
      seat.unexplained = true;
      seat.told = false;
      seat.downMs = atMs;
      state.changedMs ||= atMs;
      return;
    case 'cover-open':
    case 'terminal-open':
    case 'relay-open':
    case 'relay-closed':
    case 'clock-fault':
      return;
    default:
      event satisfies never;
  }
}

/** Records of power failures are read within this time of a meter's return. */
const RECORD_MS = 15 * MINUTE_MS;

const LOAD_WINDOW_MS = 40 * MINUTE_MS;

function hearTransformer(state: OutageState, id: string, reading: Reading, atMs: number, area: Area): void {
  const meter = area.meters.find((entry) => entry.id === id);
  if (meter === undefined) return;
  if (meter.premises === 'transformer' && reading.activePowerW !== undefined) {
    state.load.push([atMs, reading.activePowerW]);
    while (state.load.length > 40 || atMs - (state.load[0]?.[0] ?? atMs) > LOAD_WINDOW_MS) state.load.shift();
  }
  if (reading.voltageV === undefined) return;
  const phases = reading.voltageV.flatMap((volts, i) => (volts < LIVE_V ? [i + 1] : []));
  setDead(state, id, phases, atMs);
}

function setDead(state: OutageState, id: string, phases: number[], atMs: number): void {
  if (phases.join() === (state.dead[id] ?? []).join()) return;
  if (phases.length === 0) delete state.dead[id];
  else state.dead[id] = phases;
  state.changedMs ||= atMs;
}

function tick(state: OutageState, atMs: number, localMs: number, area: Area, rule: OutageSettings): readonly Output[] {
  const outputs: Output[] = [];
  if (state.changedMs > atMs) state.changedMs = atMs;
  if (state.changedMs !== 0 && atMs - state.changedMs >= rule.settleMs) {
    state.changedMs = 0;
    review(state, atMs, area, rule, outputs);
  }
  for (const incident of [...state.incidents]) restore(state, incident, atMs, area, rule, outputs);
  const day = Math.floor(localMs / DAY_MS);
  if (day !== state.reliability.day) {
    const finding = publishDay(state.reliability, state.seats, day, atMs, localMs, area);
    if (finding !== undefined) outputs.push({ type: 'finding', finding });
    forget(state, atMs, rule, outputs);
  }
  return outputs.length === 0 ? NOTHING : outputs;
}

/** Looks at all that is down, and at what was down and is back but was never told. */
function review(state: OutageState, atMs: number, area: Area, rule: OutageSettings, outputs: Output[]): void {
  const users = area.meters.filter(isUser);
  const conditionOf = (id: string): Condition | undefined => {
    const seat = state.seats[id];
    if (seat === undefined || (seat.heardMs === 0 && seat.condition === 'live')) return undefined;
    return seat.condition === 'live' && !seat.told ? 'off' : seat.condition;
  };
  const parts = locate(users, conditionOf, (ids) => loadDropped(state, ids));
  for (const [id, phases] of Object.entries(state.dead)) parts.push(deadPart(id, phases, area));
  for (const part of parts) account(state, part, atMs, rule, outputs);
  for (const seat of Object.values(state.seats)) if (seat.condition === 'live') seat.told = true;
}

/** What a transformer's or feeder's own meter sees without voltage. */
function deadPart(id: string, phases: readonly number[], area: Area): Part {
  const meter = area.meters.find((entry) => entry.id === id);
  const branch = meter?.premises === 'feeder';
  const all = phases.length >= (meter?.phases ?? 3);
  const fed = area.meters.filter(
    (user) =>
      isUser(user) &&
      (!branch || user.feeder === meter?.feeder) &&
      (all || user.phase === undefined || phases.includes(user.phase)),
  );
  const scope: Scope = !all ? 'phase' : branch ? 'branch' : 'area';
  const place = branch ? (meter?.feeder ?? id) : 'area';
  const where = all ? place : `${branch ? `${place}/` : ''}L${phases.join('+L')}`;
  return { scope, where, meters: fed.length === 0 ? [id] : fed.map((user) => user.id), said: 1, confidence: 0.98 };
}

/** Did the transformer lose, about when these fell silent, at least half of what they had used? */
function loadDropped(state: OutageState, ids: readonly string[]): boolean {
  const usedW = ids.reduce((sum, id) => sum + (state.seats[id]?.powerW ?? 0), 0);
  const newest = state.load.at(-1);
  const fellMs = Math.min(...ids.map((id) => state.seats[id]?.heardMs ?? 0));
  const before = state.load.findLast(([loadMs]) => loadMs <= fellMs);
  if (newest === undefined || before === undefined || newest[0] <= fellMs) return false;
  // Less than a tenth of the whole is lost in the noise of the others.
  return usedW > Math.max(1000, 0.1 * before[1]) && before[1] - newest[1] > 0.5 * usedW;
}

/** A part that is out becomes an incident, or belongs to one that stands. */
function account(state: OutageState, part: Part, atMs: number, rule: OutageSettings, outputs: Output[]): void {
  const members = new Set(part.meters);
  const standing = state.incidents.filter((incident) => incident.meters.some((id) => members.has(id)));
  const [first, ...rest] = standing;
  if (first === undefined) {
    const sinceMs = Math.min(atMs, ...part.meters.flatMap((id) => beginOf(state.seats[id])));
    const fresh = { ...part, meter: part.meters[0]!, sinceMs, repeats: 0, overMs: 0 };
    for (const id of part.meters) countOutage(state, id, atMs);
    fresh.repeats = repeatsOf(state, part.meters, atMs, rule);
    state.incidents.push(fresh);
    outputs.push(told(fresh, 'raised', atMs, {}));
    repeated(state, fresh, atMs, rule, outputs);
    return;
  }
  const all = [...new Set([...first.meters, ...part.meters])];
  const grew = all.length >= 1.2 * first.meters.length && all.length > first.meters.length;
  for (const id of part.meters) if (!first.meters.includes(id)) countOutage(state, id, atMs);
  const wider = grew || (all.length > first.meters.length && first.scope !== part.scope);
  first.meters = all;
  first.said = Math.max(first.said, part.said);
  first.overMs = 0;
  for (const absorbed of rest) {
    for (const id of absorbed.meters) if (!first.meters.includes(id)) first.meters.push(id);
    state.incidents.splice(state.incidents.indexOf(absorbed), 1);
    outputs.push(told(absorbed, 'cleared', atMs, { joined: part.where }));
  }
  if (!wider && rest.length === 0) return;
  Object.assign(first, { scope: part.scope, where: part.where, confidence: part.confidence });
  first.repeats = repeatsOf(state, first.meters, atMs, rule);
  outputs.push(told(first, 'updated', atMs, {}));
}

/** When a seat's untold or lasting absence began. */
function beginOf(seat: Seat | undefined): number[] {
  return seat === undefined || (seat.condition === 'live' && seat.told) ? [] : [seat.downMs];
}

function countOutage(state: OutageState, id: string, atMs: number): void {
  const seat = state.seats[id];
  // What is down and told already was counted with an incident that is over for its neighbours.
  if (seat === undefined || (seat.told && seat.condition !== 'live')) return;
  seat.told = true;
  seat.days.push(Math.floor(atMs / DAY_MS));
  if (seat.days.length > 8) seat.days.shift();
}

/** Outages within the window of the meter that had most of them. */
function repeatsOf(state: OutageState, ids: readonly string[], atMs: number, rule: OutageSettings): number {
  const oldest = Math.floor(atMs / DAY_MS) - rule.repeatDays;
  let most = 0;
  for (const id of ids) {
    const count = state.seats[id]?.days.filter((day) => day > oldest).length ?? 0;
    if (count > most) most = count;
  }
  return most;
}

function repeated(state: OutageState, incident: Incident, atMs: number, rule: OutageSettings, outputs: Output[]): void {
  if (incident.repeats < rule.repeatCount) return;
  const id = incident.meters.find((member) => state.repeated[member] !== undefined);
  const key = id ?? incident.meter;
  const change = id === undefined ? 'raised' : 'updated';
  const entry = state.repeated[key] ?? { sinceMs: atMs, scope: incident.scope, where: incident.where };
  state.repeated[key] = entry;
  outputs.push(toldRepeated(key, entry, change, incident.repeats, incident.meters.length, rule));
}

/** Once a day: repeats whose outages have left the window clear. */
function forget(state: OutageState, atMs: number, rule: OutageSettings, outputs: Output[]): void {
  for (const [id, entry] of Object.entries(state.repeated)) {
    const repeats = repeatsOf(state, [id], atMs, rule);
    if (repeats >= rule.repeatCount) continue;
    delete state.repeated[id];
    outputs.push(toldRepeated(id, entry, 'cleared', repeats, 1, rule));
  }
}

/** An incident is over when nine of ten are back and stayed so. */
function restore(
  state: OutageState,
  incident: Incident,
  atMs: number,
  area: Area,
  rule: OutageSettings,
  outputs: Output[],
): void {
  const alive = incident.meters.filter((id) => (state.seats[id]?.condition ?? 'live') === 'live').length;
  const dead = Object.entries(state.dead).some(([id, phases]) => deadCovers(id, phases, incident, area));
  if (dead || alive < 0.9 * incident.meters.length) {
    incident.overMs = 0;
    return;
  }
  if (incident.overMs === 0)
    incident.overMs = Math.max(...incident.meters.map((id) => state.seats[id]?.backMs || atMs));
  if (atMs - incident.overMs < rule.restoreHoldMs) return;
  state.incidents.splice(state.incidents.indexOf(incident), 1);
  // Who is still without power stands for himself now.
  if (alive < incident.meters.length) state.changedMs ||= atMs;
  const minutes = Math.max(0, incident.overMs - incident.sinceMs) / MINUTE_MS;
  for (const id of incident.meters) {
    const seat = state.seats[id];
    const endMs = seat?.backMs || incident.overMs;
    const beginMs = Math.max(incident.sinceMs, seat?.downMs ?? 0);
    countDay(state.reliability, Math.max(0, endMs - beginMs) / MINUTE_MS);
  }
  outputs.push(told(incident, 'cleared', atMs, { durationMin: round(minutes, 1), restored: true }));
}

/** Whether the meter that sees no voltage is what raised this incident. */
function deadCovers(id: string, phases: readonly number[], incident: Incident, area: Area): boolean {
  if (incident.meters.includes(id)) return true;
  return incident.where === deadPart(id, phases, area).where;
}

const SEVERE = { meter: 'warning', phase: 'critical', branch: 'critical', area: 'critical' } as const satisfies Record<
  Scope,
  Finding['severity']
>;

function told(incident: Incident, state: Finding['state'], atMs: number, more: Evidence): Output {
  const finding: Finding = {
    meter: incident.meter,
    kind: 'outage',
    key: 'power',
    state,
    severity: SEVERE[incident.scope],
    sinceMs: incident.sinceMs,
    confidence: incident.confidence,
    evidence: {
      scope: incident.scope,
      where: incident.where,
      meters: incident.meters.length,
      saidPowerOff: incident.said,
      repeats: incident.repeats,
      lastedMin: round((atMs - incident.sinceMs) / MINUTE_MS, 1),
      ...more,
    },
    recipients: incident.scope === 'meter' ? ['power'] : ['power', 'dispatch'],
  };
  return { type: 'finding', finding };
}

function toldRepeated(
  meter: string,
  entry: { sinceMs: number; scope: Scope; where: string },
  state: Finding['state'],
  repeats: number,
  meters: number,
  rule: OutageSettings,
): Output {
  const finding: Finding = {
    meter,
    kind: 'outage',
    key: 'repeated',
    state,
    severity: 'warning',
    sinceMs: entry.sinceMs,
    confidence: 0.95,
    evidence: { scope: entry.scope, where: entry.where, meters, repeats, windowDays: rule.repeatDays, repeated: true },
    recipients: ['power', 'community'],
  };
  return { type: 'finding', finding };
}
