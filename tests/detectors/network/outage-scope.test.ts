import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Condition, locate, type Part } from '../../../detectors/network/outage/scope.ts';
import type { MeterInfo } from '../../../protocols/reading.ts';

/** Two feeders of two boxes of `size` homes each, phases in turn. */
function street(size = 6): MeterInfo[] {
  return Array.from({ length: 4 * size }, (_, i) => ({
    id: `h${i}`,
    phase: ((i % 3) + 1) as 1 | 2 | 3,
    feeder: i < 2 * size ? 'F1' : 'F2',
    box: `B${Math.floor(i / size)}`,
  }));
}

type Say = (meter: MeterInfo, index: number) => Condition | undefined;

function find(
  meters: readonly MeterInfo[],
  say: Say,
  dropped: (ids: readonly string[]) => boolean = () => false,
): Part[] {
  const told = new Map(meters.map((meter, i) => [meter.id, say(meter, i)]));
  return locate(meters, (id) => told.get(id), dropped);
}
const seen = (parts: readonly Part[]) => parts.map((part) => [part.scope, part.where, part.meters.length]);
const place = (meter: MeterInfo) => `${meter.feeder}/${meter.box}`;

describe('where an outage lies', () => {
  it('is nowhere while all live, and at each meter where those that are off share no part', () => {
    expect(find(street(), () => 'live')).toEqual([]);
    expect(find([], () => 'off')).toEqual([]);
    const parts = find(street(), (_, i) => (i === 0 || i === 13 ? 'off' : 'live'));
    expect(parts).toEqual([
      { scope: 'meter', where: 'h0', meters: ['h0'], said: 1, confidence: 0.95 },
      { scope: 'meter', where: 'h13', meters: ['h13'], said: 1, confidence: 0.95 },
    ]);
  });

  it('is a part from 80 % of its meters on', () => {
    const box = (down: number) => find(street(10), (meter, i) => (meter.box === 'B0' && i < down ? 'off' : 'live'));
    expect(seen(box(8))).toEqual([['branch', 'F1/B0', 8]]);
    expect(seen(box(7)).map(([scope]) => scope)).toEqual(new Array(7).fill('meter'));
  });

  it('is the largest part that explains it, and what that leaves is looked at again', () => {
    const parts = find(street(), (meter) => (meter.feeder === 'F1' || meter.box === 'B3' ? 'off' : 'live'));
    // What F1 explains says nothing of F2.
    expect(seen(parts)).toEqual([
      ['branch', 'F1', 12],
      ['branch', 'F2/B3', 6],
    ]);
    const crossed = find(street(), (meter) => (meter.phase === 1 || meter.box === 'B0' ? 'off' : 'live'));
    expect(seen(crossed)).toEqual([
      ['phase', 'L1', 8],
      ['branch', 'F1/B0', 4],
    ]);
    // Just under four fifths of all are down, and 7 of 8 on one phase: it is still the feeder, the box and a home.
    const most = find(street(), (meter, i) =>
      meter.feeder === 'F1' || meter.box === 'B3' || i === 12 ? 'off' : 'live',
    );
    expect(seen(most)).toEqual([
      ['branch', 'F1', 12],
      ['branch', 'F2/B3', 6],
      ['meter', 'h12', 1],
    ]);
    // One home of a box is no box.
    const two = find(street(2), (meter, i) => (meter.phase === 1 || i === 1 ? 'off' : 'live'));
    expect(seen(two)).toEqual([
      ['phase', 'L1', 3],
      ['meter', 'h1', 1],
    ]);
  });

  it('is the area where four fifths of all are down', () => {
    expect(seen(find(street(5), (_, i) => (i < 16 ? 'off' : 'live')))).toEqual([['area', 'area', 16]]);
    expect(seen(find(street(5), (_, i) => (i < 15 ? 'off' : 'live')))[0]?.[0]).not.toBe('area');
  });

  it('is one phase of the area, or of one feeder', () => {
    expect(seen(find(street(), (meter) => (meter.phase === 2 ? 'off' : 'live')))).toEqual([['phase', 'L2', 8]]);
    const ofOne = find(street(), (meter) => (meter.phase === 3 && meter.feeder === 'F2' ? 'off' : 'live'));
    expect(seen(ofOne)).toEqual([['phase', 'F2/L3', 4]]);
  });

  it('is no phase for meters that hang on all three, or whose phase nobody wrote down', () => {
    const shops = street().map((meter) => ({ ...meter, phases: 3 as const }));
    const ofPhases = find(shops, (meter) => (meter.phase === 2 ? 'off' : 'live'));
    expect(ofPhases.every((part) => part.scope === 'meter')).toBe(true);
    // The three-phase shops of a feeder are no phase of it, whoever else hangs there.
    const mixed = street().map((meter, i) => (i % 2 === 0 ? { ...meter, phases: 3 as const } : meter));
    const ofShops = find(mixed, (meter) => (meter.phases === 3 && meter.feeder === 'F1' ? 'off' : 'live'));
    expect(ofShops.every((part) => part.scope === 'meter')).toBe(true);
    const { phase: _, ...unknown } = street()[0]!;
    const two = [unknown, { ...unknown, id: 'x' }, ...street().slice(12)];
    expect(seen(find(two, (meter) => (meter.feeder === 'F1' ? 'off' : 'live')))).toEqual([['branch', 'F1', 2]]);
  });

  it('knows boxes that hang on no feeder, and meters of no box', () => {
    const boxes = street().map(({ feeder: _, ...meter }) => meter);
    expect(seen(find(boxes, (meter) => (meter.box === 'B1' ? 'off' : 'live')))).toEqual([['branch', '/B1', 6]]);
    const some = street().map(({ box, ...meter }) => (box === 'B0' ? meter : { ...meter, box: box! }));
    const ofNoBox = find(some, (_, i) => (i < 6 ? 'off' : 'live'));
    expect(ofNoBox.every((part) => part.scope === 'meter')).toBe(true);
    const bare = Array.from({ length: 6 }, (_, i): MeterInfo => ({ id: `m${i}` }));
    expect(seen(find(bare, (_, i) => (i < 2 ? 'off' : 'live'))).map(([scope]) => scope)).toEqual(['meter', 'meter']);
  });

  it('hears nothing of a meter that was never heard', () => {
    const parts = find(street(), (meter, i) => (meter.box !== 'B0' ? 'live' : i < 2 ? 'off' : undefined));
    expect(seen(parts)).toEqual([['branch', 'F1/B0', 2]]);
    expect(find(street(), (_, i) => (i === 0 ? 'off' : undefined))).toHaveLength(1);
  });

  it('takes silence with those who said so, if one in ten did', () => {
    const box = (said: number, size: number) =>
      find(street(size), (meter, i) => (meter.box !== 'B0' ? 'live' : i < said ? 'off' : 'silent'));
    expect(box(5, 10)).toMatchObject([{ where: 'F1/B0', said: 5, confidence: 0.97 }]);
    expect(box(4, 10)).toMatchObject([{ where: 'F1/B0', said: 4, confidence: 0.9 }]);
    expect(box(1, 10)).toMatchObject([{ where: 'F1/B0', said: 1, confidence: 0.9 }]);
    expect(box(1, 11)).toMatchObject([{ where: 'h0', scope: 'meter' }]);
    expect(box(0, 10)).toEqual([]);
  });

  it('takes silence alone where the transformer lost the load of just these', () => {
    const asked: string[][] = [];
    const silent = (meter: MeterInfo) => (meter.box === 'B2' ? 'silent' : 'live');
    const parts = find(street(), silent, (ids) => {
      asked.push([...ids]);
      return true;
    });
    expect(parts).toEqual([
      {
        scope: 'branch',
        where: 'F2/B2',
        meters: ['h12', 'h13', 'h14', 'h15', 'h16', 'h17'],
        said: 0,
        confidence: 0.85,
      },
    ]);
    expect(asked).toEqual([parts[0]?.meters]);
  });

  it('takes the silence of one phase across boxes whose other meters answer: no bus does that', () => {
    const phase = (meters: MeterInfo[], also: (meter: MeterInfo) => boolean = () => false) =>
      find(meters, (meter) => (meter.phase === 1 || also(meter) ? 'silent' : 'live'));
    expect(phase(street())).toMatchObject([{ scope: 'phase', where: 'L1', said: 0, confidence: 0.8 }]);
    // Two are too few, three are enough.
    expect(phase(street(2).slice(0, 6))).toEqual([]);
    expect(phase(street(2))).toMatchObject([{ where: 'L1', meters: ['h0', 'h3', 'h6'] }]);
    // A dead port silences the box's other meters as well.
    expect(phase(street(), (meter) => place(meter) === 'F1/B0').map((part) => part.where)).not.toContain('L1');
    // Meters that say nothing of their box sit in one place.
    const bare = street().map(({ feeder: _, box: __, ...meter }) => meter);
    expect(phase(bare)).toMatchObject([{ where: 'L1' }]);
  });

  it('never takes the silence of a box for more than that', () => {
    expect(find(street(), (meter) => (meter.box === 'B1' ? 'silent' : 'live'))).toEqual([]);
    expect(find(street(), () => 'silent')).toEqual([]);
  });

  it('puts every meter in one part at most, and every meter that said so in one', () => {
    const condition = fc.constantFrom<(Condition | undefined)[]>('live', 'live', 'silent', 'off', undefined);
    fc.assert(
      fc.property(fc.array(condition, { minLength: 24, maxLength: 24 }), fc.boolean(), (conditions, dropped) => {
        const parts = find(
          street(),
          (_, i) => conditions[i],
          () => dropped,
        );
        const members = parts.flatMap((part) => part.meters);
        expect(new Set(members).size).toBe(members.length);
        conditions.forEach((is, i) => {
          if (is === 'off') expect(members).toContain(`h${i}`);
          if (is === 'live' || is === undefined) expect(members).not.toContain(`h${i}`);
        });
      }),
    );
  });
});
