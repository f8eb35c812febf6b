/** What one meter's words and silences make of it. */
import { describe, expect, it } from 'vitest';
import { beginOf, hear, said } from '../../../detectors/network/outage/seats.ts';
import { newState } from '../../../detectors/network/outage/state.ts';
import { METER_EVENTS, type MeterEvent, type Reading } from '../../../protocols/reading.ts';
import { MINUTE, Street } from './street.ts';

/** One meter's seat, told by the minute. */
class Sitter {
  readonly state = newState({ timezone: 'UTC', meters: [{ id: 'm' }] });
  readonly seat = this.state.seats.m!;

  reads(minute: number, reading: Reading): this {
    hear(this.state, this.seat, reading, minute * MINUTE);
    return this;
  }

  says(minute: number, ...events: MeterEvent[]): this {
    for (const event of events) said(this.state, this.seat, event, minute * MINUTE);
    return this;
  }

  is = () => `${this.seat.condition} ${this.seat.told ? 'told' : 'untold'} since ${this.seat.downMs / MINUTE}`;
}

const LIT: Reading = { activePowerW: 500, voltageV: [221] };
const DARK: Reading = { activePowerW: 0, voltageV: [0] };

describe('a meter without voltage', () => {
  const dark = (reading: Reading, before = LIT) =>
    new Sitter().reads(1, before).reads(5, reading).reads(6, reading).is();

  it('is off at the second reading in a row, since the first', () => {
    const meter = new Sitter().reads(1, LIT).reads(5, DARK);
    expect(meter.is()).toBe('live told since 0');
    expect(meter.reads(6, DARK).is()).toBe('off untold since 5');
    expect(new Sitter().reads(1, LIT).reads(5, DARK).reads(5, DARK).is()).toBe('live told since 0');
    expect(new Sitter().reads(1, LIT).reads(5, DARK).reads(6, LIT).reads(7, DARK).is()).toBe('live told since 0');
  });

  it('has under 22 V on every phase it measures, and measured some before', () => {
    expect(dark({ voltageV: [21.9, 0, 0] })).toContain('off');
    expect(dark({ voltageV: [22, 0, 0] })).toContain('live');
    expect(dark({ voltageV: [] })).toContain('live');
    expect(dark({ activePowerW: 0 })).toContain('live');
    expect(dark({ voltageV: [0] }, { activePowerW: 500 })).toContain('live');
  });

  it('draws nothing: a load on a phase without voltage is tampering', () => {
    expect(dark({ voltageV: [0], activePowerW: 10 })).toContain('off');
    expect(dark({ voltageV: [0], activePowerW: 10.1 })).toContain('live');
    expect(dark({ voltageV: [0], currentA: [0.5] })).toContain('off');
    expect(dark({ voltageV: [0, 0, 0], currentA: [0, -0.51, 0] })).toContain('live');
  });

  it('keeps the load it had, which the transformer must have lost', () => {
    const meter = new Sitter()
      .reads(1, LIT)
      .reads(5, DARK)
      .reads(6, DARK)
      .reads(7, { voltageV: [221] });
    expect(meter.seat.powerW).toBe(500);
    expect(meter.reads(8, { activePowerW: 7 }).seat.powerW).toBe(7);
  });
});

describe('a meter that said power-off', () => {
  it('is off since then, however often it says so', () => {
    const meter = new Sitter().reads(1, LIT).says(5, 'power-off').says(6, 'power-off');
    expect(meter.is()).toBe('off untold since 5');
    expect(meter.state.changedMs).toBe(5 * MINUTE);
  });

  it('is back by a reading of later than that, with voltage', () => {
    const meter = new Sitter().reads(1, LIT).says(5, 'power-off').reads(5, LIT);
    expect(meter.is()).toContain('off');
    expect(meter.reads(6, DARK).is()).toContain('off');
    expect(meter.reads(7, LIT).is()).toBe('live untold since 5');
    expect([meter.seat.backMs, meter.seat.heardMs]).toEqual([7 * MINUTE, 7 * MINUTE]);
    const spoke = new Sitter().reads(1, LIT).says(5, 'power-off').says(6, 'power-on').says(8, 'power-on');
    expect([spoke.is(), spoke.seat.backMs]).toEqual(['live untold since 5', 6 * MINUTE]);
  });
});

