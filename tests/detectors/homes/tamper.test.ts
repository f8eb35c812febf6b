import { describe, expect, it } from 'vitest';
import { tamper } from '../../../detectors/homes/tamper.ts';
import type { MeterInfo, Reading } from '../../../protocols/reading.ts';
import { MINUTE, OneMeter } from './one-meter.ts';

const HOUR = 60 * MINUTE;

/** One meter, read every five minutes. */
class Meter extends OneMeter {
  constructor(info: Partial<MeterInfo> = {}) {
    super(tamper(), { premises: 'flat', ...info });
  }

  read(minutes: number, reading: Reading): this {
    return this.readEvery(5 * MINUTE, minutes, reading);
  }

  wait(hours: number): this {
    this.atMs += hours * HOUR;
    this.alerts.push(...this.engine.advance(this.atMs).alerts);
    return this;
  }

  seen = () => this.alerts.map((alert) => `${alert.state} ${alert.evidence.sign}`);
}

const seen = (reading: Reading, info?: Partial<MeterInfo>) => new Meter(info).read(120, reading).seen();

describe('tamper, by the signs', () => {
  it('tells cover and terminal apart, each for a day', () => {
    const meter = new Meter().say('cover-open').wait(2).say('cover-open').wait(3).say('terminal-open');
    meter.say('power-off').wait(18.9);
    expect(meter.seen()).toEqual(['raised cover-open', 'raised terminal-open']);
    expect(meter.alerts[0]).toMatchObject({ kind: 'tamper', severity: 'warning', confidence: 0.9 });
    expect(meter.alerts[0]?.recipients).toEqual(['power']);
    expect(meter.alerts[0]?.evidence).toEqual({ sign: 'cover-open', openForH: 0 });
    meter.wait(0.1);
    expect(meter.seen().slice(2)).toEqual(['cleared cover-open']);
    expect(meter.alerts[2]).toMatchObject({ id: meter.alerts[0]?.id, evidence: { openForH: 24 } });
    meter.wait(5);
    expect(meter.seen().slice(3)).toEqual(['cleared terminal-open']);
    // The next opening is another one.
    meter.say('cover-open');
    expect(meter.alerts[4]).toMatchObject({ state: 'raised', since: meter.atMs });
    expect(meter.alerts[4]?.id).not.toBe(meter.alerts[0]?.id);
  });

  it('takes power that flows back for a sign, over what a meter measures of nothing', () => {
    expect(seen({ activePowerW: -20 })).toEqual([]);
    expect(seen({ activePowerW: -20.1 })).toEqual(['raised reverse-flow']);
    const [raised] = new Meter().read(35, { activePowerW: -400 }).alerts;
    expect(raised).toMatchObject({
      kind: 'tamper',
      severity: 'warning',
      confidence: 0.6,
      since: Date.UTC(2026, 0, 1),
      recipients: ['power'],
    });
    expect(raised?.evidence).toEqual({ sign: 'reverse-flow', powerW: -400 });
  });

  it('lets a roof feed in as soon as its meter has counted export, and not for a register that stands', () => {
    const stands = new Meter().read(60, { activePowerW: -400, exportWh: 0 });
    expect(stands.seen()).toEqual(['raised reverse-flow']);
    const roof = new Meter().read(5, { activePowerW: 300, exportWh: 0 }).read(5, { activePowerW: 300, exportWh: 1 });
    expect(roof.read(120, { activePowerW: -4000 }).seen()).toEqual([]);
    // Its register is read four times an hour, its power every twenty seconds.
    const seldom = new Meter().read(5, { exportWh: 0 }).read(15, { activePowerW: 300 }).read(5, { exportWh: 10 });
    expect(seldom.read(120, { activePowerW: -4000 }).seen()).toEqual([]);
    // One whose register is not read at first is not thereby one that counted.
    const late = new Meter().read(5, {}).read(120, { activePowerW: -400, exportWh: 5000 });
    expect(late.seen()).toEqual(['raised reverse-flow']);
  });

  it.each([
    // A phase under 100 V that carries more than half an ampere.
    [[99.9], [0.51], true],
    [[100], [5], false],
    [[3], [0.5], false],
    [[230, 3, 230], [0, 5, 0], true],
    [[230, 3, 230], [5, 0, 5], false],
    [[230, 3, 230], [5], false],
    [[3], [], false],
  ])('takes %j V at %j A for current without voltage: %s', (voltageV, currentA, sign) => {
    expect(seen({ voltageV, currentA })).toEqual(sign ? ['raised voltage-missing'] : []);
  });

  it('does not see current without voltage where the meter does not say both', () => {
    expect(seen({ voltageV: [3] })).toEqual([]);
    expect(seen({ currentA: [5] })).toEqual([]);
    const [raised] = new Meter().read(35, { voltageV: [230, 3, 231], currentA: [1, 5, 1] }).alerts;
    expect(raised?.evidence).toEqual({ sign: 'voltage-missing', liveA: 1, lowestV: 3 });
    expect(raised?.confidence).toBe(0.75);
  });

  it('takes a neutral that carries much more than the phase for a bridge, on one phase only', () => {
    expect(seen({ currentA: [10], neutralCurrentA: 14 })).toEqual([]);
    expect(seen({ currentA: [10], neutralCurrentA: 14.1 })).toEqual(['raised by-pass']);
    expect(seen({ currentA: [-10], neutralCurrentA: 14 })).toEqual([]);
    expect(seen({ currentA: [1, 1, 1], neutralCurrentA: 14 })).toEqual([]);
    expect(seen({ neutralCurrentA: 14 })).toEqual([]);
    expect(seen({ currentA: [], neutralCurrentA: 14 })).toEqual([]);
    const [raised] = new Meter().read(35, { currentA: [2], neutralCurrentA: 9 }).alerts;
    expect(raised?.evidence).toEqual({ sign: 'by-pass', liveA: 2, neutralA: 9 });
  });

  it('holds a sign half an hour before it counts and six hours before it is over', () => {
    const back: Reading = { activePowerW: -400 };
    const home: Reading = { activePowerW: 300 };
    expect(new Meter().read(30, back).seen()).toEqual([]);
    expect(new Meter().read(35, back).seen()).toHaveLength(1);
    expect(new Meter().read(30, back).read(5, home).read(30, back).seen()).toEqual([]);
    // A reading that says nothing of power interrupts nothing.
    expect(new Meter().read(15, back).read(5, {}).read(15, back).seen()).toHaveLength(1);
    const meter = new Meter().read(35, back).read(360, home);
    expect(meter.seen()).toEqual(['raised reverse-flow']);
    meter.read(5, home);
    expect(meter.seen()).toEqual(['raised reverse-flow', 'cleared reverse-flow']);
    expect(meter.alerts[1]?.id).toBe(meter.alerts[0]?.id);
  });

  it('keeps two signs apart', () => {
    const both = new Meter().read(35, { activePowerW: -400, voltageV: [3], currentA: [5] });
    expect(both.seen()).toEqual(['raised reverse-flow', 'raised voltage-missing']);
  });

  it('leaves the heads of the network alone: their power flows back when the roofs below them feed', () => {
    expect(seen({ activePowerW: -400 }, { premises: 'transformer' })).toEqual([]);
    expect(seen({ activePowerW: -400 }, { premises: 'feeder' })).toEqual([]);
  });
});
