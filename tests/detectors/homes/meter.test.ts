import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Detector } from '../../../detectors/detector.ts';
import { homeDetectors } from '../../../detectors/homes/homes.ts';
import { leakage } from '../../../detectors/homes/leakage.ts';
import { lowBalance } from '../../../detectors/homes/low-balance.ts';
import { meterFault } from '../../../detectors/homes/meter-fault.ts';
import { addReading, noMeterage, type Slot } from '../../../detectors/homes/slots.ts';
import { tamper } from '../../../detectors/homes/tamper.ts';
import { tariffTier } from '../../../detectors/homes/tariff-tier.ts';
import { DAY, Flat, HOUR, livedIn, MINUTE, noise } from './support.ts';

const flat = (detector: unknown, info = {}) => new Flat([detector as Detector], info, 15 * MINUTE);
const signs = (home: Flat) =>
  home.told().map((alert) => `${alert.state} ${alert.evidence.sign ?? alert.evidence.fault}`);

/** A register that moves by `step` from reading to reading; `value` may be set in between. */
function register(name: 'importWh' | 'exportWh' | 'balanceYuan', from: number, step: number) {
  const one = {
    value: from,
    read: () => {
      one.value += step;
      return { [name]: one.value };
    },
  };
  return one;
}

describe('low balance', () => {
  it('speaks when the money lasts less than five days, and stops when it is topped up', () => {
    const money = register('balanceYuan', 60, -5 / 96);
    const home = flat(lowBalance()).live(8 * 24, livedIn, money.read);
    const [raised, ...rest] = home.told();
    expect(raised).toMatchObject({ kind: 'low-balance', state: 'raised' });
    expect(raised?.evidence.daysLeft).toBeCloseTo(5, 0);
    expect(rest).toEqual([]);
    money.value = 100;
    expect(
      home
        .live(1, livedIn, money.read)
        .told()
        .map((alert) => alert.state),
    ).toEqual(['cleared']);
  });
});

describe('tariff tier', () => {
  const tariff = { tiersKwhPerMonth: [220, 400] };
  const kwhADay = (kwh: number) => () => (kwh * 1000) / 24;

  it('names the day on which a tier will pass, and then that it passed', () => {
    const home = flat(tariffTier(), { tariff }).live(27 * 24, kwhADay(5));
    home.told();
    // February: 28 days of 10 kWh pass 220 kWh on the 22nd.
    const alerts = home
      .live(28 * 24, kwhADay(10))
      .told()
      .filter((alert) => alert.evidence.tier === 2);
    expect(alerts[0]).toMatchObject({ state: 'raised', kind: 'tariff-tier' });
    expect(String(alerts[0]?.evidence.expectedDay)).toMatch(/^2026-02-(2[1-8])$/);
    expect(alerts.at(-1)?.evidence).toMatchObject({ passed: true });
    expect(new Set(alerts.map((alert) => alert.id)).size).toBe(1);
  });

  it('is silent below the tier and without tiers', () => {
    expect(
      flat(tariffTier(), { tariff })
        .live(70 * 24, kwhADay(6))
        .told(),
    ).toEqual([]);
    expect(
      flat(tariffTier())
        .live(40 * 24, kwhADay(60))
        .told(),
    ).toEqual([]);
  });
});

describe('tamper', () => {
  it('tells of an opened cover at once and closes it after a day', () => {
    const home = flat(tamper()).live(2, livedIn).event('cover-open').event('cover-open');
    expect(signs(home)).toEqual(['raised cover-open']);
    expect(signs(home.live(26, livedIn))).toEqual(['cleared cover-open']);
  });

  it('sees a bridged line, current without voltage, and reverse flow, each held for half an hour', () => {
    const more = (reading: object) => flat(tamper()).live(2, livedIn, () => reading);
    expect(signs(more({ currentA: [1], neutralCurrentA: [9][0], voltageV: [230] }))).toEqual(['raised by-pass']);
    expect(signs(more({ currentA: [5], voltageV: [3] }))).toEqual(['raised voltage-missing']);
    expect(signs(flat(tamper()).live(2, () => -400))).toEqual(['raised reverse-flow']);
    expect(
      signs(
        flat(tamper())
          .live(0.25, () => -400)
          .live(2, livedIn),
      ),
    ).toEqual([]);
  });

  it('lets a roof feed in', () => {
    const roof = flat(tamper()).live(24, () => -400, register('exportWh', 0, 100).read);
    expect(signs(roof)).toEqual([]);
  });
});

