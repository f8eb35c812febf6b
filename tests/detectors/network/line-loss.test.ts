import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { Engine, type Snapshot } from '../../../detectors/engine.ts';
import { lineLoss } from '../../../detectors/network/line-loss.ts';
import type { MeterInfo, Reading } from '../../../protocols/reading.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const homes: MeterInfo[] = Array.from({ length: 20 }, (_, i) => ({ id: `h${i}`, premises: 'flat' }));
const area = { timezone: 'UTC', meters: [...homes, { id: 't', premises: 'transformer' } as MeterInfo] };

interface World {
  days: number;
  /** Share of the supply that reaches no meter, by day. */
  loss: (day: number) => number;
  /** Whether a reading is missing. */
  missing?: (meter: string, quarter: number) => boolean;
  /** How late the homes' readings are stamped. */
  skewMs?: number;
  /** Registers, or power alone. */
  register?: boolean;
}

/** Loads that swing by the hour, read every 15 min; each home has its own swing. */
function replay(world: World): Alert[] {
  const engine = new Engine(area, [lineLoss()]);
  const energy = new Map<string, number>();
  const alerts: Alert[] = [];
  for (let quarter = 0; quarter < world.days * 96; quarter++) {
    const atMs = DAY + quarter * 15 * MINUTE;
    let suppliedW = 0;
    homes.forEach((home, i) => {
      const powerW = 600 + 500 * Math.sin((2 * Math.PI * (quarter + 5 * i)) / 96) + 100 * ((quarter * (i + 3)) % 7);
      suppliedW += powerW / (1 - world.loss(Math.floor(quarter / 96)));
      energy.set(home.id, (energy.get(home.id) ?? 5e6) + powerW / 4);
      if (world.missing?.(home.id, quarter) === true) return;
      const reading = { activePowerW: powerW, ...(world.register === false ? {} : { importWh: energy.get(home.id)! }) };
      alerts.push(...engine.take({ atMs: atMs + i, meter: home.id, reading }).alerts);
    });
    energy.set('t', (energy.get('t') ?? 9e8) + suppliedW / 4);
    const reading = { activePowerW: suppliedW, ...(world.register === false ? {} : { importWh: energy.get('t')! }) };
    alerts.push(...engine.take({ atMs: atMs + 1000 + (world.skewMs ?? 0), meter: 't', reading }).alerts);
  }
  return alerts;
}

describe('line loss', () => {
  it.each([true, false])('is silent on ordinary loss (registers: %s)', (register) => {
    expect(replay({ days: 12, loss: () => 0.05, register })).toEqual([]);
  });

  it('tells energy that reaches no meter, and its end', () => {
    const alerts = replay({ days: 16, loss: (day) => (day >= 6 && day < 10 ? 0.18 : 0.05) });
    expect(alerts.map((alert) => alert.state)).toEqual(['raised', 'cleared']);
    expect(alerts[0]?.evidence.lossPercent).toBeCloseTo(18, 0);
    expect(alerts[0]?.evidence).toMatchObject({ users: 20, usersGuessed: 0, usualLossPercent: 5 });
    expect(new Set(alerts.map((alert) => alert.id)).size).toBe(1);
  });

  it('is not misled by clocks five minutes off', () => {
    expect(replay({ days: 12, loss: () => 0.07, skewMs: 300_000 })).toEqual([]);
  });

  it('puts the usual day of a missing home in its place, and is silent when too many are missing', () => {
    const oneGone = (meter: string, quarter: number) => meter === 'h3' && quarter > 5 * 96;
    expect(replay({ days: 12, loss: () => 0.08, missing: oneGone })).toEqual([]);
    const thief = replay({ days: 12, loss: (day) => (day > 6 ? 0.25 : 0.05), missing: oneGone });
    expect(thief[0]?.evidence.usersGuessed).toBe(1);
    const manyGone = (meter: string, quarter: number) => Number(meter.slice(1)) < 6 && quarter > 5 * 96;
    expect(replay({ days: 12, loss: (day) => (day > 6 ? 0.25 : 0.05), missing: manyGone })).toEqual([]);
  });

  it('tells users that count more than was supplied', () => {
    const alerts = replay({ days: 6, loss: () => -0.1 });
    expect(alerts[0]?.evidence.balance).toContain('more than was supplied');
  });
});

