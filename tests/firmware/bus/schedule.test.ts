import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Ending, type PlanEntry, Schedule, type Turn } from '../../../firmware/bus/schedule.ts';

interface Done {
  atMs: number;
  turn: Turn;
}

/** Drives a schedule like a bus on which every read takes `costMs(turn)`. */
function drive(
  schedule: Schedule,
  untilMs: number,
  costMs: (turn: Turn) => number,
  ending: (turn: Turn & { do: 'read' }, atMs: number) => Ending = () => 'answered',
  fromMs = 0,
): Done[] {
  const done: Done[] = [];
  let nowMs = fromMs;
  while (nowMs < untilMs) {
    const turn = schedule.next(nowMs);
    if (turn.do === 'rest') {
      expect(turn.untilMs).toBeGreaterThan(nowMs);
      nowMs = Math.min(untilMs, turn.untilMs);
      continue;
    }
    done.push({ atMs: nowMs, turn });
    const tookMs = costMs(turn);
    nowMs += tookMs;
    if (turn.do === 'serve') schedule.served(nowMs, tookMs);
    else schedule.finished(nowMs, turn, ending(turn, nowMs), tookMs);
  }
  return done;
}

const plan = (meters: number, periodMs: number, priority: 0 | 1 | 2 = 1): PlanEntry[] =>
  Array.from({ length: meters }, (_, meter) => ({ meter, block: 0, periodMs, priority }));

const isRead = (turn: Turn, meter: number): boolean => turn.do === 'read' && turn.meter === meter;
const timesOf = (done: readonly Done[], meter: number): number[] =>
  done.filter(({ turn }) => isRead(turn, meter)).map(({ atMs }) => atMs);
const gapsOf = (times: readonly number[]): number[] => times.slice(1).map((at, i) => at - times[i]!);

