import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tripBand } from '../../../detectors/network/thermal/fuse-curve.ts';
import { advanceImage, minutesToTrip } from '../../../detectors/network/thermal/image.ts';
import {
  advanceHeat,
  ageingRate,
  hotSpotC,
  minutesToLimit,
  ONAN_DISTRIBUTION,
  steadyHeat,
} from '../../../detectors/network/thermal/transformer.ts';
import {
  lineVoltages,
  negativeSequencePercent,
  nemaPercent,
  spreadPercent,
} from '../../../detectors/network/unbalance.ts';

const load = fc.double({ min: 0, max: 2, noNaN: true });
const minutes = fc.double({ min: 0.1, max: 600, noNaN: true });

describe('IEC 60076-7', () => {
  it('reaches rated rises at rated load', () => {
    const heat = steadyHeat(ONAN_DISTRIBUTION, 1, 20);
    expect(heat.topOilC).toBeCloseTo(75, 9);
    expect(hotSpotC(heat)).toBeCloseTo(98, 9);
    expect(ageingRate(hotSpotC(heat))).toBeCloseTo(1, 9);
    expect(ageingRate(110, 'upgraded')).toBeCloseTo(1, 9);
  });

  it('gives the same state in one step or two', () => {
    fc.assert(
      fc.property(load, load, minutes, minutes, (before, now, first, second) => {
        const whole = steadyHeat(ONAN_DISTRIBUTION, before, 25);
        const parts = { ...whole };
        advanceHeat(whole, ONAN_DISTRIBUTION, now, 25, first + second);
        advanceHeat(parts, ONAN_DISTRIBUTION, now, 25, first);
        advanceHeat(parts, ONAN_DISTRIBUTION, now, 25, second);
        expect(hotSpotC(parts)).toBeCloseTo(hotSpotC(whole), 8);
      }),
    );
  });

  it('is over its limit when the foretold minutes are over, and not a minute before', () => {
    fc.assert(
      fc.property(fc.double({ min: 1.25, max: 2, noNaN: true }), (now) => {
        const heat = steadyHeat(ONAN_DISTRIBUTION, 0.5, 20);
        const left = minutesToLimit(heat, ONAN_DISTRIBUTION, now, 20);
        const before = { ...heat };
        advanceHeat(before, ONAN_DISTRIBUTION, now, 20, Math.max(0, left - 1));
        advanceHeat(heat, ONAN_DISTRIBUTION, now, 20, left);
        const over = (h: typeof heat) => h.topOilC >= 105 || hotSpotC(h) >= 120;
        expect(over(heat)).toBe(true);
        expect(over(before)).toBe(false);
      }),
    );
    expect(minutesToLimit(steadyHeat(ONAN_DISTRIBUTION, 0.5, 20), ONAN_DISTRIBUTION, 0.8, 20)).toBe(Infinity);
  });

  it('keeps the no-load rise: 6 parts of loss at rated load, one of them always there', () => {
    const idle = steadyHeat(ONAN_DISTRIBUTION, 0, 20);
    expect(idle.topOilC).toBeCloseTo(20 + 55 * (1 / 6) ** 0.8, 9);
    expect(hotSpotC(idle)).toBe(idle.topOilC);
  });

  it('warms by its time constants: 63 % of the way after each', () => {
    // The winding exponents and constants of table 4 for a large transformer, whose hot spot overshoots.
    const onaf = { ...ONAN_DISTRIBUTION, k11: 0.5, k21: 2, k22: 2, tauOilMin: 150, tauWindingMin: 7 };
    const heat = steadyHeat(onaf, 0, 20);
    const end = steadyHeat(onaf, 1, 20);
    expect(hotSpotC(end)).toBeCloseTo(98, 9);
    const warmed = (minutes: number) => {
      const warm = { ...heat };
      advanceHeat(warm, onaf, 1, 20, minutes);
      return warm;
    };
    const done = 1 - Math.exp(-1);
    expect((warmed(75).topOilC - heat.topOilC) / (end.topOilC - heat.topOilC)).toBeCloseTo(done, 9);
    expect(warmed(14).fastRiseK / end.fastRiseK).toBeCloseTo(done, 9);
    expect(warmed(75).slowRiseK / end.slowRiseK).toBeCloseTo(done, 9);
    // The overshoot that the standard draws: after an hour the winding is hotter over its oil than it will ever stay.
    const hour = warmed(60);
    expect(hotSpotC(hour) - hour.topOilC).toBeGreaterThan(hotSpotC(end) - end.topOilC + 5);
  });

  it('counts a limit that is reached as passed, of oil or of winding, whichever is first', () => {
    const rated = steadyHeat(ONAN_DISTRIBUTION, 1, 20);
    const left = (limits: { hotSpotC: number; topOilC: number }, factor = 1, horizonMin = 1440) =>
      minutesToLimit(rated, ONAN_DISTRIBUTION, factor, 20, limits, horizonMin);
    const [oilC, windingC] = [rated.topOilC, hotSpotC(rated)];
    expect(left({ hotSpotC: 200, topOilC: oilC })).toBe(0);
    expect(left({ hotSpotC: windingC, topOilC: 200 })).toBe(0);
    expect(left({ hotSpotC: windingC + 5, topOilC: 200 }, 1.5)).toBeLessThan(10);
    const oil = left({ hotSpotC: 200, topOilC: oilC + 5 }, 1.5);
    expect(oil).toBeGreaterThan(10);
    // Beyond the horizon nobody asks.
    expect(left({ hotSpotC: 200, topOilC: oilC + 5 }, 1.5, oil - 10)).toBe(Infinity);
    expect(minutesToLimit({ ...rated, topOilC: 106 }, ONAN_DISTRIBUTION, 0, 20)).toBe(0);
  });

  it('tells the time to a quarter of a minute, and leaves the heat that it was asked of alone', () => {
    const heat = steadyHeat(ONAN_DISTRIBUTION, 0.5, 20);
    const before = { ...heat };
    const left = minutesToLimit(heat, ONAN_DISTRIBUTION, 1.8, 20);
    expect(heat).toEqual(before);
    const at = (minutes: number) => {
      const later = { ...heat };
      advanceHeat(later, ONAN_DISTRIBUTION, 1.8, 20, minutes);
      return hotSpotC(later);
    };
    expect(at(left)).toBeGreaterThanOrEqual(120);
    expect(at(left - 0.3125)).toBeLessThan(120);
  });

  it('doubles the wear every 6 K, 2 ** 2 at 110 °C of normal paper', () => {
    expect(ageingRate(110)).toBeCloseTo(4, 9);
    expect(ageingRate(92)).toBeCloseTo(0.5, 9);
    expect(ageingRate(140, 'upgraded')).toBeCloseTo(17.2, 1);
  });
});

