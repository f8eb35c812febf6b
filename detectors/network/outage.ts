/**
 * `outage`: who is without power, where the fault lies, when it was over, and how often it happens there.
 *
 * Intuition. A meter without power says nothing, and so does a meter on a cut wire. What tells them apart is what
 * the others say. A meter's own power-off (its last gasp, or record 03 11 read after its return) is proof. Silence
 * (`no-answer`: asked, and nothing came) counts only where a bus could not have caused it; see `outage/scope.ts`.
 * If *all* meters fall silent at once and none says power-off, it is the bus or the gateway, and nothing is alerted
 * here: the gateway's own notices speak of that, and if it was power after all, the records read on return say so
 * and the outage is told then, with its true begin. Not being asked is no evidence at all: a hole in the readings
 * without `no-answer` changes nothing. A transformer meter whose voltage is gone on one or all phases is proof too, and
 * so is a user's meter that reads no voltage on any phase twice in a row, with nothing drawn, after it had some.
 *
 * Rejected: a timeout per meter ("no reading for 15 min"). It calls every bus fault an outage, and every outage
 * fifteen minutes late. Rejected: one alert per meter: a box of twelve is one fault and one visit.
 *
 * Thresholds. The first sign starts a settling time of 2 min (records of one fault arrive within a bus round), then
 * one alert stands for the whole part; it is updated if the part grows by a fifth or becomes another part. It clears
 * when 90 % are back and stayed so for 2 min. Three outages in 60 days of a meter are an alert of their own.
 */
import { type Area, type AreaDetector, type Input, NOTHING, type Output } from '../detector.ts';
import { DAY_MS } from './figures.ts';
import { deadPart, hearTransformer, loadDropped, setDead } from './outage/head-meter.ts';
import { account, restore } from './outage/incidents.ts';
import { publishDay } from './outage/reliability.ts';
import { forget } from './outage/repeats.ts';
import { type Condition, locate } from './outage/scope.ts';
import { hear, RECORD_MS, said } from './outage/seats.ts';
import { isUser, newState, OUTAGE_DEFAULTS, type OutageSettings, type OutageState } from './outage/state.ts';

/** Watches all meters of the area. */
export function outage(settings: Partial<OutageSettings> = {}): AreaDetector<OutageState> {
  const rule = { ...OUTAGE_DEFAULTS, ...settings };
  return {
    scope: 'area',
    name: 'outage',
    start: newState,
    step: (state, input, area) => step(state, input, area, rule),
  };
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
    if (seat.condition !== 'live') return seat.condition;
    if (!seat.told) return 'off';
    // Back from a silence that nothing has explained yet: a neighbour's record may speak for it too.
    return seat.silence === 'open' && atMs - seat.backMs <= RECORD_MS ? 'silent' : 'live';
  };
  const parts = locate(users, conditionOf, (ids) => loadDropped(state, ids));
  for (const [id, phases] of Object.entries(state.dead)) parts.push(deadPart(id, phases, area));
  for (const part of parts) account(state, part, atMs, rule, outputs);
  for (const seat of Object.values(state.seats)) if (seat.condition === 'live') seat.told = true;
}
