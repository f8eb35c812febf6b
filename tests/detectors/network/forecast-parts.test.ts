/** The parts of the forecast against what they are by definition. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrate, chance, margins, newCalibration } from '../../../detectors/network/forecast/calibration.ts';
import { featuresAt, highestOf, PRIOR } from '../../../detectors/network/forecast/features.ts';
import {
  at,
  elapse,
  type History,
  newHistory,
  record,
  SLOT_MS,
  SLOTS_PER_DAY,
} from '../../../detectors/network/forecast/history.ts';
import { foresee, learnWindow, newHorizonModel } from '../../../detectors/network/forecast/model.ts';
import { learnOil, newOilModel, oilAhead } from '../../../detectors/network/forecast/oil.ts';
import { learn, newRegression, predict, solve } from '../../../detectors/network/forecast/regression.ts';

const nothing = () => {};

/** A history whose quarters hold these values, the last one newest. */
function historyOf(values: readonly (number | undefined)[], firstSlot = 96): History {
  const history = newHistory();
  values.forEach((value, i) => {
    if (value !== undefined) record(history, (firstSlot + i) * SLOT_MS, value, nothing);
  });
  return history;
}

describe('the quarters of a load', () => {
  const MINUTE = 60_000;
  const recorded = (...at: [minute: number, value: number][]) => {
    const history = newHistory();
    const closed: number[] = [];
    for (const [minute, value] of at) record(history, minute * MINUTE, value, () => closed.push(history.slot));
    return { history, closed };
  };

  it('are the means of what was said in them, complete with the reading at their end or a minute after', () => {
    const quarter = recorded([17, 0.2], [20, 0.4]);
    expect([quarter.closed, quarter.history.open]).toEqual([[], true]);
    const ended = recorded([17, 0.2], [20, 0.4], [30, 0.6]);
    expect([ended.closed, at(ended.history, 0)]).toEqual([[2], 0.4]);
    // A round of the bus later it still belongs to the quarter that is over.
    const late = recorded([20, 0.2], [31, 0.4]);
    expect([late.closed, at(late.history, 0)]).toEqual([[2], 0.3]);
    const next = recorded([20, 0.2], [31.1, 0.4]);
    expect([next.closed, at(next.history, 0)]).toEqual([[2], 0.2]);
  });

  it('are complete a minute after their end also when nobody says more', () => {
    const { history } = recorded([20, 0.2]);
    const closed: number[] = [];
    elapse(history, 30.9 * MINUTE, () => closed.push(1));
    expect(closed).toEqual([]);
    elapse(history, 31 * MINUTE, () => closed.push(2));
    elapse(history, 40 * MINUTE, () => closed.push(3));
    expect([closed, at(history, 0)]).toEqual([[2], 0.2]);
    // What comes for it now comes too late.
    record(history, 30 * MINUTE, 0.9, nothing);
    expect(at(history, 0)).toBe(0.2);
  });

  it('are joined by a line over up to three, each told; of four nothing is known', () => {
    const bridged = recorded([15, 0.2], [75, 0.6]);
    expect(bridged.closed).toEqual([1, 2, 3, 4, 5]);
    expect([4, 3, 2, 1, 0].map((age) => at(bridged.history, age))).toEqual([0.2, 0.3, 0.4, 0.5, 0.6]);
    expect(bridged.history.known).toBe(5);
    const hole = recorded([15, 0.2], [90, 0.6]);
    expect(hole.closed).toEqual([1, 6]);
    expect([5, 4, 1, 0].map((age) => at(hole.history, age))).toEqual([0.2, undefined, undefined, 0.6]);
    expect([hole.history.known, hole.history.slot]).toEqual([2, 6]);
    // A hole is not bridged from nothing.
    const after = recorded([15, 0.2], [90, 0.6], [135, 0.6]);
    expect(at(after.history, 1)).toBe(0.6);
  });

  it('drop what comes too late, and start afresh where the clock was more than a day ahead', () => {
    const { history } = recorded([3000, 0.2], [2900, 0.9], [3000, 0.9]);
    expect([at(history, 0), at(history, 1)]).toEqual([0.2, undefined]);
    record(history, (3000 - 24 * 60) * MINUTE, 0.7, nothing);
    expect(at(history, 0)).toBe(0.2);
    record(history, (3000 - 24 * 60 - 15) * MINUTE, 0.7, nothing);
    expect([at(history, 0), history.known]).toEqual([0.7, 1]);
  });

  it('hold a week in characters, from −40 to 142 % of the rating by 2 %, with the air of four hours', () => {
    const values = Array.from({ length: 750 }, (_, i) => -0.5 + ((i * 7) % 103) * 0.02);
    const history = newHistory();
    values.forEach((value, i) => {
      history.nowC = i % 50;
      record(history, i * SLOT_MS, value, nothing);
    });
    for (let age = 34; age < 688; age++) {
      const kept = Math.max(-0.4, Math.min(1.4, values[749 - age]!));
      expect(at(history, age)).toBeCloseTo(kept, 9);
    }
    expect(history.week).not.toContain('\\');
    expect(history.week).toMatch(/^[\x20-\x7e]{688}$/);
    expect([history.known, history.exact.length]).toEqual([688, 34]);
    expect(history.airC).toEqual(Array.from({ length: 17 }, (_, i) => (749 - i) % 50));
  });
});

