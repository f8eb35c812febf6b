import { describe, expect, it } from 'vitest';
import { alertId } from '../detectors/alert.ts';
import { CivilTime } from '../detectors/civil-time.ts';
import type { AreaDetector, MeterDetector } from '../detectors/detector.ts';
import { type Ask, Engine } from '../detectors/engine.ts';

const HOUR = 3_600_000;

describe('civil time', () => {
  it('follows the zone over its daylight-saving changes', () => {
    const berlin = new CivilTime('Europe/Berlin');
    const before = Date.UTC(2024, 2, 31, 0, 59);
    const after = Date.UTC(2024, 2, 31, 1, 0);
    expect(berlin.at(before).localMs - before).toBe(HOUR);
    expect(berlin.at(after).localMs - after).toBe(2 * HOUR);
    const shanghai = new CivilTime('Asia/Shanghai');
    expect(shanghai.at(0).localMs).toBe(8 * HOUR);
    expect(new CivilTime('UTC').at(5).localMs).toBe(5);
  });

  it.each([
    ['Asia/Kathmandu', 5.75],
    ['America/St_Johns', -3.5],
    ['America/Lima', -5],
    ['Pacific/Chatham', 13.75],
    ['Africa/Abidjan', 0],
  ])('knows %s: %d h', (zone, hours) => {
    const atMs = Date.UTC(2026, 0, 15, 3, 7);
    expect(new CivilTime(zone).at(atMs)).toEqual({ atMs, localMs: atMs + hours * HOUR });
  });

  it('changes at the quarter of an hour, wherever the clock stands', () => {
    // Lord Howe Island goes back by half an hour, at 15:00 UTC.
    const howe = new CivilTime('Australia/Lord_Howe');
    const changeMs = Date.UTC(2026, 3, 4, 15);
    const offsets = [changeMs - 1, changeMs, changeMs - 1].map((atMs) => (howe.at(atMs).localMs - atMs) / HOUR);
    expect(offsets).toEqual([11, 10.5, 11]);
    expect(() => new CivilTime('Mars/Olympus')).toThrow(RangeError);
  });
});

/** Raises at the first reading, counts ticks since. */
const counter: MeterDetector<{ ticks: number; readings: number }> = {
  scope: 'meter',
  name: 'counter',
  start: (meter) => (meter.id === 'a' ? { ticks: 0, readings: 0 } : undefined),
  step(state, input, meter) {
    if (input.type === 'tick') state.ticks++;
    if (input.type !== 'reading') return [];
    state.readings++;
    return [
      {
        type: 'finding',
        finding: {
          meter: meter.id,
          kind: 'overload',
          state: 'raised',
          severity: 'warning',
          sinceMs: input.atMs,
          confidence: 0.5,
          evidence: { ticks: state.ticks },
          recipients: ['power'],
        },
      },
    ];
  },
};

const area = { timezone: 'UTC', meters: [{ id: 'a', grid: 'g1' }, { id: 'b' }] };
const reading = (atMs: number, meter = 'a') => ({ atMs, meter, reading: { activePowerW: 1 } });

