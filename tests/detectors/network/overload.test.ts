import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { Engine } from '../../../detectors/engine.ts';
import { overload } from '../../../detectors/network/overload.ts';
import type { OverloadSettings } from '../../../detectors/network/overload-settings.ts';
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

  it('is judged by current on a feeder without rated power', () => {
    const feeder: MeterInfo = { id: 'f', premises: 'feeder', phases: 3, ratedCurrentA: 200 };
    const alerts = replay(feeder, minutes(13, { currentA: [120, 170, 90] }), {}, 15);
    expect(alerts.map((alert) => [alert.evidence.level, alert.evidence.loadPercent])).toEqual([['heavy', 85]]);
  });
});