/** Ten homes of 1 kW each, read on the hour; what a day does differently is told by the day. */
class Village {
  readonly engine: Engine;
  readonly meters: readonly MeterInfo[];
  readonly alerts: Alert[] = [];
  readonly registers = new Map<string, number>();
  day = 1;
  /** Minutes past the hour at which everybody is read, and who is not read at an hour of a day. */
  pastHour = 0;
  unread: (meter: string, day: number, hour: number) => boolean = () => false;

  constructor(meters: readonly MeterInfo[] = village, snapshot?: Snapshot) {
    this.meters = meters;
    this.engine = new Engine({ timezone: 'UTC', meters }, [lineLoss()], snapshot);
  }

  /** Days of so many watts at each meter; a meter that is not in `wattsOf` is not read. */
  live(days: number, wattsOf: (meter: string) => number | undefined, read: Read = importOnly): this {
    for (const end = this.day + days; this.day < end; this.day++) {
      for (let hour = 1; hour <= 24; hour++) {
        for (const { id } of this.meters) {
          const watts = wattsOf(id);
          if (watts === undefined) continue;
          const wh = (this.registers.get(id) ?? 1e6) + watts;
          this.registers.set(id, wh);
          if (this.unread(id, this.day, hour)) continue;
          const atMs = this.day * DAY + (hour * 60 + this.pastHour) * MINUTE;
          this.alerts.push(...this.engine.take({ atMs, meter: id, reading: read(wh, watts) }).alerts);
        }
      }
    }
    return this;
  }

  told(): Alert[] {
    // The day that ended is judged eight hours into the next.
    this.alerts.push(...this.engine.advance(this.day * DAY + 9 * 60 * MINUTE).alerts);
    return this.alerts.splice(0);
  }
}

const village: MeterInfo[] = [
  ...Array.from({ length: 10 }, (_, i): MeterInfo => ({ id: `v${i}`, feeder: i < 5 ? 'F1' : 'F2' })),
  { id: 't', premises: 'transformer' },
];
type Read = (wh: number, watts: number) => Reading;
const importOnly: Read = (importWh) => ({ importWh });
const powerOnly: Read = (_, activePowerW) => ({ activePowerW });
/** What the transformer gives when so many percent are lost of it. */
const losing = (percent: number) => (meter: string) => (meter === 't' ? 10_000 / (1 - percent / 100) : 1000);