describe('engine', () => {
  it('gives one tick a civil minute before the sample that comes after it', () => {
    const engine = new Engine(area, [counter]);
    engine.take(reading(30_000));
    const { alerts } = engine.take(reading(5 * 60_000));
    // The first sample opens the first minute; minutes 1 to 5 have ticked before the second.
    expect(alerts[0]?.evidence).toEqual({ ticks: 6 });
    expect(alerts[0]?.grid).toBe('g1');
  });

  it('gives the same ids on the same samples, and others on others', () => {
    const run = () => new Engine(area, [counter]).take(reading(60_000)).alerts[0]?.id;
    expect(run()).toBe(run());
    expect(run()).toMatch(/^[0-9a-f]{12}$/);
    const ids = new Set(
      Array.from({ length: 20_000 }, (_, i) => alertId({ meter: 'a', kind: 'voltage', sinceMs: i * 60_000 })),
    );
    expect(ids.size).toBe(20_000);
  });

  it('goes on from a snapshot as though it had never stopped', () => {
    const whole = new Engine(area, [counter]);
    const first = new Engine(area, [counter]);
    for (let i = 0; i < 5; i++) {
      whole.take(reading(i * 60_000));
      first.take(reading(i * 60_000));
    }
    const second = new Engine(area, [counter], JSON.parse(JSON.stringify(first.snapshot())));
    expect(second.take(reading(600_000))).toEqual(whole.take(reading(600_000)));
    expect(second.snapshot()).toEqual(whole.snapshot());
  });

  it('goes on from its last moment when it starts again with an earlier clock', () => {
    const first = new Engine(area, [counter]);
    first.take(reading(10 * HOUR + 3_915));
    const second = new Engine(area, [counter], JSON.parse(JSON.stringify(first.snapshot())));
    expect(second.take(reading(9 * HOUR)).alerts[0]?.at).toBe(10 * HOUR + 3_916);
  });

  it('holds time that goes back a little and believes time that goes back far', () => {
    const engine = new Engine(area, [counter]);
    const since = (atMs: number) => engine.take(reading(atMs)).alerts[0]?.since;
    expect(since(10 * HOUR)).toBe(10 * HOUR);
    expect(since(9 * HOUR)).toBe(10 * HOUR + 1);
    expect(since(9 * HOUR)).toBe(10 * HOUR + 2);
    expect(since(5 * HOUR)).toBe(5 * HOUR);
    expect(since(5 * HOUR + 1000)).toBe(5 * HOUR + 1000);
  });

  it('stops a detector that throws after three faults and keeps the others', () => {
    const faults: string[] = [];
    const bad: MeterDetector<object> = {
      scope: 'meter',
      name: 'bad',
      start: () => ({}),
      step(_, input) {
        if (input.type === 'reading') throw new Error('planted');
        return [];
      },
    };
    const engine = new Engine(area, [bad, counter], undefined, (name) => faults.push(name));
    for (let i = 0; i < 6; i++) expect(engine.take(reading(i)).alerts).toHaveLength(1);
    expect(faults).toEqual(['bad', 'bad', 'bad']);
  });

  it('catches up with a long hole hourly until the last day of it, which ticks by the minute', () => {
    const ticks: number[] = [];
    const clock: MeterDetector<object> = {
      scope: 'meter',
      name: 'clock',
      start: () => ({}),
      step(_, input, meter) {
        if (input.type === 'tick' && meter.id === 'a') ticks.push(input.atMs / 60_000);
        return [];
      },
    };
    const engine = new Engine(area, [clock]);
    engine.advance(60_000);
    engine.advance(60_000 + 59_999);
    engine.advance((1 + 3 * 1440) * 60_000);
    // Two days of hours from minute 2 on, then every minute of the last day.
    const hours = Array.from({ length: 48 }, (_, i) => 2 + 60 * i);
    const minutes = Array.from({ length: 1440 }, (_, i) => 2 + 48 * 60 + i);
    expect(ticks).toEqual([1, ...hours, ...minutes]);
  });

  it('ticks in civil time, and gives every kind of input with it', () => {
    const seen: unknown[] = [];
    const witness: MeterDetector<object> = {
      scope: 'meter',
      name: 'witness',
      start: () => ({}),
      step(_, input) {
        if (input.type !== 'tick' || input.atMs === 60_000) seen.push(input);
        return [];
      },
    };
    const engine = new Engine({ timezone: 'Asia/Shanghai', meters: [{ id: 'a' }] }, [witness]);
    const moment = (atMs: number) => ({ atMs, localMs: atMs + 8 * HOUR });
    const waveform = { atMs: 1, sampleHz: 6400 } as never;
    engine.take({ atMs: 60_000, meter: 'a', waveform });
    engine.take({ atMs: 60_001, meter: 'a', event: 'power-off' });
    engine.take(reading(60_002));
    engine.answer(60_003, 'a', { result: 'confirmed' });
    // A meter that is not of the site is nobody's.
    engine.take(reading(60_004, 'stranger'));
    engine.answer(60_005, 'stranger', { result: 'confirmed' });
    expect(seen).toEqual([
      { type: 'tick', ...moment(60_000) },
      { type: 'waveform', ...moment(60_000), meter: 'a', waveform },
      { type: 'event', ...moment(60_001), meter: 'a', event: 'power-off' },
      { type: 'reading', ...moment(60_002), meter: 'a', reading: { activePowerW: 1 } },
      { type: 'verdict', ...moment(60_003), meter: 'a', verdict: { result: 'confirmed' } },
    ]);
  });

  it('hands on what is said at a verdict and at a tick', () => {
    const asker: MeterDetector<object> = {
      scope: 'meter',
      name: 'asker',
      start: () => ({}),
      step: (_, input, meter) => [{ type: 'capture', meter: meter.id, phase: input.atMs / 60_000 }],
    };
    const engine = new Engine({ timezone: 'UTC', meters: [{ id: 'a' }] }, [asker]);
    const phases = (asks: readonly Ask[]) => asks.map((ask) => ask.type === 'capture' && ask.phase);
    expect(phases(engine.advance(60_000).asks)).toEqual([1]);
    expect(engine.advance(60_000)).toEqual({ alerts: [], asks: [] });
    expect(phases(engine.answer(180_000, 'a', { result: 'away' }).asks)).toEqual([2, 3, 3]);
    expect(engine.answer(180_000, 'a', { result: 'away' }).alerts).toEqual([]);
  });

  it('lets ticks pass before a verdict as before a sample', () => {
    const engine = new Engine(area, [counter]);
    engine.take(reading(60_000));
    engine.answer(120_000, 'a', { result: 'confirmed' });
    expect(engine.snapshot().meters.a?.counter).toEqual({ ticks: 2, readings: 1 });
  });

  it('believes a clock that goes back by more than two hours, and not one of just that', () => {
    const at = (backMs: number) => {
      const engine = new Engine(area, [counter]);
      engine.take(reading(10 * HOUR));
      return engine.take(reading(10 * HOUR - backMs)).alerts[0]?.at;
    };
    expect(at(2 * HOUR)).toBe(10 * HOUR + 1);
    expect(at(2 * HOUR + 1)).toBe(8 * HOUR - 1);
    // Set back, it ticks on from there, minute by minute.
    const engine = new Engine(area, [counter]);
    engine.take(reading(10 * HOUR));
    engine.take(reading(5 * HOUR + 30_000));
    expect(engine.take(reading(5 * HOUR + 180_000)).alerts[0]?.evidence).toEqual({ ticks: 1 + 3 });
  });

  it('gives detectors of the area every input, and keeps their state; asks go beside the alerts', () => {
    const all: AreaDetector<{ inputs: number }> = {
      scope: 'area',
      name: 'all',
      start: (_, before) => before ?? { inputs: 0 },
      step(state, input, { meters }) {
        state.inputs++;
        return input.type === 'reading' ? [{ type: 'capture', meter: meters[1]!.id, phase: state.inputs }] : [];
      },
    };
    const none: AreaDetector<never> = { scope: 'area', name: 'none', start: () => undefined, step: () => [] };
    const first = new Engine(area, [all, none, counter]);
    const result = first.take(reading(60_000));
    expect(result.asks).toEqual([{ type: 'capture', meter: 'b', phase: 2 }]);
    expect(result.alerts).toHaveLength(1);
    expect(first.take(reading(60_001, 'b')).alerts).toEqual([]);
    expect(first.snapshot().area).toEqual({ all: { inputs: 3 } });
    const second = new Engine(area, [all, none], JSON.parse(JSON.stringify(first.snapshot())));
    expect(second.take(reading(60_002)).asks).toEqual([{ type: 'capture', meter: 'b', phase: 4 }]);
  });

  it('stops a detector of the area that throws, and says so of no meter', () => {
    const faults: unknown[] = [];
    const error = new Error('planted');
    const bad: AreaDetector<object> = {
      scope: 'area',
      name: 'bad',
      start: () => ({}),
      step(_, input) {
        if (input.type === 'reading') throw error;
        return [];
      },
    };
    const engine = new Engine(area, [bad], undefined, (...fault) => faults.push(fault));
    for (let i = 0; i < 6; i++) engine.take(reading(i));
    expect(faults).toEqual(new Array(3).fill(['bad', undefined, error]));
    // Nobody has to listen.
    expect(() => new Engine(area, [bad]).take(reading(1))).not.toThrow();
  });

  it('lets the site file decide who is watched, not the snapshot', () => {
    const first = new Engine(area, [counter]);
    first.take(reading(60_000));
    const kept = JSON.parse(JSON.stringify(first.snapshot()));
    kept.meters.b = { counter: { ticks: 5, readings: 5 } };
    kept.meters.gone = { counter: { ticks: 5, readings: 5 } };
    const second = new Engine(area, [counter], kept);
    expect(second.snapshot().meters).toEqual({ a: { counter: { ticks: 1, readings: 1 } } });
    // A snapshot is a copy: what happens later does not change it.
    const before = second.snapshot();
    second.take(reading(120_000));
    expect(before.meters.a?.counter).toEqual({ ticks: 1, readings: 1 });
  });

  it('starts from the first sample where the snapshot has seen none, or is from before it kept the last moment', () => {
    const empty = JSON.parse(JSON.stringify(new Engine(area, [counter]).snapshot()));
    expect(empty).toMatchObject({ version: 1, tickMs: null, lastMs: null });
    const engine = new Engine(area, [counter], empty);
    expect(engine.take(reading(9 * HOUR)).alerts[0]).toMatchObject({ at: 9 * HOUR, evidence: { ticks: 1 } });
    const old = new Engine(area, [counter], { version: 1, tickMs: 9 * HOUR, area: {}, meters: {} });
    expect(old.take(reading(8 * HOUR)).alerts[0]?.at).toBe(9 * HOUR + 1);
  });

  it('tells an alert as the wire keeps it: three decimals, recipients in one order, the grid only where there is one', () => {
    const finding = {
      meter: 'b',
      kind: 'voltage',
      key: 'low',
      state: 'raised',
      severity: 'notice',
      sinceMs: 5,
    } as const;
    const teller: MeterDetector<object> = {
      scope: 'meter',
      name: 'teller',
      start: () => ({}),
      step(_, input, meter) {
        if (input.type !== 'reading') return [];
        const recipients = ['dispatch', 'power'] as const;
        const told = { ...finding, meter: meter.id, confidence: 0.98765, evidence: { a: 1 }, recipients };
        return [{ type: 'finding', finding: told }];
      },
    };
    const { alerts } = new Engine(area, [teller]).take(reading(60_000, 'b'));
    expect(alerts).toEqual([
      {
        ...{ id: alertId(finding), meter: 'b', kind: 'voltage', state: 'raised', severity: 'notice' },
        ...{ at: 60_000, since: 5, confidence: 0.988, evidence: { a: 1 }, recipients: ['power', 'dispatch'] },
      },
    ]);
    expect(Object.hasOwn(alerts[0]!, 'grid')).toBe(false);
  });
});

describe('the identity of an alert', () => {
  it('is the same on every machine and in every version: alerts that stand keep their names over an update', () => {
    expect(alertId({ meter: 'm', kind: 'voltage', sinceMs: 60_000, key: 'low' })).toBe('146439230efd');
    expect(alertId({ meter: '000000000161', kind: 'outage', sinceMs: 1_700_000_000_000 })).toBe('ee7128a84bba');
  });

  it('tells meters, kinds, onsets and keys apart', () => {
    const one = { meter: 'm', kind: 'voltage', sinceMs: 1, key: 'low' } as const;
    const others = [{ meter: 'n' }, { kind: 'outage' }, { sinceMs: 2 }, { key: 'high' }, { key: undefined }] as const;
    const ids = [one, ...others.map((other) => ({ ...one, ...other }))].map((finding) =>
      alertId(finding as typeof one),
    );
    expect(new Set(ids).size).toBe(6);
  });
});
