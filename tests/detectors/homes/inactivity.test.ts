import { describe, expect, it } from 'vitest';
import type { Detector } from '../../../detectors/detector.ts';
import { inactivity } from '../../../detectors/homes/inactivity/inactivity.ts';
import { BOUNDS } from '../../../detectors/homes/inactivity/patience.ts';
import { DAY, empty, Flat, HOUR, livedIn, METER, MINUTE, START } from './support.ts';

const only = [inactivity()] as Detector[];
const known = (days = 40, periodMs?: number) => new Flat(only, {}, periodMs).live(days * 24, livedIn);
const stages = (alerts: { state: string; evidence: Record<string, unknown> }[]) =>
  alerts.map((alert) => `${alert.state} ${alert.evidence.stage}`);

describe('inactivity', () => {
  it('says nothing of a month of ordinary days', () => {
    expect(known(60).told()).toEqual([]);
  });

  for (const [name, periodMs] of [
    ['5 s', 5_000],
    ['a minute', MINUTE],
    ['half an hour', 30 * MINUTE],
    ['an hour', HOUR],
  ] as const) {
    it(`asks first and then alarms within a day, one alert, read every ${name}`, () => {
      const flat = known(periodMs < MINUTE ? 9 : 30, periodMs);
      flat.told();
      const alerts = flat.live(30, empty).told();
      const alarm = alerts.at(-1);
      const ask = alerts.at(-2);
      expect([ask?.state, alarm?.state]).toEqual(['raised', 'updated']);
      expect(alarm?.id).toBe(ask?.id);
      expect(ask).toMatchObject({ kind: 'inactivity', severity: 'notice', recipients: ['community'] });
      expect(alarm).toMatchObject({ severity: 'critical', recipients: ['power', 'community'] });
      expect((alarm?.at ?? 0) - START - (flat.at - 30 * HOUR)).toBeLessThan(24 * HOUR);
      expect(alarm?.evidence.silentH).toBeGreaterThan(5);
    });
  }

  it('hears by half past eight that a morning does not begin', () => {
    const flat = new Flat(only).live(40 * 24 + 3.5, livedIn);
    flat.told();
    const alarm = flat.live(5.25, empty).told().at(-1);
    expect(alarm?.evidence).toMatchObject({ stage: 'alarm' });
    expect(alarm?.evidence.silentH).toBeGreaterThanOrEqual(8);
  });

  for (const [name, periodMs, minutes] of [
    ['five minutes', 5 * MINUTE, 15],
    ['half an hour', 30 * MINUTE, 30],
    ['an hour', HOUR, 60],
  ] as const) {
    it(`speaks at the quarters that it sees of an hour, read every ${name}, and alarms an hour after it asked`, () => {
      const into = new Set<number>();
      for (let start = 0; start < 24; start++) {
        const flat = new Flat(only, {}, periodMs).live(30 * 24 + start + 0.5, livedIn);
        flat.told();
        const [ask, alarm] = flat.live(40, empty).told();
        expect((alarm?.at ?? 0) - (ask?.at ?? 0)).toBeGreaterThanOrEqual(HOUR);
        for (const alert of [ask, alarm]) into.add(((alert?.at ?? 0) % HOUR) / MINUTE);
      }
      expect([...into].filter((minute) => minute % minutes !== 0)).toEqual([]);
      expect(into.size > 1).toBe(periodMs < HOUR);
    });
  }

  it('learns from the register of energy alone', () => {
    let importWh = 5_000_000;
    const flat = new Flat(only);
    const meter = (watts: (at: number) => number) => (at: number) => {
      importWh += watts(at) / 12;
      return { importWh: Math.floor(importWh / 10) * 10 };
    };
    const run = (hours: number, watts: (at: number) => number) => {
      const more = meter(watts);
      for (const end = flat.at + hours * HOUR; flat.at < end; flat.at += 5 * MINUTE) {
        const { alerts } = flat.engine.take({ atMs: START + flat.at, meter: METER, reading: more(flat.at) });
        flat.alerts.push(...alerts);
      }
      return flat.told();
    };
    expect(stages(run(30 * 24, livedIn))).not.toContain('updated alarm');
    expect(stages(run(30, empty))).toContain('updated alarm');
  });

  it('tells which habits are missing and what is usual', () => {
    const flat = known();
    flat.live(8, livedIn).told();
    const alarm = flat.live(30, empty).told().at(-1);
    expect(String(alarm?.evidence.missing)).toMatch(/kitchen peak 1[012]:\d\d ± \d+ min/);
    expect(alarm?.evidence.usualLongestH).toBeGreaterThan(0);
    expect(Object.keys(alarm?.evidence ?? {}).length).toBeLessThanOrEqual(16);
  });

  it('clears when somebody is about again, and is patient with a home that taught it', () => {
    const flat = known();
    flat.live(28, empty).told();
    const alerts = flat.live(24, livedIn).told();
    expect(alerts.map((alert) => alert.state)).toEqual(['cleared']);
  });

  for (const hours of [1, 6, 24]) {
    it(`takes a gap of ${hours} h for a gap`, () => {
      const flat = known();
      flat.told();
      flat.live(9, livedIn).live(hours, () => undefined);
      expect(flat.live(48, livedIn).told()).toEqual([]);
    });
  }

  it('hears the stillness behind a load that was left on, and does not take the load for life', () => {
    const flat = new Flat(only, {}, 30 * MINUTE).live(40 * 24 + 13, livedIn);
    flat.told();
    const alerts = flat.live(30, (at) => empty(at) + 400).told();
    expect(stages(alerts)).toEqual(['raised ask', 'updated alarm']);
    expect(alerts[1]?.evidence.loadLeftOn).toBe(true);
    expect(stages(flat.live(24, (at) => livedIn(at) + 400).told())).toEqual(['cleared alarm']);
  });

  it('does not believe values that are frozen to the last digit', () => {
    const flat = known();
    flat.told();
    expect(flat.live(48, () => 61.4).told()).toEqual([]);
  });

  it('is silent while an absence is declared, and watches again after it', () => {
    const flat = known();
    flat.told();
    flat.answer({ result: 'away', untilMs: START + flat.at + 5 * DAY });
    expect(flat.live(5 * 24, empty).told()).toEqual([]);
    flat.live(72, livedIn).told();
    expect(stages(flat.live(30, empty).told())).toContain('updated alarm');
  });

  it('tells of a holiday once', () => {
    const flat = known();
    flat.told();
    expect(stages(flat.live(10 * 24, empty).told())).toEqual(['raised ask', 'updated alarm']);
  });

  it('stands a clock that is stepped by an hour, forward and back', () => {
    const flat = known();
    flat.told();
    flat.at += HOUR;
    expect(flat.live(24, livedIn).told()).toEqual([]);
    flat.at -= 3 * HOUR;
    expect(flat.live(48, livedIn).told()).toEqual([]);
  });

  it('stands the change to summer time', () => {
    const flat = new Flat(only, {}, 5 * MINUTE, 'Europe/Berlin');
    // The civil day begins seven hours later there; summer time begins on 29 March 2026.
    expect(stages(flat.live(120 * 24, (at) => livedIn(at + 17 * HOUR)).told())).not.toContain('updated alarm');
  });

  it('guards a new home by a stricter rule and says that it is learning', () => {
    const flat = known(7);
    flat.told();
    const alerts = flat.live(40, empty).told();
    expect(stages(alerts)).toContain('updated alarm');
    expect(alerts[0]?.evidence.learning).toBe(true);
  });

  it('goes on after a restart as though nothing had happened', () => {
    const whole = known(20);
    whole.live(9, empty).told();
    const again = known(20);
    again.live(9, empty).told();
    const restarted = new Flat(only);
    restarted.at = again.at;
    const engine = new (Object.getPrototypeOf(again.engine).constructor)(
      { timezone: 'Asia/Shanghai', meters: [{ id: METER, premises: 'flat', watch: ['elderly'] }] },
      only,
      JSON.parse(JSON.stringify(again.engine.snapshot())),
    );
    Object.assign(restarted, { engine });
    expect(restarted.live(24, empty).told()).toEqual(whole.live(24, empty).told());
  });

  it('watches only who asked for it', () => {
    expect(inactivity().start({ id: 'x', premises: 'flat' }, { timezone: 'UTC', meters: [] })).toBeUndefined();
  });
});

