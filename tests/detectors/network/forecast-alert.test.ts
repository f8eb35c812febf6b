/** What the forecast makes of a chance: when it speaks, when it is over, and what it says. */
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../detectors/alert.ts';
import { record, SLOT_MS } from '../../../detectors/network/forecast/history.ts';
import { type ForecastState, overloadForecast } from '../../../detectors/network/overload-forecast.ts';
import type { MeterInfo, Reading } from '../../../protocols/reading.ts';

const HOUR = 4 * SLOT_MS;
const transformer: MeterInfo = { id: 't', premises: 'transformer', ratedKva: 100 };
const area = { timezone: 'UTC', meters: [transformer] };
const FIRST = 1000 * 96;

/** A transformer whose model says what the test wants; three days at 60 % lie behind it. */
class Course {
  readonly detector = overloadForecast();
  readonly state: ForecastState;
  readonly told: Finding[] = [];
  slot = FIRST;

  constructor(quarters = 3 * 96, load = 0.6) {
    this.state = this.detector.start(transformer, area)!;
    for (; this.slot < FIRST + quarters; this.slot++) record(this.state.history, this.slot * SLOT_MS, load, () => {});
  }

  /** One quarter at so much of the rating, of which the model of either horizon thinks a chance. */
  at(load: number, chance1h: number, chance4h = 0.01, more: Reading = {}): this {
    for (const [i, chance] of [chance1h, chance4h].entries()) {
      const { calibration } = this.state.horizons[i]!.model;
      calibration.weights = [Math.log(chance / (1 - chance)), 0, 0, 0, 0];
      // So sure of itself that one sample moves nothing.
      calibration.precision = calibration.precision.map((_, k) => (k % 6 === 0 ? 1e9 : 0));
    }
    return this.say({ activePowerW: 100_000 * load, ...more });
  }

  say(reading: Reading): this {
    const atMs = this.slot++ * SLOT_MS;
    return this.take({ type: 'reading', atMs, localMs: atMs, meter: 't', reading });
  }

  tick(atMs: number): this {
    return this.take({ type: 'tick', atMs, localMs: atMs });
  }

  take(input: Parameters<typeof this.detector.step>[1]): this {
    for (const output of this.detector.step(this.state, input, transformer))
      if (output.type === 'finding') this.told.push(output.finding);
    return this;
  }

  seen = () => this.told.map(({ state, key }) => `${state} ${key}`);
}