describe('the features', () => {
  const limit = 0.8;
  /** Eight days of a ragged course in steps of 2 %, which a week's characters keep exactly. */
  const values = Array.from({ length: 8 * 96 + 20 }, (_, i) => ((i * 37) % 43) * 0.02 + (i % 96 > 72 ? 0.04 : 0));
  const back = (age: number) => values[values.length - 1 - age]!;
  const mean = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => back(from + i)).reduce((sum, value) => sum + value, 0) / count;

  it('are what they are by definition', () => {
    const history = historyOf(values);
    history.airC = [28];
    const ahead = 4;
    const windows = Array.from({ length: 7 }, (_, i) => {
      const start = (i + 1) * SLOTS_PER_DAY;
      return { same: back(start), highest: Math.max(...[1, 2, 3, 4].map((k) => back(start - k))) };
    });
    const features = featuresAt(history, { age: 0, ahead, slot: 30 }, limit)!;
    const meanHighest = windows.reduce((sum, { highest }) => sum + highest, 0) / 7;
    const angle = (2 * Math.PI * 30) / 96;
    const now = back(0);
    expect(features.now).toBeCloseTo(now, 9);
    expect(features.yesterday).toBeCloseTo(windows[0]!.highest, 9);
    expect(features.passed).toBeCloseTo(windows.filter(({ highest }) => highest >= limit - 1e-9).length / 7, 9);
    const expected = [
      ...[1, now, now - back(1), now - back(2), now - back(4), mean(0, 16) - now, mean(0, 96)],
      ...[windows[0]!.same, windows[0]!.highest, meanHighest],
      Math.max(...windows.map(({ same, highest }) => highest - same)),
      mean(0, 8) - mean(96, 8),
      ...[Math.max(0, now - 0.75 * limit), now * windows[0]!.highest],
      Array.from({ length: 16 }, (_, i) => Math.abs(back(i) - back(i + 1))).reduce((sum, step) => sum + step, 0) / 16,
      0.5,
      ...[1, 2, 3, 4].flatMap((wave) => [Math.sin(wave * angle), Math.cos(wave * angle)]),
    ];
    expect(features.x).toHaveLength(PRIOR.length);
    features.x.forEach((value, i) => {
      expect(value, `x[${i}]`).toBeCloseTo(expected[i]!, 6);
    });
  });

  it('can be taken as of some quarters ago', () => {
    const then = featuresAt(historyOf(values.slice(0, -6)), { age: 0, ahead: 4, slot: 7 }, limit)!;
    const now = featuresAt(historyOf(values), { age: 6, ahead: 4, slot: 7 }, limit)!;
    now.x.forEach((value, i) => {
      expect(value, `x[${i}]`).toBeCloseTo(then.x[i]!, 3);
    });
    // The air is what it was then; unknown, it says nothing.
    const history = historyOf(values);
    history.airC = [28, null, 8];
    const air = (age: number) => featuresAt(history, { age, ahead: 4, slot: 7 }, limit)!.x[15];
    expect([air(0), air(1), air(2), air(3)]).toEqual([0.5, 0, 0.5, 0]);
  });

  it('are not there without the last hour or any day before', () => {
    const known = (ages: number[]) => {
      const gone = new Set(ages.map((age) => values.length - 1 - age));
      const history = newHistory();
      // Exact holes, as a long silence leaves them.
      values.forEach((value, i) => {
        record(history, (96 + i) * SLOT_MS, value, nothing);
        if (gone.has(i)) {
          history.exact[0] = null;
          history.week = `${history.week.slice(0, -1)} `;
        }
      });
      return featuresAt(history, { age: 0, ahead: 4, slot: 7 }, limit);
    };
    for (const age of [0, 1, 2, 4]) expect(known([age]), `age ${age}`).toBeUndefined();
    expect(known([3, 5, 6])).toBeDefined();
    expect(featuresAt(historyOf(values.slice(0, 80)), { age: 0, ahead: 4, slot: 7 }, limit)).toBeUndefined();
    expect(featuresAt(historyOf(values.slice(0, 97)), { age: 0, ahead: 4, slot: 7 }, limit)).toBeDefined();
    // A hole in yesterday's window: the day before stands for yesterday.
    const yesterday = known([94])!;
    expect(yesterday.yesterday).toBeCloseTo(Math.max(...[1, 2, 3, 4].map((k) => back(192 - k))), 9);
  });

  it('of a window are known only whole', () => {
    const history = historyOf([0.2, 0.6, 0.4, undefined, undefined, undefined, undefined, undefined, 0.8]);
    expect([highestOf(history, 0, 1), highestOf(history, 0, 2), highestOf(history, 6, 3)]).toEqual([
      0.8,
      undefined,
      0.6,
    ]);
  });
});

