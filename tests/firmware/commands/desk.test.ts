import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { type Desk, type DeskSettings, openDesk } from '../../../firmware/commands/desk.ts';
import { Fold } from '../../../firmware/commands/fold.ts';
import { silentLog } from '../../../firmware/log.ts';
import type { Message, Outbox } from '../../../firmware/outbox.ts';
import { openStore } from '../../../firmware/store/store.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { alertOf } from '../store/alerts.ts';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const names = (...all: string[]) => all.map((name) => ({ name }));
const routes = {
  'tj-cn-0412': { power: names('Li', 'Wang', 'Zhao'), community: names('Chen') },
};

async function openAt(
  clock: VirtualClock,
  outbox: Outbox,
  settings: Partial<DeskSettings> = {},
  { signal } = new AbortController(),
): Promise<Desk> {
  return openDesk({ settings: { gateway: 'gw-1', routes, ...settings }, outbox, clock, log: silentLog, signal });
}

async function messages(outbox: Outbox): Promise<Message[]> {
  return (await outbox.pending(0, 10_000)).map(({ message }) => message);
}

const words = (all: Message[]) =>
  all.map((message) =>
    message.type === 'step'
      ? `${message.step.step} ${message.step.to?.join('+')}`
      : message.type === 'alert'
        ? `${message.alert.state} ${message.alert.evidence.escalation ?? ''}`.trim()
        : message.type,
  );

describe('the desk', () => {
  it('tells the first rung at once, the next after 10 and 30 minutes, and stops when someone takes it', async () => {
    const clock = new VirtualClock();
    const outbox = openStore(':memory:', { clock });
    const desk = await openAt(clock, outbox);
    const alert = { ...alertOf(1), at: clock.nowMs() };
    await desk.outbox.append([alert]);
    await clock.runUntil(11 * MINUTE);
    expect(words(await messages(outbox))).toEqual(['raised', 'routed Li+Chen', 'updated 1', 'escalated Wang+Chen']);
    await clock.runUntil(31 * MINUTE);
    expect(words(await messages(outbox)).slice(4)).toEqual(['updated 2', 'escalated Zhao+Chen']);
    await clock.runUntil(300 * MINUTE);
    expect(await messages(outbox)).toHaveLength(6);
    const other = { ...alertOf(2), at: clock.nowMs() };
    await desk.outbox.append([other]);
    await desk.acknowledge(other.id, 'Li');
    await clock.runUntil(600 * MINUTE);
    expect(words(await messages(outbox)).slice(6)).toEqual(['raised', 'routed Li+Chen', 'acknowledged undefined']);
    expect(desk.waiting).toBe(1);
  });

  it('remembers over a restart who owns what and how far it had been told', async () => {
    const clock = new VirtualClock();
    const outbox = openStore(':memory:', { clock });
    const before = await openAt(clock, outbox);
    const [mine, open] = [1, 2].map((n) => ({ ...alertOf(n), at: clock.nowMs() })) as [Alert, Alert];
    await before.outbox.append([mine, open]);
    await before.acknowledge(mine.id, 'Li');
    const after = await openAt(clock, outbox);
    expect(await after.acknowledge(mine.id, 'Wang')).toEqual({ first: false, owner: 'Li' });
    expect(after.waiting).toBe(1);
    expect((await after.timeline(open.id))?.steps).toMatchObject([{ step: 'routed', to: ['Li', 'Chen'] }]);
  });

  it('forgets a case after 30 days, not before', async () => {
    const clock = new VirtualClock();
    const outbox = openStore(':memory:', { clock });
    const desk = await openAt(clock, outbox);
    const alert = { ...alertOf(1), at: clock.nowMs() };
    await desk.outbox.append([alert]);
    await desk.outbox.append([{ ...alert, state: 'cleared' }]);
    clock.stepWall(27 * DAY);
    await clock.runUntil(1.1 * DAY);
    expect(await desk.timeline(alert.id)).toBeDefined();
    clock.stepWall(2 * DAY);
    await clock.runUntil(2.2 * DAY);
    expect(await desk.timeline(alert.id)).toBeUndefined();
  });

  it('does not know what it was never told', async () => {
    const clock = new VirtualClock();
    const desk = await openAt(clock, openStore(':memory:', { clock }));
    expect(await desk.acknowledge('nothing', 'Li')).toBeUndefined();
    expect(await desk.dispatch('nothing', 'Li', ['Wang'])).toBe(false);
    expect(await desk.result('nothing', 'Li', { result: 'confirmed' })).toBeUndefined();
  });
});

