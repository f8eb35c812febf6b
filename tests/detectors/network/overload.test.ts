import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { Engine } from '../../../detectors/engine.ts';
import { overload } from '../../../detectors/network/overload.ts';
import type { OverloadSettings } from '../../../detectors/network/overload-settings.ts';
import { ageingRate, hotSpotC, ONAN_DISTRIBUTION, steadyHeat } from '../../../detectors/network/thermal/transformer.ts';
import type { MeterInfo, Reading } from '../../../protocols/reading.ts';

const MINUTE = 60_000;

/** Readings of one meter, by the minute from `fromMin` on; undefined is a reading that is missing. */
function replay(
  meter: MeterInfo,
  readings: readonly (Reading | undefined)[],
  settings: Partial<OverloadSettings> = {},
  everyMin = 1,
): Alert[] {
  const engine = new Engine({ timezone: 'UTC', meters: [meter] }, [overload(settings)]);
  return readings.flatMap((reading, i) =>
    reading === undefined ? [] : engine.take({ atMs: (1 + i * everyMin) * MINUTE, meter: meter.id, reading }).alerts,
  );
}

const minutes = (count: number, reading: Reading | undefined): (Reading | undefined)[] =>
  new Array(count).fill(reading);
const amps = (value: number): Reading => ({ currentA: [value], voltageV: [220] });
const lifeOf = (alerts: readonly Alert[]): unknown[] => alerts.map((alert) => [alert.state, alert.severity]);

