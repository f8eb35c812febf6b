import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { Engine } from '../../../detectors/engine.ts';
import { at, newHistory, record, SLOT_MS } from '../../../detectors/network/forecast/history.ts';
import { learn, newRegression, predict, solve } from '../../../detectors/network/forecast/regression.ts';
import { overloadForecast } from '../../../detectors/network/overload-forecast.ts';
import type { MeterInfo } from '../../../protocols/reading.ts';
import { seeded } from '../../eval/support/network-data.ts';

const transformer: MeterInfo = { id: 't', premises: 'transformer', ratedKva: 100 };
const area = { timezone: 'UTC', meters: [transformer] };

/** A day that passes the limit from 18:00 to 21:00, with a ragged course. */
function loadAt(quarter: number, random: () => number): number {
  const hour = (quarter % 96) / 4;
  const evening = Math.exp(-(((hour - 19.5) / 2.2) ** 2));
  return 0.3 + 0.6 * evening + 0.04 * (random() - 0.5);
}

function replay(
  days: number,
  engine = new Engine(area, [overloadForecast()]),
  from = 0,
  missing?: (quarter: number) => boolean,
): Alert[] {
  const random = seeded(from + 1);
  const alerts: Alert[] = [];
  for (let quarter = from; quarter < from + days * 96; quarter++) {
    const ratio = loadAt(quarter, random);
    if (missing?.(quarter) === true) continue;
    alerts.push(
      ...engine.take({ atMs: quarter * SLOT_MS, meter: 't', reading: { activePowerW: 100_000 * ratio } }).alerts,
    );
  }
  return alerts;
}

describe('overload forecast', () => {
  it('warns before the evening from the fourth day on, at both horizons, and once an evening', () => {
    const alerts = replay(10).filter((alert) => alert.at >= 4 * 96 * SLOT_MS);
    for (const horizonH of [1, 4]) {
      const raised = alerts.filter((alert) => alert.state === 'raised' && alert.evidence.horizonH === horizonH);
      expect(raised.length).toBeGreaterThanOrEqual(6);
      expect(raised.length).toBeLessThanOrEqual(8);
      for (const alert of raised) {
        const hour = (alert.at / 3_600_000) % 24;
        expect(hour).toBeGreaterThan(18 - horizonH - 1);
        expect(hour).toBeLessThanOrEqual(18.5);
        expect(alert.evidence.probability).toBeGreaterThanOrEqual(0.3);
      }
    }
  });

  it('says nothing in the first three days and nothing of a calm load', () => {
    expect(replay(3)).toEqual([]);
    const engine = new Engine(area, [overloadForecast()]);
    const random = seeded(9);
    for (let quarter = 0; quarter < 10 * 96; quarter++) {
      const reading = { activePowerW: 45_000 + 8000 * random() };
      expect(engine.take({ atMs: quarter * SLOT_MS, meter: 't', reading }).alerts).toEqual([]);
    }
  });

  it('clears by itself when the readings stop in the middle of an alert', () => {
    const engine = new Engine(area, [overloadForecast()]);
    replay(8, engine);
    const before = replay(0.75, engine, 8 * 96);
    expect(before.at(-1)?.state).not.toBe('cleared');
    const after = engine.advance((8 * 96 + 72 + 40) * SLOT_MS).alerts;
    expect(after.map((alert) => [alert.state, alert.evidence.noReadings])).toEqual([
      ['cleared', true],
      ['cleared', true],
    ]);
  });

  it('is silent behind a hole until the last hour is known again', () => {
    const engine = new Engine(area, [overloadForecast()]);
    replay(8, engine);
    const hole = (quarter: number): boolean => quarter >= 8 * 96 + 20 && quarter < 8 * 96 + 70;
    const alerts = replay(0.74, engine, 8 * 96, hole);
    expect(alerts.filter((alert) => alert.at > (8 * 96 + 20) * SLOT_MS)).toEqual([]);
  });

  it('goes on from a snapshot as though it had never stopped', () => {
    const whole = new Engine(area, [overloadForecast()]);
    replay(6, whole);
    const second = new Engine(area, [overloadForecast()], JSON.parse(JSON.stringify(whole.snapshot())));
    expect(replay(2, second, 6 * 96)).toEqual(replay(2, whole, 6 * 96));
    expect(second.snapshot()).toEqual(whole.snapshot());
  });

  it('keeps its memory bounded', () => {
    const engine = new Engine(area, [overloadForecast()]);
    replay(30, engine);
    expect(JSON.stringify(engine.snapshot().meters.t).length).toBeLessThan(9_000);
  });
});

describe('history', () => {
  it('gives back what it was told, exactly for hours and by two percent for a week', () => {
    const history = newHistory();
    const values = Array.from({ length: 800 }, (_, i) => Math.sin(i / 9) * 0.5 + 0.5);
    values.forEach((value, i) => {
      record(history, i * SLOT_MS, value, () => {});
    });
    for (const age of [0, 1, 33]) expect(at(history, age)).toBeCloseTo(values[799 - age]!, 3);
    for (const age of [34, 96, 400, 687])
      expect(Math.abs(at(history, age)! - values[799 - age]!)).toBeLessThanOrEqual(0.0101);
    expect(at(history, 688)).toBeUndefined();
    expect(JSON.parse(JSON.stringify(history))).toEqual(history);
  });

  it('bridges three quarters and keeps a longer hole', () => {
    const history = newHistory();
    record(history, 0, 0.2, () => {});
    let closed = 0;
    record(history, 4 * SLOT_MS, 0.6, () => closed++);
    expect(closed).toBe(4);
    expect(at(history, 1)).toBeCloseTo(0.5, 6);
    record(history, 12 * SLOT_MS, 0.6, () => {});
    expect(at(history, 1)).toBeUndefined();
    expect(at(history, 8)).toBeCloseTo(0.6, 6);
  });
});

describe('regression', () => {
  it('finds the weights that made the data, and starts from its prior', () => {
    const random = seeded(5);
    const truth = [0.1, 0.7, -0.4];
    const model = newRegression([0, 1, 0]);
    expect(predict(model.weights, [1, 2, 3])).toBe(2);
    for (let i = 0; i < 2000; i++) {
      const x = [1, random(), random()];
      learn(model, x, predict(truth, x), 1, 0.999);
    }
    solve(model, 0.001, [0, 1, 0]);
    truth.forEach((weight, i) => {
      expect(model.weights[i]).toBeCloseTo(weight, 3);
    });
  });
});