describe('the regression', () => {
  const size = 3;
  const sample = fc.record({
    x: fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: size, maxLength: size }),
    y: fc.double({ min: -2, max: 2, noNaN: true }),
    weight: fc.double({ min: 0.01, max: 2, noNaN: true }),
  });

  it('solves its normal equations, with the ridge pulling towards the prior and little at the constant', () => {
    const prior = [0.5, -1, 2];
    fc.assert(
      fc.property(
        fc.array(sample, { maxLength: 12 }),
        fc.double({ min: 0.5, max: 1, noNaN: true }),
        (samples, keep) => {
          const model = newRegression(prior);
          const gram = Array.from({ length: size }, () => new Array<number>(size).fill(0));
          const moment = new Array<number>(size).fill(0);
          for (const { x, y, weight } of samples) {
            learn(model, x, y, weight, keep);
            for (let i = 0; i < size; i++) {
              moment[i] = keep * moment[i]! + weight * x[i]! * y;
              for (let j = 0; j < size; j++) gram[i]![j] = keep * gram[i]![j]! + weight * x[i]! * x[j]!;
            }
          }
          solve(model, 0.3, prior);
          for (let i = 0; i < size; i++) {
            const pull = i === 0 ? 0.003 : 0.3;
            const left = gram[i]!.reduce((sum, g, j) => sum + g * model.weights[j]!, pull * model.weights[i]!);
            expect(left).toBeCloseTo(moment[i]! + pull * prior[i]!, 3);
          }
          expect(predict(model.weights, [1, 2, 3])).toBeCloseTo(
            model.weights[0]! + 2 * model.weights[1]! + 3 * model.weights[2]!,
            9,
          );
        },
      ),
    );
  });

  it('keeps seven digits of whatever size, so that JSON carries what it computes with', () => {
    const kept = (y: number) => {
      const model = newRegression([0]);
      learn(model, [1], y, 1, 1);
      return model.moment[0];
    };
    expect(kept(1.23456789)).toBe(1.234568);
    expect(kept(-123_456_789)).toBe(-123_456_800);
    expect(kept(0.00123456789)).toBe(0.001234568);
    expect(kept(1.26e-12)).toBe(1e-12);
    expect([kept(0), kept(1e-14), kept(Number.NaN)]).toEqual([0, 0, 0]);
  });
});

