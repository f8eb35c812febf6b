/** How often a meter is without power within the window, and the alert of its own when it is too often. */
import type { Finding } from '../../alert.ts';
import type { Output } from '../../detector.ts';
import { DAY_MS } from '../figures.ts';
import type { Scope } from './scope.ts';
import type { Incident, OutageSettings, OutageState } from './state.ts';

export function countOutage(state: OutageState, id: string, atMs: number): void {
  const seat = state.seats[id];
  // What is down and told already was counted with an incident that is over for its neighbours.
  if (seat === undefined || (seat.told && seat.condition !== 'live')) return;
  seat.told = true;
  if (seat.silence === 'open') seat.silence = 'counted';
  seat.days.push(Math.floor(atMs / DAY_MS));
  if (seat.days.length > 8) seat.days.shift();
}

/** Outages within the window of the meter that had most of them. */
export function repeatsOf(state: OutageState, ids: readonly string[], atMs: number, rule: OutageSettings): number {
  const oldest = Math.floor(atMs / DAY_MS) - rule.repeatDays;
  let most = 0;
  for (const id of ids) {
    const count = state.seats[id]?.days.filter((day) => day > oldest).length ?? 0;
    if (count > most) most = count;
  }
  return most;
}

export function repeated(
  state: OutageState,
  incident: Incident,
  atMs: number,
  rule: OutageSettings,
  outputs: Output[],
): void {
  if (incident.repeats < rule.repeatCount) return;
  const id = incident.meters.find((member) => state.repeated[member] !== undefined);
  const key = id ?? incident.meter;
  const change = id === undefined ? 'raised' : 'updated';
  const entry = state.repeated[key] ?? { sinceMs: atMs, scope: incident.scope, where: incident.where };
  state.repeated[key] = entry;
  outputs.push(toldRepeated(key, entry, change, incident.repeats, incident.meters.length, rule));
}

/** Once a day: repeats whose outages have left the window clear. */
export function forget(state: OutageState, atMs: number, rule: OutageSettings, outputs: Output[]): void {
  for (const [id, entry] of Object.entries(state.repeated)) {
    const repeats = repeatsOf(state, [id], atMs, rule);
    if (repeats >= rule.repeatCount) continue;
    delete state.repeated[id];
    outputs.push(toldRepeated(id, entry, 'cleared', repeats, 1, rule));
  }
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
