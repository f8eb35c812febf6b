/**
 * The desk where alerts wait for people: who was told, who took it, what came of it, and whom to tell next when nobody
 * did. It stands before the outbox: what the pipeline appends is folded, stored and routed in one transaction.
 *
 * The first to acknowledge owns an alert (首问负责). Every step is on the alert's own timeline, which is published and
 * kept on the device for 30 days.
 */
import type { Alert, Severity } from '../../detectors/alert.ts';
import type { Verdict } from '../../detectors/detector.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Change, Message, Outbox, Step } from '../outbox.ts';
import { Fold, type FoldSettings } from './fold.ts';
import { LEVELS, type Routes, workersOf } from './routing.ts';

export interface DeskSettings {
  gateway: string;
  routes: Routes;
  /** Minutes after which an alert that nobody took is told to the next rung, by severity. */
  escalateMin?: Readonly<Record<Severity, readonly number[]>>;
  fold?: Partial<FoldSettings>;
}

export interface DeskParts {
  settings: DeskSettings;
  outbox: Outbox;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/** What is kept of one alert. */
export interface Case {
  alert: Alert;
  raisedMs: number;
  owner?: string;
  level: number;
  steps: Step[];
}

export interface Desk {
  /** The outbox for those who raise alerts. */
  outbox: Outbox;
  /** False where another was first; `owner` then says who. Undefined for an alert that is not known. */
  acknowledge(alert: string, by: string, note?: string): Promise<{ first: boolean; owner: string } | undefined>;
  dispatch(alert: string, by: string, to: readonly string[], note?: string): Promise<boolean>;
  /** What was found; to be handed to the detectors. */
  result(alert: string, by: string, verdict: Verdict): Promise<{ meter: string; verdict: Verdict } | undefined>;
  timeline(alert: string): Promise<Case | undefined>;
  /** Alerts that stand and that nobody has taken. */
  readonly waiting: number;
  readonly folded: number;
}

const ESCALATE_MIN: Readonly<Record<Severity, readonly number[]>> = {
  notice: [],
  warning: [10, 30],
  critical: [10, 30],
};
const PREFIX = 'case/';
const TICK_MS = 15_000;
const KEEP_MS = 30 * 86_400_000;
const PURGE_EVERY_MS = 86_400_000;
const STEPS_MAX = 64;
const OPEN_MAX = 10_000;
const PAGE = 500;

/** Opens with the cases of the last run. */
export async function openDesk(parts: DeskParts): Promise<Desk> {
  const { settings, outbox, clock, log, signal } = parts;
  const escalateMin = settings.escalateMin ?? ESCALATE_MIN;
  const fold = new Fold(settings.gateway, settings.fold);
  /** Standing alerts; the rest is on disk. */
  const open = new Map<string, Case>();
  /** One change of cases at a time, so that two who acknowledge at once find one owner. */
  let queue: Promise<unknown> = Promise.resolve();

  for await (const one of cases(outbox)) if (one.alert.state !== 'cleared') keep(one);
  const standing = [...open.values()].map(({ alert }) => alert);
  fold.resume(standing, Math.floor(clock.nowMs()));

  function keep(one: Case): void {
    open.set(one.alert.id, one);
    if (open.size > OPEN_MAX) open.delete(open.keys().next().value ?? '');
  }

  function alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = queue.then(work);
    queue = mine.catch((error) => log.error({ reason: String(error) }, 'the desk failed'));
    return mine;
  }

  function put(...changed: Case[]): NonNullable<Change['put']> {
    return Object.fromEntries(changed.map((one) => [PREFIX + one.alert.id, bytesOf(one)]));
  }

  /** Takes alerts in: folds them, opens or closes their cases, tells the first rung. */
  async function takeIn(alerts: readonly Alert[], more: Change): Promise<{ durable: boolean }> {
    const passed = fold.take(alerts, Math.floor(clock.nowMs()));
    if (passed.length === 0 && more.messages === undefined && more.put === undefined) return { durable: true };
    const messages: Message[] = [];
    const changed: Case[] = [];
    for (const alert of passed) {
      messages.push({ type: 'alert', alert });
      const known = open.get(alert.id);
      const one: Case = known ?? { alert, raisedMs: alert.at, level: 0, steps: [] };
      one.alert = alert;
      changed.push(one);
      if (alert.state === 'cleared') open.delete(alert.id);
      else keep(one);
      const to = known === undefined && alert.state === 'raised' ? workersOf(settings.routes, alert, 0) : [];
      if (to.length > 0) messages.push(note(one, { step: 'routed', to, level: 0 }, alert.at));
    }
    return outbox.commit({
      messages: [...messages, ...(more.messages ?? [])],
      put: { ...put(...changed), ...more.put },
    });
  }