describe('the calibration', () => {
  it('takes a margin of a tenth of the rating for 3 to 1 before it has learnt', () => {
    const odds = (margin: number) => chance(newCalibration(), margins(0.8 + margin, 0.5, 0.5, 0.5, 0.8));
    expect(odds(0)).toBeCloseTo(0.5, 9);
    expect(odds(0.1)).toBeCloseTo(1 / (1 + Math.exp(-1.2)), 9);
    expect(odds(-0.1)).toBeCloseTo(1 - odds(0.1), 9);
    const wild = newCalibration();
    wild.weights[0] = 1000;
    expect(chance(wild, [1, 0, 0, 0, 0])).toBeCloseTo(1 / (1 + Math.exp(-20)), 12);
    expect(chance(wild, [-1, 0, 0, 0, 0])).toBeCloseTo(1 / (1 + Math.exp(20)), 12);
  });

  it('cuts margins where they say nothing more', () => {
    expect(margins(2, 2, 2, 1, 0.8)).toEqual([1, 0.4, 0, 0.3, 0.5]);
    expect(margins(-2, -2, -2, 0, 0.8)).toEqual([1, -0.6, -0.6, -0.6, -0.5]);
    const [, ...inside] = margins(0.9, 0.7, 0.6, 0.25, 0.8);
    for (const [i, value] of [0.1, -0.1, -0.2, -0.25].entries()) expect(inside[i]).toBeCloseTo(value, 9);
  });

  it('takes a Newton step with each sample, and never forgets its prior', () => {
    const input = fc.array(fc.double({ min: -0.6, max: 0.6, noNaN: true }), { minLength: 4, maxLength: 4 });
    const prior = [2, 0.05, 0.2, 0.2, 0.5];
    fc.assert(
      fc.property(fc.array(fc.tuple(input, fc.boolean()), { minLength: 1, maxLength: 8 }), (samples) => {
        const calibration = newCalibration();
        let precision = prior.map((own, i) => prior.map((_, j) => (i === j ? own : 0)));
        for (const [rest, happened] of samples) {
          const x = [1, ...rest];
          const p = chance(calibration, x);
          const before = [...calibration.weights];
          calibrate(calibration, x, happened, 0.9);
          const curvature = Math.max(p * (1 - p), 1e-4);
          precision = precision.map((row, i) =>
            row.map((value, j) => {
              const own = i === j ? prior[i]! : 0;
              return own + 0.9 * (value - own) + curvature * x[i]! * x[j]!;
            }),
          );
          // Precision times the step is the gradient.
          const step = calibration.weights.map((weight, i) => weight - before[i]!);
          precision.forEach((row, i) => {
            const left = row.reduce((sum, value, j) => sum + value * step[j]!, 0);
            expect(left).toBeCloseTo(((happened ? 1 : 0) - p) * x[i]!, 3);
          });
        }
      }),
    );
  });
});

