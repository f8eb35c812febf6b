import { describe, expect, it } from 'vitest';
import { leakage } from '../../../detectors/homes/leakage.ts';
import type { MeterInfo, Reading } from '../../../protocols/reading.ts';
import { MINUTE, OneMeter } from './one-meter.ts';

const DAY = 1440 * MINUTE;
const START = Date.UTC(2026, 0, 1);

class Meter extends OneMeter {
  constructor(info: Partial<MeterInfo> = {}) {
    super(leakage(), { premises: 'flat', ...info }, START);
  }

  /** Read every five minutes. */
  read(minutes: number, reading: Reading): this {
    return this.readEvery(5 * MINUTE, minutes, reading);
  }

  /** Days of so many watts at the lowest hour and three times as much else, read on the half hour. */
  live(...lowestOfDays: number[]): this {
    for (const lowestW of lowestOfDays) {
      for (let half = 1; half <= 48; half++) {
        const activePowerW = half === 7 || half === 8 ? lowestW : 3 * lowestW;
        const atMs = this.atMs + half * 30 * MINUTE;
        this.hear(atMs, { reading: { activePowerW } });
      }
      this.atMs += DAY;
    }
    return this;
  }
}

const days = (count: number, watts: number): number[] => new Array(count).fill(watts);
const raised = (reading: Reading, info?: Partial<MeterInfo>) => new Meter(info).read(30, reading).alerts.length > 0;

describe('current that goes astray', () => {
  it('is residual current over a tenth of an ampere, held for ten minutes', () => {
    expect(raised({ residualCurrentA: 0.1 })).toBe(false);
    expect(raised({ residualCurrentA: 0.101 })).toBe(true);
    const [alert, ...more] = new Meter().read(30, { residualCurrentA: 0.2 }).alerts;
    expect(more).toEqual([]);
    expect(alert).toMatchObject({ kind: 'leakage', state: 'raised', severity: 'warning', confidence: 0.85 });
    expect(alert).toMatchObject({ since: START, at: START + 10 * MINUTE, recipients: ['power'] });
    expect(alert?.evidence).toEqual({ sign: 'current', residualA: 0.2, limitA: 0.1 });
  });

  it('is what the neutral does not bring back, beyond the error of two sensors', () => {
    // A tenth of an ampere and 3 % of the current, of 1 A at least.
    expect(raised({ currentA: [10], neutralCurrentA: 9.61 })).toBe(false);
    expect(raised({ currentA: [10], neutralCurrentA: 9.59 })).toBe(true);
    expect(raised({ currentA: [0.5], neutralCurrentA: 0.38 })).toBe(false);
    expect(raised({ currentA: [0.5], neutralCurrentA: 0.36 })).toBe(true);
    // Which way it flows makes no difference; more on the neutral is a bridge, which `tamper` tells.
    expect(raised({ currentA: [-10], neutralCurrentA: 10 })).toBe(false);
    expect(raised({ currentA: [10], neutralCurrentA: -10 })).toBe(false);
    expect(raised({ currentA: [10], neutralCurrentA: 15 })).toBe(false);
    const [alert] = new Meter().read(30, { currentA: [-10], neutralCurrentA: 2 }).alerts;
    expect(alert?.evidence).toEqual({ sign: 'current', liveA: 10, neutralA: 2, limitA: 0.1 });
  });

  it('is not seen on three phases, whose neutral carries what they do not balance, nor from one figure', () => {
    expect(raised({ currentA: [10, 10, 10], neutralCurrentA: 0 })).toBe(false);
    expect(raised({ currentA: [10] })).toBe(false);
    expect(raised({ neutralCurrentA: 0 })).toBe(false);
    expect(raised({ currentA: [10, 10, 10], neutralCurrentA: 0, residualCurrentA: 0.5 })).toBe(true);
  });

  it('is not interrupted by a reading that says nothing of it', () => {
    const meter = new Meter().read(5, { residualCurrentA: 0.2 }).read(5, { activePowerW: 500, currentA: [2] });
    expect(meter.read(5, { residualCurrentA: 0.2 }).alerts).toMatchObject([{ state: 'raised', since: START }]);
    const good = new Meter().read(5, { residualCurrentA: 0.2 }).read(5, { residualCurrentA: 0 });
    expect(good.read(5, { residualCurrentA: 0.2 }).alerts).toEqual([]);
  });

  it('is over after an hour', () => {
    const meter = new Meter().read(15, { residualCurrentA: 0.5 }).read(60, { residualCurrentA: 0 });
    expect(meter.alerts).toHaveLength(1);
    expect(meter.read(5, { residualCurrentA: 0 }).alerts[1]).toMatchObject({
      state: 'cleared',
      id: meter.alerts[0]?.id,
    });
  });

  it('is not looked for at the heads of the network', () => {
    expect(raised({ residualCurrentA: 5 }, { premises: 'transformer' })).toBe(false);
    expect(raised({ residualCurrentA: 5 }, { premises: 'feeder' })).toBe(false);
    expect(raised({ residualCurrentA: 5 }, { premises: 'shop' })).toBe(true);
  });
});

