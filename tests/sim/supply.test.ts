import { describe, expect, it } from 'vitest';
import type { MeterInfo, Reading } from '../../protocols/reading.ts';
import { Area } from '../../sim/area.ts';
import { parseScenario } from '../../sim/scenario.ts';
import { Supply } from '../../sim/supply.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function watch(meter: Partial<MeterInfo>, minutes: number, of: (minute: number) => Reading) {
  const supply = new Supply([{ id: 'm', ...meter }], 0);
  for (let i = 0; i < minutes; i++) supply.take('m', i * MINUTE, of(i));
  return supply.truths().map(({ kind, from, to }) => [kind, from / MINUTE, to / MINUTE]);
}

describe('what the supply did', () => {
  it('calls ten minutes outside +7/−10 % a voltage, by their mean, and joins what belongs together', () => {
    const volts = (minute: number) => {
      if (minute >= 100 && minute < 120) return 236;
      if (minute >= 140 && minute < 150) return 197;
      // A peak of a minute does not move the mean.
      return minute === 55 ? 240 : 230;
    };
    expect(watch({}, 400, (minute) => ({ voltageV: [volts(minute)] }))).toEqual([['voltage', 100, 150]]);
    expect(watch({}, 400, () => ({ voltageV: [235.3] }))).toEqual([]);
    expect(watch({}, 400, () => ({ voltageV: [198.1] }))).toEqual([]);
  });

  it('takes a phase without supply for an outage, not for a low voltage', () => {
    expect(watch({ phases: 3 }, 400, () => ({ voltageV: [230, 4, 230] }))).toEqual([]);
  });

  it('calls a day of which more than a twentieth was outside a bad one', () => {
    const day = (outside: number) =>
      watch({}, 1441, (minute) => ({ voltageV: [minute >= 600 && minute < 600 + outside ? 180 : 230] }));
    expect(day(80)).toContainEqual(['voltage', 0, 1440]);
    expect(day(60)).not.toContainEqual(['voltage', 0, 1440]);
  });

  it('calls hours with a quarter between the phases unbalanced, where there is load', () => {
    const spread = (low: number, scale: number) =>
      watch({ phases: 3 }, 200, () => ({ currentA: [10 * scale, 9 * scale, low * scale] }));
    expect(spread(7, 2)).toEqual([['imbalance', 0, 180]]);
    expect(spread(8, 2)).toEqual([]);
    expect(spread(7, 0.4)).toEqual([]);
  });

  it('knows u₂ of three voltages', () => {
    // 228, 216, 225 V at 120°: |U₁ + a²U₂ + aU₃| / ΣU = √(7.5² + (√3/2 · 9)²) / 669 = 1.62 %; the second 2.24 %.
    expect(watch({ phases: 3 }, 40, () => ({ voltageV: [228, 216, 225] }))).toEqual([]);
    expect(watch({ phases: 3 }, 41, () => ({ voltageV: [230, 214, 227] }))).toEqual([['imbalance', 0, 40]]);
  });

  it('lets three quarters in a row above the rating be an overload of a transformer, and any quarter above 80 % heavy', () => {
    const transformer = { premises: 'transformer', phases: 3, ratedKva: 100 } as const;
    const load = (amps: (minute: number) => number) =>
      watch(transformer, 400, (minute) => ({ currentA: [amps(minute), amps(minute), amps(minute)] }));
    expect(load((minute) => (minute >= 60 && minute < 90 ? 150 : 20))).toEqual([['overload-forecast', 60, 90]]);
    expect(load((minute) => (minute >= 60 && minute < 105 ? 150 : 20))).toContainEqual(['overload', 60, 105]);
    // Oil does not cool in a quarter of an hour.
    const broken = (minute: number) => (minute >= 60 && minute < 180 && (minute < 120 || minute >= 135) ? 150 : 20);
    expect(load(broken)).toContainEqual(['overload', 60, 180]);
  });
});

describe('a transformer behind roofs', () => {
  it('carries what the sun feeds back, phase by phase', () => {
    const area = new Area(
      parseScenario(
        `name: roofs
why: At noon three roofs on one phase each and one on all of them feed more than anybody draws, and the transformer has to show it.
start: 2024-06-10T00:00:00
days: 1
transformer: { ratedKva: 100 }
groups:
  - { name: solar, premises: house, count: 3, pvKw: 20 }
  - { name: solar3, like: family, premises: house, phases: 3, count: 1, pvKw: 30 }`,
        'roofs',
      ),
    );
    const noonMs = area.startMs + 12 * HOUR;
    const users = area.meters.filter(({ premises }) => premises !== 'transformer');
    const drawnW = users.reduce((sum, { id }) => sum + (area.readingAt(id, noonMs).activePowerW ?? 0), 0);
    expect(drawnW).toBeLessThan(-20_000);
    const head = area.readingAt('transformer-1', noonMs);
    expect(head.activePowerW).toBeCloseTo(drawnW, -1);
    expect(head.exportWh).toBeGreaterThan(0);
  });
});