describe('IEC 60255-149', () => {
  it('trips when the closed form says', () => {
    expect(minutesToTrip(0, 1.5, 1)).toBeCloseTo(0.58779, 5);
    expect(minutesToTrip(0, 1, 1)).toBe(Infinity);
    expect(minutesToTrip(0.9, 0.99, 1)).toBe(Infinity);
    expect([minutesToTrip(1, 1.5, 20), minutesToTrip(1.2, 0.5, 20)]).toEqual([0, 0]);
    // A load within the rating cools what was hotter.
    expect(advanceImage(1, 0, 20, 20)).toBeCloseTo(Math.exp(-1), 9);
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        fc.double({ min: 1.05, max: 8, noNaN: true }),
        (heat, ratio) => {
          expect(advanceImage(heat, ratio, minutesToTrip(heat, ratio, 20), 20)).toBeCloseTo(1, 9);
        },
      ),
    );
  });
});

describe('IEC 60898-1', () => {
  it('keeps the points of the standard', () => {
    expect(tripBand(1.12, 'C', 40).soonestS).toBe(Infinity);
    expect(tripBand(1.13, 'C', 40).soonestS).toBeCloseTo(3600, 6);
    expect(tripBand(1.13, 'C', 63).soonestS).toBeCloseTo(3600, 6);
    expect(tripBand(1.13, 'C', 63.1).soonestS).toBeCloseTo(7200, 6);
    expect(tripBand(2.55, 'C', 40).latestS).toBeCloseTo(120, 6);
    // Beyond it the same I²t: twice the current, a quarter of the time.
    expect(tripBand(5.1, 'D', 32).latestS).toBeCloseTo(15, 6);
    expect(tripBand(5.1, 'D', 32).soonestS).toBeCloseTo(0.25, 6);
    expect(tripBand(1.44, 'C', 40).latestS).toBe(Infinity);
    expect(tripBand(1.45, 'C', 40).latestS).toBeCloseTo(3600, 6);
    expect(tripBand(1.45, 'C', 80).latestS).toBeCloseTo(7200, 6);
    expect(tripBand(2.55, 'C', 32).latestS).toBeCloseTo(60, 6);
    expect(tripBand(2.55, 'C', 32).soonestS).toBeCloseTo(1, 6);
    for (const [tripClass, may, must] of [
      ['B', 3, 5],
      ['C', 5, 10],
      ['D', 10, 20],
    ] as const) {
      expect(tripBand(may - 0.01, tripClass, 32).soonestS).toBeGreaterThan(0);
      expect(tripBand(may, tripClass, 32).soonestS).toBe(0);
      expect(tripBand(must, tripClass, 32).latestS).toBe(0.1);
      expect(tripBand(must - 0.01, tripClass, 32).latestS).toBeGreaterThan(0.1);
    }
  });

  it('never takes longer for more current, and the soonest is never later than the latest', () => {
    const multiple = fc.double({ min: 1, max: 25, noNaN: true });
    fc.assert(
      fc.property(multiple, multiple, fc.constantFrom('B', 'C', 'D' as const), (a, b, tripClass) => {
        const less = tripBand(Math.min(a, b), tripClass as 'B', 40);
        const more = tripBand(Math.max(a, b), tripClass as 'B', 40);
        expect(more.latestS).toBeLessThanOrEqual(less.latestS);
        expect(more.soonestS).toBeLessThanOrEqual(less.soonestS);
        expect(more.soonestS).toBeLessThanOrEqual(more.latestS);
      }),
    );
  });
});

