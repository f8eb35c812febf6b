import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { Engine } from '../../../detectors/engine.ts';
import { type TariffTierSettings, tariffTier } from '../../../detectors/homes/tariff-tier.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A home of so many kWh a day in Shanghai, read on the half hour from the first of a month on. */
class Month {
  readonly engine: Engine;
  readonly alerts: Alert[] = [];
  /** Civil midnight of the day that comes next. */
  nextMs: number;

  constructor(from: string, tiersKwhPerMonth: number[] = [100, 200], settings: Partial<TariffTierSettings> = {}) {
    const meters = [{ id: 'm', premises: 'flat' as const, tariff: { tiersKwhPerMonth } }];
    this.engine = new Engine({ timezone: 'Asia/Shanghai', meters }, [tariffTier(settings)]);
    this.nextMs = Date.parse(`${from}T00:00:00+08:00`);
  }

  /** One entry a day; undefined is a day on which nobody reads. */
  live(...kwhOfDays: (number | undefined)[]): this {
    for (const kwh of kwhOfDays) {
      for (let half = 1; half <= 48 && kwh !== undefined; half++) {
        const reading = { activePowerW: (kwh * 1000) / 24 };
        this.alerts.push(...this.engine.take({ atMs: this.nextMs + half * 30 * 60_000, meter: 'm', reading }).alerts);
      }
      this.nextMs += DAY;
    }
    return this;
  }

  told(): Alert[] {
    return this.alerts.splice(0);
  }
}

const days = (count: number, kwh: number | undefined): (number | undefined)[] => new Array(count).fill(kwh);
const seen = (alerts: readonly Alert[]) => alerts.map((alert) => [alert.state, alert.evidence.tier]);