describe('the forecast of an overload', () => {
  it('raises from a chance of 0.3 on and clears under 0.25, each horizon by itself', () => {
    expect(new Course().at(0.6, 0.299).seen()).toEqual([]);
    const course = new Course().at(0.6, 0.301);
    expect(course.seen()).toEqual(['raised 1h']);
    expect(course.at(0.6, 0.251).seen()).toEqual(['raised 1h']);
    expect(course.at(0.6, 0.249, 0.5).seen().slice(1)).toEqual(['cleared 1h', 'raised 4h']);
    expect(course.told[1]?.sinceMs).toBe(course.told[0]?.sinceMs);
    expect(course.at(0.6, 0.5, 0.5).told[3]).toMatchObject({ state: 'raised', sinceMs: (course.slot - 1) * SLOT_MS });
  });

  it('says what it sees and expects', () => {
    const [one] = new Course().at(0.61, 0.4, 0.01, { temperatureC: 60 }).told;
    expect(one).toMatchObject({ meter: 't', kind: 'overload-forecast', severity: 'warning', recipients: ['power'] });
    expect(one?.confidence).toBeCloseTo(0.4, 3);
    expect(one?.evidence).toEqual({
      ...{ horizonH: 1, probability: 0.4, loadPercent: 61, limitPercent: 80, passed: false, daysKnown: 3 },
      expectedPercent: expect.any(Number),
    });
    expect(Math.abs((one?.evidence.expectedPercent as number) - 63)).toBeLessThan(3);
    const [four] = new Course().at(0.6, 0.01, 0.4).told;
    expect(four).toMatchObject({ severity: 'notice', evidence: { horizonH: 4 } });
  });

  it('tells the oil in one hour where it was measured for two', () => {
    const course = new Course();
    for (let i = 0; i < 9; i++) course.at(0.6, i === 8 ? 0.5 : 0.01, 0.01, { temperatureC: 60 });
    expect(course.told[0]?.evidence.topOilInOneHourC).toBe(60);
    expect(course.state.oil?.load).toBeCloseTo(0.6, 9);
  });

  it('tells a passing once while it stands, and is over when neither load nor chance is high', () => {
    const course = new Course().at(0.7, 0.6).at(0.8, 0.9).at(0.9, 0.9).at(0.79, 0.24);
    expect(course.seen()).toEqual(['raised 1h', 'updated 1h', 'cleared 1h']);
    expect(course.told.map(({ evidence }) => evidence.passed)).toEqual([false, true, true]);
    // A load of exactly the limit passes it: a low chance does not clear what is there.
    const staying = new Course().at(0.7, 0.6).at(0.8, 0.1).at(0.8, 0.1).at(0.8, 0.1);
    expect(staying.seen()).toEqual(['raised 1h', 'updated 1h']);
    // The next one has not passed yet.
    expect(course.at(0.7, 0.5).told.at(-1)?.evidence.passed).toBe(false);
  });

  it('does not foretell what is there already', () => {
    expect(new Course().at(0.8, 0.9, 0.9).at(0.9, 0.9, 0.9).seen()).toEqual([]);
    expect(new Course().at(0.799, 0.9).seen()).toEqual(['raised 1h']);
  });

  it('is silent before three days are known, and without load', () => {
    expect(new Course(3 * 96 - 2).at(0.6, 0.9).seen()).toEqual([]);
    expect(new Course(3 * 96 - 1).at(0.6, 0.9).seen()).toEqual(['raised 1h']);
    const course = new Course().say({ voltageV: [230] }).say({ ambientC: 30 });
    expect([course.seen(), course.state.lastMs]).toEqual([[], 0]);
  });

  it('is over an hour after its horizon where nobody says more', () => {
    const course = new Course().at(0.6, 0.9, 0.9);
    const lastMs = (course.slot - 1) * SLOT_MS;
    course.tick(lastMs + 2 * HOUR - 1);
    expect(course.seen()).toEqual(['raised 1h', 'raised 4h']);
    course.tick(lastMs + 2 * HOUR).tick(lastMs + 5 * HOUR - 1);
    expect(course.seen().slice(2)).toEqual(['cleared 1h']);
    course.tick(lastMs + 5 * HOUR).tick(lastMs + 9 * HOUR);
    expect(course.seen().slice(3)).toEqual(['cleared 4h']);
    // What happened is not known, and no figure is made up.
    expect(course.told[2]?.evidence).toEqual({ horizonH: 1, passed: false, noReadings: true });
    expect(course.told[2]?.sinceMs).toBe(course.told[0]?.sinceMs);
  });

  it('completes a quarter by the tick where its next reading is late', () => {
    const course = new Course();
    const beginMs = course.slot * SLOT_MS;
    const reading: Reading = { activePowerW: 60_000 };
    course.at(0.6, 0.9);
    course.told.splice(0);
    for (const horizon of course.state.horizons) horizon.phase = 'quiet';
    course.take({ type: 'reading', atMs: beginMs + 5 * 60_000, localMs: beginMs + 5 * 60_000, meter: 't', reading });
    expect(course.seen()).toEqual([]);
    expect(course.tick(beginMs + SLOT_MS + 60_000).seen()).toEqual(['raised 1h']);
  });

  it('takes power that flows back as below nothing on its way to the limit, and the air as it was told', () => {
    const course = new Course().at(-0.3, 0.01).at(0.2, 0.01, 0.01, { ambientC: 31.26 });
    expect(course.state.history.exact.slice(0, 2)).toEqual([0.2, -0.3]);
    expect(course.state.history.nowC).toBe(31.3);
    expect(course.at(0.2, 0.01).state.history.nowC).toBe(31.3);
    // Amperes have no sign.
    const amps = overloadForecast();
    const feeder: MeterInfo = { id: 'f', premises: 'feeder', fuseA: 100 };
    const state = amps.start(feeder, area)!;
    const reading = { currentA: [30, 20, 10] };
    amps.step(state, { type: 'reading', atMs: SLOT_MS, localMs: SLOT_MS, meter: 'f', reading }, feeder);
    expect(state.history.exact).toEqual([0.3]);
  });

  it('watches heads of the network whose rating is known', () => {
    const { start } = overloadForecast();
    expect(start({ id: 'f', premises: 'feeder', ratedCurrentA: 100 }, area)).toBeDefined();
    expect(start({ id: 'f', premises: 'feeder', fuseA: 100 }, area)).toBeDefined();
    expect(start({ id: 'f', premises: 'feeder' }, area)).toBeUndefined();
    expect(start({ id: 'h', premises: 'flat', fuseA: 40 }, area)).toBeUndefined();
  });
});
