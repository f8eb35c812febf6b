import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addReading, noMeterage, PERIOD, runningHour, type Slot, sane } from '../../../detectors/homes/slots.ts';
import type { Reading } from '../../../protocols/reading.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 0, 5, 10);
const SHANGHAI_MS = 8 * HOUR;

class Home {
  readonly meterage = noMeterage();
  readonly slots: Slot[] = [];

  /** Reads at minutes after 10:00 UTC, 18:00 in Shanghai. */
  at(minute: number, reading: Reading): this {
    const atMs = START + minute * MINUTE;
    const slot = addReading(this.meterage, { atMs, localMs: atMs + SHANGHAI_MS }, reading);
    if (slot !== undefined) this.slots.push(slot);
    return this;
  }

  every(stepMin: number, fromMin: number, toMin: number, say: (minute: number) => Reading): this {
    for (let minute = fromMin; minute <= toMin; minute += stepMin) this.at(minute, say(minute));
    return this;
  }

  means = () => this.slots.map((slot) => slot.meanW);
}

const watts = (activePowerW: number) => () => ({ activePowerW });

describe('an hour of a home', () => {
  it('is told by the reading that completes it, in civil time', () => {
    const home = new Home().every(5, 0, 59, watts(200));
    expect(home.slots).toEqual([]);
    home.at(60, { activePowerW: 500 });
    const at = { atMs: START + HOUR, localMs: START + HOUR + SHANGHAI_MS };
    // A reading speaks for the five minutes before it.
    const meanW = (11 * 200 + 500) / 12;
    expect(home.slots).toEqual([{ ...at, hour: 18, day: 20_458, meanW, minW: 200, maxW: 500, sincePrevious: 1 }]);
    const late = new Home().every(5, 6 * 60, 7 * 60, watts(1));
    // 16:00 UTC is midnight there, of the next day.
    expect(late.slots).toMatchObject([{ hour: 0, day: 20_459 }]);
  });

  it('is divided where a reading lies on both sides of it', () => {
    // Ten minutes at 600 W, half of them before the hour.
    const home = new Home().every(10, 5, 55, watts(60)).at(65, { activePowerW: 600 }).every(10, 75, 125, watts(60));
    expect(home.means()).toEqual([Math.round((10 * (50 * 60 + 5 * 600)) / 55) / 10, (5 * 600 + 55 * 60) / 60]);
  });

  it('is known at its quarters before it ends, where it was seen for three quarters so far', () => {
    const glances = (from: number, missing: number) => {
      const home = new Home().every(5, 0, 60, watts(100));
      const seen: [number, ReturnType<typeof runningHour>][] = [];
      for (let minute = from; minute < 120; minute += 5) {
        if (minute > 80 && minute <= 80 + missing) continue;
        home.at(minute, { activePowerW: minute <= 90 ? 40 : 160 });
        const atMs = START + minute * MINUTE;
        const now = runningHour(home.meterage, { atMs, localMs: atMs + SHANGHAI_MS });
        if (now !== undefined) seen.push([minute, now]);
      }
      return seen;
    };
    const hour = (START + HOUR + SHANGHAI_MS) / HOUR;
    expect(glances(65, 0)).toEqual([
      [75, { hour, share: 0.25, meanW: 40, minW: 40, maxW: 40 }],
      [90, { hour, share: 0.5, meanW: 40, minW: 40, maxW: 40 }],
      [105, { hour, share: 0.75, meanW: 80, minW: 40, maxW: 160 }],
    ]);
    expect(glances(65, 20).map(([minute]) => minute)).toEqual([75]);
  });

  it('must have been seen for three quarters', () => {
    // The first reading of all speaks for no time.
    const seen = (minutes: number) => new Home().every(1, 60 - minutes, 60, watts(100)).means().length;
    expect([seen(45), seen(44)]).toEqual([1, 0]);
  });

  it('says how many hours it comes after the one before', () => {
    const home = new Home().every(5, 0, 120, watts(1)).every(5, 300, 420, watts(1));
    expect(home.slots.map((slot) => slot.sincePrevious)).toEqual([1, 1, 4, 1]);
  });

  it('has as its lowest and highest the minutes, however fast it is read', () => {
    // A motor that starts for two seconds is no load of 3 kW.
    const fast = new Home();
    for (let second = 0; second <= 3600; second += 2)
      fast.at(second / 60, { activePowerW: second === 1800 ? 3000 : 100 });
    expect(fast.slots[0]?.maxW).toBeCloseTo((3000 + 29 * 100) / 30, 0);
    expect(fast.slots[0]?.minW).toBe(100);
  });
});

