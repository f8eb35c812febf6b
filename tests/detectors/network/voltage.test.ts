import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { Engine } from '../../../detectors/engine.ts';
import { voltage } from '../../../detectors/network/voltage.ts';

const MINUTE = 60_000;

/** One voltage a minute; undefined is a reading that is missing. */
function replay(volts: readonly (number | number[] | undefined)[], everyMin = 1): Alert[] {
  const engine = new Engine({ timezone: 'UTC', meters: [{ id: 'm' }] }, [voltage()]);
  return volts.flatMap((value, i) => {
    if (value === undefined) return [];
    const voltageV = typeof value === 'number' ? [value] : value;
    return engine.take({ atMs: (1 + i * everyMin) * MINUTE, meter: 'm', reading: { voltageV } }).alerts;
  });
}
const hold = (count: number, volts: number | number[] | undefined) => new Array(count).fill(volts);
const lifeOf = (alerts: readonly Alert[]): unknown[] =>
  alerts.map((alert) => [alert.state, alert.severity, alert.evidence.disturbance, alert.at / MINUTE - 1]);

describe('voltage', () => {
  it('tells undervoltage that stays, and its end', () => {
    expect(lifeOf(replay([...hold(5, 220), ...hold(30, 190), ...hold(20, 220)]))).toEqual([
      ['raised', 'warning', 'undervoltage', 15],
      ['cleared', 'warning', 'undervoltage', 45],
    ]);
  });

  it('tells a lost neutral within two minutes', () => {
    const alerts = replay([...hold(5, 220), ...hold(5, [221, 165, 290])]);
    expect(lifeOf(alerts)).toEqual([
      ['raised', 'critical', 'undervoltage', 6],
      ['raised', 'critical', 'overvoltage', 6],
    ]);
    expect(alerts.map((alert) => alert.evidence.phase)).toEqual([2, 3]);
  });

  it('takes 380 V between lines by its own limits', () => {
    expect(replay(hold(60, [380, 382, 381]))).toEqual([]);
    expect(lifeOf(replay(hold(20, [350, 352, 351])))).toEqual([['raised', 'warning', 'undervoltage', 10]]);
  });

  it('counts dips that do not stay, and clears the count at the end of the day', () => {
    const dip = [...hold(60, 220), ...hold(2, 180)];
    const alerts = replay([...dip, ...dip, ...dip, ...hold(1440, 220)]);
    expect(alerts.map((alert) => [alert.state, alert.evidence.disturbance, alert.evidence.sags])).toEqual([
      ['raised', 'sags', 3],
      ['cleared', 'sags', 3],
    ]);
  });

  it('does not take a supply that hovers at its upper limit for one that swells', () => {
    const hover = [...hold(60, 230), ...hold(2, 237)];
    expect(replay([...hover, ...hover, ...hover, ...hold(60, 230)])).toEqual([]);
    const swell = [...hold(60, 230), ...hold(2, 245)];
    const alerts = replay([...swell, ...swell, ...swell, ...hold(60, 230)]);
    expect(alerts.map((alert) => alert.evidence.disturbance)).toEqual(['sags']);
  });

  it('judges a day by its measured time', () => {
    const day = (bad: number) => [...hold(96 - bad, 220), ...hold(bad, 196)];
    const alerts = replay([...day(20), ...day(0), ...day(0)], 15).filter(
      (alert) => alert.evidence.disturbance === 'qualification',
    );
    expect(alerts.map((alert) => alert.state)).toEqual(['raised', 'cleared']);
    expect(alerts[0]?.evidence.qualifiedPercent).toBeCloseTo(100 * (1 - 20 / 96), 0);
    const mostlyMissing = [...hold(76, undefined), ...hold(20, 196), ...hold(96, 220)];
    expect(replay(mostlyMissing, 15).filter((alert) => alert.evidence.disturbance === 'qualification')).toEqual([]);
  });

  it('leaves an interruption to the outage', () => {
    expect(replay([...hold(5, 220), ...hold(60, 3), ...hold(5, 220)])).toEqual([]);
  });
});