  function note(one: Case, what: Omit<Step, 'alert' | 'meter' | 'at'>, at = Math.floor(clock.nowMs())): Message {
    const step: Step = { alert: one.alert.id, meter: one.alert.meter, at, ...what };
    if (one.steps.length < STEPS_MAX) one.steps.push(step);
    return { type: 'step', step };
  }

  async function find(id: string): Promise<Case | undefined> {
    return open.get(id) ?? caseOf(await outbox.get(PREFIX + id));
  }

  function escalate(nowMs: number): Promise<void> {
    return alone(async () => {
      for (const one of open.values()) {
        const after = escalateMin[one.alert.severity][one.level];
        const due = after !== undefined && nowMs - one.raisedMs >= after * 60_000;
        if (one.owner !== undefined || !due || one.level >= LEVELS - 1 || one.alert.kind === 'gateway') continue;
        one.level++;
        const at = Math.floor(nowMs);
        const alert: Alert = {
          ...one.alert,
          state: 'updated',
          at,
          evidence: { ...one.alert.evidence, escalation: one.level },
        };
        const to = workersOf(settings.routes, alert, one.level);
        const step = note(one, { step: 'escalated', level: one.level, ...(to.length > 0 && { to }) }, at);
        await outbox.commit({ messages: [{ type: 'alert', alert }, step], put: put(one) });
      }
    });
  }

  /** Cases older than 30 days leave. */
  async function purge(): Promise<void> {
    const beforeMs = clock.nowMs() - KEEP_MS;
    for await (const { alert } of cases(outbox)) {
      if (alert.at < beforeMs && !open.has(alert.id)) await outbox.commit({ put: { [PREFIX + alert.id]: null } });
    }
  }

  let purgedMs = clock.monotonicMs();
  function tickLater(): void {
    const cancel = clock.after(TICK_MS, () => {
      if (signal.aborted) return;
      tickLater();
      void escalate(clock.nowMs());
      void takeIn([], {});
      if (clock.monotonicMs() - purgedMs < PURGE_EVERY_MS) return;
      purgedMs = clock.monotonicMs();
      void alone(purge);
    });
    signal.addEventListener('abort', cancel, { once: true });
  }
  tickLater();

  const commit = (change: Change): Promise<{ durable: boolean }> => {
    const alerts = (change.messages ?? []).flatMap((message) => (message.type === 'alert' ? [message.alert] : []));
    if (alerts.length === 0) return outbox.commit(change);
    const messages = (change.messages ?? []).filter(({ type }) => type !== 'alert');
    return takeIn(alerts, { ...change, messages });
  };

  return {
    outbox: { ...outbox, commit, append: (alerts) => takeIn(alerts, {}) },
    acknowledge: (id, by, text) =>
      alone(async () => {
        const one = await find(id);
        if (one === undefined) return undefined;
        if (one.owner !== undefined) return { first: one.owner === by, owner: one.owner };
        one.owner = by;
        const step = note(one, { step: 'acknowledged', by, ...(text !== undefined && { note: text }) });
        await outbox.commit({ messages: [step], put: put(one) });
        return { first: true, owner: by };
      }),
    dispatch: (id, by, to, text) =>
      alone(async () => {
        const one = await find(id);
        if (one === undefined) return false;
        const step = note(one, { step: 'dispatched', by, to, ...(text !== undefined && { note: text }) });
        await outbox.commit({ messages: [step], put: put(one) });
        return true;
      }),
    result: (id, by, verdict) =>
      alone(async () => {
        const one = await find(id);
        if (one === undefined) return undefined;
        one.owner ??= by;
        const { meter, kind } = one.alert;
        const said = verdict.reason === undefined ? verdict.result : `${verdict.result}: ${verdict.reason}`;
        await outbox.commit({ messages: [note(one, { step: 'result', by, note: said })], put: put(one) });
        return { meter, verdict: { ...verdict, alertId: id, kind } };
      }),
    timeline: find,
    get waiting() {
      return [...open.values()].filter(({ owner }) => owner === undefined).length;
    },
    get folded() {
      return fold.folded;
    },
  };
}

async function* cases(outbox: Outbox): AsyncGenerator<Case> {
  for (let after = ''; ; ) {
    const page = await outbox.entries(PREFIX, after, PAGE);
    for (const [key, bytes] of page) {
      after = key;
      const one = caseOf(bytes);
      if (one !== undefined) yield one;
    }
    if (page.length < PAGE) return;
  }
}

function bytesOf(one: Case): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(one));
}

function caseOf(bytes: Uint8Array | undefined): Case | undefined {
  return bytes === undefined ? undefined : (JSON.parse(new TextDecoder().decode(bytes)) as Case);
}
