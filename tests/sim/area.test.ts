import { describe, expect, it } from 'vitest';
import type { MeterEvent } from '../../protocols/reading.ts';
import { held2007 } from '../../sim/dlt645-items.ts';
import { parseScenario } from '../../sim/scenario.ts';
import { makeStreet } from '../../sim/simulate.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;

function street(happenings: string, groups = '[{ name: flat, count: 6, metersPerBox: 3 }]') {
  return makeStreet(
    parseScenario(
      `name: test
why: A street for a test, of a few flats in which exactly one thing happens, so that its effect can be seen alone.
start: 2024-11-04T00:00:00
days: 10
transformer: { ratedKva: 50 }
groups: ${groups}
happenings: ${happenings}`,
      'test',
    ),
  );
}

/** Watts of one meter, every minute of some hours. */
function watts(made: ReturnType<typeof street>, id: string, fromH: number, hours: number): number[] {
  const { area } = made;
  const power = (i: number) => area.readingAt(id, area.startMs + fromH * HOUR + i * MINUTE).activePowerW ?? Number.NaN;
  return Array.from({ length: Math.round(hours * 60) }, (_, i) => power(i));
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const flat = '000100000102';

describe('what happens in a street', () => {
  const plain = street('[]');

  it('charging adds the charger and nothing else, and tails off', () => {
    const charged = street('[{ what: charging, meter: flat/102, day: 1, at: "01:00", hours: 5, powerW: 200 }]');
    const more = watts(charged, flat, 25, 5).map((power, i) => power - watts(plain, flat, 25, 5)[i]!);
    expect(mean(more.slice(0, 20)) / 200).toBeCloseTo(0.95, 1);
    expect(mean(more.slice(100, 120))).toBeGreaterThan(mean(more.slice(0, 20)) + 5);
    expect(mean(more.slice(-20))).toBeLessThan(60);
    expect(watts(charged, flat, 10, 8)).toEqual(watts(plain, flat, 10, 8));
    expect(charged.truths).toMatchObject([
      { meter: flat, kind: 'illegal-charging', to: charged.area.startMs + 30 * HOUR },
    ]);
  });

  it('a stop leaves what runs by itself, and with things left on an evening that does not end', () => {
    const stop = (leftOn: boolean) =>
      street(`[{ what: stop, meter: flat/102, day: 2, at: "20:00", hours: 40, leftOn: ${leftOn} }]`);
    const quiet = watts(stop(false), flat, 69, 23);
    expect(Math.max(...quiet)).toBeLessThan(250);
    expect(mean(watts(stop(true), flat, 69, 6))).toBeGreaterThanOrEqual(mean(quiet.slice(0, 360)));
    expect(watts(stop(false), flat, 0, 44)).toEqual(watts(plain, flat, 0, 44));
  });

  it('a journey of days leaves the home empty, a night away does not', () => {
    const kinds = (hours: number) =>
      street(`[{ what: away, meter: flat/102, day: 1, at: "09:00", hours: ${hours} }]`).truths.map(({ kind }) => kind);
    expect(kinds(30)).toEqual(['none']);
    expect(kinds(72).toSorted()).toEqual(['none', 'occupancy']);
  });

  it('an outage of a box darkens its meters, stops their count, and leaves two events', () => {
    const out = street('[{ what: outage, box: F1-flat-1, day: 1, at: "10:00", hours: 2 }]');
    const { area } = out;
    const dark = area.startMs + 35 * HOUR;
    expect(area.meters.filter(({ id }) => area.isDark(id, dark)).map(({ box }) => box)).toEqual(
      Array(3).fill('F1-flat-1'),
    );
    expect(area.readingAt(flat, dark)).toEqual({});
    expect(area.eventsBetween(flat, area.startMs, area.endMs).map(({ event }) => event)).toEqual<MeterEvent[]>([
      'power-off',
      'power-on',
    ]);
    const counted = (made: typeof out) => {
      const from = made.area.readingAt(flat, area.startMs + 33 * HOUR).importWh ?? 0;
      return (made.area.readingAt(flat, area.startMs + 37 * HOUR).importWh ?? 0) - from;
    };
    expect(counted(out)).toBeLessThan(counted(plain));
  });

  it('a lost phase takes the meters on it and a third of the transformer', () => {
    const { area, truths } = street('[{ what: outage, phase: 2, day: 0, at: "12:00", hours: 1 }]');
    const during = area.startMs + 12.5 * HOUR;
    const dark = area.meters.filter(({ id }) => area.isDark(id, during));
    expect(dark.map(({ phase }) => phase)).toEqual([2, 2]);
    const [l1, l2, l3] = area.readingAt('transformer-1', during).voltageV ?? [];
    expect(l2).toBeLessThan(10);
    expect(Math.min(l1 ?? 0, l3 ?? 0)).toBeGreaterThan(215);
    expect(truths.every(({ kind }) => kind === 'outage')).toBe(true);
  });

  it('a leak is missing in the neutral, a bypass in everything, a stuck meter repeats itself', () => {
    const { area } = street(`[
      { what: leakage, meter: flat/101, day: 1, at: "00:00", hours: 5, milliamps: 800 },
      { what: bypass, meter: flat/103, day: 1, at: "00:00", hours: 200, factor: 0.3 },
      { what: stuck, meter: flat/104, day: 1, at: "00:00", hours: 48 }]`);
    const at = (id: string, h: number) => area.readingAt(id, area.startMs + h * HOUR);
    const leaking = at('000100000101', 26);
    expect(leaking.residualCurrentA).toBeCloseTo(0.8, 1);
    expect(Math.abs((leaking.currentA?.[0] ?? 0) - (leaking.neutralCurrentA ?? 0))).toBeGreaterThan(0.05);
    const honest = plain.area.readingAt('000100000103', area.startMs + 30 * HOUR).activePowerW ?? 0;
    expect((at('000100000103', 30).activePowerW ?? 0) / honest).toBeCloseTo(0.3, 2);
    expect(at('000100000104', 30)).toEqual(at('000100000104', 60));
    expect(at('000100000104', 80)).not.toEqual(at('000100000104', 60));
  });

  it('an exchanged meter begins its register at nought and counts on', () => {
    const { area } = street('[{ what: exchanged, meter: flat/102, day: 2, at: "10:00" }]');
    const register = (h: number) => area.readingAt(flat, area.startMs + h * HOUR).importWh ?? 0;
    expect(register(57)).toBeGreaterThan(100_000);
    expect(register(58.01)).toBeLessThan(50);
    expect(register(100)).toBeGreaterThan(500);
    expect(register(57)).toBeGreaterThan(100_000);
  });

  it('feeds a roof into the grid at noon', () => {
    const { area } = street('[]', '[{ name: roof, count: 1, pvKw: 6, like: vacant }]');
    const noon = area.readingAt('000100000101', area.startMs + 36 * HOUR);
    expect(noon.activePowerW).toBeLessThan(-300);
    expect(noon.powerFactor?.[0]).toBeLessThan(0);
    expect((area.readingAt('000100000101', area.startMs + 40 * HOUR).exportWh ?? 0) > 500).toBe(true);
  });

  it('has notebooks that do not draw the same for half an hour while they charge', () => {
    const { area } = street('[]', '[{ name: desk, count: 4, appliances: [notebook] }]');
    const day = Math.floor(area.localMs(area.startMs) / (24 * HOUR)) + 1;
    const spells = area.all.flatMap(({ home }) => {
      const { uses } = home.load(day);
      return uses
        .filter(({ fromMin }) => !uses.some(({ toMin }) => toMin === fromMin))
        .map((first) => {
          const levels = uses.filter(({ fromMin }) => fromMin >= first.fromMin && fromMin < first.fromMin + 30);
          return new Set(levels.map(({ powerW }) => powerW)).size;
        });
    });
    expect(spells.length).toBeGreaterThan(3);
    expect(Math.max(...spells)).toBeGreaterThan(4);
  });

  it('has a transformer that carries the sum of all', () => {
    const { area } = plain;
    const atMs = area.startMs + 19 * HOUR;
    let sum = 0;
    for (const { id } of area.meters) if (id !== 'transformer-1') sum += area.readingAt(id, atMs).activePowerW ?? 0;
    expect(Math.abs((area.readingAt('transformer-1', atMs).activePowerW ?? 0) / sum - 1)).toBeLessThan(0.01);
  });

  it('analyses the harmonics of what is switched on', () => {
    const { area } = street(`[
      { what: charging, meter: flat/102, day: 1, at: "02:00", hours: 4, powerW: 300 },
      { what: overload, meter: flat/102, day: 2, at: "02:00", hours: 4, powerW: 9000 }]`);
    const content = (h: number) => {
      const atMs = area.startMs + h * HOUR;
      const view = {
        phases: 1 as const,
        reading: () => area.readingAt(flat, atMs),
        localMs: () => atMs,
        setLocalMs: () => {},
        waveform: (phase: number) => area.waveformAt(flat, atMs, phase),
        record: () => [],
        count: () => 0,
        relayOpen: false,
      };
      const bytes = held2007('020B0103', view, { address: flat, ratedCurrentA: 60, constant: 1200 })!;
      return Number(Buffer.from(bytes).reverse().toString('hex')) / 100;
    };
    expect(content(26.5)).toBeGreaterThan(40);
    expect(content(50.5)).toBeLessThan(10);
  });

  it('says where a scenario is wrong', () => {
    expect(() => street('[{ what: charging, meter: flat/999, day: 1, at: "02:00" }]')).toThrow(
      'no meter is called flat/999',
    );
    expect(() => street('[{ what: fire, day: 1, at: "02:00" }]')).toThrow(/test: happenings.0/);
    expect(() => street('[]', '[{ name: flat, like: castle }]')).toThrow('groups.flat.like');
  });
});
