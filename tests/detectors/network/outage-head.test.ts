/** What the meters of transformer and feeders add to an outage, and what a day of outages makes of reliability. */
import { describe, expect, it } from 'vitest';
import { deadCovers, deadPart, hearTransformer, loadDropped } from '../../../detectors/network/outage/head-meter.ts';
import { countDay, newReliability, publishDay } from '../../../detectors/network/outage/reliability.ts';
import { type Incident, newState, type OutageState } from '../../../detectors/network/outage/state.ts';
import type { MeterInfo } from '../../../protocols/reading.ts';

const MINUTE = 60_000;
const homes: MeterInfo[] = Array.from({ length: 6 }, (_, i) => ({
  id: `h${i}`,
  phase: ((i % 3) + 1) as 1 | 2 | 3,
  feeder: i < 3 ? 'F1' : 'F2',
}));
const shop: MeterInfo = { id: 's', phases: 3, feeder: 'F2' };
const area = {
  timezone: 'UTC',
  meters: [
    ...[...homes, shop],
    { id: 'f1', premises: 'feeder', feeder: 'F1' } as MeterInfo,
    { id: 'f2', premises: 'feeder', feeder: 'F2' } as MeterInfo,
    { id: 't', premises: 'transformer' } as MeterInfo,
  ],
};

describe('a head meter without voltage', () => {
  it('stands for all that it feeds', () => {
    const part = { said: 1, confidence: 0.98 };
    const all = [...homes, shop].map((meter) => meter.id);
    expect(deadPart('t', [1, 2, 3], area)).toEqual({ ...part, scope: 'area', where: 'area', meters: all });
    const f1 = ['h0', 'h1', 'h2'];
    expect(deadPart('f1', [1, 2, 3], area)).toEqual({ ...part, scope: 'branch', where: 'F1', meters: f1 });
  });

  it('stands for the homes of its dead phases, and for those whose phase is not known', () => {
    const ofArea = deadPart('t', [2], area);
    expect(ofArea).toMatchObject({ scope: 'phase', where: 'L2', meters: ['h1', 'h4', 's'] });
    const ofFeeder = deadPart('f2', [1, 3], area);
    expect(ofFeeder).toMatchObject({ scope: 'phase', where: 'F2/L1+L3', meters: ['h3', 'h5', 's'] });
  });

  it('stands for itself where nobody is known to hang below it', () => {
    const lonely = { timezone: 'UTC', meters: [{ id: 'f', premises: 'feeder', phases: 1 } as MeterInfo] };
    expect(deadPart('f', [1], lonely)).toMatchObject({ scope: 'branch', where: 'f', meters: ['f'] });
  });

  it('is covered by an incident of its own place or with itself in it', () => {
    const incident = (where: string, meters: string[]) => ({ where, meters }) as Incident;
    expect(deadCovers('f1', [1, 2, 3], incident('F1', ['h0']), area)).toBe(true);
    expect(deadCovers('f1', [1, 2, 3], incident('x', ['f1']), area)).toBe(true);
    expect(deadCovers('f1', [1], incident('F1', ['h0']), area)).toBe(false);
    expect(deadCovers('f1', [1, 2, 3], incident('F2', ['h3']), area)).toBe(false);
  });

  it('is heard phase by phase, from under a tenth of the nominal voltage on', () => {
    const state = newState(area);
    hearTransformer(state, 't', { voltageV: [220, 21.9, 22] }, 5 * MINUTE, area);
    expect([state.dead, state.changedMs]).toEqual([{ t: [2] }, 5 * MINUTE]);
    // The same again is no news; what changes meanwhile waits for the first change.
    state.changedMs = 0;
    hearTransformer(state, 't', { voltageV: [220, 0, 220] }, 6 * MINUTE, area);
    expect(state.changedMs).toBe(0);
    hearTransformer(state, 't', { activePowerW: 5 }, 7 * MINUTE, area);
    expect(state.dead).toEqual({ t: [2] });
    hearTransformer(state, 't', { voltageV: [220, 220, 220] }, 8 * MINUTE, area);
    hearTransformer(state, 'f1', { voltageV: [0, 0, 0] }, 9 * MINUTE, area);
    expect([state.dead, state.changedMs]).toEqual([{ f1: [1, 2, 3] }, 8 * MINUTE]);
    hearTransformer(state, 'nobody', { voltageV: [0] }, 9 * MINUTE, area);
    expect(Object.keys(state.dead)).toEqual(['f1']);
  });

  it('remembers the load of the transformer for 40 minutes and 40 readings, and no feeder', () => {
    const state = newState(area);
    for (let minute = 0; minute <= 60; minute++)
      hearTransformer(state, 't', { activePowerW: minute }, minute * MINUTE, area);
    expect([state.load.length, state.load[0]?.[1], state.load.at(-1)?.[1]]).toEqual([40, 21, 60]);
    for (let minute = 70; minute <= 140; minute += 10)
      hearTransformer(state, 't', { activePowerW: minute }, minute * MINUTE, area);
    expect(state.load.map(([, watts]) => watts)).toEqual([100, 110, 120, 130, 140]);
    hearTransformer(state, 'f1', { activePowerW: 7 }, 141 * MINUTE, area);
    expect(state.load.at(-1)?.[1]).toBe(140);
  });

  it('asks for another look at those who are silent, when it brings a load', () => {
    const state = newState(area);
    hearTransformer(state, 't', { activePowerW: 1 }, MINUTE, area);
    expect(state.changedMs).toBe(0);
    Object.assign(state.seats.h2!, { condition: 'silent', told: true });
    hearTransformer(state, 't', { activePowerW: 1 }, 2 * MINUTE, area);
    expect(state.changedMs).toBe(0);
    state.seats.h2!.told = false;
    hearTransformer(state, 't', { activePowerW: 1 }, 3 * MINUTE, area);
    expect(state.changedMs).toBe(3 * MINUTE);
  });
});

