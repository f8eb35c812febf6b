/** How an outage grows, ends and comes again. */
import { describe, expect, it } from 'vitest';
import { Engine } from '../../../detectors/engine.ts';
import { outage } from '../../../detectors/network/outage.ts';
import { area, DAY, ids, MINUTE, Street } from './street.ts';

const box = (name: string) => ids((home) => home.box === name);
const feeder = (name: string) => ids((home) => home.feeder === name);
const all = ids(() => true);
const without = (given: readonly string[], gone: readonly string[]) => given.filter((id) => !gone.includes(id));

describe('an outage as it begins', () => {
  it('waits two minutes for the others, and says who said so and whom it calls', () => {
    const street = new Street().run(5).say('power-off', box('B1'));
    street.run(3, box('B1'));
    // Said at minute 5; the minute that begins at 7 is the first that is two minutes later.
    expect(street.alerts.map((alert) => alert.at / MINUTE)).toEqual([7]);
    const [raised] = street.alerts;
    expect(raised).toMatchObject({ kind: 'outage', meter: 'h6', severity: 'critical', since: 5 * MINUTE });
    expect(raised).toMatchObject({ confidence: 0.97, recipients: ['power', 'dispatch'] });
    expect(raised?.evidence).toEqual({
      ...{ scope: 'branch', where: 'F1/B1', meters: 6, saidPowerOff: 6, repeats: 1, lastedMin: 2 },
    });
    const one = new Street().run(5).say('power-off', ['h5']).run(3, ['h5']);
    expect(one.alerts).toMatchObject([{ severity: 'warning', recipients: ['power'], confidence: 0.95 }]);
  });

  it('waits from the first sign on, however many follow', () => {
    const street = new Street().run(5).say('power-off', ['h6']).run(1, ['h6']).say('power-off', box('B1'));
    expect(street.run(1, box('B1')).alerts).toEqual([]);
    expect(street.run(1, box('B1')).seen()).toEqual([['raised', 'branch', 'F1/B1', 6]]);
  });

  it('is over before it was told where all were back: told, and cleared two minutes later', () => {
    const street = new Street().run(5).say('power-off', box('B1')).run(1, box('B1')).say('power-on', box('B1'));
    street.run(6);
    expect(street.alerts.map((alert) => [alert.state, alert.evidence.durationMin])).toEqual([
      ['raised', undefined],
      ['cleared', 1],
    ]);
  });
});

describe('an outage of which nobody says a word', () => {
  it('is believed when the transformer is read at last, however seldom', () => {
    const street = new Street().run(5).say('no-answer', feeder('F1')).run(12, feeder('F1'), false);
    expect(street.alerts).toEqual([]);
    street.read('t', { activePowerW: 6000 }).run(3, feeder('F1'), false);
    expect(street.seen()).toEqual([['raised', 'branch', 'F1', 12]]);
    expect(street.alerts[0]).toMatchObject({ confidence: 0.85, since: 5 * MINUTE, evidence: { saidPowerOff: 0 } });
  });

  it('is explained by the records of some for a quarter of an hour after it, and no longer', () => {
    const silent = (minutesAfter: number) => {
      const street = new Street().run(5).say('no-answer', box('B0')).run(10, box('B0'), false);
      return street.run(minutesAfter, [], false).say('power-off', ['h0']).say('power-on', ['h0']).run(5, [], false);
    };
    expect(silent(10).seen()[0]).toEqual(['raised', 'branch', 'F1/B0', 6]);
    expect(silent(20).seen()[0]).toEqual(['raised', 'meter', 'h0', 1]);
  });
});