describe('overload of a home', () => {
  const home: MeterInfo = { id: 'h', premises: 'flat', phases: 1, fuseA: 40 };

  it('raises after the hold, clears after the hold, with one id', () => {
    const alerts = replay(home, [...minutes(10, amps(10)), ...minutes(20, amps(43)), ...minutes(20, amps(10))]);
    expect(alerts.map((alert) => [alert.state, alert.at / MINUTE])).toEqual([
      ['raised', 16],
      ['cleared', 36],
    ]);
    expect(alerts[0]?.since).toBe(11 * MINUTE);
    expect(new Set(alerts.map((alert) => alert.id)).size).toBe(1);
    expect(alerts[0]?.evidence).toMatchObject({ level: 'overload', currentA: 43, limitA: 40 });
  });

  it('hears of current from power where the meter tells no current', () => {
    const power = (watts: number): Reading => ({ activePowerW: watts, voltageV: [220] });
    expect(replay(home, minutes(10, power(8700)))).toEqual([]);
    expect(replay(home, minutes(10, power(9000)))).toHaveLength(1);
    // 8 kW at a power factor of 0.8 are 10 kVA.
    expect(replay(home, minutes(10, { activePowerW: 8000, powerFactor: [0.8] }))).toHaveLength(1);
  });

  it('waits less where the breaker would not wait, and says how long it will bear it', () => {
    const alerts = replay(home, minutes(3, amps(80)));
    expect(alerts.map((alert) => alert.at / MINUTE)).toEqual([2]);
    expect(alerts[0]?.severity).toBe('critical');
    expect(alerts[0]?.evidence.mustTripInMin).toBeGreaterThan(0);
  });

  it('grows in severity with the curve, never back and forth', () => {
    const alerts = replay(home, [
      ...minutes(10, amps(42)),
      ...minutes(5, amps(50)),
      ...minutes(5, amps(42)),
      ...minutes(5, amps(60)),
    ]);
    expect(lifeOf(alerts)).toEqual([
      ['raised', 'notice'],
      ['updated', 'warning'],
      ['updated', 'critical'],
    ]);
  });

  it('is over the fuse only above it, and back only under nine tenths of it', () => {
    expect(replay(home, minutes(60, amps(40)))).toEqual([]);
    expect(replay(home, minutes(60, amps(40.1)))).toHaveLength(1);
    expect(replay(home, [...minutes(10, amps(44)), ...minutes(60, amps(36))])).toHaveLength(1);
    expect(replay(home, [...minutes(10, amps(44)), ...minutes(60, amps(35.9))])).toHaveLength(2);
  });

  it.each([
    // IEC 60898-1: 1.13 In never trips within the hour, 1.45 In must.
    [45, 'notice', undefined, undefined],
    [45.2, 'warning', 60, undefined],
    [57.9, 'warning', expect.any(Number), undefined],
    [58, 'critical', expect.any(Number), 60],
  ])('takes %d A through a fuse of 40 A as %s', (value, severity, mayTripInMin, mustTripInMin) => {
    const [raised] = replay(home, minutes(6, amps(value)));
    expect(raised?.severity).toBe(severity);
    expect(raised?.evidence.mayTripInMin).toEqual(mayTripInMin);
    expect(raised?.evidence.mustTripInMin).toEqual(mustTripInMin);
  });

  it('tells load, peak and time of this overload, not of the one before', () => {
    const alerts = replay(home, [
      ...minutes(1, amps(70)),
      ...minutes(5, amps(10)),
      ...minutes(1, amps(44)),
      ...minutes(8, amps(42)),
      ...minutes(8, amps(8)),
    ]);
    expect(alerts.map((alert) => [alert.state, alert.severity, alert.confidence])).toEqual([
      ['raised', 'notice', 0.95],
      ['cleared', 'notice', 0.95],
    ]);
    const load = { level: 'overload', currentA: 42, limitA: 40, loadPercent: 105 };
    expect(alerts[0]?.evidence).toEqual({ ...load, peakA: 44, heldMin: 5 });
    expect(alerts[1]?.evidence).toMatchObject({ currentA: 8, loadPercent: 20, peakA: 44, heldMin: 14 });
  });

  it('watches a meter as what the site file says it is now, not as what it was when the snapshot was taken', () => {
    const alike = { id: 'x', phases: 3, ratedCurrentA: 100 } as const;
    const run = (engine: Engine, from: number, count: number) =>
      Array.from({ length: count }, (_, i) =>
        engine.take({ atMs: (from + i) * MINUTE, meter: 'x', reading: { currentA: [90, 90, 90] } }),
      ).flatMap(({ alerts }) => alerts.map((alert) => alert.evidence.level));
    const first = new Engine({ timezone: 'UTC', meters: [{ ...alike, premises: 'shop' }] }, [overload()]);
    expect(run(first, 1, 200)).toEqual([]);
    const snapshot = JSON.parse(JSON.stringify(first.snapshot()));
    const second = new Engine({ timezone: 'UTC', meters: [{ ...alike, premises: 'feeder' }] }, [overload()], snapshot);
    expect(run(second, 201, 125)).toEqual(['heavy']);
    const back = new Engine(
      { timezone: 'UTC', meters: [{ ...alike, premises: 'shop' }] },
      [overload()],
      JSON.parse(JSON.stringify(second.snapshot())),
    );
    expect(run(back, 400, 200)).toEqual([]);
  });

  it('watches whoever has a fuse or a rating, and nobody else', () => {
    const heard = (meter: MeterInfo, reading: Reading) => replay(meter, minutes(200, reading)).length > 0;
    expect(heard({ id: 'h', ratedCurrentA: 20 }, amps(30))).toBe(true);
    expect(heard({ id: 'h', fuseA: 40, ratedCurrentA: 20 }, amps(30))).toBe(false);
    expect(heard({ id: 'h' }, amps(300))).toBe(false);
    expect(heard({ id: 'f', premises: 'feeder' }, amps(300))).toBe(false);
    expect(heard({ id: 'f', premises: 'feeder', fuseA: 100 }, amps(300))).toBe(true);
    expect(heard({ id: 't', premises: 'transformer', ratedKva: 30 }, { activePowerW: 60_000 })).toBe(true);
    // 100 kVA of a home say nothing of its fuse.
    expect(heard({ id: 'h', ratedKva: 10 }, { activePowerW: 60_000 })).toBe(false);
  });

  it('does not bridge a hole: what was not measured is no evidence', () => {
    const alerts = replay(home, [amps(43), ...minutes(90, undefined), amps(43), ...minutes(4, amps(43))]);
    expect(alerts).toEqual([]);
  });
});