describe('a load that dropped', () => {
  /** h0 and h1 were last heard at minutes 8 and 9, drew `usedW` each, and were found silent at minutes 11 and 12. */
  function dropped(usedW: number, load: [atMin: number, watts: number][]): boolean {
    const state: OutageState = newState(area);
    Object.assign(state.seats.h0!, { powerW: usedW, heardMs: 8 * MINUTE, downMs: 11 * MINUTE });
    Object.assign(state.seats.h1!, { powerW: usedW, heardMs: 9 * MINUTE, downMs: 12 * MINUTE });
    state.load = load.map(([atMin, watts]) => [atMin * MINUTE, watts]);
    return loadDropped(state, ['h0', 'h1', 'nobody']);
  }

  it('is half of what the silent had used, from before the first was last heard to after the last fell silent', () => {
    expect(
      dropped(800, [
        [8, 5000],
        [12, 4199],
      ]),
    ).toBe(true);
    expect(
      dropped(800, [
        [8, 5000],
        [12, 4200],
      ]),
    ).toBe(false);
    // Between the two times nothing is sure: some may have been without power already.
    expect(
      dropped(800, [
        [8, 5000],
        [8.1, 3400],
        [11.9, 3400],
        [12, 5000],
      ]),
    ).toBe(false);
    expect(
      dropped(800, [
        [7, 2000],
        [8, 5000],
        [12, 3400],
        [13, 5000],
      ]),
    ).toBe(true);
  });

  it('is not seen without a reading before and one after', () => {
    expect(
      dropped(800, [
        [8.1, 5000],
        [12, 3400],
      ]),
    ).toBe(false);
    expect(
      dropped(800, [
        [8, 5000],
        [11.9, 3400],
      ]),
    ).toBe(false);
    expect(dropped(800, [])).toBe(false);
  });

  it('is lost in the noise of the others under a kilowatt or a tenth of the whole', () => {
    expect(
      dropped(500, [
        [8, 5000],
        [12, 1000],
      ]),
    ).toBe(false);
    expect(
      dropped(501, [
        [8, 5000],
        [12, 1000],
      ]),
    ).toBe(true);
    expect(
      dropped(1000, [
        [8, 20_000],
        [12, 10_000],
      ]),
    ).toBe(false);
    expect(
      dropped(1000, [
        [8, 19_999],
        [12, 10_000],
      ]),
    ).toBe(true);
  });
});

describe('reliability by IEEE 1366', () => {
  const DAY = 1440 * MINUTE;
  const seats = { a: { heardMs: 1 }, b: { heardMs: 5 }, c: { heardMs: 0 }, d: { heardMs: 9 }, e: { heardMs: 9 } };
  const told = (state: ReturnType<typeof newReliability>, day: number, site = area) =>
    publishDay(state, seats, day, day * DAY + MINUTE, day * DAY + MINUTE, site);

  it('is told of the day that ended, of the users that were ever heard, and of all days so far', () => {
    const state = newReliability();
    expect(told(state, 20_000)).toBeUndefined();
    countDay(state, 60);
    countDay(state, 30);
    expect(told(state, 20_001)).toEqual({
      ...{ meter: 'f1', kind: 'profile', key: 'reliability', state: 'raised', severity: 'notice' },
      ...{ sinceMs: 20_001 * DAY + MINUTE, confidence: 1, recipients: ['power', 'dispatch'] },
      evidence: {
        ...{ day: '2024-10-04', users: 4, saidiMin: 22.5, saifi: 0.5, availabilityPercent: 98.4375 },
        ...{ totalSaidiMin: 22.5, totalSaifi: 0.5, totalDays: 1 },
      },
    });
    countDay(state, 10);
    const second = told(state, 20_002);
    expect(second).toMatchObject({ state: 'updated', sinceMs: 20_001 * DAY + MINUTE });
    expect(second?.evidence).toMatchObject({ saidiMin: 2.5, saifi: 0.25, totalSaidiMin: 25, totalSaifi: 0.75 });
    expect(second?.evidence.totalDays).toBe(2);
  });

  it('spreads what came of a gateway that slept over the days it slept', () => {
    const state = newReliability();
    told(state, 20_000);
    countDay(state, 1440);
    expect(told(state, 20_003)?.evidence).toMatchObject({ saidiMin: 360, availabilityPercent: 91.6667, totalDays: 3 });
    countDay(state, 4 * 4 * 1440);
    expect(told(state, 20_004)?.evidence.availabilityPercent).toBe(0);
  });

  it('is never better than a hundred percent, also when the clock is set back', () => {
    const state = newReliability();
    told(state, 20_000);
    countDay(state, 144);
    expect(told(state, 19_990)?.evidence).toMatchObject({ availabilityPercent: 97.5, totalDays: 1 });
  });

  it('is told of a network only: of a transformer or a feeder, with users', () => {
    const state = newReliability();
    const meters = area.meters.filter((meter) => meter.premises === undefined);
    told(state, 20_000, { timezone: 'UTC', meters });
    expect(told(state, 20_001, { timezone: 'UTC', meters })).toBeUndefined();
    const transformer: MeterInfo = { id: 't', premises: 'transformer' };
    expect(told(state, 20_002, { timezone: 'UTC', meters: [...meters, transformer] })?.meter).toBe('t');
    const silent = newReliability();
    publishDay(silent, { a: { heardMs: 0 } }, 1, DAY, DAY, area);
    expect(publishDay(silent, { a: { heardMs: 0 } }, 2, 2 * DAY, 2 * DAY, area)).toBeUndefined();
  });
});