describe('schedule', () => {
  it('keeps the period in phase: time spent reading does not stretch it', () => {
    const done = drive(new Schedule(plan(10, 1_000), 0), 20_000, () => 50);
    for (let meter = 0; meter < 10; meter++) {
      expect(new Set(gapsOf(timesOf(done, meter)))).toEqual(new Set([1_000]));
    }
  });

  it('gives every block of an over-full plan its turn, the wished-for ones too', () => {
    // 3 s of reads are asked of every second.
    const entries = [
      ...plan(20, 1_000, 2),
      ...plan(10, 1_000, 0).map((entry) => ({ ...entry, meter: entry.meter + 20 })),
    ];
    const done = drive(new Schedule(entries, 0), 300_000, () => 100);
    for (let meter = 0; meter < 30; meter++) {
      expect(timesOf(done, meter).length).toBeGreaterThan(50);
      expect(Math.max(...gapsOf(timesOf(done, meter)))).toBeLessThan(5_500);
    }
  });

  it('asks what is wanted first, first', () => {
    const entries: PlanEntry[] = [...plan(3, 10_000, 0), { meter: 3, block: 0, periodMs: 10_000, priority: 2 }];
    const [first] = drive(new Schedule(entries, 0), 10, () => 10);
    expect(first?.turn).toMatchObject({ meter: 3 });
  });

  it('lets a request jump the queue, within its share of a full bus', () => {
    const schedule = new Schedule(plan(10, 500), 0);
    let asked = 0;
    let nowMs = 0;
    let served = 0;
    while (nowMs < 200_000) {
      while (schedule.demand(asked, 1)) asked++;
      const turn = schedule.next(nowMs);
      if (turn.do === 'rest') throw new Error('a full bus does not rest');
      nowMs += 100;
      if (turn.do === 'serve') {
        served += 100;
        schedule.served(nowMs, 100);
      } else schedule.finished(nowMs, turn, 'answered', 100);
    }
    // The first burst is free; after it a fifth.
    expect(served).toBeGreaterThan(0.2 * 200_000);
    expect(served).toBeLessThan(10_000 + 0.21 * 200_000);
  });

  it('refuses what its queue cannot hold and forgets what was withdrawn', () => {
    const schedule = new Schedule([], 0);
    const taken = Array.from({ length: 40 }, (_, i) => schedule.demand(i, 1));
    expect(taken.filter(Boolean).length).toBe(32);
    schedule.withdraw(0);
    expect(schedule.demand(99, 2)).toBe(true);
    expect(schedule.next(0)).toEqual({ do: 'serve', request: 99 });
    expect(schedule.next(0)).toEqual({ do: 'serve', request: 1 });
  });

  it('reads a meter under suspicion more often and stretches the others by less than a fifth', () => {
    const pace = (attended: boolean) => {
      const schedule = new Schedule(plan(32, 3_200), 0);
      if (attended) schedule.attend(0, 5, 200, 600_000);
      const done = drive(schedule, 600_000, () => 100);
      const slowest = Math.max(...plan(32, 0).map(({ meter }) => 600_000 / timesOf(done, meter).length));
      return { slowest, attended: 600_000 / timesOf(done, 5).length };
    };
    expect(pace(true).attended).toBeLessThan(pace(false).attended / 3);
    expect(pace(true).slowest).toBeLessThan(1.2 * pace(false).slowest);
  });

  it('ends attention when its time is over, and bounds how many meters may have it', () => {
    const schedule = new Schedule(plan(40, 60_000), 0);
    const granted = Array.from({ length: 40 }, (_, meter) => schedule.attend(0, meter, 1_000, 5_000));
    expect(granted.filter(Boolean).length).toBe(16);
    const done = drive(schedule, 50_000, () => 10);
    const late = done.filter(({ atMs, turn }) => atMs > 5_500 && turn.do === 'read' && turn.why === 'attention');
    expect(late).toEqual([]);
    expect(timesOf(done, 0).length).toBeGreaterThan(4);
  });

  it('asks a silent meter in the gaps of the plan, at growing distances, and the others keep their period', () => {
    const dead = (turn: Turn) => turn.do === 'read' && turn.meter < 3;
    const schedule = new Schedule(plan(30, 5_000), 0);
    const done = drive(
      schedule,
      600_000,
      (turn) => (dead(turn) ? 1_300 : 72),
      (turn) => (dead(turn) ? 'failed' : 'answered'),
    );
    // The first two turns find out; from then on nobody else notices.
    for (let meter = 3; meter < 30; meter++) {
      const settled = timesOf(done, meter).filter((atMs) => atMs > 20_000);
      for (const gap of gapsOf(settled)) expect(Math.abs(gap - 5_000)).toBeLessThan(250);
    }
    const gaps = gapsOf(timesOf(done, 0));
    expect(gaps.at(-1)).toBeGreaterThan(30_000);
    expect(gaps.length).toBeGreaterThan(10);
  });

  it('bounds what dead meters cost a bus without gaps', () => {
    const dead = (turn: Turn) => turn.do === 'read' && turn.meter < 4;
    const done = drive(
      new Schedule(plan(32, 1_000), 0),
      1_200_000,
      (turn) => (dead(turn) ? 1_500 : 220),
      (turn) => (dead(turn) ? 'failed' : 'answered'),
    );
    const steady = done.filter(({ atMs }) => atMs > 300_000);
    const lost = steady.filter(({ turn }) => dead(turn)).length * 1_500;
    expect(lost / 900_000).toBeLessThan(0.05);
    // And none of them is forgotten.
    for (let meter = 0; meter < 4; meter++) expect(timesOf(steady, meter).length).toBeGreaterThan(3);
  });

  it('asks again soon after a probe whose answer the line spoilt, within the same share', () => {
    const schedule = new Schedule([...plan(1, 10_000), { meter: 1, block: 0, periodMs: 10_000, priority: 1 }], 0);
    const of1 = (turn: Turn) => turn.do === 'read' && turn.meter === 1;
    const silent = drive(
      schedule,
      900_000,
      () => 50,
      (turn) => (of1(turn) ? 'failed' : 'answered'),
    );
    expect(gapsOf(timesOf(silent, 1)).at(-1)).toBeGreaterThan(90_000);
    const spoilt = drive(
      schedule,
      1_100_000,
      () => 50,
      (turn) => (of1(turn) ? 'spoilt' : 'answered'),
      900_000,
    );
    expect(Math.max(...gapsOf(timesOf(spoilt, 1)))).toBeLessThan(25_000);
    const dead = (turn: Turn) => turn.do === 'read' && turn.meter < 4;
    const full = drive(
      new Schedule(plan(32, 1_000), 0),
      1_200_000,
      (turn) => (dead(turn) ? 1_500 : 220),
      (turn) => (dead(turn) ? 'spoilt' : 'answered'),
    );
    const steady = full.filter(({ atMs }) => atMs > 300_000);
    expect((steady.filter(({ turn }) => dead(turn)).length * 1_500) / 900_000).toBeLessThan(0.05);
  });

  it('takes a meter that answers again back in phase, with what it had dropped', () => {
    const entries: PlanEntry[] = [
      { meter: 0, block: 0, periodMs: 1_000, priority: 1 },
      { meter: 0, block: 1, periodMs: 1_000, priority: 1 },
    ];
    const schedule = new Schedule(entries, 0);
    const alive = drive(schedule, 10_000, () => 10);
    schedule.drop(10_000, 0, 1);
    const without = drive(schedule, 20_000, () => 10, undefined, 10_000);
    const silent = drive(
      schedule,
      60_000,
      () => 10,
      () => 'failed',
      20_000,
    );
    const back = drive(schedule, 120_000, () => 10, undefined, 60_000);
    const second = (done: readonly Done[]) => done.filter(({ turn }) => turn.do === 'read' && turn.block === 1).length;
    expect([second(alive), second(without) <= 1, second(silent) <= 3]).toEqual([10, true, true]);
    expect(silent.length).toBeLessThan(9);
    expect(second(back)).toBeGreaterThan(20);
    expect(new Set(gapsOf(timesOf(back.slice(-20), 0)).map((gap) => gap % 1_000))).toEqual(new Set([10, 990]));
  });

  it('does not let one block that never answers silence its meter', () => {
    const entries: PlanEntry[] = [
      { meter: 0, block: 0, periodMs: 1_000, priority: 1 },
      { meter: 0, block: 1, periodMs: 60_000, priority: 0 },
    ];
    const bad = (turn: Turn) => turn.do === 'read' && turn.block === 0;
    const done = drive(
      new Schedule(entries, 0),
      1_200_000,
      (turn) => (bad(turn) ? 500 : 50),
      (turn) => (bad(turn) ? 'failed' : 'answered'),
    );
    const good = timesOf(
      done.filter(({ turn }) => !bad(turn)),
      0,
    );
    expect(good.length).toBeGreaterThanOrEqual(20);
    expect(Math.max(...gapsOf(good))).toBeLessThanOrEqual(61_000);
    expect(done.filter(({ turn }) => bad(turn)).length).toBeLessThan(200);
  });

  it('asks nothing else of a meter that may still owe an answer, and the others go on', () => {
    const entries: PlanEntry[] = [0, 1].flatMap((meter) =>
      [0, 1].map((block) => ({ meter, block, periodMs: 1_000, priority: 1 as const })),
    );
    const schedule = new Schedule(entries, 0);
    schedule.hold(0, 1, 5_500);
    const done = drive(schedule, 10_000, () => 10);
    const reads = (meter: number, block: number) =>
      done.filter(({ turn }) => turn.do === 'read' && turn.meter === meter && turn.block === block);
    expect(reads(0, 0)[0]?.atMs).toBe(5_500);
    expect([reads(0, 1).length, reads(1, 0).length, reads(1, 1).length]).toEqual([10, 10, 10]);
    // Back in phase afterwards.
    expect(reads(0, 0)[1]!.atMs).toBeLessThan(6_100);
  });

  it('does not count a lost port against the meter', () => {
    const schedule = new Schedule(plan(2, 1_000), 0);
    drive(
      schedule,
      5_000,
      () => 100,
      () => 'untold',
    );
    expect([schedule.misses(0), schedule.misses(1)]).toEqual([0, 0]);
  });

  it('never rests without an end while something is planned, whatever happens', () => {
    const endings: Ending[] = ['answered', 'failed', 'spoilt', 'untold'];
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            meter: fc.nat(5),
            periodMs: fc.integer({ min: 10, max: 5_000 }),
            priority: fc.constantFrom(0, 1, 2),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        fc.infiniteStream(
          fc.record({
            ending: fc.constantFrom(...endings),
            costMs: fc.integer({ min: 1, max: 400 }),
            event: fc.nat(20),
          }),
        ),
        (entries, stream) => {
          const schedule = new Schedule(
            entries.map((entry, block) => ({ ...entry, block })),
            0,
          );
          let nowMs = 0;
          for (let i = 0; i < 300; i++) {
            const { value: chance } = stream.next();
            if (chance.event === 0) schedule.drop(nowMs, chance.costMs % 6, chance.costMs % 12);
            if (chance.event === 1) schedule.attend(nowMs, chance.costMs % 6, chance.costMs, 10 * chance.costMs);
            if (chance.event === 2) schedule.wake(nowMs, chance.costMs % 6);
            const turn = schedule.next(nowMs);
            if (turn.do === 'rest') {
              expect(turn.untilMs).toBeGreaterThan(nowMs);
              nowMs = turn.untilMs;
            } else if (turn.do === 'read') {
              nowMs += chance.costMs;
              schedule.finished(nowMs, turn, chance.ending, chance.costMs);
            }
          }
        },
      ),
    );
  });
});
