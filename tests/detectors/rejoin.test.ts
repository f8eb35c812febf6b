/** A site file changes while its snapshot stays: what watches all meters at once goes on with those that are left. */
import { describe, expect, it } from 'vitest';
import { allDetectors } from '../../detectors/catalogue.ts';
import { rejoin } from '../../detectors/detector.ts';
import { Engine } from '../../detectors/engine.ts';
import type { MeterInfo } from '../../protocols/reading.ts';

const flat = (id: string): MeterInfo => ({ id, premises: 'flat', phase: 1, phases: 1, feeder: 'F1' });
const before: MeterInfo[] = [flat('stays'), flat('leaves'), { id: 't', premises: 'transformer' }];
const after: MeterInfo[] = [flat('stays'), flat('joins'), { id: 't', premises: 'transformer' }];
const area = (meters: MeterInfo[]) => ({ timezone: 'UTC', meters });

describe('a detector that watches all meters', () => {
  const areaWide = allDetectors().flatMap((detector) => (detector.scope === 'area' ? [detector] : []));

  it('is one of four', () => {
    expect(areaWide.map(({ name }) => name).sort()).toEqual(['imbalance', 'line-loss', 'outage', 'street-use']);
  });

  it.each(
    areaWide.map((detector) => [detector.name, detector] as const),
  )('%s knows who joined and who left', (_, detector) => {
    const engine = new Engine(area(before), [detector]);
    for (let i = 0; i < 5; i++)
      for (const { id } of before)
        engine.take({ atMs: (1 + i) * 60_000, meter: id, reading: { activePowerW: 500, currentA: [2, 2, 2] } });
    const kept = JSON.parse(JSON.stringify(engine.snapshot().area[detector.name]));
    // Who is known at all: the names of meters anywhere in the state.
    const names = (state: unknown) =>
      ['stays', 'leaves', 'joins', 't'].filter((id) => JSON.stringify(state).includes(`"${id}":`));
    const fresh = names(detector.start(area(after)));
    const joined = detector.start(area(after), kept);
    expect(names(joined)).toEqual(expect.arrayContaining(fresh));
    // What was known of who stayed is known still.
    expect(JSON.stringify(detector.start(area(before), kept))).toBe(JSON.stringify(kept));
    // And it has nothing to say where there is nothing left to watch.
    expect(detector.start(area([]), kept) === undefined).toBe(detector.start(area([])) === undefined);
  });
});

describe('what is kept of each meter', () => {
  it('is as it was, as at the start, or gone', () => {
    expect(rejoin({ stays: 0, joins: 0 }, { stays: 5, leaves: 7 })).toEqual({ stays: 5, joins: 0 });
    expect(rejoin({ joins: 0 })).toEqual({ joins: 0 });
  });
});
