import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { Engine } from '../../../detectors/engine.ts';
import { imbalance } from '../../../detectors/network/imbalance.ts';
import type { MeterInfo } from '../../../protocols/reading.ts';

const MINUTE = 60_000;
const homes: MeterInfo[] = [
  { id: 'a', phases: 1, phase: 1 },
  { id: 'b', phases: 1, phase: 1 },
  { id: 'c', phases: 1, phase: 1 },
  { id: 'd', phases: 1, phase: 2 },
  { id: 'e', phases: 1, phase: 3 },
];
const drawnA: Record<string, number> = { a: 10, b: 30, c: 35, d: 40, e: 15 };
const area = { timezone: 'UTC', meters: [...homes, { id: 't', premises: 'transformer' } as MeterInfo] };

function replay(
  minutes: number,
  currentA: number[],
  voltageV: number[],
  engine = new Engine(area, [imbalance()]),
  from = 1,
): Alert[] {
  const alerts: Alert[] = [];
  for (let i = 0; i < minutes; i += 5) {
    const atMs = (from + i) * MINUTE;
    for (const home of homes) engine.take({ atMs, meter: home.id, reading: { currentA: [drawnA[home.id]!] } });
    alerts.push(...engine.take({ atMs, meter: 't', reading: { currentA, voltageV } }).alerts);
  }
  return alerts;
}

describe('imbalance', () => {
  it('raises after an hour and proposes the one home whose move helps most', () => {
    const engine = new Engine(area, [imbalance()]);
    const raised = replay(120, [75, 40, 15], [229, 231, 230], engine);
    expect(raised.map((alert) => [alert.state, alert.at / MINUTE])).toEqual([['raised', 61]]);
    // Moving 30 A from L1 (75) to L3 (15) leaves 45, 40, 45; 35 A would leave 40, 40, 50.
    expect(raised[0]?.evidence).toMatchObject({
      quantity: 'current',
      spreadPercent: 80,
      moveMeter: 'b',
      moveFromPhase: 1,
      moveToPhase: 3,
    });
    expect(raised[0]?.evidence.meanSpreadAfterPercent).toBeLessThan(15);
    const cleared = replay(120, [45, 40, 45], [229, 231, 230], engine, 121);
    expect(cleared.map((alert) => [alert.state, alert.id])).toEqual([['cleared', raised[0]?.id]]);
  });

  it('keeps its hold through a kettle on the empty phase', () => {
    const engine = new Engine(area, [imbalance()]);
    const evening = [75, 40, 15];
    const alerts = [
      ...replay(40, evening, [229, 231, 230], engine),
      ...replay(5, [75, 70, 70], [229, 231, 230], engine, 41),
      ...replay(40, evening, [229, 231, 230], engine, 46),
    ];
    expect(alerts.map((alert) => [alert.state, alert.at / MINUTE])).toEqual([['raised', 61]]);
  });

  it('is silent at light load and below the limit', () => {
    expect(replay(300, [4, 1, 0], [229, 231, 230])).toEqual([]);
    expect(replay(300, [50, 45, 40], [229, 231, 230])).toEqual([]);
  });

  it('tells unbalanced voltages, but not a phase that is out', () => {
    const alerts = replay(60, [45, 40, 45], [236, 224, 218]);
    expect(alerts.map((alert) => [alert.state, alert.evidence.quantity, alert.at / MINUTE])).toEqual([
      ['raised', 'voltage', 11],
    ]);
    expect(replay(60, [45, 40, 45], [236, 2, 218])).toEqual([]);
  });
});
