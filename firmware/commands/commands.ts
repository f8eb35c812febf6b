/**
 * Commands from the platform: checked, written down, obeyed at most once, answered with their own id.
 *
 * Counter and intent are one transaction before anything is done, the outcome is another after it. A command that a
 * reboot interrupted is answered `unknown`, never repeated. The same command again gets the same answer from a cache.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Clock, sleep } from '../clock.ts';
import { UnknownOutcome } from '../control/order.ts';
import type { Log } from '../log.ts';
import type { CommandResult, Outbox } from '../outbox.ts';
import type { Audit } from './audit.ts';
import type { Desk } from './desk.ts';
import type { Args, CommandBody, Op } from './operations.ts';
import { admit, EMPTY, type Window } from './replay.ts';
import { type CommandKey, checkCommand, type Refusal, type TrustedKey, trustKeys } from './verify.ts';

export interface CommandSettings {
  gateway: string;
  keys: readonly CommandKey[];
  deadlineMs?: number;
}

/** What the gateway does for a command; what it returns is the answer's `data`. A rejection is answered `failed`. */
export type Handlers = {
  [O in Exclude<Op, 'acknowledge' | 'dispatch' | 'result' | 'timeline' | 'update'>]: (
    args: Args<O>,
  ) => Promise<unknown>;
} & {
  /** Begins it; its end is answered later, with the same `id`. */
  update(order: Args<'update'> & { id: string }): Promise<unknown>;
  /** A grid worker's finding, for the detectors. */
  answer(meter: string, verdict: { result: 'confirmed' | 'false-alarm' | 'away' }): Promise<void>;
};

export interface CommandParts {
  settings: CommandSettings;
  handlers: Handlers;
  desk: Desk;
  outbox: Outbox;
  audit: Audit;
  clock: Clock;
  log: Log;
  clockSynchronised: () => boolean;
  /** Refusals have become frequent: five within ten minutes. */
  onFrequentRefusals: (count: number, last: Refusal) => void;
}

export interface Commands {
  /** The bytes of a command; returns at once, never throws. */
  take(payload: Uint8Array): void;
  readonly refused: Readonly<Partial<Record<Refusal, number>>>;
  readonly done: number;
  /** Resolves when everything taken so far is answered. */
  idle(): Promise<void>;
}

const QUEUE_MAX = 32;
const PER_SECOND = 10;
const BURST = 32;
const DEADLINE_MS = 30_000;
const RESULTS_MAX = 1_000;
const RESULT_MAX_BYTES = 32_768;
const REFUSALS_FREQUENT = 5;
const REFUSALS_WITHIN_MS = 600_000;
/** Refusals written out in full in one minute; the rest only count. */
const AUDITED_PER_MINUTE = 60;
const WINDOW_KEY = 'command-window/';
const INTENT_KEY = 'command-intent/';

