import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { Engine } from '../../../detectors/engine.ts';
import { lineLoss } from '../../../detectors/network/line-loss.ts';
import type { MeterInfo } from '../../../protocols/reading.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const homes: MeterInfo[] = Array.from({ length: 20 }, (_, i) => ({ id: `h${i}`, premises: 'flat' }));
const area = { timezone: 'UTC', meters: [...homes, { id: 't', premises: 'transformer' } as MeterInfo] };

interface World {
  days: number;
  /** Share of the supply that reaches no meter, by day. */
  loss: (day: number) => number;
  /** Whether a reading is missing. */
  missing?: (meter: string, quarter: number) => boolean;
  /** How late the homes' readings are stamped. */
  skewMs?: number;
  /** Registers, or power alone. */
  register?: boolean;
}

/** Loads that swing by the hour, read every 15 min; each home has its own swing. */
function replay(world: World): Alert[] {
  const engine = new Engine(area, [lineLoss()]);
  const energy = new Map<string, number>();
  const alerts: Alert[] = [];
  for (let quarter = 0; quarter < world.days * 96; quarter++) {
    const atMs = DAY + quarter * 15 * MINUTE;
    let suppliedW = 0;
    homes.forEach((home, i) => {
      const powerW = 600 + 500 * Math.sin((2 * Math.PI * (quarter + 5 * i)) / 96) + 100 * ((quarter * (i + 3)) % 7);
      suppliedW += powerW / (1 - world.loss(Math.floor(quarter / 96)));
      energy.set(home.id, (energy.get(home.id) ?? 5e6) + powerW / 4);
      if (world.missing?.(home.id, quarter) === true) return;
      const reading = { activePowerW: powerW, ...(world.register === false ? {} : { importWh: energy.get(home.id)! }) };
      alerts.push(...engine.take({ atMs: atMs + i, meter: home.id, reading }).alerts);
    });
    energy.set('t', (energy.get('t') ?? 9e8) + suppliedW / 4);
    const reading = { activePowerW: suppliedW, ...(world.register === false ? {} : { importWh: energy.get('t')! }) };
    alerts.push(...engine.take({ atMs: atMs + 1000 + (world.skewMs ?? 0), meter: 't', reading }).alerts);
  }
  return alerts;
}

describe('line loss', () => {
  it.each([true, false])('is silent on ordinary loss (registers: %s)', (register) => {
    expect(replay({ days: 12, loss: () => 0.05, register })).toEqual([]);
  });

  it('tells energy that reaches no meter, and its end', () => {
    const alerts = replay({ days: 16, loss: (day) => (day >= 6 && day < 10 ? 0.18 : 0.05) });
    expect(alerts.map((alert) => alert.state)).toEqual(['raised', 'cleared']);
    expect(alerts[0]?.evidence.lossPercent).toBeCloseTo(18, 0);
    expect(alerts[0]?.evidence).toMatchObject({ users: 20, usersGuessed: 0, usualLossPercent: 5 });
    expect(new Set(alerts.map((alert) => alert.id)).size).toBe(1);
  });

  it('is not misled by clocks five minutes off', () => {
    expect(replay({ days: 12, loss: () => 0.07, skewMs: 300_000 })).toEqual([]);
  });

  it('puts the usual day of a missing home in its place, and is silent when too many are missing', () => {
    const oneGone = (meter: string, quarter: number) => meter === 'h3' && quarter > 5 * 96;
    expect(replay({ days: 12, loss: () => 0.08, missing: oneGone })).toEqual([]);
    const thief = replay({ days: 12, loss: (day) => (day > 6 ? 0.25 : 0.05), missing: oneGone });
    expect(thief[0]?.evidence.usersGuessed).toBe(1);
    const manyGone = (meter: string, quarter: number) => Number(meter.slice(1)) < 6 && quarter > 5 * 96;
    expect(replay({ days: 12, loss: (day) => (day > 6 ? 0.25 : 0.05), missing: manyGone })).toEqual([]);
  });

  it('tells users that count more than was supplied', () => {
    const alerts = replay({ days: 6, loss: () => -0.1 });
    expect(alerts[0]?.evidence.balance).toContain('more than was supplied');
  });
});
