import { describe, expect, it } from 'vitest';
import { startSums, sumUp } from '../../../firmware/uplink/summary.ts';

const QUARTER = 900_000;

function day(meters: number): ReturnType<typeof sumUp> {
  const sums = startSums();
  const out = [];
  for (let at = 0; at <= QUARTER; at += 300_000) {
    for (let n = 0; n < meters; n++) {
      out.push(...sumUp(sums, at, 'cell', `m${n}`, { activePowerW: 100 + at / 3_000, importWh: 1_000 + at / 36_000 }));
    }
  }
  return out;
}

describe('the summary of a cell', () => {
  it('is a sum of all its meters over a quarter of an hour', () => {
    const [summary, more] = day(12);
    expect(more).toBeUndefined();
    expect(summary).toEqual({ cell: 'cell', from: 0, to: QUARTER, meters: 12, energyWh: 200, maxPowerW: 3_600 });
  });

  it('is not made of fewer than ten meters', () => {
    expect(day(9)).toEqual([]);
  });
});