describe('inactivity: a home that is often left', () => {
  /** From Friday noon to Sunday evening nobody is there. */
  const weekends = (at: number) => {
    const hour = (at % (7 * DAY)) / HOUR;
    return hour >= 4 * 24 + 12 && hour < 6 * 24 + 18 ? empty(at) : livedIn(at);
  };
  const taught = () => new Flat(only, {}, 30 * MINUTE).live(16 * 7 * 24, weekends);

  it('learns the absences, asks once at each and alarms no more', () => {
    const home = taught();
    expect(stages(home.told()).filter((stage) => stage === 'updated alarm').length).toBeGreaterThanOrEqual(4);
    const alerts = home.live(4 * 7 * 24, weekends).told();
    expect(new Set(stages(alerts))).toEqual(new Set(['raised ask', 'cleared ask']));
    expect(String(alerts[0]?.evidence.learnt)).toContain('often left');
  });

  it('still alarms at hours at which it is never left, after five days at any, and when told to forget', () => {
    const night = taught();
    night.live(24 + 20, weekends).told();
    expect(stages(night.live(30, empty).told())).toContain('updated alarm');
    const long = taught();
    long.live(4 * 24 + 12, weekends).told();
    expect(stages(long.live(4 * 24, empty).told())).toEqual(['raised ask']);
    expect(stages(long.live(48, empty).told())).toEqual(['updated alarm']);
    const forgotten = taught().answer({ kind: 'inactivity', result: 'forget' });
    forgotten.live(4 * 24 + 12, weekends).told();
    expect(stages(forgotten.live(40, empty).told())).toContain('updated alarm');
  });
});

