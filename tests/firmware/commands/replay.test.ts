import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admit, EMPTY } from '../../../firmware/commands/replay.ts';

describe('the window against replay', () => {
  it('admits a counter at most once, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200), { maxLength: 400 }), (counters) => {
        let window = EMPTY;
        const admitted = counters.filter((counter) => {
          const next = admit(window, counter);
          window = next ?? window;
          return next !== undefined;
        });
        expect(new Set(admitted).size).toBe(admitted.length);
      }),
    );
  });

  it('admits commands that overtake each other by less than 64, and none that is older', () => {
    let window = EMPTY;
    for (const counter of [100, 99, 37, 101]) window = admit(window, counter) ?? expect.fail(`refused ${counter}`);
    expect(admit(window, 36)).toBeUndefined();
    expect(admit(window, 99)).toBeUndefined();
    expect(admit(window, 38)).toBeDefined();
  });

  it('is not widened by a leap ahead', () => {
    const leapt = admit(admit(EMPTY, 1) ?? EMPTY, Number.MAX_SAFE_INTEGER) ?? expect.fail();
    expect(admit(leapt, 1)).toBeUndefined();
    expect(admit(leapt, Number.MAX_SAFE_INTEGER)).toBeUndefined();
  });
});