/** Starts by answering what a reboot interrupted. @throws when a key is no Ed25519 public key */
export async function startCommands(parts: CommandParts): Promise<Commands> {
  const { settings, outbox, clock, log, audit } = parts;
  const keys = trustKeys(settings.keys);
  const results = new LRUCache<string, { digest: string; result?: CommandResult }>({ max: RESULTS_MAX });
  const refused: Partial<Record<Refusal, number>> = {};
  const recent: number[] = [];
  const audited = { minute: 0, lines: 0 };
  const bucket = { tokens: BURST, atMs: clock.monotonicMs() };
  let queued = 0;
  let done = 0;
  let queue: Promise<void> = Promise.resolve();
  await answerInterrupted(parts);

  function take(payload: Uint8Array): void {
    if (queued >= QUEUE_MAX || !withinRate()) {
      refuse('busy', `${queued} commands wait`);
      return;
    }
    queued++;
    queue = queue
      .then(() => obey(payload))
      .catch((error) => log.error({ reason: String(error) }, 'a command failed'))
      .finally(() => {
        queued--;
      });
  }

  function withinRate(): boolean {
    const nowMs = clock.monotonicMs();
    bucket.tokens = Math.min(BURST, bucket.tokens + ((nowMs - bucket.atMs) * PER_SECOND) / 1_000);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  async function obey(payload: Uint8Array): Promise<void> {
    const checked = checkCommand(payload, {
      keys,
      gateway: settings.gateway,
      nowMs: clock.nowMs(),
      clockOk: parts.clockSynchronised(),
    });
    if (!checked.ok) {
      refuse(checked.refusal, checked.detail, checked.key);
      if (checked.body !== undefined && checked.refusal !== 'wrong-gateway') {
        await answer(checked.body, { status: 'refused', reason: `${checked.refusal}: ${checked.detail}` });
      }
      return;
    }
    const { key, body } = checked;
    const digest = createHash('sha256').update(payload).digest('base64');
    const known = results.get(`${key.id}/${body.id}`);
    if (known?.digest === digest) {
      if (known.result !== undefined) await outbox.commit({ messages: [{ type: 'result', result: known.result }] });
      return;
    }
    if (!(await intend(key, body))) return;
    results.set(`${key.id}/${body.id}`, { digest });
    const result = await perform(key, body);
    results.set(`${key.id}/${body.id}`, { digest, result });
    done++;
  }

  /** Writes down what is about to be done. False: it must not be. */
  async function intend(key: TrustedKey, body: CommandBody): Promise<boolean> {
    const stored = await outbox.get(WINDOW_KEY + key.id);
    const window = admit(stored === undefined ? EMPTY : (jsonOf(stored) as Window), body.counter);
    if (window === undefined) {
      refuse('replayed', `counter ${body.counter} of ${key.id}`, key);
      await answer(body, { status: 'refused', reason: 'replayed' });
      return false;
    }
    try {
      await audit.record({ command: body.op, id: body.id, key: key.id, counter: body.counter, args: body.args });
    } catch (error) {
      return noAudit(body, key, String(error));
    }
    const put = {
      [WINDOW_KEY + key.id]: bytesOf(window),
      [INTENT_KEY + body.id]: bytesOf({ id: body.id, op: body.op }),
    };
    const { durable } = await outbox.commit({ put });
    return durable || noAudit(body, key, 'the disk refuses');
  }

  async function noAudit(body: CommandBody, key: TrustedKey, reason: string): Promise<false> {
    refuse('no-audit', reason, key);
    await answer(body, { status: 'refused', reason: 'no-audit' });
    return false;
  }

  async function perform(key: TrustedKey, body: CommandBody): Promise<CommandResult> {
    // What ends this process is answered before it begins.
    if (body.op === 'restart') {
      const result = await answer(body, { status: 'done' });
      await parts.handlers.restart({});
      return result;
    }
    const deadline = new AbortController();
    const late = sleep(clock, settings.deadlineMs ?? DEADLINE_MS, deadline.signal).then(() => {
      const reason = 'not done within its deadline';
      // An order to a meter goes on, and may yet be obeyed.
      throw body.op === 'control' ? new UnknownOutcome(reason) : new Error(reason);
    });
    try {
      const data: unknown = await Promise.race([carryOut(parts, key, body), late]);
      const status = body.op === 'update' ? 'started' : 'done';
      return await answer(body, { status, ...(data !== undefined && { data }) });
    } catch (error) {
      const status = error instanceof UnknownOutcome ? 'unknown' : 'failed';
      return await answer(body, { status, reason: reasonOf(error) });
    } finally {
      late.catch(() => {});
      deadline.abort();
    }
  }

  async function answer(
    body: CommandBody,
    outcome: Pick<CommandResult, 'status' | 'reason' | 'data'>,
  ): Promise<CommandResult> {
    let result: CommandResult = { id: body.id, op: body.op, at: Math.floor(clock.nowMs()), ...outcome };
    if (JSON.stringify(result).length > RESULT_MAX_BYTES) {
      const { data: _, ...rest } = result;
      result = { ...rest, status: 'failed', reason: `the answer is over ${RESULT_MAX_BYTES} bytes: ask for less` };
    }
    await outbox.commit({ messages: [{ type: 'result', result }], put: { [INTENT_KEY + body.id]: null } });
    const line = { result: result.status, id: result.id, ...(result.reason && { reason: result.reason }) };
    await audit.record(line).catch((error) => log.error({ reason: String(error) }, 'the audit cannot be written'));
    return result;
  }

  function refuse(refusal: Refusal, detail: string, key?: TrustedKey): void {
    refused[refusal] = (refused[refusal] ?? 0) + 1;
    const nowMs = clock.monotonicMs();
    const minute = Math.floor(nowMs / 60_000);
    if (audited.minute !== minute) Object.assign(audited, { minute, lines: 0 });
    if (audited.lines++ < AUDITED_PER_MINUTE) {
      log.warn({ refusal, key: key?.id }, 'command refused');
      void audit
        .record({ refused: refusal, detail: detail.slice(0, 128), ...(key && { key: key.id }) })
        .catch(() => {});
    }
    recent.push(nowMs);
    while (recent.length > REFUSALS_FREQUENT || nowMs - (recent[0] ?? nowMs) > REFUSALS_WITHIN_MS) recent.shift();
    if (recent.length >= REFUSALS_FREQUENT) {
      const total = Object.values(refused).reduce((sum, n) => sum + n, 0);
      parts.onFrequentRefusals(total, refusal);
    }
  }

  return {
    take,
    refused,
    get done() {
      return done;
    },
    idle: () => queue,
  };
}

/** The one place where an operation's name becomes an act. The arguments have been checked against its table row. */
async function carryOut({ handlers, desk }: CommandParts, key: TrustedKey, body: CommandBody): Promise<unknown> {
  const { op } = body;
  switch (op) {
    case 'acknowledge': {
      const { alert, note } = body.args as Args<'acknowledge'>;
      return known(await desk.acknowledge(alert, key.id, note));
    }
    case 'dispatch': {
      const { alert, to, note } = body.args as Args<'dispatch'>;
      known((await desk.dispatch(alert, key.id, to, note)) || undefined);
      return undefined;
    }
    case 'result': {
      const { alert, result, note, until } = body.args as Args<'result'>;
      const verdict = {
        result,
        ...(note !== undefined && { reason: note }),
        ...(until !== undefined && { untilMs: until }),
      };
      const found = known(await desk.result(alert, key.id, verdict));
      await handlers.answer(found.meter, { ...found.verdict, result });
      return undefined;
    }
    case 'timeline':
      return known(await desk.timeline((body.args as Args<'timeline'>).alert));
    case 'read-now':
      return handlers['read-now'](body.args as Args<'read-now'>);
    case 'capture':
      return handlers.capture(body.args as Args<'capture'>);
    case 'control':
      return handlers.control(body.args as Args<'control'>);
    case 'send-readings':
      return handlers['send-readings'](body.args as Args<'send-readings'>);
    case 'reload':
      return handlers.reload(body.args as Args<'reload'>);
    case 'thresholds':
      return handlers.thresholds(body.args as Args<'thresholds'>);
    case 'maintenance':
      return handlers.maintenance(body.args as Args<'maintenance'>);
    case 'restart':
      return handlers.restart(body.args as Args<'restart'>);
    case 'update':
      return handlers.update({ id: body.id, ...(body.args as Args<'update'>) });
    default:
      return op satisfies never;
  }
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('no such alert here');
  return value;
}

/** A reboot came between intent and outcome: nobody knows what was done, and it is not done again. */
async function answerInterrupted({ outbox, clock }: CommandParts): Promise<void> {
  for (const [key, bytes] of await outbox.entries(INTENT_KEY, '', QUEUE_MAX)) {
    const { id, op } = jsonOf(bytes) as { id: string; op: string };
    const result: CommandResult = {
      id,
      op,
      at: Math.floor(clock.nowMs()),
      status: 'unknown',
      reason: 'the gateway restarted',
    };
    await outbox.commit({ messages: [{ type: 'result', result }], put: { [key]: null } });
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}

function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}
