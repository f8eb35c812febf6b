import { describe, expect, it } from 'vitest';
import { judge, type Probe } from './trend.ts';

const HOUR = 3_600_000;
/** @param of what differs from a steady gateway, by the share of the run that has passed */
const probes = (of: (share: number, i: number) => Partial<Probe>, hours = 8): Probe[] =>
  Array.from({ length: hours * 360 }, (_, i) => ({
    atMs: i * 10_000,
    rssMb: 100,
    heapMb: 30 + (i % 17) / 2,
    descriptors: 30,
    loopP99Ms: 12,
    busUtilisation: 0.5,
    readings: i,
    waiting: 0,
    ...of(i / (hours * 360), i),
  }));

describe('soak', () => {
  it('lets a warm-up, a sawtooth, and a broker that is gone now and then pass', () => {
    const steady = probes((_, i) => ({
      rssMb: (i < 300 ? 60 + i / 10 : 100) + (i % 40) / 4,
      waiting: i % 138 < 5 ? 40 : 0,
      busUtilisation: i % 42 < 18 ? 0.62 : 0.5,
      loopP99Ms: i % 60 === 0 ? 70 : 12 + (i % 5),
    }));
    expect(judge(steady, 8 * HOUR)).toMatchObject({ verdict: 'steady', problems: [] });
  });

  it.each<[string, string, (share: number, i: number) => Partial<Probe>]>([
    ['a leak of memory', 'resident memory grew', (share) => ({ rssMb: 100 + 10 * share })],
    ['a leak under a sawtooth', 'the heap grew', (share, i) => ({ heapMb: 30 + 5 * share + (i % 17) })],
    ['a leak of descriptors', 'descriptors grew', (share) => ({ descriptors: 30 + 9 * share })],
    ['a slow loop', "event loop's P99", () => ({ loopP99Ms: 180 })],
    ['a loop that gets slower late', 'delay rose from 12 to 30', (share) => ({ loopP99Ms: share > 0.7 ? 30 : 12 })],
    ['a bus that gets busier', 'busier than before', (share) => ({ busUtilisation: 0.5 + 0.3 * share })],
    ['a bus without room', 'the bus is full', () => ({ busUtilisation: 0.99 })],
    ['a queue that grows', 'more messages wait', (share) => ({ waiting: Math.floor(60 * share) })],
    ['a queue that is never emptied again', 'more messages wait', (share) => ({ waiting: share > 0.5 ? 25 : 0 })],
    ['a standstill', 'reading slowed', (_, i) => ({ readings: Math.min(i, 900) })],
  ])('finds %s', (_, problem, of) => {
    const { verdict, problems } = judge(probes(of), 8 * HOUR);
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(verdict).toBe('a trend');
  });

  it('says that a run is too short instead of passing it', () => {
    const short = judge(probes(() => ({}), 8).slice(0, 100), HOUR / 4);
    expect(short.verdict).toBe('too short to judge');
    expect(short.problems).toEqual([expect.stringContaining('too short to judge')]);
  });

  it('misses the probes of a gateway that was too busy to give them', () => {
    const rare = probes(() => ({})).filter((_, i) => i % 2 === 0);
    expect(judge(rare, 8 * HOUR).problems).toEqual(['only 1440 of 2880 probes came']);
  });
});
