import { describe, expect, it } from 'vitest';
import { Engine } from '../../../detectors/engine.ts';
import { overload } from '../../../detectors/network/overload.ts';

const MINUTE = 60_000;
const area = { timezone: 'UTC', meters: [{ id: 'h', premises: 'flat', phases: 1, fuseA: 40 }] } as const;

describe('overload of a household', () => {
  const take = (engine: Engine, minute: number, reading: object) =>
    engine.take({ atMs: minute * MINUTE, meter: 'h', reading }).alerts;

  it('raises after the hold, clears after the hold, with one id', () => {
    const engine = new Engine({ ...area, meters: [...area.meters] }, [overload()]);
    const alerts = [];
    for (let minute = 0; minute < 60; minute++) {
      const amps = minute >= 10 && minute < 30 ? 50 : 10;
      alerts.push(...take(engine, minute, { currentA: [amps], voltageV: [220] }));
    }
    expect(alerts.map((alert) => [alert.state, alert.at / MINUTE])).toEqual([
      ['raised', 15],
      ['cleared', 35],
    ]);
    expect(alerts[0]?.since).toBe(10 * MINUTE);
    expect(new Set(alerts.map((alert) => alert.id)).size).toBe(1);
  });
});
