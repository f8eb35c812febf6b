import { describe, expect, it } from 'vitest';
import { type MeterFaultSettings, meterFault } from '../../../detectors/homes/meter-fault.ts';
import type { MeterInfo, Reading } from '../../../protocols/reading.ts';
import { MINUTE, OneMeter } from './one-meter.ts';

const HOUR = 60 * MINUTE;

/** One meter, read every quarter of an hour by what it says at each. */
class Meter extends OneMeter {
  constructor(info: Partial<MeterInfo> = {}, settings: Partial<MeterFaultSettings> = {}) {
    super(meterFault(settings), info);
  }

  read(hours: number, say: Reading | ((quarter: number) => Reading)): this {
    return this.readEvery(15 * MINUTE, 60 * hours, say);
  }

  seen = () => this.alerts.map((alert) => `${alert.state} ${alert.evidence.fault}`);
}

/** Power that is never the same twice. */
const varied = (quarter: number): Reading => ({ activePowerW: 300 + (quarter % 7) });

describe('a register that stands still', () => {
  const still = (watts: number) => (quarter: number) => ({ activePowerW: watts + (quarter % 3), importWh: 1000 });

  it('is stuck when half a kilowatt-hour should have been counted since', () => {
    // 1 kW for half an hour is just not more.
    const meter = new Meter().read(0.75, { activePowerW: 1000, importWh: 1000 });
    expect(meter.seen()).toEqual([]);
    const [raised] = meter.read(0.25, { activePowerW: 1000, importWh: 1000 }).alerts;
    expect(raised).toMatchObject({ kind: 'meter-fault', state: 'raised', severity: 'warning', confidence: 0.9 });
    expect(raised).toMatchObject({ recipients: ['power'], at: meter.atMs - 15 * MINUTE });
    expect(raised?.evidence).toEqual({ fault: 'stuck', owedWh: 750, importWh: 1000 });
    expect(new Meter({}, { owedWh: 2000 }).read(2, still(1000)).seen()).toEqual([]);
  });

  it('is over a day after it moved', () => {
    const meter = new Meter()
      .read(2, still(1000))
      .read(24, (quarter) => ({ ...varied(quarter), importWh: 1001 + quarter }));
    expect(meter.seen()).toEqual(['raised stuck']);
    const cleared = meter.read(0.25, { activePowerW: 1, importWh: 2000 }).alerts[1];
    expect(cleared).toMatchObject({ state: 'cleared', id: meter.alerts[0]?.id, evidence: { owedWh: 0 } });
  });

  it('owes what was drawn, however much flowed back before', () => {
    const drawn = { activePowerW: 1000, importWh: 1000 };
    const meter = new Meter().read(4, still(-1000)).read(0.5, drawn);
    expect(meter.seen()).toEqual([]);
    expect(meter.read(0.25, drawn).seen()).toEqual(['raised stuck']);
  });

  it('stands still by right while nothing is drawn, power flows back, or power is not told', () => {
    expect(new Meter().read(24, (quarter) => ({ activePowerW: -1000 - quarter, importWh: 1000 })).seen()).toEqual([]);
    expect(new Meter().read(24, { activePowerW: 0, importWh: 1000 }).seen()).toEqual([]);
    expect(new Meter().read(24, { importWh: 1000 }).seen()).toEqual([]);
    expect(new Meter().read(24, (quarter) => ({ ...varied(quarter) })).seen()).toEqual([]);
    expect(new Meter().read(24, (quarter) => ({ ...varied(quarter), importWh: Number.NaN })).seen()).toEqual([]);
  });

  it('owes nothing for a hole of more than an hour', () => {
    const meter = new Meter();
    const once = { activePowerW: 900, importWh: 1000 };
    meter.read(0.25, once);
    meter.atMs += 46 * MINUTE;
    meter.read(0.25, once);
    expect(meter.seen()).toEqual([]);
    const full = new Meter().read(0.25, once);
    full.atMs += 45 * MINUTE;
    expect(full.read(0.25, once).seen()).toEqual(['raised stuck']);
  });
});

describe('a register that went back', () => {
  it('is told at once with how far, over the last digit that may flicker', () => {
    const step = (wh: number) => new Meter().read(0.25, { importWh: 5000 }).read(0.25, { importWh: wh });
    expect(step(4999).seen()).toEqual([]);
    const [raised] = step(4998).alerts;
    expect(raised?.evidence).toEqual({ fault: 'rolled-back', backWh: 2, importWh: 4998 });
    expect(step(0).seen()).toEqual(['raised rolled-back']);
    expect(new Meter().read(0.25, { importWh: 0 }).read(0.25, { importWh: 5000 }).seen()).toEqual([]);
  });

  it.each([
    [999_999_990, 0, []],
    [999_999_950, 400_000, []],
    [999_000_010, 10, []],
    [999_000_010, 10_000, ['raised rolled-back']],
    [998_000_000, 0, ['raised rolled-back']],
    [42_949_672_950, 50, []],
    [42_940_000_000, 50, ['raised rolled-back']],
  ])('is full at the end of its digits and no fault: %i Wh, then %i', (before, after, told) => {
    expect(new Meter().read(0.25, { importWh: before }).read(0.25, { importWh: after }).seen()).toEqual(told);
  });

  it('is told once more only after a day of going on', () => {
    const meter = new Meter().read(0.25, { importWh: 5000 }).read(0.25, { importWh: 4000 });
    meter.read(12, (quarter) => ({ importWh: 4000 + quarter })).read(0.25, { importWh: 3000 });
    expect(meter.seen()).toEqual(['raised rolled-back']);
    meter.read(25, (quarter) => ({ importWh: 3000 + quarter }));
    expect(meter.seen()).toEqual(['raised rolled-back', 'cleared rolled-back']);
    expect(meter.alerts[1]?.id).toBe(meter.alerts[0]?.id);
  });
});