const outage = (n: number): Alert => ({
  ...alertOf(n, String(n).padStart(12, '0')),
  kind: 'outage',
  severity: 'critical',
  evidence: { scope: 'meter' },
});

describe('folding', () => {
  it('makes one area outage of 200 meters out at once, and clears it when it has been quiet', () => {
    const fold = new Fold('gw-1');
    const all = Array.from({ length: 200 }, (_, n) => outage(n));
    const out = fold.take(all, 0);
    expect(out).toHaveLength(1);
    expect(out[0]).toMatchObject({ kind: 'outage', state: 'raised', evidence: { scope: 'area', meters: 200 } });
    const back = all.map((alert): Alert => ({ ...alert, state: 'cleared' }));
    expect(fold.take(back, MINUTE)).toEqual([]);
    const end = fold.take([], 20 * MINUTE);
    expect(end).toMatchObject([{ id: out[0]?.id, state: 'cleared', evidence: { meters: 200 } }]);
    expect(fold.folded).toBe(400);
    expect(fold.take([outage(1)], 40 * MINUTE)).toMatchObject([{ state: 'raised', meter: outage(1).meter }]);
  });

  it('lets few through as they are', () => {
    const fold = new Fold('gw-1');
    const few = Array.from({ length: 9 }, (_, n) => outage(n));
    expect(fold.take(few, 0)).toEqual(few);
  });

  it.each([
    'voltage',
    'imbalance',
    'leakage',
    'overload-forecast',
    'meter-fault',
    'tamper',
    'abnormal-use',
  ] as const)('makes one alert of the gateway of 200 times %s at once', (kind) => {
    const fold = new Fold('gw-1');
    const all = Array.from({ length: 200 }, (_, n): Alert => ({ ...outage(n), kind, evidence: {} }));
    expect(fold.take(all, 0)).toMatchObject([
      { kind: 'gateway', meter: 'gw-1', state: 'raised', evidence: { fault: `storm:${kind}`, meters: 200 } },
    ]);
    expect(fold.take([], 11 * MINUTE)).toMatchObject([{ kind: 'gateway', state: 'cleared' }]);
  });

  it.each([
    'illegal-charging',
    'inactivity',
    'overload',
    'night-residence',
    'occupancy',
    'profile',
    'low-balance',
  ] as const)('leaves %s alone: each needs a person of its own, or has no common cause', (kind) => {
    const fold = new Fold('gw-1');
    const all = Array.from(
      { length: 200 },
      (_, n): Alert => ({ ...outage(n), kind, severity: 'notice', evidence: {} }),
    );
    expect(fold.take(all, 0)).toEqual(all);
  });

  it.each(['outage', 'voltage'] as const)('ends a storm of %s that began before a restart', async (kind) => {
    const clock = new VirtualClock();
    const outbox = openStore(':memory:', { clock });
    const power = new AbortController();
    const before = await openAt(clock, outbox, {}, power);
    await before.outbox.append(
      Array.from({ length: 30 }, (_, n): Alert => ({ ...outage(n), kind, at: clock.nowMs() })),
    );
    power.abort();
    const after = await openAt(clock, outbox);
    await after.outbox.append([{ ...outage(40), kind, at: clock.nowMs() }]);
    await clock.runUntil(12 * MINUTE);
    const alerts = (await messages(outbox)).flatMap((message) => (message.type === 'alert' ? [message.alert] : []));
    const storm = alerts[0]?.id;
    const told = alerts.filter(({ evidence }) => evidence.escalation === undefined);
    expect(told.map(({ id, state, evidence }) => [id === storm, state, evidence.meters])).toEqual([
      [true, 'raised', 30],
      [true, 'updated', 31],
      [true, 'cleared', 31],
    ]);
  });

  it('bounds what one meter sends, and says with the next how much it held back', () => {
    const fold = new Fold('gw-1');
    const chatter = (n: number): Alert => ({ ...alertOf(n, 'one'), state: 'updated' });
    const passed = Array.from({ length: 100 }, (_, n) => fold.take([chatter(n)], n)).flat();
    expect(passed).toHaveLength(12);
    const [later] = fold.take([chatter(200)], 60 * MINUTE);
    expect(later?.evidence.folded).toBe(88);
    const critical: Alert = { ...chatter(300), severity: 'critical' };
    expect(Array.from({ length: 50 }, () => fold.take([critical], 0)).flat()).toHaveLength(50);
  });
});
