import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { follow, startLevel } from '../../../detectors/charging/level.ts';

const MINUTE = 60_000;

/** Changes of a list of watts by the minute. */
function changes(powerW: number[], stepMs = MINUTE) {
  const level = startLevel(0, powerW[0]!);
  return powerW.slice(1).map((value, k) => follow(level, (k + 1) * stepMs, value));
}

describe('steps of power', () => {
  it('joins the halves of a step that fell into the middle of a minute', () => {
    const steps = changes([100, 100, 160, 250, 250, 250]).filter(({ type }) => type === 'step');
    expect(steps).toEqual([{ type: 'step', sinceMs: 2 * MINUTE, deltaW: 150 }]);
  });

  it('stays on the landing while the power drifts', () => {
    const taper = Array.from({ length: 60 }, (_, k) => 300 - 3 * k);
    expect(changes(taper).every(({ type }) => type === 'steady')).toBe(true);
  });

  it('calls a long silence a gap, with what changed over it', () => {
    const level = startLevel(0, 100);
    expect(follow(level, 30 * MINUTE, 250)).toEqual({ type: 'gap', sinceMs: 0, deltaW: 150 });
  });

  it('finds a step’s height at any cadence, above and below', () => {
    const heights = fc.integer({ min: 40, max: 2000 });
    fc.assert(
      fc.property(heights, fc.boolean(), fc.integer({ min: 1, max: 60 }), (heightW, up, cadenceS) => {
        const [from, to] = up ? [500, 500 + heightW] : [500 + heightW, 500];
        const steps = changes([from, from, from, to, to, to], cadenceS * 1000).filter(({ type }) => type === 'step');
        expect(steps).toMatchObject([{ deltaW: to - from }]);
      }),
      { seed: 1 },
    );
  });
});
