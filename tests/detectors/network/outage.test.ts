import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { Engine } from '../../../detectors/engine.ts';
import { outage } from '../../../detectors/network/outage.ts';
import type { MeterInfo } from '../../../protocols/reading.ts';
import { area, DAY, homes, ids, MINUTE, Street } from './street.ts';

describe('outage', () => {
  it.each([
    ['meter', 'h5', ids((home) => home.id === 'h5')],
    ['branch', 'F1/B1', ids((home) => home.box === 'B1')],
    ['branch', 'F2', ids((home) => home.feeder === 'F2')],
    ['phase', 'L2', ids((home) => home.phase === 2)],
    ['area', 'area', ids(() => true)],
  ] as const)('finds scope %s at %s from power-off and tells its end', (scope, where, out) => {
    const street = new Street();
    street.run(5);
    street.say('power-off', out);
    street.run(30, out, scope !== 'area');
    street.say('power-on', out);
    street.run(10);
    expect(street.seen()).toEqual([
      ['raised', scope, where, out.length],
      ['cleared', scope, where, out.length],
    ]);
    expect(new Set(street.alerts.map((alert) => alert.id)).size).toBe(1);
    expect(street.alerts[1]?.evidence.durationMin).toBe(30);
  });

  it('says nothing of a dead bus: all, or one port, silent without power-off', () => {
    const street = new Street();
    street.run(5);
    const port = ids((home) => home.feeder === 'F1');
    street.say('no-answer', port);
    // The homes behind the dead port still draw their power: the transformer sees it.
    for (let i = 0; i < 20; i++, street.minute++) {
      const atMs = street.minute * MINUTE + 1;
      for (const home of homes) {
        if (!port.includes(home.id))
          street.keep(street.engine.take({ atMs, meter: home.id, reading: { activePowerW: 500 } }).alerts);
      }
      street.keep(street.engine.take({ atMs, meter: 't', reading: { activePowerW: 12_000 } }).alerts);
    }
    street.run(5);
    street.say(
      'no-answer',
      ids(() => true),
    );
    street.run(
      20,
      ids(() => true),
      false,
    );
    street.run(5);
    expect(street.alerts).toEqual([]);
  });

  it('believes silence where the transformer lost the load', () => {
    const street = new Street();
    street.run(5);
    const out = ids((home) => home.feeder === 'F1');
    street.say('no-answer', out);
    street.run(10, out);
    street.run(5);
    expect(street.seen()).toEqual([
      ['raised', 'branch', 'F1', 12],
      ['cleared', 'branch', 'F1', 12],
    ]);
  });

  it('believes silence of one phase whose neighbours answer', () => {
    const street = new Street();
    street.run(5, [], false);
    const out = ids((home) => home.phase === 3);
    street.say('no-answer', out);
    street.run(10, out, false);
    expect(street.seen()).toEqual([['raised', 'phase', 'L3', 8]]);
  });

  it('does not call one dead meter an outage', () => {
    const street = new Street();
    street.run(5);
    street.say('no-answer', ['h3']);
    street.run(60, ['h3']);
    expect(street.alerts).toEqual([]);
  });

  it('tells of an outage from records read after the return, with its true begin', () => {
    const street = new Street();
    street.run(5);
    const all = ids(() => true);
    const beganMs = street.minute * MINUTE;
    street.say('no-answer', all);
    street.run(40, all, false);
    street.run(1);
    street.say('power-off', all);
    street.say('power-on', all);
    street.run(10);
    expect(street.seen()).toEqual([
      ['raised', 'area', 'area', 24],
      ['cleared', 'area', 'area', 24],
    ]);
    expect(street.alerts[0]?.since).toBe(beganMs);
    expect(street.alerts[1]?.evidence.durationMin).toBeCloseTo(40, 0);
  });

  it('takes the records of some for all that were silent with them', () => {
    const street = new Street();
    street.run(5);
    const all = ids(() => true);
    street.say('no-answer', all);
    street.run(40, all, false);
    street.run(1);
    const some = ids((home) => home.phase === 1);
    street.say('power-off', some);
    street.say('power-on', some);
    street.run(10);
    expect(street.seen()).toEqual([
      ['raised', 'area', 'area', 24],
      ['cleared', 'area', 'area', 24],
    ]);
  });

  it('tells an outage once, by silence first and by the records afterwards', () => {
    const street = new Street();
    street.run(5);
    const out = ids((home) => home.feeder === 'F1');
    street.say('no-answer', out);
    street.run(10, out);
    street.run(1);
    street.say('power-off', out);
    street.say('power-on', out);
    street.run(10);
    expect(street.seen()).toEqual([
      ['raised', 'branch', 'F1', 12],
      ['cleared', 'branch', 'F1', 12],
    ]);
    expect(street.alerts[0]?.evidence.repeats).toBe(1);
  });

  it('takes a meter that answers without voltage for one without supply, after a second look', () => {
    const street = new Street();
    street.run(5);
    const read = (voltageV: number[], activePowerW = 0) => {
      const atMs = street.minute * MINUTE;
      street.keep(street.engine.take({ atMs, meter: 'h5', reading: { activePowerW, voltageV } }).alerts);
    };
    read([0]);
    street.run(10);
    expect(street.seen()).toEqual([]);
    for (let i = 0; i < 30; i++) {
      read([0]);
      street.run(1, ['h5']);
    }
    expect(street.seen()).toEqual([['raised', 'meter', 'h5', 1]]);
    expect(street.alerts[0]?.since).toBe(15 * MINUTE);
    street.run(10);
    expect(street.seen()).toEqual([
      ['raised', 'meter', 'h5', 1],
      ['cleared', 'meter', 'h5', 1],
    ]);
  });

  it('does not believe no voltage of a meter that never measured any, or through which power flows', () => {
    const street = new Street();
    const alerts = [];
    for (let minute = 0; minute < 60; minute++) {
      const atMs = minute * MINUTE;
      for (const [meter, activePowerW, volts] of [
        ['h1', 0, 0],
        ['h2', 500, minute < 10 ? 220 : 0],
      ] as const)
        alerts.push(...street.engine.take({ atMs, meter, reading: { activePowerW, voltageV: [volts] } }).alerts);
    }
    expect(alerts).toEqual([]);
  });

  it('counts three outages of a box in sixty days as an alert of its own', () => {
    const street = new Street();
    const out = ids((home) => home.box === 'B2');
    for (let i = 0; i < 3; i++) {
      street.run(5);
      street.say('power-off', out);
      street.run(5, out);
      street.say('power-on', out);
      street.run(5);
      street.minute += 5 * 1440;
    }
    const repeated = street.alerts.filter((alert) => alert.evidence.repeated === true);
    expect(repeated.map((alert) => [alert.state, alert.evidence.repeats])).toEqual([['raised', 3]]);
    street.minute += 70 * 1440;
    street.run(1);
    expect(street.alerts.at(-1)?.state).toBe('cleared');
  });

  it('publishes SAIDI, SAIFI and availability once a day', () => {
    const street = new Street();
    street.run(5);
    const out = ids((home) => home.box === 'B0');
    street.say('power-off', out);
    street.run(60, out);
    street.say('power-on', out);
    street.run(5);
    const { alerts } = street.engine.advance(DAY + MINUTE);
    expect(alerts.map((alert) => [alert.kind, alert.evidence.saidiMin, alert.evidence.saifi])).toEqual([
      ['profile', 15, 0.25],
    ]);
    expect(alerts[0]?.evidence.availabilityPercent).toBeCloseTo(100 * (1 - 15 / 1440), 3);
  });

  it('knows a home that joined the site file, and forgets a transformer that left it', () => {
    const street = new Street();
    street.run(5);
    // The transformer's meter is without voltage when the gateway stops, and never comes back.
    street.engine.take({ atMs: 5 * MINUTE, meter: 't', reading: { voltageV: [0, 0, 0] } });
    const snapshot = JSON.parse(JSON.stringify(street.engine.snapshot()));
    const joined: MeterInfo = { id: 'new', premises: 'flat', phase: 1, phases: 1, feeder: 'F1', box: 'B0' };
    const after = new Engine({ timezone: 'UTC', meters: [...homes, joined] }, [outage()], snapshot);
    const alerts: Alert[] = [];
    for (let minute = 6; minute < 20; minute++) {
      const atMs = minute * MINUTE;
      if (minute === 10) after.take({ atMs, meter: 'new', event: 'power-off' });
      for (const { id } of minute < 10 ? [...homes, joined] : homes)
        alerts.push(...after.take({ atMs: atMs + 1, meter: id, reading: { activePowerW: 500 } }).alerts);
    }
    expect(alerts.map((alert) => [alert.evidence.scope, alert.evidence.where])).toEqual([['meter', 'new']]);
  });

  it('goes on after a reboot in the middle of an outage', () => {
    const street = new Street();
    const out = ids((home) => home.box === 'B1');
    street.run(5);
    street.say('power-off', out);
    street.run(5, out);
    const snapshot = JSON.parse(JSON.stringify(street.engine.snapshot()));
    const after = new Engine(area, [outage()], snapshot);
    const alerts: Alert[] = [];
    for (const meter of out) alerts.push(...after.take({ atMs: 20 * MINUTE, meter, event: 'power-on' }).alerts);
    alerts.push(...after.advance(30 * MINUTE).alerts);
    expect(alerts.map((alert) => [alert.state, alert.id])).toEqual([['cleared', street.alerts[0]?.id]]);
  });
});