describe('inactivity: what grid workers answer', () => {
  /** Every seventh day the resident is out from ten in the morning to ten at night, all lights off. */
  const outing = (at: number) => {
    const hour = (at % DAY) / HOUR;
    return Math.floor(at / DAY) % 7 === 6 && hour >= 9 && hour < 22 ? empty(at) : livedIn(at);
  };

  it('three false alarms of one cause end that cause there, and a real stop is still found', () => {
    const flat = known(35);
    flat.told();
    let answered = 0;
    let late = 0;
    for (let week = 0; week < 20; week++) {
      for (let hour = 0; hour < 7 * 24; hour++) {
        const alerts = flat.live(1, outing).told();
        if (!alerts.some((alert) => alert.state === 'updated')) continue;
        if (answered >= 3) late++;
        flat.answer({ kind: 'inactivity', result: 'false-alarm', reason: 'day centre' });
        answered++;
      }
    }
    expect(answered).toBeLessThanOrEqual(3);
    expect(late).toBe(0);
    const alarm = flat
      .live(30, empty)
      .told()
      .find((alert) => alert.evidence.stage === 'alarm');
    expect(alarm).toBeDefined();
  });

  it('shows what was learnt, and forgets it when told', () => {
    const flat = known(35);
    flat.live(28, empty).told();
    flat.answer({ kind: 'inactivity', result: 'false-alarm' });
    flat.live(5 * 24, livedIn).told();
    const taught = flat.live(40, empty).told();
    expect(String(taught[0]?.evidence.learnt)).toContain('told false 1 times');
    flat.live(5 * 24, livedIn).told();
    flat.answer({ result: 'forget' });
    expect(flat.live(40, empty).told()[0]?.evidence.learnt).toBeUndefined();
  });

  it('keeps every threshold within its bounds, whatever it is told', () => {
    const flat = known(35);
    for (let i = 0; i < 12; i++) {
      flat.live(30, empty);
      flat.answer({ kind: 'inactivity', result: 'false-alarm' });
      flat.live(4 * 24, livedIn);
    }
    flat.told();
    const alerts = flat.live(36, empty).told();
    expect(stages(alerts)).toEqual(['raised ask', 'updated alarm']);
    for (const { evidence } of alerts) expect(evidence.limit).toBeLessThanOrEqual(BOUNDS.most);
  });
});
