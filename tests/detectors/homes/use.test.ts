import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import type { Detector } from '../../../detectors/detector.ts';
import { Engine } from '../../../detectors/engine.ts';
import { abnormalUse } from '../../../detectors/homes/abnormal-use.ts';
import { nightResidence } from '../../../detectors/homes/night-residence.ts';
import { occupancy } from '../../../detectors/homes/occupancy.ts';
import { profile } from '../../../detectors/homes/profile.ts';
import { streetUse } from '../../../detectors/homes/street-use.ts';
import { DAY, empty, Flat, HOUR, livedIn, METER, noise, START } from './support.ts';

const flat = (detector: unknown, info = {}) => new Flat([detector as Detector], info, 15 * 60_000);

describe('occupancy', () => {
  it('calls an empty flat vacant within 36 h, with the day it began, and takes it back', () => {
    const home = flat(occupancy()).live(21 * 24 + 9, livedIn);
    expect(home.told()).toEqual([]);
    const left = START + home.at;
    const alerts = home.live(48, empty).told();
    expect(alerts.map((alert) => alert.evidence.class)).toEqual(['vacant']);
    expect((alerts[0]?.at ?? 0) - left).toBeLessThanOrEqual(36 * HOUR);
    expect(alerts[0]?.evidence.sinceDay).toBe('2026-01-26');
    home.live(30 * 24, empty);
    home.told();
    expect(
      home
        .live(24, livedIn)
        .told()
        .map((alert) => alert.state),
    ).toEqual(['cleared']);
  });

  it('does not suspect a home after one day spent elsewhere', () => {
    const home = flat(occupancy()).live(21 * 24 + 22, livedIn);
    // Gone from the evening to the next but one morning: no meal at home for 33 hours.
    expect(
      home
        .live(33, empty)
        .live(10 * 24, livedIn)
        .told(),
    ).toEqual([]);
  });

  it('does not call a gap vacant, nor a home of more than 5 kWh a day', () => {
    const home = flat(occupancy()).live(21 * 24, livedIn);
    home.live(60, () => undefined).live(20, livedIn);
    expect(home.told()).toEqual([]);
    const heated = flat(occupancy()).live(21 * 24, (at) => livedIn(at) * 3 + 400);
    const alerts = heated.live(72, (at) => empty(at) * 3 + 400).told();
    expect(alerts.map((alert) => alert.evidence.class)).not.toContain('vacant');
  });
});

describe('abnormal use', () => {
  it('tells of a cooking load that was left on, once, and when it went off', () => {
    const home = flat(abnormalUse()).live(14 * 24 + 12, livedIn);
    expect(home.told()).toEqual([]);
    const [raised, ...rest] = home.live(8, (at) => livedIn(at) + 1000).told();
    expect(raised).toMatchObject({ kind: 'abnormal-use', state: 'raised', severity: 'warning' });
    expect(raised?.evidence.sign).toBe('left-on');
    expect(rest).toEqual([]);
    expect(
      home
        .live(4, livedIn)
        .told()
        .map((alert) => alert.state),
    ).toEqual(['cleared']);
  });

  it('widens its limit after false alarms, within bounds, and forgets', () => {
    const home = flat(abnormalUse()).live(14 * 24 + 12, livedIn);
    const onFor = () => Number(home.live(30, (at) => livedIn(at) + 1000).told()[0]?.evidence.onForH);
    const first = onFor();
    home.answer({ kind: 'abnormal-use', result: 'false-alarm' }).live(40 * 24, livedIn);
    home.told();
    const second = onFor();
    expect(second).toBeGreaterThan(first);
    for (let i = 0; i < 9; i++) home.answer({ kind: 'abnormal-use', result: 'false-alarm' });
    home.live(40 * 24, livedIn).told();
    expect(onFor()).toBeLessThanOrEqual(2 * first + 1);
    home
      .answer({ result: 'forget' })
      .live(40 * 24, livedIn)
      .told();
    expect(onFor()).toBe(first);
  });

  it('tells of a base load that jumped', () => {
    const home = flat(abnormalUse()).live(30 * 24, livedIn);
    home.told();
    const alerts = home.live(4 * 24, (at) => livedIn(at) + 250).told();
    expect(alerts.map((alert) => alert.evidence.sign)).toContain('base-step');
  });

  it('tells of a life that fades over weeks, only where somebody old lives', () => {
    const fading = (at: number) => (at < 45 * DAY || noise(Math.floor(at / HOUR)) < 0.25 ? livedIn(at) : empty(at));
    const told = (info: object) =>
      flat(abnormalUse(), info)
        .live(75 * 24, fading)
        .told()
        .map((alert) => alert.evidence.sign);
    expect(told({ watch: ['elderly'] })).toContain('decline');
    expect(told({ watch: [] })).not.toContain('decline');
  });
});

