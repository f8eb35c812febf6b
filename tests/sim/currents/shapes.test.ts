import { describe, expect, it } from 'vitest';
import { plugin, pluginCurrent } from '../../../sim/currents/inrush.ts';
import { mainsCycle } from '../../../sim/currents/mains.ts';
import { rectifierCycle } from '../../../sim/currents/rectifier.ts';
import { CURRENT_KINDS, type CurrentKind, currentShape } from '../../../sim/currents/shapes.ts';
import { haveChargingData, loadWaveforms } from '../../eval/support/charging-data.ts';
import { halfWaveSymmetric, meanCycle } from '../../eval/support/cycles.ts';

/** |I_h / I_1| by definition, so that the test shares nothing with what it checks. */
function ratios(cycle: Float64Array): number[] {
  const magnitude = (order: number) => {
    let re = 0;
    let im = 0;
    cycle.forEach((value, k) => {
      re += value * Math.cos((2 * Math.PI * order * k) / cycle.length);
      im += value * Math.sin((2 * Math.PI * order * k) / cycle.length);
    });
    return Math.hypot(re, im);
  };
  return Array.from({ length: 12 }, (_, order) => magnitude(order) / magnitude(1));
}

const meanPowerW = (voltage: Float64Array, current: Float64Array) =>
  voltage.reduce((sum, v, k) => sum + v * current[k]!, 0) / voltage.length;

describe('current shapes', () => {
  it.each(CURRENT_KINDS)('%s draws the power it is asked for and repeats with its seed', (kind) => {
    const voltage = mainsCycle();
    for (const seed of [0, 1, 7]) {
      const current = currentShape(kind, 150, { seed });
      expect(meanPowerW(voltage, current)).toBeCloseTo(150, 6);
      expect(current).toEqual(currentShape(kind, 150, { seed }));
    }
    expect(currentShape(kind, 0).every((value) => value === 0)).toBe(true);
  });

  it('keeps each kind in its own part of the harmonics', () => {
    const middle = (kind: CurrentKind) => ratios(currentShape(kind, 150));
    const charger = middle('charger');
    expect(charger[3]).toBeGreaterThan(0.81);
    expect(charger[5]).toBeGreaterThan(0.52);
    for (const kind of ['resistive', 'motor', 'corrected'] as const) {
      expect(middle(kind)[3], kind).toBeLessThan(0.2);
      expect(middle(kind)[5], kind).toBeLessThan(0.1);
    }
    expect(middle('half-wave')[2]).toBeGreaterThan(0.4);
    expect(middle('phase-cut')[5]).toBeLessThan(0.42);
  });

  it('begins a plug-in with a clipped pulse, then a gap, then the load', () => {
    const cycle = currentShape('charger', 200);
    const event = plugin(3, 20);
    const current = pluginCurrent(event, cycle, 120);
    expect(event.inrushA).toBe(20);
    expect(Math.max(...current.subarray(0, cycle.length))).toBeCloseTo(20, 3);
    expect(current.subarray(cycle.length, 30 * cycle.length).every((value) => value === 0)).toBe(true);
    expect(current.subarray(119 * cycle.length)).toEqual(cycle);
  });
});

describe.skipIf(!haveChargingData)('rectifier against a measured charger (needs ../shared/data/charging)', () => {
  it('is within 0.02 of the 47 W laptop charger on a3 … a9', () => {
    const [recorded] = loadWaveforms('unibo_steady_Laptop');
    const { voltageV, currentA } = meanCycle(recorded!, 0, 10)!;
    const voltage = halfWaveSymmetric(voltageV);
    const measured = halfWaveSymmetric(currentA);
    const powerW = meanPowerW(voltage, measured);
    // Found by trying resistances and capacitors on a grid; typical of a 65 W supply.
    const modelled = rectifierCycle(voltage, { powerW, frequencyHz: 50, seriesOhm: 2, capacitanceF: 105e-6 });
    for (const order of [3, 5, 7, 9]) {
      expect(Math.abs(ratios(modelled)[order]! - ratios(measured)[order]!), `a${order}`).toBeLessThan(0.02);
    }
  });
});