describe('meter fault', () => {
  it('finds a register that stands still while power flows, and one that went back', () => {
    const stuck = flat(meterFault()).live(
      12,
      () => 300 + noise(1),
      () => ({ importWh: 1000 }),
    );
    expect(signs(stuck)).toContain('raised stuck');
    const energy = register('importWh', 50_000, 50);
    const back = flat(meterFault()).live(6, livedIn, energy.read);
    energy.value -= 20_000;
    expect(signs(back.live(1, livedIn, energy.read))).toEqual(['raised rolled-back']);
    expect(signs(back.live(26, livedIn, energy.read))).toEqual(['cleared rolled-back']);
  });

  it('does not owe a home what it may not have used while nobody heard its meter', () => {
    const home = flat(meterFault());
    const energy = register('importWh', 50_000, 50);
    home.live(2, () => 900, energy.read);
    home.live(5, () => undefined);
    // The supply was out: the register is where it was.
    expect(
      signs(
        home.live(
          0.1,
          () => 900,
          () => ({ importWh: energy.value }),
        ),
      ),
    ).toEqual([]);
  });

  it('finds frozen power, impossible values and a clock that is off', () => {
    const home = flat(meterFault()).live(48, livedIn);
    expect(signs(home)).toEqual([]);
    expect(signs(home.live(20, () => 123.4))).toEqual(['raised frozen']);
    const mad = flat(meterFault()).live(2, livedIn, () => ({ voltageV: [9000] }));
    expect(signs(mad)).toEqual(['raised impossible']);
    expect(signs(flat(meterFault()).live(1, livedIn).event('clock-fault'))).toEqual(['raised clock']);
  });
});

describe('leakage', () => {
  it('finds residual current and live against neutral, and believes good sensors', () => {
    const more = (reading: object) => signs(flat(leakage()).live(2, livedIn, () => reading));
    expect(more({ residualCurrentA: 0.2 })).toEqual(['raised current']);
    expect(more({ currentA: [3], neutralCurrentA: 2.5 })).toEqual(['raised current']);
    expect(more({ currentA: [20], neutralCurrentA: 19.8, residualCurrentA: 0.01 })).toEqual([]);
  });

  it('finds a base load that grew and never sleeps', () => {
    const home = flat(leakage()).live(35 * 24, livedIn);
    expect(signs(home)).toEqual([]);
    expect(signs(home.live(9 * 24, (at) => livedIn(at) + 150))).toEqual(['raised base']);
    expect(signs(home.live(5 * 24, livedIn))).toEqual(['cleared base']);
  });
});

describe('hours from readings of any pace', () => {
  const hours = (stepMs: number, watts: number, count: number, energyOnly = false): Slot[] => {
    const meterage = noMeterage();
    const slots: Slot[] = [];
    for (let i = 0; i < count; i++) {
      const atMs = 1_700_000_000_000 + i * stepMs;
      const reading = energyOnly ? { importWh: (watts * i * stepMs) / HOUR } : { activePowerW: watts };
      const slot = addReading(meterage, { atMs, localMs: atMs }, reading);
      if (slot !== undefined) slots.push(slot);
    }
    return slots;
  };

  it('keeps a constant load constant from a second to an hour, from power and from energy', () => {
    const steps = fc.constantFrom(1000, 10_000, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR);
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 9000 }), fc.boolean(), (stepMs, watts, energyOnly) => {
        const slots = hours(stepMs, watts, Math.ceil((5 * HOUR) / stepMs), energyOnly);
        expect(slots.length).toBeGreaterThanOrEqual(2);
        for (const slot of slots) expect(Math.abs(slot.meanW - watts)).toBeLessThanOrEqual(0.1);
      }),
      { numRuns: 40 },
    );
  });
});

describe('all detectors of homes', () => {
  it('survive what no meter should say', () => {
    const odd = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 1e300));
    const reading = fc.record(
      {
        activePowerW: odd,
        importWh: odd,
        balanceYuan: odd,
        residualCurrentA: odd,
        voltageV: fc.array(odd, { maxLength: 3 }),
        currentA: fc.array(odd, { maxLength: 3 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(reading, fc.integer({ min: -HOUR, max: DAY })), { maxLength: 60 }), (steps) => {
        const faults: unknown[] = [];
        const home = new Flat(homeDetectors(), { tariff: { tiersKwhPerMonth: [1] } });
        let atMs = 1_700_000_000_000;
        for (const [said, later] of steps) {
          atMs += later;
          const { alerts } = home.engine.take({ atMs, meter: '000000000001', reading: said });
          for (const alert of alerts)
            faults.push(...Object.values(alert.evidence).filter((v) => typeof v === 'number' && !Number.isFinite(v)));
        }
        expect(faults).toEqual([]);
        expect(JSON.stringify(home.engine.snapshot().meters)).not.toContain('null');
      }),
      { numRuns: 60 },
    );
  });
});
