/**
 * Updates that the platform ordered. The gateway has no right to write a slot: it leaves the order beside its site file,
 * where a unit of the system that has it finds it (`gridwarden update --ordered`). What becomes of it, over a download
 * of an hour and a restart, stands in a file of that unit, and goes to the platform as a second answer to the command.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import type { CommandResult, Outbox } from './outbox.ts';
import { writeWhole } from './whole-file.ts';

export interface UpdateOrder {
  /** Of the command; the answer carries the same. */
  id: string;
  url: string;
  /** As the bundle names itself. */
  version: string;
  sha256: string;
}

/** `kept` and the two after it are the end. */
export type UpdateState = 'fetching' | 'installing' | 'installed' | 'kept' | 'failed' | 'rolled-back';

export interface UpdateOutcome {
  id: string;
  version: string;
  state: UpdateState;
  reason?: string;
}

/** Names the running image; only a gateway with two slots has it. */
export const IMAGE_FILE = '/usr/lib/gridwarden-image';
export const ORDER_FILE = 'update-order.json';
export const OUTCOME_FILE = '/data/system/update-outcome.json';

export interface UpdateParts {
  orderFile: string;
  outcomeFile: string;
  /** Names the running image. */
  imageFile: string;
  outbox: Outbox;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

export interface Updates {
  /** @throws when this gateway has no second slot, or an update is under way */
  order(order: UpdateOrder): Promise<{ version: string; from: string }>;
}

const PENDING_KEY = 'update-order';
const POLL_MS = 5_000;
/** Download, installation, restart and the patience of the new start, each at its worst. */
const GIVE_UP_MS = 4 * 3_600_000;

/** Takes up an order that was under way when the program before this one ended. */
export async function watchUpdates(parts: UpdateParts): Promise<Updates> {
  const { outbox, clock, signal } = parts;
  const stored = await outbox.get(PENDING_KEY);
  let pending: UpdateOrder | undefined =
    stored === undefined ? undefined : (JSON.parse(new TextDecoder().decode(stored)) as UpdateOrder);
  let sinceMs = clock.monotonicMs();
  if (pending !== undefined) pollLater();

  function pollLater(): void {
    const cancel = clock.after(POLL_MS, () => {
      signal.removeEventListener('abort', cancel);
      if (!signal.aborted) void poll();
    });
    signal.addEventListener('abort', cancel, { once: true });
  }

  async function poll(): Promise<void> {
    if (pending === undefined) return;
    const outcome = await readOutcome(parts.outcomeFile);
    // A reload came in between: the program that follows asks again.
    if (signal.aborted) return;
    const answer = answerTo(pending, outcome, clock.monotonicMs() - sinceMs);
    if (answer === undefined) return pollLater();
    const result: CommandResult = { id: pending.id, op: 'update', at: Math.floor(clock.nowMs()), ...answer };
    pending = undefined;
    await outbox.commit({ messages: [{ type: 'result', result }], put: { [PENDING_KEY]: null } });
    parts.log.info({ id: result.id, status: result.status, reason: result.reason }, 'an ordered update has ended');
  }

  return {
    async order(order) {
      if (!existsSync(parts.imageFile))
        throw new Error('this gateway has no second slot: it is updated by its Debian package');
      if (pending !== undefined) throw new Error(`the update ${pending.id} is under way`);
      const from = (await readFile(parts.imageFile, 'utf8')).trim();
      pending = order;
      sinceMs = clock.monotonicMs();
      try {
        await outbox.put(PENDING_KEY, new TextEncoder().encode(JSON.stringify(order)));
        await writeWhole(parts.orderFile, JSON.stringify(order));
      } catch (error) {
        pending = undefined;
        await outbox.commit({ put: { [PENDING_KEY]: null } });
        throw error;
      }
      pollLater();
      return { version: order.version, from };
    },
  };
}

/** Undefined while it goes on. */
function answerTo(
  order: UpdateOrder,
  outcome: UpdateOutcome | undefined,
  waitedMs: number,
): Pick<CommandResult, 'status' | 'reason' | 'data'> | undefined {
  const { version, state, reason } = outcome?.id === order.id ? outcome : { version: order.version };
  switch (state) {
    case 'kept':
      return { status: 'done', data: { version } };
    case 'failed':
      return { status: 'failed', reason: (reason ?? 'not installed').slice(0, 200) };
    case 'rolled-back':
      return { status: 'failed', reason: `rolled back: ${reason ?? 'it did not work as before'}`.slice(0, 200) };
    case 'fetching':
    case 'installing':
    case 'installed':
    case undefined:
      if (waitedMs < GIVE_UP_MS) return undefined;
      return { status: 'unknown', reason: `${state ?? 'never begun'} after ${GIVE_UP_MS / 3_600_000} h` };
    default:
      return state satisfies never;
  }
}

async function readOutcome(file: string): Promise<UpdateOutcome | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as UpdateOutcome;
  } catch {
    // Not there yet, or being written.
    return undefined;
  }
}
