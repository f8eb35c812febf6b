import { describe, expect, it } from 'vitest';
import { alertId } from '../detectors/alert.ts';
import { CivilTime } from '../detectors/civil-time.ts';
import type { MeterDetector } from '../detectors/detector.ts';
import { Engine } from '../detectors/engine.ts';

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
});