describe('overload of a transformer', () => {
  const transformer: MeterInfo = { id: 't', premises: 'transformer', phases: 3, ratedKva: 400 };
  const load = (ratio: number, ambientC = 20): Reading => ({ activePowerW: 400_000 * ratio, ambientC });

  it('goes from heavy to overload and back by the operating definition, as one alert', () => {
    const hours = (count: number, ratio: number) => minutes(count * 4, load(ratio));
    const alerts = replay(
      transformer,
      [...hours(4, 0.9), ...hours(3, 1.05), ...hours(2, 0.9), ...hours(2, 0.5)],
      {},
      15,
    );
    expect(alerts.map((alert) => [alert.state, alert.evidence.level, (alert.at / MINUTE - 1) / 60])).toEqual([
      ['raised', 'heavy', 2],
      ['updated', 'overload', 6],
      ['updated', 'heavy', 7.5],
      ['cleared', 'heavy', 9.5],
    ]);
    expect(new Set(alerts.map((alert) => alert.id)).size).toBe(1);
    expect(alerts[0]?.evidence).toMatchObject({ ratedKva: 400, ambientC: 20 });
    for (const figure of ['hotSpotC', 'topOilC', 'minutesToLimit'])
      expect(alerts[0]?.evidence[figure]).toBeTypeOf('number');
  });

  it('tells the end to the dispatcher whom it called', () => {
    const alerts = replay(transformer, [...minutes(60, load(1.6, 35)), ...minutes(60, load(0.4))]);
    expect(alerts.map((alert) => [alert.state, alert.recipients.includes('dispatch')])).toEqual([
      ['raised', true],
      ['cleared', true],
    ]);
  });

  it('does not wait two hours where the hot spot passes its limit sooner', () => {
    const alerts = replay(transformer, [...minutes(60, load(0.5, 35)), ...minutes(20, load(1.8, 35))]);
    expect(lifeOf(alerts)).toEqual([['raised', 'critical']]);
    expect(alerts[0]?.at).toBe(71 * MINUTE);
    expect(alerts[0]?.evidence.minutesToLimit).toBeLessThan(60);
    expect(alerts[0]?.evidence.outlook).toContain('passes 120 °C');
    expect(alerts[0]?.recipients).toContain('dispatch');
  });

  it('takes constants from the meter and the oil from a measured temperature', () => {
    const hot = replay(transformer, minutes(13, { ...load(0.9), temperatureC: 101 }), {}, 15);
    expect(hot[0]?.evidence.topOilC).toBe(101);
    expect(hot[0]?.severity).toBe('critical');
    const big = replay(
      { ...transformer, thermal: { topOilRiseK: 30, hotSpotGradientK: 10 } },
      minutes(13, load(0.9)),
      {},
      15,
    );
    expect(big[0]?.evidence.hotSpotC).toBeLessThan(60);
  });

  it('is heavy above 80 % and over above 100 %, and falls 5 points under them', () => {
    const quarters = (hours: number, ratio: number) => minutes(hours * 4, load(ratio));
    const levels = (...parts: (Reading | undefined)[][]) =>
      replay(transformer, parts.flat(), {}, 15).map((alert) => alert.evidence.level);
    expect(levels(quarters(9, 0.8))).toEqual([]);
    expect(levels(quarters(9, 0.801))).toEqual(['heavy']);
    expect(levels(quarters(9, 1))).toEqual(['heavy']);
    expect(levels(quarters(9, 1.001))).toEqual(['overload']);
    expect(levels(quarters(3, 0.9), quarters(9, 0.76))).toEqual(['heavy']);
    expect(levels(quarters(3, 0.9), quarters(9, 0.74))).toEqual(['heavy', 'heavy']);
    expect(levels(quarters(3, 1.01), quarters(9, 0.96))).toEqual(['overload']);
    expect(levels(quarters(3, 1.01), quarters(9, 0.94))).toEqual(['overload', 'heavy']);
  });

  it('says what the load does to oil, winding and paper', () => {
    const alerts = replay(
      transformer,
      [...minutes(8, load(0.5)), ...minutes(2, load(1.15)), ...minutes(15, load(1.05)), ...minutes(4, load(0.4))],
      {},
      15,
    );
    expect(alerts.map((alert) => [alert.state, alert.evidence.level])).toEqual([
      ['raised', 'overload'],
      ['cleared', 'overload'],
    ]);
    const [raised, cleared] = alerts;
    expect(raised).toMatchObject({ confidence: 0.98, severity: 'warning', recipients: ['power'] });
    expect(raised?.since).toBe((1 + 8 * 15) * MINUTE);
    expect(raised?.evidence).toMatchObject({ loadPercent: 105, peakPercent: 115, heldH: 2, minutesToLimit: 1440 });
    expect(raised?.evidence).toMatchObject({ lifeLostH: 0, ambientC: 20 });
    expect(raised?.evidence.outlook).toBe('at this load the hot spot stays under 120 °C today');
    const { hotSpotC: hotSpot, topOilC, ageingRate: rate } = raised?.evidence as Record<string, number>;
    expect(hotSpot).toBeCloseTo(topOilC! + 23 * 1.05 ** 1.6, 0);
    expect(rate).toBeCloseTo(2 ** ((hotSpot! - 98) / 6), 1);
    // Two and a half hours at a rate that grows from that of the raising to that of 1.05 held for ever.
    const steady = hotSpotC(steadyHeat(ONAN_DISTRIBUTION, 1.05, 20));
    expect(cleared?.evidence.lifeLostH).toBeGreaterThan(2 * rate!);
    expect(cleared?.evidence.lifeLostH).toBeLessThan(2.5 * ageingRate(steady));
    expect(cleared?.evidence.heldH).toBe(4.75);
    expect(cleared).toMatchObject({ severity: 'warning', recipients: ['power'] });
  });

  it('counts no wear for a time of which nobody read the load, and no peak of a load that did not stay', () => {
    const alerts = replay(
      transformer,
      [load(1.5), load(0.5), ...minutes(9, load(0.9)), ...minutes(8, undefined), ...minutes(4, load(0.7))],
      {},
      15,
    );
    expect(alerts.map((alert) => [alert.state, alert.severity])).toEqual([
      ['raised', 'notice'],
      ['cleared', 'notice'],
    ]);
    expect(alerts[0]?.evidence.peakPercent).toBe(90);
    const hourly = ageingRate(hotSpotC(steadyHeat(ONAN_DISTRIBUTION, 0.9, 20)));
    expect(alerts[1]?.evidence.lifeLostH).toBeLessThan(hourly);
    expect(alerts[1]?.evidence.peakPercent).toBe(90);
  });

  it('becomes heavy again after an overload that could not wait, since it was heavy', () => {
    const alerts = replay(transformer, [
      ...minutes(20, load(0.9, 35)),
      ...minutes(30, load(1.8, 35)),
      ...minutes(60, load(0.9)),
      ...minutes(40, load(0.4)),
    ]);
    expect(alerts.map((alert) => [alert.state, alert.evidence.level, alert.since / MINUTE])).toEqual([
      ['raised', 'overload', 1],
      ['updated', 'heavy', 1],
      ['cleared', 'heavy', 1],
    ]);
  });

  it('takes the air of 20 °C where nobody tells another, and keeps what was told', () => {
    const oilAfter = (first: Reading, then: Reading) =>
      replay(transformer, [first, ...minutes(12, then)], {}, 15)[0]?.evidence.topOilC;
    const bare = (ratio: number): Reading => ({ activePowerW: 400_000 * ratio });
    const steadyC = (ambientC: number) => expect.closeTo(steadyHeat(ONAN_DISTRIBUTION, 0.9, ambientC).topOilC, 1);
    expect(oilAfter(bare(0.9), bare(0.9))).toEqual(steadyC(20));
    expect(oilAfter(load(0.9, 35), bare(0.9))).toEqual(steadyC(35));
    // An entry that tells the oil's start was cold then, and so was its winding.
    const cold = replay({ ...transformer, thermal: { initialTopOilC: 20 } }, minutes(12, load(0.9)), {}, 15)[0];
    const warmed = 20 + (steadyHeat(ONAN_DISTRIBUTION, 0.9, 20).topOilC - 20) * (1 - Math.exp(-120 / 180));
    expect(cold?.evidence.topOilC).toBeCloseTo(warmed, 1);
  });

  it('warns of a heavy load that passes its limit within four hours, and calls within one', () => {
    // The air of a closed kiosk in the sun: from 20 to 55 °C while the load stays at 95 %.
    const alerts = replay(transformer, [load(0.95, 20), ...minutes(40, load(0.95, 55))], {}, 15);
    expect(lifeOf(alerts)).toEqual([
      ['raised', 'warning'],
      ['updated', 'critical'],
    ]);
    const [raised, updated] = alerts.map((alert) => alert.evidence);
    expect(raised?.minutesToLimit).toBeGreaterThan(60);
    expect(raised?.minutesToLimit).toBeLessThan(240);
    expect(raised?.outlook).toBe(
      `at this load the hot spot passes 120 °C (or the oil 105 °C) in ${String(raised?.minutesToLimit)} min`,
    );
    expect(updated?.minutesToLimit).toBeLessThanOrEqual(60);
    expect(updated?.level).toBe('heavy');
  });

  it('is judged by current on a feeder without rated power', () => {
    const feeder: MeterInfo = { id: 'f', premises: 'feeder', phases: 3, ratedCurrentA: 200 };
    const alerts = replay(feeder, minutes(13, { currentA: [120, 170, 90] }), {}, 15);
    expect(alerts.map((alert) => [alert.evidence.level, alert.evidence.loadPercent])).toEqual([['heavy', 85]]);
  });

  describe('that is a feeder: IEC 60255-149, 30 min, 1.05 times its rating for ever', () => {
    const feeder: MeterInfo = { id: 'f', premises: 'feeder', phases: 3, ratedCurrentA: 100 };
    const three = (value: number): Reading => ({ currentA: [value, value - 10, value - 20] });

    it('waits its two hours only where the cable does', () => {
      // τ ln(r² / (r² − 1)) is 119 min at 106 A and 122 min at 105.9 A.
      const [sooner] = replay(feeder, minutes(122, three(106)));
      expect([sooner?.at, sooner?.severity]).toEqual([11 * MINUTE, 'warning']);
      const [later] = replay(feeder, minutes(122, three(105.9)));
      expect([later?.at, later?.severity]).toEqual([121 * MINUTE, 'critical']);
    });

    it('says how warm the cable is and how long it will bear the load', () => {
      const [raised] = replay(feeder, minutes(12, three(150)));
      const square = (150 / 105) ** 2;
      expect(raised).toMatchObject({ at: 11 * MINUTE, since: MINUTE, severity: 'critical' });
      expect(raised?.recipients).toEqual(['power', 'dispatch']);
      expect(raised?.evidence).toStrictEqual({
        level: 'overload',
        loadPercent: 150,
        peakPercent: 150,
        heldH: 0.17,
        minutesToLimit: Math.round(30 * Math.log(square / (square - 1)) - 10),
        heatPercent: Math.round(100 * square * (1 - Math.exp(-1 / 3))),
      });
    });

    it('takes the mean of both ends for a hole', () => {
      const [raised] = replay(feeder, [three(50), ...minutes(119, undefined), ...minutes(12, three(150))]);
      const before = (100 / 105) ** 2 * (1 - Math.exp(-4));
      const after = before * Math.exp(-1 / 3) + (150 / 105) ** 2 * (1 - Math.exp(-1 / 3));
      expect(raised?.evidence.heatPercent).toBe(Math.round(100 * after));
      expect(raised?.evidence.minutesToLimit).toBe(0);
    });
  });
});
