import { describe, expect, it } from 'vitest';
import { judge, type Probe } from './trend.ts';

const HOUR = 3_600_000;
const probes = (of: (share: number, i: number) => Partial<Probe>): Probe[] =>
  Array.from({ length: 8 * 360 }, (_, i) => ({
    atMs: i * 10_000,
    rssMb: 100,
    heapMb: 30,
    descriptors: 30,
    loopP99Ms: 12,
    busUtilisation: 0.5,
    readings: i,
    waiting: 0,
    ...of(i / 2880, i),
  }));

describe('soak', () => {
  it('lets a sawtooth and a warm-up pass', () => {
    const steady = probes((_, i) => ({ rssMb: (i < 300 ? 60 + i / 10 : 100) + (i % 40) / 4 }));
    expect(judge(steady, 8 * HOUR).problems).toEqual([]);
  });

  it('finds a leak of memory, of descriptors, a slow loop and a standstill', () => {
    expect(
      judge(
        probes((share) => ({ rssMb: 100 + 10 * share })),
        8 * HOUR,
      ).problems[0],
    ).toContain('memory');
    expect(
      judge(
        probes((share) => ({ descriptors: 30 + 9 * share })),
        8 * HOUR,
      ).problems[0],
    ).toContain('descriptors');
    expect(
      judge(
        probes(() => ({ loopP99Ms: 180 })),
        8 * HOUR,
      ).problems[0],
    ).toContain('event loop');
    expect(
      judge(
        probes((_, i) => ({ readings: Math.min(i, 900) })),
        8 * HOUR,
      ).problems,
    ).toMatchObject([expect.stringContaining('reading slowed')]);
  });
});