describe('unbalance', () => {
  it('is that of the standards on their examples', () => {
    expect(negativeSequencePercent([410, 400, 390])).toBeCloseTo(2.888, 3);
    expect(nemaPercent([410, 400, 390])).toBeCloseTo(2.5, 4);
    expect(negativeSequencePercent([400, 400, 380])).toBeCloseTo(3.363, 3);
    expect(negativeSequencePercent(lineVoltages([230, 230, 230]))).toBeCloseTo(0, 6);
  });

  it('joins phases by the law of cosines at 120°', () => {
    const [ab, bc, ca] = lineVoltages([220, 230, 240]);
    const between = (a: number, b: number) => Math.sqrt(a * a + b * b - 2 * a * b * Math.cos((2 * Math.PI) / 3));
    expect([ab, bc, ca]).toEqual(
      [between(220, 230), between(230, 240), between(240, 220)].map((v) => expect.closeTo(v, 9)),
    );
  });

  it('has no answer for voltages that close no triangle, and none for nothing', () => {
    expect(negativeSequencePercent([400, 100, 100])).toBeNaN();
    // A triangle that is only just one: all negative as well as positive.
    expect(negativeSequencePercent([400, 200, 200])).toBeCloseTo(100, 4);
    expect(nemaPercent([0, 0, 0])).toBe(0);
    expect(nemaPercent([])).toBe(0);
    expect([spreadPercent([0, 0, 0]), spreadPercent([40, 30, 20]), spreadPercent([5, 5, 5])]).toEqual([0, 50, 0]);
  });
});