describe('an outage as it grows', () => {
  it('is told anew when a fifth more are without, as the larger part and the same alert', () => {
    const street = new Street().run(5).say('power-off', box('B0')).run(5, box('B0'));
    street.say('power-off', box('B1')).run(5, feeder('F1'));
    expect(street.seen()).toEqual([
      ['raised', 'branch', 'F1/B0', 6],
      ['updated', 'branch', 'F1', 12],
    ]);
    expect(street.alerts[1]).toMatchObject({ id: street.alerts[0]?.id, since: 5 * MINUTE });
    expect(street.alerts[1]?.evidence).toMatchObject({ saidPowerOff: 12, repeats: 1, lastedMin: 7 });
    street.say('power-on', feeder('F1')).run(5);
    expect(street.seen()[2]).toEqual(['cleared', 'branch', 'F1', 12]);
  });

  it('is not told anew for a few more, which are without power all the same', () => {
    const twenty = all.slice(0, 20);
    const street = new Street().run(5).say('power-off', twenty).run(5, twenty, false);
    street.say('power-off', ['h20', 'h21', 'h22']).run(5, all.slice(0, 23), false);
    expect(street.seen()).toEqual([['raised', 'area', 'area', 20]]);
    street.say('power-off', ['h23']).run(5, all, false);
    expect(street.seen()).toHaveLength(1);
    street.say('power-on', all).run(5);
    expect(street.seen()[1]).toEqual(['cleared', 'area', 'area', 24]);
    const whole = new Street().run(5).say('power-off', twenty).run(5, twenty, false);
    whole.say('power-off', all.slice(20)).run(5, all, false);
    expect(whole.seen()[1]).toEqual(['updated', 'area', 'area', 24]);
  });

  it('counts who joins it: a second time for whom it is the second', () => {
    const street = new Street().run(5).say('power-off', box('B1')).run(5, box('B1')).say('power-on', box('B1')).run(5);
    street.say('power-off', box('B0')).run(5, box('B0')).say('power-off', box('B1')).run(5, feeder('F1'));
    expect(street.alerts.slice(2).map((alert) => [alert.state, alert.evidence.repeats])).toEqual([
      ['raised', 1],
      ['updated', 2],
    ]);
  });

  it('takes into one what began as two', () => {
    const street = new Street().run(5).say('power-off', ['h0', 'h7']).run(5, ['h0', 'h7']);
    street.say('power-off', without(feeder('F1'), ['h0', 'h7'])).run(5, feeder('F1'));
    expect(street.seen()).toEqual([
      ['raised', 'meter', 'h0', 1],
      ['raised', 'meter', 'h7', 1],
      ['cleared', 'meter', 'h7', 1],
      ['updated', 'branch', 'F1', 12],
    ]);
    expect(street.alerts[2]).toMatchObject({ id: street.alerts[1]?.id, evidence: { joined: 'F1' } });
    expect(street.alerts[3]?.id).toBe(street.alerts[0]?.id);
    street.say('power-on', feeder('F1')).run(5);
    expect(street.seen().slice(4)).toEqual([['cleared', 'branch', 'F1', 12]]);
  });

  it('leaves an outage elsewhere one of its own', () => {
    const street = new Street().run(5).say('power-off', box('B0')).run(5, box('B0')).say('power-off', box('B3'));
    street.run(5, [...box('B0'), ...box('B3')]);
    expect(street.seen()).toEqual([
      ['raised', 'branch', 'F1/B0', 6],
      ['raised', 'branch', 'F2/B3', 6],
    ]);
  });
});

describe('an outage as it ends', () => {
  it('is over when nine of ten are back for two minutes; who is not stands for himself', () => {
    const street = new Street().run(5).say('power-off', all).run(10, all, false);
    // 21 of 24 are fewer than nine of ten.
    street.say('power-on', all.slice(0, 21)).run(10, all.slice(21));
    expect(street.seen()).toHaveLength(1);
    street.say('power-on', ['h21']).run(3, ['h22', 'h23']);
    expect(street.seen()).toHaveLength(1);
    const cleared = street.run(1, ['h22', 'h23']).alerts[1];
    // Seen to be over at minute 26.
    expect(cleared).toMatchObject({ state: 'cleared', at: 28 * MINUTE });
    expect(cleared?.evidence).toMatchObject({ durationMin: 21, restored: true, lastedMin: 23 });
    street.run(5, ['h22', 'h23']);
    expect(street.seen().slice(2)).toEqual([
      ['raised', 'meter', 'h22', 1],
      ['raised', 'meter', 'h23', 1],
    ]);
    // It is the same outage for them: it began when it began, and is not counted twice.
    expect(street.alerts[2]).toMatchObject({ since: 5 * MINUTE, evidence: { repeats: 1 } });
  });

  it('is not over for a minute of power', () => {
    const street = new Street().run(5).say('power-off', box('B1')).run(10, box('B1'));
    street.say('power-on', box('B1')).run(1).say('power-off', box('B1')).run(10, box('B1'));
    expect(street.seen()).toEqual([['raised', 'branch', 'F1/B1', 6]]);
    street.say('power-on', box('B1')).run(5);
    expect(street.alerts[1]?.evidence).toMatchObject({ durationMin: 21, restored: true });
    // That was one outage: the next is the second.
    street.say('power-off', box('B1')).run(5, box('B1'));
    expect(street.alerts[2]?.evidence.repeats).toBe(2);
  });

  it('is over for good: what was told of it is not told again when something else happens', () => {
    const street = new Street().run(5).say('power-off', box('B1')).run(1, box('B1')).say('power-on', box('B1')).run(10);
    street.say('power-off', ['h20']).run(5, ['h20']);
    expect(street.seen().slice(2)).toEqual([['raised', 'meter', 'h20', 1]]);
  });

  it('counts for each user the time that he was without', () => {
    const street = new Street().run(5).say('power-off', box('B0').slice(0, 5)).run(10, box('B0').slice(0, 5));
    street.say('power-off', ['h5']).run(10, box('B0')).say('power-on', box('B0').slice(0, 4)).run(10, ['h4', 'h5']);
    street.say('power-on', ['h4', 'h5']).run(5);
    const { alerts } = street.engine.advance(DAY + MINUTE);
    // Four of 20 min, one of 30, one of 20 from the tenth minute on: 130 min over 24 users.
    expect(alerts[0]?.evidence.saidiMin).toBeCloseTo(130 / 24, 3);
    expect(alerts[0]?.evidence.saifi).toBe(0.25);
  });
});