describe('the model of one horizon', () => {
  /** Days that pass 0.8 at nine in the evening. */
  const evenings = (days: number) =>
    Array.from({ length: days * 96 }, (_, i) => {
      const hour = (i % 96) / 4;
      return Math.round((0.3 + 0.6 * Math.exp(-(((hour - 19.5) / 2.2) ** 2))) * 50) / 50;
    });

  it('says nothing before the second day, then learns when the evening comes', () => {
    const model = newHorizonModel();
    const history = newHistory();
    const chances: (number | undefined)[] = [];
    evenings(8).forEach((value, i) => {
      record(history, (96 + i) * SLOT_MS, value, () => {
        learnWindow(model, history, history.slot, 4, 0.8);
        chances.push(foresee(model, history, history.slot, 4, 0.8)?.chance);
      });
    });
    expect(chances.slice(0, 96)).toEqual(new Array(96).fill(undefined));
    const lastDay = chances.slice(7 * 96) as number[];
    // At half past five the next hour passes, at noon it does not.
    expect(lastDay[17 * 4 + 3]).toBeGreaterThan(0.5);
    expect(lastDay[12 * 4]).toBeLessThan(0.05);
    const view = foresee(model, history, history.slot, 4, 0.8);
    expect(view?.expected).toBeGreaterThan(0.2);
    expect(view?.expected).toBeLessThan(0.6);
  });

  it('learns nothing from a window with a hole', () => {
    const model = newHorizonModel();
    const history = historyOf(evenings(3));
    history.exact[1] = null;
    const before = JSON.stringify(model);
    learnWindow(model, history, history.slot, 4, 0.8);
    expect(JSON.stringify(model)).toBe(before);
    learnWindow(model, historyOf(evenings(3)), 1, 4, 0.8);
    expect(JSON.stringify(model)).not.toBe(before);
  });

  it('calibrates from the third day on, and only on what has not passed already', () => {
    const learnt = (values: readonly number[]) => {
      const model = newHorizonModel();
      learnWindow(model, historyOf(values), 1, 4, 0.8);
      return JSON.stringify(model.calibration) !== JSON.stringify(newHorizonModel().calibration);
    };
    expect(learnt(evenings(3).slice(0, 191))).toBe(false);
    expect(learnt(evenings(3).slice(0, 192))).toBe(true);
    const over = [...evenings(3).slice(0, 2 * 96 + 80)];
    expect(over.at(-5)).toBeGreaterThan(0.8);
    expect(learnt(over)).toBe(false);
  });
});

describe('the oil in one hour', () => {
  const learnt = (days: number, oilAt: (slot: number) => number, gap?: number) => {
    const model = newOilModel();
    for (let slot = 1; slot <= days * SLOTS_PER_DAY; slot++) {
      if (slot !== gap) learnOil(model, slot * SLOT_MS, oilAt(slot), 0.5);
    }
    return model;
  };

  it('is not told before two hours in a row were measured, then three tenths of the last hour’s change', () => {
    const rising = (slots: number) => learnt(slots / SLOTS_PER_DAY, (slot) => 40 + slot);
    expect(oilAhead(rising(8))).toBeUndefined();
    expect(oilAhead(rising(9))).toBeCloseTo(49 + 0.3 * 4, 6);
    const hole = learnt(20 / SLOTS_PER_DAY, (slot) => 40 + slot, 15);
    expect(oilAhead(hole)).toBeUndefined();
    expect(hole.waiting).toEqual([]);
  });

  it('takes the first of a quarter, and waits out a clock that went back by less than a day', () => {
    const model = newOilModel();
    learnOil(model, 96 * SLOT_MS, 50, 0.5);
    learnOil(model, 96 * SLOT_MS + 30_000, 60, 0.5);
    learnOil(model, 90 * SLOT_MS, 60, 0.5);
    expect(model.recentC).toEqual([50]);
    learnOil(model, -SLOT_MS, 60, 0.5);
    expect(model.recentC).toEqual([60]);
  });

  it('learns the day of an oil that follows the sun', () => {
    const sun = (slot: number) => 50 + 12 * Math.sin((2 * Math.PI * (slot - 40)) / SLOTS_PER_DAY);
    const model = learnt(12, sun);
    const now = 12 * SLOTS_PER_DAY;
    expect(Math.abs(oilAhead(model)! - sun(now + 4))).toBeLessThan(0.3);
    expect(model.dayMeanC).toBeGreaterThan(40);
    // What each hour usually brings has been learnt, hour by hour.
    const steepest = model.profileK.indexOf(Math.max(...model.profileK));
    expect([9, 10]).toContain(steepest);
    expect(model.waiting.length).toBeLessThanOrEqual(4);
    expect(model.recentC).toHaveLength(9);
  });
});