describe('a meter that does not answer', () => {
  it('is silent if it was heard before, since the first time that it did not', () => {
    expect(new Sitter().says(5, 'no-answer').is()).toBe('live told since 0');
    const meter = new Sitter().reads(1, LIT).says(5, 'no-answer').says(6, 'no-answer');
    expect([meter.is(), meter.seat.silence]).toEqual(['silent untold since 5', 'open']);
    // A reading of the same moment is an answer.
    expect(meter.reads(6, LIT).is()).toBe('live told since 5');
  });

  it('was without power since it fell silent, where it says so at last', () => {
    const meter = new Sitter().reads(1, LIT).says(5, 'no-answer').says(9, 'power-off');
    expect(meter.is()).toBe('off untold since 5');
  });

  it('is explained by a record that is read within a quarter of an hour after its return', () => {
    const back = () => new Sitter().reads(1, LIT).says(5, 'no-answer').reads(20, LIT);
    const soon = back().says(35, 'power-off');
    // Its silence was the outage: it is told with the silence's begin, and the meter lives.
    expect([soon.is(), soon.seat.silence]).toEqual(['live untold since 5', 'none']);
    const late = back().says(35.1, 'power-off');
    expect(late.is()).toBe('off untold since 35.1');
  });

  it('is not told again by a record where its silence was counted', () => {
    const counted = () => {
      const meter = new Sitter().reads(1, LIT).says(5, 'no-answer');
      Object.assign(meter.seat, { told: true, silence: 'counted' });
      return meter;
    };
    expect(counted().says(9, 'power-off').is()).toBe('off told since 5');
    const back = counted().reads(20, LIT).says(21, 'power-off');
    expect([back.is(), back.seat.silence]).toEqual(['live told since 5', 'none']);
    // The next one is another outage.
    expect(back.says(22, 'power-off').is()).toBe('off untold since 22');
    expect(counted().reads(20, LIT).says(40, 'power-off').is()).toBe('off untold since 40');
  });
});

describe('other words of a meter', () => {
  it('say nothing of power', () => {
    const others = METER_EVENTS.filter((event) => !['power-off', 'power-on', 'no-answer'].includes(event));
    expect(others.length).toBeGreaterThan(3);
    const meter = new Sitter().reads(1, LIT);
    const before = JSON.stringify(meter.state);
    expect(JSON.stringify(meter.says(5, ...others).state)).toBe(before);
  });

  it('begin an outage only where it is untold or lasts', () => {
    expect(beginOf(undefined)).toEqual([]);
    const meter = new Sitter().reads(1, LIT);
    expect(beginOf(meter.seat)).toEqual([]);
    meter.says(5, 'power-off');
    expect(beginOf(meter.seat)).toEqual([5 * MINUTE]);
    meter.seat.told = true;
    expect(beginOf(meter.seat)).toEqual([5 * MINUTE]);
    meter.says(6, 'power-on');
    expect(beginOf(meter.seat)).toEqual([]);
    meter.seat.told = false;
    expect(beginOf(meter.seat)).toEqual([5 * MINUTE]);
  });

  it('are not asked of a meter that was never heard', () => {
    // A meter of the site file that is not there yet is silent with everybody, and explains nothing.
    const never = ['h0', 'h1', 'h2'];
    const out = ['h3', 'h4', 'h5'];
    const street = new Street().run(5, never).say('no-answer', never).say('power-off', out);
    expect(street.run(5, [...never, ...out]).seen()).toEqual([['raised', 'branch', 'F1/B0', 3]]);
  });
});
