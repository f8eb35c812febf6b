import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { Engine } from '../../../detectors/engine.ts';
import { imbalance } from '../../../detectors/network/imbalance.ts';
import { lineVoltages, negativeSequencePercent, nemaPercent } from '../../../detectors/network/unbalance.ts';
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

  it.each([
    // GB/T 15543: u₂ over 2 %. 216.5 V on one phase of 230 V make 1.996 %, 388.5 V between two of 400 V make 1.93 %.
    [[216.5, 230, 230], false],
    [[230, 216, 230], true],
    [[388.5, 400, 400], false],
    [[400, 400, 388], true],
  ])('judges %j V by negative sequence', (voltageV, raised) => {
    expect(replay(30, [45, 40, 45], voltageV)).toHaveLength(raised ? 1 : 0);
  });

  it('clears voltages under 1.7 %, and calls over 4 % a warning', () => {
    const life = (...voltages: number[][]) => {
      const engine = new Engine(area, [imbalance()]);
      return voltages
        .flatMap((voltageV, i) => replay(60, [45, 40, 45], voltageV, engine, 1 + 60 * i))
        .map((alert) => [alert.state, alert.severity, alert.at / MINUTE]);
    };
    expect(life([216, 230, 230], [218, 230, 230])).toEqual([['raised', 'notice', 11]]);
    expect(life([216, 230, 230], [218.5, 230, 230])).toEqual([
      ['raised', 'notice', 11],
      ['cleared', 'notice', 71],
    ]);
    expect(life([204, 230, 230])).toEqual([['raised', 'notice', 11]]);
    expect(life([203, 230, 230])).toEqual([['raised', 'warning', 11]]);
  });

  it('tells the voltages it judged', () => {
    const [alert] = replay(15, [45, 40, 45], [216, 230.04, 231]);
    expect(alert?.evidence).toMatchObject({ quantity: 'voltage', limitPercent: 2, l1V: 216, l2V: 230, l3V: 231 });
    const between = lineVoltages([216, 230.04, 231]);
    expect(alert?.evidence.negativeSequencePercent).toBeCloseTo(negativeSequencePercent(between), 3);
    expect(alert?.evidence.nemaPercent).toBeCloseTo(nemaPercent(between), 3);
    expect(alert).toMatchObject({ since: MINUTE, confidence: 0.95, recipients: ['power'] });
  });

  it('does not judge voltages that are fewer than three, not numbers, or of a phase under 60 V', () => {
    for (const voltageV of [[], [230, 200], [230, 200, Number.NaN], [230, 200, 59.9], [700, 301, 301]])
      expect(replay(60, [45, 40, 45], voltageV)).toEqual([]);
    expect(replay(60, [45, 40, 45], [230, 200, 60])).toHaveLength(1);
  });

  it('judges currents by their spread: over 25 % it raises, under 20 % it clears', () => {
    const life = (...currents: number[][]) => {
      const engine = new Engine(area, [imbalance()]);
      return currents
        .flatMap((currentA, i) => replay(240, currentA, [230, 230, 230], engine, 1 + 240 * i))
        .map((alert) => [alert.state, alert.severity, alert.at / MINUTE]);
    };
    expect(life([80, 60, 70])).toEqual([]);
    expect(life([80, 59.9, 70])).toEqual([['raised', 'notice', 61]]);
    expect(life([80, 40, 70])).toEqual([['raised', 'notice', 61]]);
    expect(life([80, 39, 70])).toEqual([['raised', 'warning', 61]]);
    expect(life([80, 40, 70], [80, 64, 70])).toHaveLength(1);
    // Nearly two hours, for the quarter's mean needs the first of them to come down.
    expect(life([80, 59, 70], [80, 65, 70]).map(([state]) => state)).toEqual(['raised', 'cleared']);
    // The way the current flows makes no difference: a roof feeds back on one phase.
    expect(life([80, -80, 80])).toEqual([]);
  });

  it('counts unbalance only from 15 % of the rating on, or 5 A where it is unknown', () => {
    const heard = (meter: MeterInfo, currentA: number[]) => {
      const engine = new Engine({ timezone: 'UTC', meters: [meter] }, [imbalance()]);
      const alerts: Alert[] = [];
      for (let i = 0; i < 20; i++) {
        const reading = { currentA };
        alerts.push(...engine.take({ atMs: (1 + 5 * i) * MINUTE, meter: meter.id, reading }).alerts);
      }
      return alerts.length > 0;
    };
    // 100 kVA at 400 V are 144.3 A, 15 % of them 21.65 A.
    const transformer: MeterInfo = { id: 't', premises: 'transformer', ratedKva: 100, ratedCurrentA: 10 };
    expect(heard(transformer, [30, 20, 15.1])).toBe(true);
    expect(heard(transformer, [30, 20, 14.8])).toBe(false);
    expect(heard({ id: 'f', premises: 'feeder', ratedCurrentA: 100 }, [20, 15, 10.1])).toBe(true);
    expect(heard({ id: 'f', premises: 'feeder', ratedCurrentA: 100 }, [20, 15, 9.9])).toBe(false);
    expect(heard({ id: 's', premises: 'shop', phases: 3 }, [7, 5, 3])).toBe(true);
    expect(heard({ id: 's', premises: 'shop', phases: 3 }, [7, 5, 2.9])).toBe(false);
    // Two phases, or one meter of a single phase, are no three.
    expect(heard({ id: 's', premises: 'shop', phases: 3 }, [70, 5])).toBe(false);
    expect(heard({ id: 'h', premises: 'flat', phases: 1, phase: 1 }, [70, 5, 5])).toBe(false);
  });

  it('lets no reading that is no number into its means, nor one of more than three', () => {
    const engine = new Engine(area, [imbalance()]);
    const odd = [
      [Number.NaN, 40, 45],
      [45, Number.POSITIVE_INFINITY, 45],
      [45, 40, Number.NaN],
      [900, 1, 1, 1],
    ];
    for (const [i, currentA] of odd.entries()) engine.take({ atMs: 1 + i, meter: 't', reading: { currentA } });
    const [alert] = replay(70, [75, 40, 15], [230, 230, 230], engine);
    expect(alert?.evidence).toMatchObject({ l1A: 75, l2A: 40, l3A: 15, meanSpreadPercent: 80 });
  });

  it('clears at light load, where unbalance does no harm', () => {
    const engine = new Engine(area, [imbalance()]);
    expect(replay(120, [75, 40, 15], [230, 230, 230], engine)).toHaveLength(1);
    const night = replay(240, [6, 1, 0], [230, 230, 230], engine, 121);
    expect(night.map((alert) => alert.state)).toEqual(['cleared']);
    expect(night[0]?.evidence.moveMeter).toBeUndefined();
  });

  it('tells the phases it judged, and what the move would make of them', () => {
    const [alert] = replay(70, [75, 40, 15], [230, 230, 230]);
    expect(alert?.evidence).toEqual({
      ...{ quantity: 'current', spreadPercent: 80, nemaPercent: 73.1, limitPercent: 25 },
      ...{ l1A: 75, l2A: 40, l3A: 15 },
      ...{ moveMeter: 'b', moveFromPhase: 1, moveToPhase: 3, movedMeanA: 30 },
      ...{ meanSpreadPercent: 80, meanSpreadAfterPercent: 11.1 },
    });
  });

  it('begins afresh after a hole', () => {
    const engine = new Engine(area, [imbalance()]);
    replay(30, [75, 40, 15], [230, 230, 230], engine);
    expect(replay(60, [75, 40, 15], [230, 230, 230], engine, 101)).toEqual([]);
    const other = new Engine(area, [imbalance()]);
    replay(60, [75, 70, 70], [230, 230, 230], other);
    // What was before the hole is no part of the quarter after it.
    const [alert] = replay(65, [75, 40, 15], [230, 230, 230], other, 201);
    expect(alert?.at).toBe(261 * MINUTE);
    expect(alert?.evidence.l2A).toBe(40);
  });

  it('proposes only homes of its own feeder, of its fullest phase, and only where a move helps', () => {
    const propose = (meters: MeterInfo[], amps: Record<string, number>, currentA: number[]) => {
      const engine = new Engine({ timezone: 'UTC', meters }, [imbalance()]);
      for (let i = 0; i < 20; i++) {
        const atMs = (1 + 5 * i) * MINUTE;
        for (const [meter, value] of Object.entries(amps)) engine.take({ atMs, meter, reading: { currentA: [value] } });
        const [alert] = engine.take({ atMs, meter: 'f', reading: { currentA } }).alerts;
        if (alert !== undefined) return alert.evidence.moveMeter ?? 'none';
      }
      return 'silent';
    };
    const feeder: MeterInfo = { id: 'f', premises: 'feeder', feeder: 'F1' };
    const own: MeterInfo = { id: 'own', phase: 2, feeder: 'F1' };
    const other: MeterInfo = { id: 'other', phase: 2, feeder: 'F2' };
    expect(propose([feeder, own, other], { own: 10, other: 30 }, [20, 80, 40])).toBe('own');
    expect(propose([{ ...feeder, premises: 'transformer' }, own, other], { own: 10, other: 30 }, [20, 80, 40])).toBe(
      'other',
    );
    expect(propose([feeder, { ...own, phase: 3 }], { own: 10 }, [20, 80, 40])).toBe('none');
    // Moving all of it would only turn the unbalance round.
    expect(propose([feeder, own], { own: 75 }, [20, 80, 40])).toBe('none');
    expect(propose([feeder, own], {}, [20, 80, 40])).toBe('none');
  });

  it('knows a home by its mean over about a day', () => {
    const engine = new Engine(area, [imbalance()]);
    const drawn = (atMin: number, amps: number) =>
      engine.take({ atMs: atMin * MINUTE, meter: 'b', reading: { currentA: [amps] } });
    drawn(1, 30);
    // Half a day at 90 A weighs a third: 50 A, and a reading without load says nothing.
    drawn(721, 90);
    engine.take({ atMs: 722 * MINUTE, meter: 'b', reading: { voltageV: [230] } });
    let moved: unknown;
    for (let i = 0; i < 70; i += 5) {
      const reading = { currentA: [120, 40, 15] };
      moved ??= engine.take({ atMs: (722 + i) * MINUTE, meter: 't', reading }).alerts[0]?.evidence.movedMeanA;
    }
    expect(moved).toBe(50);
  });

  it('watches a head that joined the site file since the snapshot, and keeps what it knew of the homes', () => {
    const engine = new Engine(area, [imbalance()]);
    replay(30, [45, 40, 45], [230, 230, 230], engine);
    const snapshot = JSON.parse(JSON.stringify(engine.snapshot()));
    const head: MeterInfo = { id: 'f', premises: 'feeder' };
    const after = new Engine({ timezone: 'UTC', meters: [...homes, head] }, [imbalance()], snapshot);
    const alerts: Alert[] = [];
    for (let i = 30; i < 120; i += 5)
      alerts.push(...after.take({ atMs: (1 + i) * MINUTE, meter: 'f', reading: { currentA: [75, 40, 15] } }).alerts);
    expect(alerts[0]).toMatchObject({ meter: 'f', evidence: { moveMeter: 'b', movedMeanA: 30 } });
  });

  it('has nothing to say where no meter has three phases', () => {
    expect(imbalance().start({ timezone: 'UTC', meters: homes })).toBeUndefined();
  });
});
