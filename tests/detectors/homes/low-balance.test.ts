import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { Engine } from '../../../detectors/engine.ts';
import { lowBalance } from '../../../detectors/homes/low-balance.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Money that is read at six, at noon, at six and at midnight, of days that each spend so much. */
class Purse {
  readonly engine = new Engine({ timezone: 'UTC', meters: [{ id: 'm', premises: 'flat' }] }, [lowBalance()]);
  readonly alerts: Alert[] = [];
  yuan: number;
  day = 100;

  constructor(yuan: number) {
    this.yuan = yuan;
  }

  read(hour: number): void {
    const reading = { balanceYuan: Math.round(this.yuan * 100) / 100 };
    this.alerts.push(...this.engine.take({ atMs: this.day * DAY + hour * HOUR, meter: 'm', reading }).alerts);
  }

  spend(...yuanOfDays: number[]): this {
    for (const yuan of yuanOfDays) {
      for (let quarter = 0; quarter < 4; quarter++) {
        this.read(6 * quarter);
        this.yuan -= yuan / 4;
      }
      this.day++;
    }
    return this;
  }

  told(): Alert[] {
    return this.alerts.splice(0);
  }
}

describe('low balance, by the figures', () => {
  it('speaks when the money lasts less than five days, is a warning under one, and is over at seven', () => {
    // 4 yuan a day; what a reading shows at midnight is what the next one sees gone.
    const purse = new Purse(32).spend(4, 4, 4, 4);
    const [raised, ...rest] = purse.told();
    expect(rest).toEqual([]);
    // 3 yuan of a day are seen by its last reading; the median of 3, 4 and 4 is 4: under 20 yuan on the fourth day.
    expect(raised).toMatchObject({ kind: 'low-balance', state: 'raised', severity: 'notice' });
    expect(raised).toMatchObject({ at: 103 * DAY + 6 * HOUR, since: 103 * DAY + 6 * HOUR });
    expect(raised).toMatchObject({ confidence: 0.75, recipients: ['power', 'community'] });
    expect(raised?.evidence).toEqual({ balanceYuan: 19, perDayYuan: 4, daysLeft: 4.75 });
    purse.yuan = 27.9;
    expect(purse.spend(0).told()).toEqual([]);
    purse.yuan = 28;
    const [cleared] = purse.spend(0).told();
    expect(cleared).toMatchObject({ state: 'cleared', id: raised?.id, evidence: { daysLeft: 7 } });
    purse.yuan = 3.9;
    expect(purse.spend(0).told()).toMatchObject([{ state: 'raised', severity: 'warning' }]);
  });

  it('needs two whole days to know a rate, and takes the median of seven', () => {
    expect(new Purse(8).spend(4, 3).told()).toEqual([]);
    expect(new Purse(8).spend(4, 2, 1).told()).toHaveLength(1);
    // One day with the oven, one of which half was not read: neither moves the rate.
    const steady = new Purse(50).spend(2, 2, 2, 2, 2, 20, 2, 0, 2);
    expect(steady.told()).toEqual([]);
    expect(steady.spend(2, 2, 2, 2).told()).toMatchObject([{ evidence: { perDayYuan: 2 } }]);
    // Eight days of another life, and the old one is forgotten.
    const changed = new Purse(80).spend(1, 1, 1, 1, 1, 1, 1, 8, 8, 8);
    expect(changed.told()).toEqual([]);
    expect(changed.spend(8, 8, 8).told()).toMatchObject([{ evidence: { perDayYuan: 8 } }]);
  });

  it('counts only what was spent, not what was put in between', () => {
    const purse = new Purse(7).spend(1, 1, 1);
    expect(purse.told()).toMatchObject([{ state: 'raised' }]);
    const before = purse.yuan;
    purse.read(1);
    purse.yuan = before + 50;
    expect(purse.spend(1, 1, 1).told().at(-1)?.state).toBe('cleared');
    purse.yuan = 4;
    expect(purse.spend(1).told()).toMatchObject([{ state: 'raised', evidence: { perDayYuan: 1 } }]);
  });

  it('knows the rate of who puts in each day what he spends', () => {
    const purse = new Purse(4);
    for (let i = 0; i < 5; i++) {
      purse.spend(1);
      purse.yuan += 1;
    }
    // The quarter of a day in which he puts in hides what he spent in it.
    expect(purse.told()).toMatchObject([{ evidence: { perDayYuan: 0.75 } }]);
  });

  it('knows no rate of a meter that is read every third day', () => {
    const purse = new Purse(4);
    for (let i = 0; i < 5; i++) {
      purse.spend(0.5);
      purse.day += 2;
    }
    expect(purse.told()).toEqual([]);
  });

  it('takes nothing for no days, whatever the rate, and much without spending for no reason to speak', () => {
    const empty = new Purse(0).spend(0, 0, 0);
    const [raised] = empty.told();
    expect(raised).toMatchObject({ severity: 'warning', evidence: { balanceYuan: 0, perDayYuan: 0, daysLeft: 0 } });
    empty.yuan = 1;
    const [cleared] = empty.spend(0).told();
    expect(cleared?.state).toBe('cleared');
    expect(cleared?.evidence).toEqual({ balanceYuan: 1, perDayYuan: 0 });
    expect(new Purse(1).spend(0, 0, 0).told()).toEqual([]);
    expect(new Purse(-5).spend(0, 0, 0).told()).toHaveLength(1);
  });

  it('does not take days over which nobody read for one day', () => {
    const purse = new Purse(100).spend(2, 2, 2);
    purse.day += 10;
    purse.yuan -= 20;
    purse.spend(2, 2);
    purse.yuan = 11;
    expect(purse.spend(2, 2).told()).toMatchObject([{ evidence: { perDayYuan: 2 } }]);
  });

  it('leaves alone what no meter can say', () => {
    const purse = new Purse(Number.NaN).spend(1, 1, 1, 1);
    expect(purse.told()).toEqual([]);
  });
});