describe('readings of energy alone', () => {
  const energy = (wattsAt: (minute: number) => number, stepMin: number, toMin: number, home = new Home()) => {
    let wh = 5000;
    for (let minute = 0; minute <= toMin; minute += stepMin) {
      home.at(minute, { importWh: wh });
      wh += (wattsAt(minute) * stepMin) / 60;
    }
    return home;
  };

  it('become power by the register between them, over quarters of an hour', () => {
    const home = energy((minute) => (minute < 30 ? 100 : 300), 5, 60);
    expect(home.slots).toMatchObject([{ meanW: 200, minW: 100, maxW: 300 }]);
    // A register that counts in tens of watt-hours stands still for minutes, the home does not.
    const steps = new Home().every(1, 0, 60, (minute) => ({ importWh: 10 * Math.floor((minute * 240) / 600) }));
    expect(steps.slots[0]?.minW).toBeGreaterThan(0);
    expect(steps.slots[0]?.meanW).toBeCloseTo(240, 0);
  });

  it('say nothing over a hole, nor of a register that went back', () => {
    const back = new Home().every(5, 0, 30, (minute) => ({ importWh: 1000 + minute * 5 }));
    back.every(5, 35, 60, (minute) => ({ importWh: minute * 5 }));
    // Five minutes of sixty are not known, the rest is 300 W.
    expect(back.means()).toEqual([300]);
    const hole = new Home().at(0, { importWh: 0 }).at(66, { importWh: 500 });
    expect(hole.means()).toEqual([]);
    const whole = new Home().at(0, { importWh: 0 }).at(60, { importWh: 500 });
    expect(whole.means()).toEqual([500]);
  });

  it('give way to power where both are read, and remember the register', () => {
    const both = new Home().every(5, 0, 60, (minute) => ({ activePowerW: 100, importWh: minute * 50 }));
    expect(both.means()).toEqual([100]);
    both.every(5, 65, 120, (minute) => ({ importWh: 60 * 50 + (minute - 60) * 5 }));
    expect(both.means()).toEqual([100, 300]);
  });
});

describe('a hole', () => {
  it('begins after 65 minutes, or after thrice the usual time where that is more than ten minutes', () => {
    // Read every 5 min: 15 min are usual, 16 min are a hole for which only the last 5 min are known.
    const usual = (gapMin: number) => {
      const home = new Home().every(5, 0, 40, watts(0)).at(40 + gapMin, { activePowerW: 600 });
      return home.every(1, 41 + gapMin, 60, watts(0)).slots[0]?.meanW ?? 0;
    };
    expect(usual(15)).toBe(150);
    expect(usual(16)).toBeLessThan(70);
    // Read every second: ten minutes may go by.
    const fast = (gapMin: number) => {
      const home = new Home();
      for (let second = 0; second <= 600; second++) home.at(second / 60, { activePowerW: 0 });
      home.at(10 + gapMin, { activePowerW: 600 }).every(1, 11 + gapMin, 60, watts(0));
      return home.slots[0]?.meanW ?? -1;
    };
    expect(fast(10)).toBe(100);
    expect(fast(11)).toBeLessThan(1);
    expect(new Home().at(0, watts(1)()).at(65, watts(60)()).means()).toHaveLength(1);
    expect(new Home().at(0, watts(1)()).at(66, watts(60)()).means()).toHaveLength(0);
  });

  it('is none when readings have become slower for good', () => {
    const home = new Home().every(1, 0, 60, watts(100)).every(15, 75, 8 * 60, watts(100));
    expect(home.slots.length).toBeGreaterThanOrEqual(7);
    expect((home.meterage[PERIOD] ?? 0) / MINUTE).toBeGreaterThan(5);
  });

  it('starts the clock again where it went far back, and waits out a short step', () => {
    const home = new Home().every(5, 0, 30, watts(100)).at(20, { activePowerW: 9000 }).every(5, 35, 60, watts(100));
    expect(home.means()).toEqual([100]);
    const back = new Home().every(5, 600, 660, watts(100)).every(5, 0, 60, watts(200));
    expect(back.means()).toEqual([100, 200]);
    const twoHours = new Home()
      .every(5, 120, 180, watts(100))
      .every(5, 60, 175, watts(200))
      .every(5, 185, 240, watts(300));
    expect(twoHours.means()).toEqual([100, 300]);
  });
});

describe('what no meter can say', () => {
  it('is no reading', () => {
    expect([sane(1e12), sane(-1e12), sane(Number.NaN), sane(undefined), sane(999), sane(-999)]).toEqual([
      ...[undefined, undefined, undefined, undefined, 999, -999],
    ]);
    const home = new Home().every(5, 0, 60, watts(100)).at(62, { activePowerW: Number.NaN }).at(63, {});
    expect(home.every(5, 65, 120, watts(100)).means()).toEqual([100, 100]);
  });

  it('is no hour without energy: what an hour holds is what went in, at any pace', () => {
    const step = fc.integer({ min: 1, max: 14 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(step, fc.integer({ min: 0, max: 5000 })), { minLength: 30, maxLength: 60 }),
        (given) => {
          const home = new Home();
          let minute = 0;
          home.at(0, { activePowerW: 0 });
          const byMinute: number[] = [];
          for (const [stepMin, power] of given) {
            minute += stepMin;
            for (let i = 0; i < stepMin; i++) byMinute.push(power);
            home.at(minute, { activePowerW: power });
          }
          // With steps so alike that none is a hole, each hour is the mean of its minutes.
          if (given.some(([stepMin]) => stepMin > 10)) return;
          home.slots.forEach((slot, i) => {
            const mean = byMinute.slice(60 * i, 60 * i + 60).reduce((sum, power) => sum + power, 0) / 60;
            expect(slot.meanW).toBeCloseTo(mean, 0);
            expect(slot.minW).toBeLessThanOrEqual(slot.meanW);
            expect(slot.maxW).toBeGreaterThanOrEqual(slot.meanW);
          });
        },
      ),
    );
  });
});