describe('an outage that comes again', () => {
  const again = (days: number, times: number, out = box('B2')) => {
    const street = new Street();
    for (let i = 0; i < times; i++) {
      street.run(5).say('power-off', out).run(5, out).say('power-on', out).run(5);
      street.minute += days * 1440 - 15;
    }
    return street;
  };
  const repeated = (street: Street) => street.alerts.filter((alert) => alert.evidence.repeated === true);

  it('is an alert of its own from the third time in sixty days on, and counts further', () => {
    expect(repeated(again(5, 2))).toEqual([]);
    const street = again(5, 5);
    const alerts = repeated(street);
    expect(alerts.map((alert) => [alert.state, alert.evidence.repeats])).toEqual([
      ['raised', 3],
      ['updated', 4],
      ['updated', 5],
    ]);
    expect(new Set(alerts.map((alert) => alert.id)).size).toBe(1);
    expect(alerts[0]).toMatchObject({ severity: 'warning', confidence: 0.95, recipients: ['power', 'community'] });
    expect(alerts[0]?.evidence).toEqual({
      ...{ scope: 'branch', where: 'F2/B2', meters: 6, repeats: 3, windowDays: 60, repeated: true },
    });
  });

  it('is forgotten on the day on which fewer than three are within sixty days', () => {
    // Days 0, 20 and 40.
    const street = again(20, 3);
    expect(repeated(street)).toHaveLength(1);
    const [cleared, ...more] = street.engine.advance(61 * DAY).alerts.filter((alert) => alert.kind === 'outage');
    expect(more).toEqual([]);
    expect(cleared).toMatchObject({ state: 'cleared', evidence: { repeats: 2, repeated: true } });
    expect(Math.floor((cleared?.at ?? 0) / DAY)).toBe(60);
    expect(cleared?.id).toBe(repeated(street)[0]?.id);
    expect(repeated(again(30, 3))).toEqual([]);
    expect(repeated(again(29, 3))).toHaveLength(1);
  });

  it('is counted for the meter that had most, and up to eight', () => {
    const street = again(2, 2, ['h3']);
    street.run(5).say('power-off', box('B0')).run(5, box('B0'));
    expect(street.alerts.map((alert) => alert.evidence.repeats)).toEqual([1, 1, 2, 2, 3, 3]);
    expect(repeated(again(2, 10)).at(-1)?.evidence.repeats).toBe(8);
  });
});

describe('a transformer without voltage', () => {
  it('is the area when it says power-off, until it says power-on', () => {
    const street = new Street().run(5).say('power-off', ['t']).run(5, [], false);
    expect(street.seen()).toEqual([['raised', 'area', 'area', 24]]);
    expect(street.alerts[0]).toMatchObject({ confidence: 0.98, severity: 'critical' });
    // The homes answer on their batteries, or are fed from elsewhere: what the transformer sees counts.
    street.run(10, [], false);
    expect(street.seen()).toHaveLength(1);
    street.say('cover-open', ['t']).run(5, [], false).say('power-on', ['t']).run(5, [], false);
    expect(street.seen().slice(1)).toEqual([['cleared', 'area', 'area', 24]]);
  });

  it('is one phase when it reads no voltage on it, also over a reboot', () => {
    const street = new Street()
      .run(5)
      .read('t', { voltageV: [225, 3, 224] })
      .run(5, [], false);
    expect(street.seen()).toEqual([['raised', 'phase', 'L2', 8]]);
    const snapshot = JSON.parse(JSON.stringify(street.engine.snapshot()));
    const after = new Engine(area, [outage()], snapshot);
    expect(after.advance(60 * MINUTE).alerts).toEqual([]);
    after.take({ atMs: 60 * MINUTE, meter: 't', reading: { voltageV: [225, 226, 224] } });
    expect(after.advance(65 * MINUTE).alerts).toMatchObject([{ state: 'cleared', id: street.alerts[0]?.id }]);
  });
});
