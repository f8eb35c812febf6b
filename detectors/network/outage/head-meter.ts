/** What the meters of transformer and feeders see: phases without voltage, and load that fell. */
import type { Reading } from '../../../protocols/reading.ts';
import type { Area } from '../../detector.ts';
import { MINUTE_MS } from '../figures.ts';
import type { Part, Scope } from './scope.ts';
import { LIVE_V } from './seats.ts';
import { type Incident, isUser, type OutageState } from './state.ts';

const LOAD_WINDOW_MS = 40 * MINUTE_MS;

export function hearTransformer(state: OutageState, id: string, reading: Reading, atMs: number, area: Area): void {
  const meter = area.meters.find((entry) => entry.id === id);
  if (meter === undefined) return;
  if (meter.premises === 'transformer' && reading.activePowerW !== undefined) {
    state.load.push([atMs, reading.activePowerW]);
    while (state.load.length > 40 || atMs - (state.load[0]?.[0] ?? atMs) > LOAD_WINDOW_MS) state.load.shift();
    // Whoever is silent may be explained by what this reading shows.
    if (Object.values(state.seats).some((seat) => seat.condition === 'silent' && !seat.told)) state.changedMs ||= atMs;
  }
  if (reading.voltageV === undefined) return;
  const phases = reading.voltageV.flatMap((volts, i) => (volts < LIVE_V ? [i + 1] : []));
  setDead(state, id, phases, atMs);
}

export function setDead(state: OutageState, id: string, phases: number[], atMs: number): void {
  if (phases.join() === (state.dead[id] ?? []).join()) return;
  if (phases.length === 0) delete state.dead[id];
  else state.dead[id] = phases;
  state.changedMs ||= atMs;
}

/** What a transformer's or feeder's own meter sees without voltage. */
export function deadPart(id: string, phases: readonly number[], area: Area): Part {
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

/** Did the transformer lose, from before these were last heard to after all were silent, half of what they had used? */
export function loadDropped(state: OutageState, ids: readonly string[]): boolean {
  let usedW = 0;
  let heardMs = Number.POSITIVE_INFINITY;
  let downMs = 0;
  for (const id of ids) {
    const seat = state.seats[id];
    if (seat === undefined) continue;
    usedW += seat.powerW;
    heardMs = Math.min(heardMs, seat.heardMs);
    downMs = Math.max(downMs, seat.downMs);
  }
  const before = state.load.findLast(([loadMs]) => loadMs <= heardMs);
  const after = state.load.find(([loadMs]) => loadMs >= downMs);
  if (before === undefined || after === undefined) return false;
  // Less than a tenth of the whole is lost in the noise of the others.
  return usedW > Math.max(1000, 0.1 * before[1]) && before[1] - after[1] > 0.5 * usedW;
}

/** Whether the meter that sees no voltage is what raised this incident. */
export function deadCovers(id: string, phases: readonly number[], incident: Incident, area: Area): boolean {
  if (incident.meters.includes(id)) return true;
  return incident.where === deadPart(id, phases, area).where;
}
