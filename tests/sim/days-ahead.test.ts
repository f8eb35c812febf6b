import { describe, expect, it } from 'vitest';
import { Area } from '../../sim/area.ts';
import { makeDaysAhead } from '../../sim/days-ahead.ts';
import { parseScenario } from '../../sim/scenario.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const HOUR = 3_600_000;
const scenario = () =>
  parseScenario(
    `name: three
why: Three homes whose second day must be there before its first question, and be the same day as it would have been.
start: 2024-11-11T18:00:00
days: 3
groups: [{ name: flat, count: 3 }]`,
    'three',
  );

describe('days made ahead', () => {
  it('makes each home’s next day in the evening, and changes nothing in it', async () => {
    const area = new Area(scenario());
    const made: number[] = [];
    const makeDay = area.makeDay.bind(area);
    const clock = new VirtualClock();
    const beganMs = clock.monotonicMs();
    area.makeDay = (id, atMs) => {
      made.push((clock.monotonicMs() - beganMs) / HOUR);
      makeDay(id, atMs);
    };
    const streetMs = () => area.startMs + clock.monotonicMs() - beganMs;
    const stop = makeDaysAhead(area, clock, 1, streetMs);
    await clock.runUntil(5 * HOUR);
    expect(made).toHaveLength(3);
    expect(made.every((hour) => hour >= 3 && hour < 3.1)).toBe(true);
    await clock.runUntil(29 * HOUR);
    expect(made).toHaveLength(6);
    stop();
    await clock.runUntil(77 * HOUR);
    expect(made).toHaveLength(6);
    const untouched = new Area(scenario());
    for (const { id } of area.meters) {
      const at = area.startMs + 30 * HOUR;
      expect(area.readingAt(id, at)).toEqual(untouched.readingAt(id, at));
    }
  });
});
