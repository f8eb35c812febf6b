import { describe, expect, it } from 'vitest';
import type { Clock } from '../../firmware/clock.ts';
import { SiteTime } from '../../firmware/site-time.ts';

function clockAt(wallMs: number) {
  const state = { wallMs, monotonicMs: 0 };
  const clock: Clock = {
    nowMs: () => state.wallMs,
    monotonicMs: () => state.monotonicMs,
    after: () => () => {},
  };
  const pass = (ms: number, wallStepMs = 0) => {
    state.monotonicMs += ms;
    state.wallMs += ms + wallStepMs;
  };
  return { clock, pass, state };
}

describe('site time', () => {
  it('follows the wall clock, and a step forward at once', () => {
    const { clock, pass } = clockAt(1_000_000);
    const time = new SiteTime(clock);
    pass(1000);
    expect(time.nowMs()).toBe(1_001_000);
    pass(1000, 3_600_000);
    expect(time.nowMs()).toBe(1_002_000 + 3_600_000);
  });

  it('never goes back, and comes near a wall clock that did', () => {
    const { clock, pass, state } = clockAt(10_000_000);
    const time = new SiteTime(clock);
    pass(0, -600_000);
    let last = time.nowMs();
    const first = last;
    for (let i = 0; i < 7000; i++) {
      pass(1000);
      const now = time.nowMs();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
    expect(last).toBeGreaterThan(first);
    expect(last - state.wallMs).toBeLessThan(5_000);
  });
});
