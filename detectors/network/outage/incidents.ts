/** An outage as one alert: raised for a part of the network, widened as it grows, cleared when its meters are back. */
import type { Evidence, Finding } from '../../alert.ts';
import type { Area, Output } from '../../detector.ts';
import { MINUTE_MS, round } from '../figures.ts';
import { deadCovers } from './head-meter.ts';
import { countDay } from './reliability.ts';
import { countOutage, repeated, repeatsOf } from './repeats.ts';
import type { Part, Scope } from './scope.ts';
import { beginOf } from './seats.ts';
import type { Incident, OutageSettings, OutageState } from './state.ts';

/** A part that is out becomes an incident, or belongs to one that stands. */
export function account(state: OutageState, part: Part, atMs: number, rule: OutageSettings, outputs: Output[]): void {
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

/** An incident is over when nine of ten are back and stayed so. */
export function restore(
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
