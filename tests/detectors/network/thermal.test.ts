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
import { lineVoltages, negativeSequencePercent, nemaPercent } from '../../../detectors/network/unbalance.ts';

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
});

describe('IEC 60255-149', () => {
  it('trips when the closed form says', () => {
    expect(minutesToTrip(0, 1.5, 1)).toBeCloseTo(0.58779, 5);
    expect(minutesToTrip(0, 1, 1)).toBe(Infinity);
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
});
