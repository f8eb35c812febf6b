/**
 * Where in the tree the fault lies: from the meters that are down to the smallest part of the network that explains
 * them. Tree: transformer (the whole area) → feeder → box → meter, crossed by the three phases.
 *
 * A part is out when at least 80 % of its meters are down; not all, because a converter with a battery or a record
 * read late keeps one alive. The largest part wins, and what it does not explain is looked at again.
 *
 * Silence is weak evidence: a cut bus silences a box as thoroughly as a blown fuse. Silent meters therefore only
 * *join* a part where something that a bus cannot do speaks for it: a meter of the part said power-off, the
 * transformer's load dropped by what the part used, or one phase is silent across boxes while its neighbours on the
 * same boxes answer (a bus does not choose phases).
 */
import type { MeterInfo } from '../../../protocols/reading.ts';

export type Scope = 'meter' | 'phase' | 'branch' | 'area';

/** A part of the network that is out. */
export interface Part {
  scope: Scope;
  /** `F1`, `F1/B3`, `L2`, or the meter's id. */
  where: string;
  meters: string[];
  /** How many of them said so themselves. */
  said: number;
  confidence: number;
}

/** What is known of one meter: `off` it said so, `silent` asked and no answer, `live` else. */
export type Condition = 'live' | 'silent' | 'off';

const SHARE = 0.8;

/**
 * @param meters users only, no transformer and feeder meters
 * @param conditionOf of a meter that was heard before; undefined of one never heard, which says nothing
 * @param loadDropped whether the transformer's load fell by what these meters used
 */
export function locate(
  meters: readonly MeterInfo[],
  conditionOf: (id: string) => Condition | undefined,
  loadDropped: (ids: readonly string[]) => boolean,
): Part[] {
  const known = meters.filter((meter) => conditionOf(meter.id) !== undefined);
  const open = new Set(known.filter((meter) => conditionOf(meter.id) !== 'live'));
  // What one part explains says nothing about another.
  const unexplained = new Set(known);
  const parts: Part[] = [];
  for (const candidate of candidates(known)) {
    if (open.size === 0) break;
    const members = candidate.members.filter((meter) => unexplained.has(meter));
    const down = members.filter((meter) => open.has(meter));
    const part = judge({ ...candidate, members }, down, unexplained, conditionOf, loadDropped);
    if (part === undefined) continue;
    parts.push(part);
    for (const meter of down) {
      open.delete(meter);
      unexplained.delete(meter);
    }
  }
  for (const meter of open) {
    if (conditionOf(meter.id) !== 'off') continue;
    parts.push({ scope: 'meter', where: meter.id, meters: [meter.id], said: 1, confidence: 0.95 });
  }
  return parts;
}

interface Candidate {
  scope: Scope;
  where: string;
  members: MeterInfo[];
}

/** Parts of the tree, the largest kind first. */
function candidates(known: readonly MeterInfo[]): Candidate[] {
  const found: Candidate[] = [{ scope: 'area', where: 'area', members: [...known] }];
  const group = (scope: Scope, nameOf: (meter: MeterInfo) => string | undefined): void => {
    const groups = new Map<string, MeterInfo[]>();
    for (const meter of known) {
      const name = nameOf(meter);
      if (name === undefined) continue;
      const members = groups.get(name);
      if (members === undefined) groups.set(name, [meter]);
      else members.push(meter);
    }
    for (const [where, members] of groups) found.push({ scope, where, members });
  };
  const phaseOf = (meter: MeterInfo): string | undefined =>
    meter.phase === undefined || meter.phases === 3 ? undefined : `L${meter.phase}`;
  group('phase', phaseOf);
  group('branch', (meter) => meter.feeder);
  group('phase', (meter) => {
    const phase = phaseOf(meter);
    return phase === undefined || meter.feeder === undefined ? undefined : `${meter.feeder}/${phase}`;
  });
  group('branch', (meter) => (meter.box === undefined ? undefined : `${meter.feeder ?? ''}/${meter.box}`));
  return found;
}

/** Whether this part is out, and how sure that is. */
function judge(
  candidate: Candidate,
  down: readonly MeterInfo[],
  unexplained: ReadonlySet<MeterInfo>,
  conditionOf: (id: string) => Condition | undefined,
  loadDropped: (ids: readonly string[]) => boolean,
): Part | undefined {
  const { scope, where, members } = candidate;
  if (down.length < 2 || down.length < SHARE * members.length) return undefined;
  // A phase is no explanation for what most of the others have as well.
  const inside = new Set(members);
  const others = [...unexplained].filter((meter) => !inside.has(meter));
  const living = others.filter((meter) => conditionOf(meter.id) === 'live').length;
  if (scope === 'phase' && living < 0.5 * others.length) return undefined;
  const said = down.filter((meter) => conditionOf(meter.id) === 'off').length;
  const ids = down.map((meter) => meter.id);
  const part = { scope, where, meters: ids, said };
  if (said >= Math.max(1, 0.1 * down.length)) return { ...part, confidence: said * 2 >= down.length ? 0.97 : 0.9 };
  if (loadDropped(ids)) return { ...part, confidence: 0.85 };
  if (scope === 'phase' && down.length >= 3 && sparesNeighbours(down, others, conditionOf)) {
    return { ...part, confidence: 0.8 };
  }
  return undefined;
}

/** The silent ones sit in boxes (or feeders) whose other meters answer: no bus fault does that. */
function sparesNeighbours(
  down: readonly MeterInfo[],
  others: readonly MeterInfo[],
  conditionOf: (id: string) => Condition | undefined,
): boolean {
  const seat = (meter: MeterInfo): string => `${meter.feeder ?? ''}/${meter.box ?? ''}`;
  const alive = new Set(others.filter((meter) => conditionOf(meter.id) === 'live').map(seat));
  return down.filter((meter) => alive.has(seat(meter))).length >= SHARE * down.length;
}
