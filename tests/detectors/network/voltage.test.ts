import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { Engine } from '../../../detectors/engine.ts';
import { voltage } from '../../../detectors/network/voltage.ts';

const MINUTE = 60_000;

/** One voltage a minute; undefined is a reading that is missing. */
function replay(volts: readonly (number | number[] | undefined)[], everyMin = 1, timezone = 'UTC'): Alert[] {
  const engine = new Engine({ timezone, meters: [{ id: 'm' }] }, [voltage()]);
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
    const lineLow = [...hold(60, 380), ...hold(2, 350)];
    expect(replay([...lineLow, ...lineLow, ...lineLow, ...hold(60, 380)])).toEqual([]);
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

  it.each([
    // GB/T 12325: 220 V +7/−10 %, 380 V ±7 %; the limit itself is right.
    [198, 197.9, 'undervoltage', 198],
    [235.4, 235.5, 'overvoltage', 235.4],
    [353.4, 353.3, 'undervoltage', 353.4],
    [406.6, 406.7, 'overvoltage', 406.6],
  ])('takes %d V as right and %d V as %s', (right, wrong, disturbance, limitV) => {
    expect(replay(hold(60, right))).toEqual([]);
    const alerts = replay(hold(12, wrong));
    expect(lifeOf(alerts)).toEqual([['raised', 'warning', disturbance, 10]]);
    expect(alerts[0]?.evidence).toMatchObject({ voltageV: wrong, worstV: wrong, limitV, phase: 1, heldMin: 10 });
  });

  it.each([
    // 1 % of the nominal voltage back inside: what only touches the limit stays an alert.
    ['low', 190, 200.2, 200.3],
    ['high', 240, 233.2, 233.1],
    ['low between lines', 345, 357.2, 357.3],
    ['high between lines', 410, 402.8, 402.7],
  ])('clears %s only 1 %% inside the limit', (_what, outside, notYet, back) => {
    expect(replay([...hold(11, outside), ...hold(60, notYet)]).map((alert) => alert.state)).toEqual(['raised']);
    const alerts = replay([...hold(11, outside), ...hold(60, back)]);
    expect(lifeOf(alerts).map((life) => (life as unknown[])[3])).toEqual([10, 21]);
    expect(alerts[1]?.id).toBe(alerts[0]?.id);
    expect(alerts[1]?.since).toBe(MINUTE);
  });

  it.each([
    [176, 10, 'warning'],
    [175.9, 1, 'critical'],
    [253, 10, 'warning'],
    [253.1, 1, 'critical'],
    [304, 10, 'warning'],
    [303.9, 1, 'critical'],
    [437, 10, 'warning'],
    [437.1, 1, 'critical'],
  ])('tells %d V after %d min as %s', (volts, afterMin, severity) => {
    const [first] = replay(hold(12, volts));
    expect([(first?.at ?? 0) / MINUTE - 1, first?.severity]).toEqual([afterMin, severity]);
  });

  it('tells once that it grew dangerous, remembers the worst, and stays critical to its end', () => {
    const alerts = replay([
      ...hold(5, 220),
      ...hold(12, 190),
      ...hold(3, [191, 160, 192]),
      170,
      ...hold(5, 190),
      ...hold(20, 220),
    ]);
    expect(lifeOf(alerts)).toEqual([
      ['raised', 'warning', 'undervoltage', 15],
      ['updated', 'critical', 'undervoltage', 17],
      ['cleared', 'critical', 'undervoltage', 36],
    ]);
    expect(alerts[1]?.evidence).toMatchObject({ voltageV: 160, worstV: 160, phase: 2, heldMin: 12 });
    expect(alerts[2]?.evidence).toMatchObject({ voltageV: 220, worstV: 160, heldMin: 31 });
    expect(alerts[2]?.confidence).toBe(0.97);
    expect(alerts[2]?.recipients).toEqual(['power']);
    // The next one starts with a worst voltage and a severity of its own.
    const again = replay([...hold(3, 160), ...hold(12, 220), ...hold(12, 190)]);
    expect(again.at(-1)).toMatchObject({ severity: 'warning', evidence: { worstV: 190 } });
  });

  it('takes a phase under 10 % for interrupted and judges the others', () => {
    expect(replay(hold(60, [220, 22, 221]))).toEqual([]);
    expect(replay(hold(60, [220, 23, 221]))[0]?.evidence).toMatchObject({ disturbance: 'undervoltage', phase: 2 });
    expect(replay(hold(60, [190, 0, 221]))[0]?.evidence).toMatchObject({ disturbance: 'undervoltage', phase: 1 });
    expect(replay(hold(60, [220, Number.NaN, 221]))).toEqual([]);
    expect(replay(hold(60, [290, 221, 220]))[0]?.evidence).toMatchObject({ disturbance: 'overvoltage', phase: 1 });
  });

  it('does not bridge a hole of more than an hour, and does bridge a shorter one', () => {
    expect(replay([190, ...hold(65, undefined), 190])).toEqual([]);
    expect(replay([190, ...hold(64, undefined), 190])).toHaveLength(1);
  });

  it('counts sags by the civil day of the site, and tells the third only once', () => {
    const dip = [...hold(60, 220), ...hold(2, 180)];
    const quiet = (minutes: number) => hold(minutes, 220);
    // From 8 in the morning in Shanghai: midnight there is 16 h away, in UTC 24 h.
    const twoAndTwo = [...dip, ...dip, ...quiet(16 * 60), ...dip, ...dip, ...quiet(60)];
    expect(replay(twoAndTwo, 1, 'Asia/Shanghai')).toEqual([]);
    const [raised, cleared] = replay(twoAndTwo);
    expect([raised?.evidence.sags, cleared?.evidence.sags]).toEqual([3, undefined]);
    const five = replay([...dip, ...dip, ...dip, ...dip, ...dip, ...quiet(1440)]);
    expect(five.map((alert) => [alert.state, alert.evidence.sags, alert.severity])).toEqual([
      ['raised', 3, 'notice'],
      ['cleared', 5, 'notice'],
    ]);
    expect(five[1]?.id).toBe(five[0]?.id);
    expect(five[0]?.since).toBe(five[0]?.at);
  });

  it('does not count as a sag what stayed until it was told', () => {
    const low = [...hold(60, 220), ...hold(15, 190), ...hold(60, 220)];
    const kinds = replay([...low, ...low, ...low, ...low]).map((alert) => alert.evidence.disturbance);
    expect(new Set(kinds)).toEqual(new Set(['undervoltage']));
  });

  it('takes a swell by IEC 61000-4-30, over 110 % of the nominal voltage', () => {
    const swell = (usual: number, volts: number) => new Array(3).fill([...hold(60, usual), ...hold(2, volts)]).flat();
    expect(replay([...swell(230, 242), ...hold(60, 230)])).toEqual([]);
    expect(replay([...swell(230, 242.1), ...hold(60, 230)])).toHaveLength(1);
    expect(replay([...swell(390, 418), ...hold(60, 390)])).toEqual([]);
    expect(replay([...swell(390, 418.1), ...hold(60, 390)])).toHaveLength(1);
  });

  it('tells the rate of every bad day under one identity, until a day is right', () => {
    const day = (bad: number) => [...hold(96 - bad, 220), ...hold(bad, 196)];
    const alerts = replay([...day(20), ...day(20), ...day(0), ...day(20), ...day(0)], 15).filter(
      (alert) => alert.evidence.disturbance === 'qualification',
    );
    expect(alerts.map((alert) => [alert.state, alert.severity])).toEqual([
      ['raised', 'notice'],
      ['updated', 'notice'],
      ['cleared', 'notice'],
      ['raised', 'notice'],
    ]);
    expect(new Set(alerts.map((alert) => alert.id)).size).toBe(2);
    expect(alerts[0]?.since).toBe(alerts[0]?.at);
    expect(alerts[1]?.evidence).toEqual({
      disturbance: 'qualification',
      qualifiedPercent: 79.17,
      limitPercent: 95,
      measuredH: 24,
    });
  });

  it('asks for 95 % of the measured time, and for half a day measured', () => {
    const rated = (volts: (number | undefined)[]) =>
      replay(volts, 15).filter((alert) => alert.evidence.disturbance === 'qualification');
    // 100 quarters of two days, of which the first 96 are judged: from 0:01, 95 intervals of 15 min.
    const bad = (count: number) => [...hold(96 - count, 220), ...hold(count, 196), ...hold(4, 220)];
    expect(rated(bad(4))).toEqual([]);
    expect(rated(bad(5))).toHaveLength(1);
    // The limit itself is right, and an interruption is no time measured.
    expect(rated([...hold(40, 198), ...hold(56, 235.4), ...hold(4, 220)])).toEqual([]);
    expect(rated([...hold(50, 3), ...hold(20, 196), ...hold(30, 220)])).toEqual([]);
    // 48 intervals are 12 h; of 47 nothing is said.
    const measured = (intervals: number) => [...hold(intervals + 1, 196), ...hold(95 - intervals, undefined), 220];
    expect(rated(measured(48))).toHaveLength(1);
    expect(rated(measured(47))).toEqual([]);
  });
});