describe('tariff tier, by the calendar', () => {
  it('speaks from the sixth day on, with the day on which the tier will pass', () => {
    // April has 30 days: 5.2 kWh a day pass 100 kWh on the 20th and end at 156.
    const home = new Month('2026-04-01').live(...days(5, 5.2));
    expect(home.told()).toEqual([]);
    const [raised, ...rest] = home.live(5.2).told();
    expect(rest).toEqual([]);
    expect(raised).toMatchObject({ kind: 'tariff-tier', state: 'raised', severity: 'notice' });
    expect(raised?.recipients).toEqual(['power', 'community']);
    expect(raised?.since).toBe(Date.parse('2026-04-01T00:00:00+08:00'));
    expect(raised?.evidence).toEqual({
      ...{ tier: 2, tierKwh: 100, usedKwh: 26, dailyKwh: 5.2, monthKwh: 156 },
      ...{ passed: false, expectedDay: '2026-04-20' },
    });
    const [passed, ...none] = home.live(...days(20, 5.2)).told();
    expect(none).toEqual([]);
    expect(passed).toMatchObject({ state: 'updated', id: raised?.id, confidence: 0.99 });
    expect(passed?.evidence).toMatchObject({ passed: true, expectedDay: '2026-04-20' });
  });

  it('tells the day from the hour at which it speaks, not from midnight', () => {
    // At 19 o'clock on the sixth day, after four hours of 20 kW, the tier lies eleven and a quarter days of 5 kWh ahead.
    const home = new Month('2026-04-01', [161]).live(...days(5, 5));
    for (let half = 1; half <= 38; half++) {
      const reading = { activePowerW: half <= 30 ? 0 : 20_000 };
      home.alerts.push(...home.engine.take({ atMs: home.nextMs + half * 30 * 60_000, meter: 'm', reading }).alerts);
    }
    expect(home.told()[0]?.evidence).toMatchObject({ usedKwh: 105, expectedDay: '2026-04-18' });
  });

  it('closes with the month what it said of it, and starts afresh', () => {
    const home = new Month('2026-04-01').live(...days(30, 5));
    home.told();
    const may = home.live(...days(6, 5)).told();
    expect(may.map((alert) => [alert.state, alert.since])).toEqual([
      ['cleared', Date.parse('2026-04-01T00:00:00+08:00')],
      ['raised', Date.parse('2026-05-01T00:00:00+08:00')],
    ]);
    expect(may[0]?.evidence).toEqual({ tier: 2, tierKwh: 100, usedKwh: 150, passed: true });
    expect(may[0]).toMatchObject({ severity: 'notice', confidence: 0.99, recipients: ['power', 'community'] });
    const quiet = new Month('2026-04-01').live(...days(36, 2));
    expect(quiet.told()).toEqual([]);
  });

  it('knows how long months are, and that a year ends', () => {
    // 3.6 kWh a day: 28 days stay under 104 % of 100 kWh, 29 do not.
    expect(new Month('2026-02-01').live(...days(28, 3.6)).told()).toEqual([]);
    expect(seen(new Month('2026-03-01').live(...days(10, 3.6)).told())).toEqual([['raised', 2]]);
    expect(seen(new Month('2028-02-01').live(...days(10, 3.6)).told())).toEqual([['raised', 2]]);
    expect(seen(new Month('2025-12-01').live(...days(38, 3.6)).told())).toEqual([
      ['raised', 2],
      ['updated', 2],
      ['cleared', 2],
      ['raised', 2],
    ]);
  });

  it('takes it back when the use has fallen, and not for a day', () => {
    const home = new Month('2026-04-01').live(...days(7, 4));
    expect(home.told().map((alert) => alert.evidence.monthKwh)).toEqual([120]);
    // One day away from home leaves it expected; days of half the use do not.
    expect(home.live(0).told()).toEqual([]);
    const [cleared] = home.live(...days(12, 1)).told();
    expect(cleared?.state).toBe('cleared');
    expect(cleared?.evidence.expectedDay).toBeUndefined();
    expect(cleared?.evidence.monthKwh).toBeLessThan(96);
  });

  it('tells each tier of its own', () => {
    const home = new Month('2026-04-01').live(...days(30, 8.2));
    const alerts = home.told();
    expect(seen(alerts)).toEqual([
      ['raised', 2],
      ['raised', 3],
      ['updated', 2],
      ['updated', 3],
    ]);
    expect(new Set(alerts.map((alert) => alert.id)).size).toBe(2);
    expect(alerts[1]?.evidence).toMatchObject({ tier: 3, tierKwh: 200, expectedDay: '2026-04-25' });
    expect(seen(home.live(1).told())).toEqual([
      ['cleared', 2],
      ['cleared', 3],
    ]);
  });

  it('is the surer the further the month goes over, and the steadier the home is', () => {
    const chance = (pattern: number[], tiers: number[]) => {
      const home = new Month('2026-04-01', tiers);
      for (let i = 0; i < 4; i++) home.live(...pattern);
      return home.told()[0]?.confidence;
    };
    expect(chance([5, 5, 5], [140])).toBe(0.98);
    // On the sixth day: 4.6 ± 1.5 kWh a day make 138 ± 7.5 of the month, one of these over 130.
    expect(chance([3, 5, 7], [130])).toBeCloseTo(0.86, 2);
    expect(chance([3, 5, 7], [110])).toBe(0.98);
  });

  it('estimates the days of the month before it knew the home', () => {
    const home = new Month('2026-04-11').live(...days(4, 5));
    const [raised] = home.told();
    expect(raised?.evidence).toMatchObject({ tier: 2, estimatedDays: 10, dailyKwh: 5, monthKwh: 150 });
    // Ten days at 5 kWh stand in; next month there are none to estimate.
    const [passed] = home.live(...days(8, 5)).told();
    expect(passed?.evidence).toMatchObject({ passed: true, estimatedDays: 10, expectedDay: '2026-04-21' });
    const may = home.live(...days(15, 5)).told();
    expect(may.at(-1)?.evidence.estimatedDays).toBeUndefined();
  });

  it('needs three whole days to say anything', () => {
    expect(new Month('2026-04-20', [10]).live(5, 5, 5).told()).toEqual([]);
    expect(new Month('2026-04-20', [10]).live(5, 5, 5, 5).told()).toHaveLength(1);
  });

  it('fills a day that nobody read with what the days before had in the mean, not with the hour after it', () => {
    const home = new Month('2026-04-01', [100]).live(...days(10, 2), undefined);
    // The first hour after the hole is one of cooking.
    const feast = home.nextMs;
    for (let half = 1; half <= 48; half++) {
      const reading = { activePowerW: half <= 4 ? 3000 : 0 };
      home.alerts.push(...home.engine.take({ atMs: feast + half * 30 * 60_000, meter: 'm', reading }).alerts);
    }
    home.nextMs += DAY;
    expect(home.live(...days(17, 2)).told()).toEqual([]);
    const [told] = new Month('2026-04-01', [30])
      .live(...days(10, 2.1), ...days(1, undefined), ...days(4, 2.1))
      .told()
      .slice(-1);
    expect(told?.evidence).toMatchObject({ passed: true, expectedDay: '2026-04-15' });
  });

  it('counts for a month only the hours of a hole that lay in it', () => {
    const may = (unread: number, from: number) => {
      const home = new Month('2026-04-01', [100]).live(...days(from, 5.2), ...days(unread, undefined));
      return home
        .live(...days(35 - from - unread, 5.2), 5.2)
        .told()
        .at(-1)?.evidence.usedKwh;
    };
    // Five days of May, and its sixth day's first hour: the 30th of April was not read, or the first of May.
    expect(may(0, 30)).toBe(26.2);
    expect(may(1, 29)).toBe(26.2);
    expect(may(1, 30)).toBe(26.2);
    expect(may(3, 30)).toBe(26.2);
    expect(may(4, 28)).toBe(26.2);
  });

  it('knows a home by its last fourteen days', () => {
    const home = new Month('2026-04-01', [100]).live(...days(20, 2), ...days(15, 5), 5);
    expect(home.told().at(-1)?.evidence).toMatchObject({ dailyKwh: 5, monthKwh: 155 });
  });

  it('lets the site file say from which day on, and leaves alone who has no tiers', () => {
    const early = new Month('2026-04-01', [100], { fromDay: 4 }).live(...days(4, 5));
    expect(early.told()).toHaveLength(1);
    expect(new Month('2026-04-01', []).live(...days(30, 50)).told()).toEqual([]);
  });
});
