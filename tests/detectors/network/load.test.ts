import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { highestCurrentA, loadRatio, loadVa } from '../../../detectors/network/load.ts';
import type { MeterInfo, Reading } from '../../../protocols/reading.ts';

const home: MeterInfo = { id: 'h', phases: 1 };
const shop: MeterInfo = { id: 's', phases: 3 };

describe('the current of the most loaded phase', () => {
  it('is the highest that was measured, whichever way it flows', () => {
    expect(highestCurrentA({ currentA: [10, -31, 20], activePowerW: 1 }, shop)).toBe(31);
    expect(highestCurrentA({ currentA: [0] }, home)).toBe(0);
  });

  it('is not known where a phase is not a number or nothing is said of load', () => {
    expect(highestCurrentA({ currentA: [10, Number.POSITIVE_INFINITY] }, shop)).toBeUndefined();
    expect(highestCurrentA({ voltageV: [220] }, home)).toBeUndefined();
    expect(highestCurrentA({ activePowerW: Number.NaN }, home)).toBeUndefined();
    // Without a single phase measured, power speaks.
    expect(highestCurrentA({ currentA: [], activePowerW: 2200 }, home)).toBe(10);
  });

  it('follows from power over the phases that the reading, else the meter, has', () => {
    expect(highestCurrentA({ activePowerW: 6600 }, home)).toBe(30);
    expect(highestCurrentA({ activePowerW: 6600 }, { id: 'x' })).toBe(30);
    expect(highestCurrentA({ activePowerW: -6600 }, shop)).toBe(10);
    expect(highestCurrentA({ activePowerW: 6900, voltageV: [230, 230, 230] }, home)).toBe(10);
    expect(highestCurrentA({ activePowerW: 2200, voltageV: [] }, home)).toBe(10);
  });

  it('divides by the mean of the phases that live: a dead one is no divisor', () => {
    expect(highestCurrentA({ activePowerW: 6600, voltageV: [210, 3, 230] }, shop)).toBe(10);
    expect(highestCurrentA({ activePowerW: 6600, voltageV: [0, 0, 0] }, shop)).toBe(10);
    expect(highestCurrentA({ activePowerW: 600, voltageV: [60] }, home)).toBe(10);
    expect(highestCurrentA({ activePowerW: 660, voltageV: [59.9] }, home)).toBe(3);
  });
});

describe('apparent power', () => {
  it('is by reactive power where measured, else by the mean power factor, else active power itself', () => {
    expect(loadVa({ activePowerW: 3000, reactivePowerVar: -4000, powerFactor: [0.5] })).toBe(5000);
    expect(loadVa({ activePowerW: -3000, powerFactor: [0.9, -0.7, 0.8] })).toBeCloseTo(3750, 6);
    expect(loadVa({ activePowerW: 3000, powerFactor: [] })).toBe(3000);
    expect(loadVa({ activePowerW: 3000, powerFactor: [1] })).toBe(3000);
    expect(loadVa({ activePowerW: 3000 })).toBe(3000);
  });

  it('does not believe a power factor of a load near nothing, nor one over 1', () => {
    expect(loadVa({ activePowerW: 100, powerFactor: [0.2] })).toBe(100);
    expect(loadVa({ activePowerW: 100, powerFactor: [0.25] })).toBe(400);
    expect(loadVa({ activePowerW: 100, powerFactor: [1.25] })).toBe(100);
  });

  it('is volts times amps by phase where no power is told, at 220 V where no voltage is', () => {
    expect(loadVa({ currentA: [10, -20, 5], voltageV: [220, 230, 210] })).toBe(2200 + 4600 + 1050);
    expect(loadVa({ activePowerW: Number.NaN, currentA: [10, 10] })).toBe(4400);
    expect(loadVa({ currentA: [10, 10], voltageV: [200] })).toBe(4200);
    expect(loadVa({ currentA: [Number.NaN] })).toBeUndefined();
    expect(loadVa({ currentA: [] })).toBeUndefined();
    expect(loadVa({ voltageV: [220] })).toBeUndefined();
  });

  it('is never less than active power', () => {
    const watts = fc.double({ min: -1e5, max: 1e5, noNaN: true });
    const factors = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 3 });
    fc.assert(
      fc.property(watts, factors, (activePowerW, powerFactor) => {
        expect(loadVa({ activePowerW, powerFactor })).toBeGreaterThanOrEqual(Math.abs(activePowerW));
      }),
    );
  });
});

describe('load over rating', () => {
  const reading: Reading = { activePowerW: 80_000, currentA: [100, 120, 110] };

  it('is by rated power first, then by rated current, then by the fuse', () => {
    const meter: MeterInfo = { id: 't', premises: 'transformer', phases: 3 };
    expect(loadRatio(reading, { ...meter, ratedKva: 100, ratedCurrentA: 10 })).toBe(0.8);
    expect(loadRatio(reading, { ...meter, ratedCurrentA: 150, fuseA: 10 })).toBe(0.8);
    expect(loadRatio(reading, { ...meter, fuseA: 240 })).toBe(0.5);
  });

  it('is not known without a rating or without load', () => {
    expect(loadRatio(reading, home)).toBeUndefined();
    expect(loadRatio({ voltageV: [220] }, { id: 't', ratedKva: 100 })).toBeUndefined();
    expect(loadRatio({ voltageV: [220] }, { id: 't', fuseA: 100 })).toBeUndefined();
  });
});