describe('a load that never sleeps', () => {
  it('is told when the lowest hour of seven days lies above all it was before', () => {
    const meter = new Meter().live(...days(30, 100), ...days(7, 190));
    // The day that ended is judged when the next has begun.
    expect(meter.alerts).toEqual([]);
    const [alert] = meter.live(190).alerts;
    expect(alert).toMatchObject({ kind: 'leakage', state: 'raised', severity: 'notice', confidence: 0.5 });
    expect(alert?.recipients).toEqual(['power', 'community']);
    expect(alert?.evidence).toEqual({ sign: 'base', lowestHourW: 190, usualLowestHourW: 100, days: 7 });
    expect(alert?.since).toBe((alert?.at ?? 0) - 7 * DAY);
  });

  it('must have grown by 80 W, and by 40 % where that is more', () => {
    const told = (before: number, after: number) =>
      new Meter().live(...days(30, before), ...days(9, after)).alerts.length > 0;
    expect([told(100, 179), told(100, 180), told(300, 419), told(300, 420)]).toEqual([false, true, false, true]);
  });

  it('is not told for one night without sleep, nor before four weeks are known', () => {
    expect(new Meter().live(...days(30, 100), ...days(6, 300), 100, ...days(6, 300)).alerts).toEqual([]);
    expect(new Meter().live(...days(19, 100), ...days(8, 300)).alerts).toEqual([]);
    expect(new Meter().live(...days(20, 100), ...days(9, 300)).alerts).toHaveLength(1);
  });

  it('forgives one high day of twenty before, and forgets what is six weeks old', () => {
    // 95 of 100 days: the highest of 30 counts as none of them.
    const spike = new Meter().live(...days(15, 100), 300, ...days(14, 100), ...days(8, 250));
    expect(spike.alerts.map((alert) => alert.evidence.usualLowestHourW)).toEqual([100]);
    const twice = new Meter().live(...days(14, 100), 300, 300, ...days(14, 100), ...days(8, 250));
    expect(twice.alerts).toEqual([]);
    const old = new Meter().live(...days(20, 400), ...days(36, 100), ...days(8, 250));
    expect(old.alerts).toHaveLength(1);
  });

  it('is over when the lowest of three nights is within half of what must have grown', () => {
    // From 100 W to 200 W: 140 W is half of the 80 W that were asked for.
    expect(new Meter().live(...days(30, 100), ...days(8, 200), ...days(9, 141)).alerts).toHaveLength(1);
    const [cleared] = new Meter().live(...days(30, 100), ...days(8, 200), ...days(4, 140)).alerts.slice(1);
    expect(cleared).toMatchObject({ state: 'cleared', evidence: { lowestHourW: 140 } });
    // One night is enough: what sleeps at all does not leak.
    const once = new Meter().live(...days(30, 100), ...days(8, 200), 140, 200);
    expect(once.alerts.map((alert) => alert.state)).toEqual(['raised', 'cleared']);
  });

  it('does not judge a day of which four hours were not read', () => {
    const meter = new Meter().live(...days(30, 100));
    for (let day = 0; day < 9; day++) {
      for (let half = 1; half <= 48; half++) {
        if (half > 38) continue;
        const reading = { activePowerW: 400 };
        meter.alerts.push(...meter.engine.take({ atMs: meter.atMs + half * 30 * MINUTE, meter: 'm', reading }).alerts);
      }
      meter.atMs += DAY;
    }
    expect(meter.alerts).toEqual([]);
  });
});