describe('line loss, by the figures', () => {
  it('counts beyond limit plus uncertainty: readings at midnight leave the clocks alone', () => {
    // Two clocks of 5 min: 0.35 % of a day for the transformer, 0.11 % for the ten homes together.
    expect(new Village().live(4, losing(10.3)).told()).toEqual([]);
    const [raised, ...more] = new Village().live(4, losing(10.5)).told();
    expect(more).toEqual([]);
    expect(raised).toMatchObject({ kind: 'leakage', state: 'raised', severity: 'warning', confidence: 0.9 });
    expect(raised?.evidence).toEqual({
      ...{ balance: 'energy that reached no meter', lossPercent: 10.5, uncertaintyPercent: 0.36, limitPercent: 10 },
      ...{ suppliedKwh: 268.16, countedKwh: 240, lostKwh: 28.16, users: 10, usersGuessed: 0 },
    });
    // Two days had ended that were known from midnight to midnight, told eight hours after the second.
    expect(raised?.at).toBe(4 * DAY + 8 * 60 * MINUTE);
    expect(raised?.since).toBe(2 * DAY);
  });

  it('raises on the first day where a third of all is gone, and not for one bad day else', () => {
    expect(new Village().live(2, losing(5)).live(1, losing(25)).live(3, losing(5)).told()).toEqual([]);
    const [raised] = new Village().live(2, losing(5)).live(1, losing(31)).live(1, losing(5)).told();
    expect(raised).toMatchObject({ since: 3 * DAY, evidence: { lossPercent: 31 } });
  });

  it('clears after two good days in a row', () => {
    const one = new Village().live(4, losing(15)).live(1, losing(5)).live(1, losing(15)).live(1, losing(5));
    expect(one.told().map((alert) => alert.state)).toEqual(['raised']);
    const two = one.live(1, losing(5)).told();
    expect(two.map((alert) => [alert.state, alert.since])).toEqual([['cleared', 2 * DAY]]);
  });

  it('judges a network by its own median plus four points, from three days on', () => {
    const usual = () => new Village().live(8, losing(9));
    expect(usual().live(4, losing(13.2)).told()).toEqual([]);
    const [raised] = usual().live(4, losing(13.6)).told();
    expect(raised?.evidence).toMatchObject({ limitPercent: 13, usualLossPercent: 9 });
    const [early] = new Village().live(3, losing(9)).live(2, losing(13.2)).told();
    expect(early?.evidence).toMatchObject({ limitPercent: 10 });
    // What was bad is not what is usual.
    const long = new Village().live(30, losing(20)).told();
    expect(long.map((alert) => alert.state)).toEqual(['raised']);
  });

  it('tells a gain beyond two percent and its uncertainty, as what it is', () => {
    expect(new Village().live(5, losing(-2.3)).told()).toEqual([]);
    const [raised] = new Village().live(5, losing(-2.5)).told();
    expect(raised?.evidence).toMatchObject({ balance: 'users count more than was supplied', lossPercent: -2.5 });
  });

  it('balances each feeder by its own homes, and a head with none by nothing', () => {
    const feeders: MeterInfo[] = [
      ...village,
      { id: 'f1', premises: 'feeder', feeder: 'F1' },
      { id: 'f2', premises: 'feeder', feeder: 'F2' },
      { id: 'f3', premises: 'feeder', feeder: 'F3' },
      { id: 'f?', premises: 'feeder' },
    ];
    const supplied: Record<string, number> = { t: 11_000, f1: 5200, f2: 5800, f3: 9000, 'f?': 9000 };
    const alerts = new Village(feeders).live(5, (meter) => supplied[meter] ?? 1000).told();
    expect(alerts.map((alert) => [alert.meter, alert.evidence.users])).toEqual([['f2', 5]]);
    expect(lineLoss().start({ timezone: 'UTC', meters: village.slice(0, 10) })).toBeUndefined();
    expect(lineLoss().start({ timezone: 'UTC', meters: feeders.slice(-2) })).toBeUndefined();
  });

  it('balances a feeder that joined the site file since the snapshot, on the registers it knew of the homes', () => {
    const before = new Village().live(3, losing(5));
    const meters: MeterInfo[] = [...village, { id: 'f1', premises: 'feeder', feeder: 'F1' }];
    const after = new Village(meters, JSON.parse(JSON.stringify(before.engine.snapshot())));
    for (const [id, wh] of before.registers) after.registers.set(id, wh);
    after.day = before.day;
    const [raised] = after.live(4, (meter) => (meter === 'f1' ? 6000 : losing(5)(meter))).told();
    expect(raised).toMatchObject({ meter: 'f1', evidence: { users: 5, usersGuessed: 0 } });
  });

  it('takes what roofs feed back off what was drawn', () => {
    const both: Read = (wh) => ({ importWh: 2 * wh, exportWh: wh });
    expect(new Village().live(5, losing(5), both).told()).toEqual([]);
    const [raised] = new Village().live(5, losing(15), both).told();
    expect(raised?.evidence.countedKwh).toBe(240);
  });

  it('believes a roof that turns its register back, and no register that jumps back', () => {
    // 30 kW of roof at one home for a day, seen by the transformer as well.
    const roof = (percent: number) => (meter: string) =>
      meter === 't' ? -21_000 / (1 - percent / 100) : meter === 'v0' ? -30_000 : 1000;
    const turned = new Village().live(2, losing(5)).live(2, roof(0)).live(3, losing(5));
    expect(turned.told()).toEqual([]);
    const replaced = new Village().live(3, losing(5));
    for (let i = 0; i < 10; i++) replaced.registers.set(`v${i}`, 0);
    replaced.live(1, losing(5));
    replaced.told();
    expect(replaced.live(2, losing(5)).told()).toEqual([]);
  });

  it('says nothing of a day on which next to nothing was supplied, or nobody was read', () => {
    const tiny = (watts: number) => (meter: string) => (meter === 't' ? watts : watts / 20);
    expect(new Village().live(5, tiny(41)).told()).toEqual([]);
    expect(new Village().live(5, tiny(42)).told()).toHaveLength(1);
    expect(new Village().live(5, (meter) => (meter === 't' ? 10_000 : undefined)).told()).toEqual([]);
    expect(new Village().live(5, (meter) => (meter === 't' ? undefined : 1000)).told()).toEqual([]);
  });

  it('puts the mean of the others in the place of a home that was never heard', () => {
    const without = (percent: number) => (meter: string) => (meter === 'v9' ? undefined : losing(percent)(meter));
    // A tenth of the supply may be guessed, not more.
    expect(new Village().live(5, without(-1)).told()).toEqual([]);
    const [raised] = new Village().live(5, without(25)).told();
    expect(raised?.evidence).toMatchObject({ usersGuessed: 1, countedKwh: 240 });
    // A guess of one home's day may be wrong by a whole day: 24 of 320 kWh.
    expect(raised?.evidence.uncertaintyPercent).toBeCloseTo(7.5, 1);
    const two = (meter: string) => (meter === 'v8' ? undefined : without(25)(meter));
    expect(new Village().live(5, two).told()).toEqual([]);
  });

  it('guesses a home it knows by its usual day, to the half of it', () => {
    const known = new Village().live(6, (meter) => (meter === 'v9' ? 2000 : meter === 't' ? 11_500 : 1000));
    expect(known.told()).toEqual([]);
    const gone = (meter: string) => (meter === 'v9' ? undefined : meter === 't' ? 22_000 : 1000);
    const [raised] = known.live(4, gone).told();
    expect(raised?.evidence).toMatchObject({ usersGuessed: 1, countedKwh: 264 });
    expect(raised?.evidence.uncertaintyPercent).toBeCloseTo((100 * 24) / 528, 0);
  });

  it('takes a register at midnight by a straight line, and doubts it by the time between the readings', () => {
    const village = new Village();
    village.pastHour = 30;
    const [raised] = village.live(4, losing(20)).told();
    // An hour between the readings and ten minutes of clocks, on both ends of the day, of the mean power, halved.
    const head = (100 * (70 / 60 / 2)) / 24;
    const homes = (0.8 * head) / Math.sqrt(10);
    expect(raised?.evidence.lossPercent).toBe(20);
    expect(raised?.evidence.uncertaintyPercent).toBeCloseTo(Math.hypot(head, homes), 2);
  });

  it('doubts a day by either of its ends, also where the other was read on midnight itself', () => {
    const doubt = (lastDay: number, hours: number) => {
      const village = new Village();
      village.unread = (meter, day, hour) => meter === 't' && day === lastDay && hour > 24 - hours;
      return village
        .live(3, losing(20))
        .live(lastDay === 3 ? 1 : 0, losing(20))
        .told()[0]?.evidence.uncertaintyPercent;
    };
    // Three hours around the midnight that began the third day, or that ended it: half of them, and the clocks.
    const expected = expect.closeTo((100 * (1.5 + 1 / 6)) / 2 / 24, 1);
    expect([doubt(2, 2), doubt(3, 2)]).toEqual([expected, expected]);
  });

  it('bridges four hours around midnight and no more', () => {
    const around = (hours: number) => {
      const village = new Village();
      village.unread = (meter, day, hour) => meter === 't' && day === 3 && hour > 24 - hours;
      return (village.live(6, losing(20)).told()[0]?.at ?? 0) / DAY - 1 / 3;
    };
    // Unread from 22 h on and back at 1 h: four hours. One more, and the two days that meet there are not known.
    expect([around(3), around(4)]).toEqual([4, 6].map((day) => expect.closeTo(day, 6)));
  });

  it('adds up power where no register is read, and knows nothing of a day with a hole in it', () => {
    expect(new Village().live(4, losing(5), powerOnly).told()).toEqual([]);
    const [raised] = new Village().live(4, losing(20), powerOnly).told();
    expect(raised?.evidence).toMatchObject({ lossPercent: 20, suppliedKwh: 300, countedKwh: 240 });
    const gap = (hours: number) => {
      const village = new Village();
      village.unread = (_, day, hour) => day === 3 && hour > 10 && hour < 10 + hours;
      return (village.live(4, losing(20), powerOnly).told()[0]?.at ?? 0) / DAY - 1 / 3;
    };
    expect([gap(4), gap(5)]).toEqual([4, 5].map((day) => expect.closeTo(day, 6)));
    // With a register a hole by day is none.
    const village = new Village();
    village.unread = (_, day, hour) => day === 3 && hour > 10 && hour < 20;
    expect(village.live(3, losing(20)).told()).toHaveLength(1);
  });

  it('takes the mean of two powers for the time between them', () => {
    // At full hours 1 kW and 3 kW by turns: 2 kW in the mean.
    const village = new Village();
    const turns: Read = (wh, watts) => ({ activePowerW: watts * (Math.round(wh / watts) % 2 === 0 ? 0.5 : 1.5) });
    const [raised] = village.live(4, losing(20), turns).told();
    expect(raised?.evidence.suppliedKwh).toBeCloseTo(300, -1);
    expect(raised?.evidence.lossPercent).toBeCloseTo(20, 0);
  });

  it('believes no register that went back further than a roof can feed', () => {
    const steppedBack = (backWh: number) => {
      const village = new Village().live(2, losing(20));
      village.registers.set('t', village.registers.get('t')! - backWh);
      return village.live(2, losing(20)).told();
    };
    // 50 kW for an hour and a kilowatt-hour for rounding, beside the 12.5 kWh that the hour gave.
    expect(steppedBack(63_400)).toEqual([]);
    // Of the day around a step further back nothing is known: the next one is the second bad one.
    expect(steppedBack(63_600).map(({ at }) => at)).toEqual([5 * DAY + 8 * 60 * MINUTE]);
  });

  it('waits out a short step back of the clock, and begins afresh after a long one', () => {
    const engine = lineLoss();
    const area = { timezone: 'UTC', meters: village };
    const state = engine.start(area)!;
    const take = (atMin: number, importWh: number) => {
      const atMs = 10 * DAY + atMin * MINUTE;
      engine.step(state, { type: 'reading', atMs, localMs: atMs, meter: 't', reading: { importWh } }, area);
      return state.registers.t?.lastWh;
    };
    expect([take(100, 5000), take(90, 7000), take(40, 8000), take(110, 6000)]).toEqual([5000, 5000, 5000, 6000]);
    expect(take(49, 9000)).toBeUndefined();
    expect(take(50, 9100)).toBe(9100);
    const reading = { voltageV: [230] };
    engine.step(state, { type: 'reading', atMs: 20 * DAY, localMs: 20 * DAY, meter: 't', reading }, area);
    expect(state.registers.t?.lastMs).toBe(10 * DAY + 50 * MINUTE);
  });
});