describe('a value that cannot be', () => {
  const bad = (reading: Reading, info: Partial<MeterInfo> = {}) =>
    new Meter(info).read(0.5, reading).alerts.map((alert) => alert.evidence.value);

  it.each<[Reading, Reading, string]>([
    // Four times what the meter is rated for: 100 A, three phases, 230 V where nobody says.
    [{ activePowerW: 276_000 }, { activePowerW: -276_001 }, 'activePowerW -276001'],
    [{ frequencyHz: 40.1 }, { frequencyHz: 40 }, 'frequencyHz 40'],
    [{ frequencyHz: 69.9 }, { frequencyHz: 70 }, 'frequencyHz 70'],
    [{ voltageV: [0, 599] }, { voltageV: [230, 600] }, 'voltageV 600'],
    [{ voltageV: [] }, { voltageV: [-1] }, 'voltageV -1'],
    [{ currentA: [-9999] }, { currentA: [0, -10_000] }, 'currentA -10000'],
    [{ powerFactor: [-1.02] }, { powerFactor: [1, 1.03] }, 'powerFactor 1.03'],
    [{}, { voltageV: [Number.NaN] }, 'voltageV NaN'],
    [{}, { activePowerW: Number.POSITIVE_INFINITY }, 'activePowerW Infinity'],
  ])('is not %j, but %j', (good, wrong, value) => {
    expect(bad(good)).toEqual([]);
    expect(bad(wrong)).toEqual([value]);
  });

  it('is measured by the rating of the meter', () => {
    const rated: Partial<MeterInfo> = { ratedCurrentA: 10, phases: 1 };
    expect(bad({ activePowerW: 9200 }, rated)).toEqual([]);
    expect(bad({ activePowerW: 9201 }, rated)).toEqual(['activePowerW 9201']);
  });

  it('is told when it is said for ten minutes', () => {
    const slip = new Meter().read(0.25, { voltageV: [9000] }).read(2, { voltageV: [230] });
    expect(slip.seen()).toEqual([]);
    const meter = new Meter().read(0.5, { voltageV: [9000] }).read(24.5, { voltageV: [230] });
    expect(meter.seen()).toEqual(['raised impossible', 'cleared impossible']);
    expect(meter.alerts[1]?.evidence.value).toBe('');
  });
});

describe('power that is frozen', () => {
  const frozen: Reading = { activePowerW: 123.4 };

  it('has been the same to the last digit for more than six hours and ten readings', () => {
    const meter = new Meter().read(1, varied);
    const sinceMs = meter.atMs;
    meter.read(6.25, frozen);
    expect(meter.seen()).toEqual([]);
    const [raised] = meter.read(0.25, frozen).alerts;
    expect(raised).toMatchObject({ since: sinceMs, confidence: 0.7, severity: 'warning' });
    expect(raised?.evidence).toEqual({ fault: 'frozen', powerW: 123, equalH: 6.25, longestH: 0 });
    expect(new Meter({}, { frozenH: 12 }).read(12, frozen).seen()).toEqual([]);
  });

  it('is over under the name under which it was raised', () => {
    const meter = new Meter().read(8, frozen).read(25, varied);
    expect(meter.seen()).toEqual(['raised frozen', 'cleared frozen']);
    expect(meter.alerts[1]).toMatchObject({ id: meter.alerts[0]?.id, since: meter.alerts[0]?.since });
  });

  it('is not what a home had before: twice its own longest run', () => {
    // An empty flat with one lamp: five hours, then nine.
    const meter = new Meter().read(1, varied).read(5, frozen).read(1, varied).read(9.75, frozen);
    expect(meter.seen()).toEqual([]);
    expect(meter.read(0.5, frozen).alerts[0]?.evidence).toMatchObject({ equalH: 9.75, longestH: 4.75 });
    // What was called frozen is no habit: the next one is told as soon.
    const again = new Meter().read(1, varied).read(8, frozen).read(26, varied).read(8, frozen);
    expect(again.seen()).toEqual(['raised frozen', 'cleared frozen', 'raised frozen']);
  });

  it('is not zero, not what few readings say, and not what lies on both sides of a hole', () => {
    expect(new Meter().read(48, { activePowerW: 0 }).seen()).toEqual([]);
    const seldom = new Meter();
    for (let i = 0; i < 10; i++, seldom.atMs += 2 * HOUR) seldom.read(0.25, frozen);
    expect(seldom.seen()).toEqual([]);
    expect(seldom.read(0.25, frozen).seen()).toEqual(['raised frozen']);
    const hole = new Meter().read(4, frozen);
    hole.atMs += 3 * HOUR;
    expect(hole.read(4, frozen).seen()).toEqual([]);
    // Readings without power say nothing.
    const between = new Meter().read(8, (quarter) => (quarter % 2 === 0 ? frozen : { voltageV: [230] }));
    expect(between.seen()).toEqual(['raised frozen']);
  });
});

describe('a clock that is off', () => {
  it('is a notice, over a day after the meter last said so', () => {
    const meter = new Meter().read(1, varied);
    expect(meter.engine.take({ atMs: meter.atMs, meter: 'm', event: 'power-on' }).alerts).toEqual([]);
    meter.say('clock-fault').read(12, varied).say('clock-fault').read(24, varied);
    expect(meter.seen()).toEqual(['raised clock']);
    expect(meter.alerts[0]).toMatchObject({ severity: 'notice', evidence: { fault: 'clock' } });
    expect(meter.read(1, varied).seen()).toEqual(['raised clock', 'cleared clock']);
    expect(meter.alerts[1]?.id).toBe(meter.alerts[0]?.id);
  });
});