describe('use against the street', () => {
  const ids = Array.from({ length: 8 }, (_, i) => `h${i}`);
  const run = (load: (home: number, day: number) => number): Alert[] => {
    const meters = ids.map((id) => ({ id, premises: 'flat' as const }));
    const engine = new Engine({ timezone: 'UTC', meters }, [streetUse() as Detector]);
    const alerts: Alert[] = [];
    for (let hour = 0; hour < 40 * 24; hour++) {
      ids.forEach((meter, home) => {
        const activePowerW = load(home, Math.floor(hour / 24)) * (0.9 + 0.2 * noise(hour * 10 + home));
        alerts.push(...engine.take({ atMs: START + hour * HOUR, meter, reading: { activePowerW } }).alerts);
      });
    }
    return alerts;
  };

  it('says nothing when the weather moves everybody', () => {
    expect(run((_, day) => (day > 30 ? 700 : 300))).toEqual([]);
  });

  it('says nothing of those who stay as they were while the street is away', () => {
    expect(run((home, day) => (day > 30 && home > 1 ? 100 : 300))).toEqual([]);
  });

  it('finds the one home that moved alone', () => {
    const alerts = run((home, day) => (day > 30 && home === 3 ? 700 : 300));
    expect(alerts.map((alert) => [alert.meter, alert.state])).toEqual([['h3', 'raised']]);
    expect(alerts[0]?.evidence.neighbours).toBe(7);
  });
});

describe('night residence', () => {
  const shop = (at: number) => {
    const hour = (at % DAY) / HOUR;
    return (hour >= 8 && hour < 20 ? 1800 : 150) + 6 * noise(Math.floor(at / (15 * 60_000)));
  };
  const sleeper = (at: number) => {
    const hour = (at % DAY) / HOUR;
    const quarter = Math.floor(at / (15 * 60_000));
    const up = hour >= 22 || hour < 0.5 || (hour >= 5 && hour < 6);
    return (up ? 250 * noise(quarter) : 0) + (noise(quarter + 0.3) < 0.12 ? 90 : 0) + 60 * noise(quarter * 3);
  };
  const last = (load: (at: number) => number, premises: string) =>
    flat(nightResidence(), { premises, watch: [] })
      .live(21 * 24, load)
      .told()
      .at(-1);

  it('ranks a sleeper above timers and freezers', () => {
    const found = last((at) => shop(at) + sleeper(at), 'shop');
    expect(found?.confidence).toBeGreaterThan(0.5);
    expect(found?.recipients).toEqual(['community']);
    expect(last(shop, 'shop')).toBeUndefined();
    const timer = (at: number) => shop(at) + ((at % DAY) / HOUR >= 22 || (at % DAY) / HOUR < 2 ? 300 : 0);
    expect(last(timer, 'shop')).toBeUndefined();
  });

  /** Three compressors, each at its own pace, all night. */
  const freezers = (at: number) => {
    const minute = at / 60_000;
    return [41, 37, 53].reduce((sum, period, i) => {
      const cycle = Math.floor(minute / period);
      return sum + (minute % period < period * (0.3 + 0.2 * noise(cycle * 3 + i)) ? 150 : 0);
    }, 0);
  };
  const beside = (load: (at: number) => number) =>
    new Flat([nightResidence() as Detector], { premises: 'shop', watch: [] }, 60_000)
      .live(16 * 24, (at) => shop(at) + freezers(at) + load(at))
      .told()
      .at(-1);

  it('takes no row of freezers for a sleeper, and hears the sleeper beside it', () => {
    const raised = beside(() => 0);
    expect(raised === undefined || raised.state === 'cleared').toBe(true);
    const up = (at: number) => {
      const night = Math.floor((at + 2 * HOUR) / DAY);
      const hour = (at % DAY) / HOUR;
      const late = hour >= 22 ? hour : hour + 24;
      return (late < 23 + 3 * noise(night) && (hour >= 22 || hour < 3)) || (hour >= 5.2 && hour < 6) ? 450 : 0;
    };
    const found = beside(up);
    expect(found?.confidence).toBeGreaterThan(0.35);
    expect(found?.evidence.machinesW).toBeGreaterThan(60);
  });

  it('takes no cleaner who stays away at weekends for a sleeper', () => {
    const cleaner = (at: number) => {
      const works = Math.floor(at / DAY) % 7 < 5 && (at % DAY) / HOUR >= 5.5 && (at % DAY) / HOUR < 6.5;
      return shop(at) + (works ? 900 : 0);
    };
    expect(last(cleaner, 'shop')).toBeUndefined();
  });

  it('watches shops and warehouses only', () => {
    expect(last((at) => shop(at) + sleeper(at), 'office')).toBeUndefined();
    expect(last((at) => shop(at) + sleeper(at), 'warehouse')).toBeDefined();
  });
});

describe('profile', () => {
  it('draws one portrait a month, replaces the last, and names what does not fit the contract', () => {
    const office = (at: number) => ((at % DAY) / HOUR >= 9 && (at % DAY) / HOUR < 17 ? 2000 : 100);
    const alerts = flat(profile())
      .live(70 * 24, office)
      .told();
    expect(alerts.map((alert) => alert.state)).toEqual(['raised', 'cleared', 'raised']);
    expect(alerts[0]?.evidence).toMatchObject({ user: 'working-hours', differsFromContract: true, pv: false });
    expect(alerts[0]?.meter).toBe(METER);
    expect(alerts[1]?.id).toBe(alerts[0]?.id);
  });

  it('sees a roof that feeds in and a car that charges', () => {
    const sunny = (at: number) => {
      const hour = (at % DAY) / HOUR;
      return hour >= 10 && hour < 15 ? -1500 : hour < 4 ? 3500 : 300;
    };
    const [portrait] = flat(profile())
      .live(62 * 24, sunny)
      .told();
    expect(portrait?.evidence).toMatchObject({ pv: true, charger: true });
    expect(Number(portrait?.evidence.savedYuan)).toBeGreaterThan(0);
  });
});
