/** What holds for every detector of the network, whatever it is fed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { Engine } from '../../../detectors/engine.ts';
import { METER_EVENTS, type MeterInfo, type Reading, type Sample } from '../../../protocols/reading.ts';
import { networkDetectors } from '../../eval/support/network-cost.ts';

const MINUTE = 60_000;
const meters: MeterInfo[] = [
  { id: 'a', premises: 'flat', phases: 1, phase: 1, fuseA: 40, feeder: 'F1', box: 'B1' },
  { id: 'b', premises: 'flat', phases: 1, phase: 2, fuseA: 40, feeder: 'F1', box: 'B1' },
  { id: 'c', premises: 'shop', phases: 3, fuseA: 63, feeder: 'F2', box: 'B2' },
  { id: 'f', premises: 'feeder', phases: 3, ratedCurrentA: 100, feeder: 'F1' },
  { id: 't', premises: 'transformer', phases: 3, ratedKva: 50 },
];
const area = { timezone: 'Asia/Shanghai', meters };

const figure = (max: number) => fc.oneof(fc.double({ min: 0, max, noNaN: true }), fc.constant(0), fc.constant(max / 2));
const phases = (max: number) => fc.array(figure(max), { minLength: 1, maxLength: 3 });
const reading: fc.Arbitrary<Reading> = fc.record(
  {
    activePowerW: fc.double({ min: -20_000, max: 90_000, noNaN: true }),
    voltageV: phases(440),
    currentA: phases(160),
    powerFactor: phases(1),
    importWh: fc.double({ min: 0, max: 1e7, noNaN: true }),
    ambientC: fc.double({ min: -30, max: 50, noNaN: true }),
    temperatureC: fc.double({ min: -30, max: 130, noNaN: true }),
  },
  { requiredKeys: [] },
);
const step = fc.record({
  waitMin: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 20 }) },
    { weight: 1, arbitrary: fc.integer({ min: 21, max: 900 }) },
  ),
  meter: fc.constantFrom(...meters.map((meter) => meter.id)),
  said: fc.oneof({ weight: 6, arbitrary: reading }, { weight: 1, arbitrary: fc.constantFrom(...METER_EVENTS) }),
  repeat: fc.integer({ min: 1, max: 20 }),
});

/** Each step's reading is said again for a while, so that holds are reached. */
const samples: fc.Arbitrary<Sample[]> = fc.array(step, { maxLength: 60 }).map((steps) => {
  let atMs = Date.UTC(2025, 5, 1);
  return steps.flatMap(({ waitMin, meter, said, repeat }) =>
    Array.from({ length: typeof said === 'string' ? 1 : repeat }, (): Sample => {
      atMs += waitMin * MINUTE;
      return typeof said === 'string' ? { atMs, meter, event: said } : { atMs, meter, reading: said };
    }),
  );
});

function fail(detector: string, _meter: string | undefined, error: unknown): void {
  throw new Error(`${detector}: ${String(error)}`);
}

function take(engine: Engine, given: readonly Sample[]): Alert[] {
  return given.flatMap((sample) => engine.take(sample).alerts);
}

describe('every detector of the network', () => {
  it('raises once, updates while raised, clears once, and never throws', () => {
    fc.assert(
      fc.property(samples, (given) => {
        const alerts = take(new Engine(area, networkDetectors(), undefined, fail), given);
        const standing = new Set<string>();
        for (const alert of alerts) {
          expect(standing.has(alert.id)).toBe(alert.state !== 'raised');
          if (alert.state === 'cleared') standing.delete(alert.id);
          else standing.add(alert.id);
          expect(alert.since).toBeLessThanOrEqual(alert.at);
          expect(Object.keys(alert.evidence).length).toBeLessThanOrEqual(16);
          for (const value of Object.values(alert.evidence)) {
            if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true);
          }
        }
      }),
    );
  });

  it('goes on after a reboot at any sample as though nothing had happened', () => {
    fc.assert(
      fc.property(samples, fc.nat(), (given, cut) => {
        const at = given.length === 0 ? 0 : cut % given.length;
        const whole = new Engine(area, networkDetectors(), undefined, fail);
        const first = new Engine(area, networkDetectors(), undefined, fail);
        take(whole, given.slice(0, at));
        take(first, given.slice(0, at));
        const second = new Engine(area, networkDetectors(), JSON.parse(JSON.stringify(first.snapshot())), fail);
        expect(take(second, given.slice(at))).toEqual(take(whole, given.slice(at)));
      }),
    );
  });

  it('says nothing while nothing is measured, except that a forecast or outage is over', () => {
    const engine = new Engine(area, networkDetectors(), undefined, fail);
    engine.take({ atMs: 0, meter: 'a', reading: { currentA: [10], voltageV: [220] } });
    const { alerts } = engine.advance(3 * 86_400_000);
    expect(alerts.filter((alert) => alert.kind !== 'profile')).toEqual([]);
  });
});
