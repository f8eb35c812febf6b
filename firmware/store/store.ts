/**
 * The outbox: gives sequences, groups what comes together into one commit, and goes on in memory while the disk
 * refuses. The disk is `database.ts`, called directly (`openStore`) or in a thread of its own (`worker.ts`).
 *
 * An alert is never held back by the disk: after an error or a write that takes too long it stays in memory, marked
 * not durable, goes out live, and is written as soon as the disk takes it again.
 */
import type { Alert } from '../../detectors/alert.ts';
import { type Clock, systemClock } from '../clock.ts';
import {
  type Change,
  type Message,
  messageAtMs,
  messageId,
  messageMeter,
  type Outbox,
  type Stored,
  type StoreNotice,
} from '../outbox.ts';
import { type Batch, type Database, type Limits, type Opened, type Row, sqliteDatabase } from './database.ts';

export interface StoreOptions {
  clock: Clock;
  /** Whether the wall clock can be believed; stands on every message. */
  clockSynchronised: () => boolean;
  onNotice: (notice: StoreNotice) => void;
  limits: Limits;
  /** A write that takes longer counts as a frozen disk. */
  stallMs: number;
  /** How long after an error the disk is tried again. */
  retryMs: number;
}

export const STORE_DEFAULTS: StoreOptions = {
  clock: systemClock,
  clockSynchronised: () => true,
  onNotice: () => {},
  limits: { messages: 1_000_000, reserveBytes: 4 * 1024 * 1024 },
  stallMs: 2_000,
  retryMs: 5_000,
};

/** What the outbox asks of the disk: the database's own functions, answered later. */
export type Disk = {
  [K in keyof Database]: (...args: Parameters<Database[K]>) => Promise<ReturnType<Database[K]>>;
};

/** Messages held in memory while the disk refuses, and rows of one commit. */
const VOLATILE_MAX = 10_000;
const BATCH_MAX = 2_000;
const FORGOTTEN_MAX = 50_000;

/** Opens or makes the outbox at `path` in this thread. Never throws: a disk that refuses is told to `onNotice`. */
export function openStore(path: string, options: Partial<StoreOptions> = {}): Outbox {
  const all = { ...STORE_DEFAULTS, ...options };
  return outboxOn(inThisThread(sqliteDatabase(path, all.limits)), all);
}

/** The database called directly; `guard` runs before each call and may throw, as a disk does. */
export function inThisThread(database: Database, guard: () => void = () => {}): Disk {
  const later =
    <A extends unknown[], R>(call: (...args: A) => R) =>
    async (...args: A) => {
      guard();
      return call(...args);
    };
  return {
    open: later(database.open),
    write: later(database.write),
    pending: later(database.pending),
    oldestAtMs: later(database.oldestAtMs),
    get: later(database.get),
    entries: later(database.entries),
    close: later(database.close),
  };
}

interface Waiting {
  rows: Row[];
  put: [string, Uint8Array | null][];
  resolve(result: { durable: boolean }): void;
}

/** The outbox on any disk. */
export function outboxOn(disk: Disk, options: StoreOptions): Outbox {
  const { clock, onNotice } = options;
  let opened: Opened = { store: '', lastSequence: 0, messages: 0, dropped: 0, dead: 0 };
  /** Sequences up to here were stored before this run. */
  let before: number | undefined;
  let last = 0;
  let state: 'ok' | 'stalled' | 'failed' = 'ok';
  let droppedVolatile = 0;
  let listener: (event: 'stored' | 'recovered') => void = () => {};
  let busy: Promise<void> | undefined;
  let closed = false;
  let cancelRetry: () => void = () => {};
  const waiting: Waiting[] = [];
  /** Not on disk yet though answered, by sequence; values likewise; and what is to be deleted there. */
  const rows = new Map<number, Row>();
  const values = new Map<string, Uint8Array | null>();
  const forgotten = new Map<number, string>();
  const buried = new Map<number, string>();

  const ready = openDisk();

  async function openDisk(): Promise<boolean> {
    try {
      opened = await disk.open();
      if (opened.corrupt !== undefined) onNotice({ notice: 'corrupt', detail: opened.corrupt, count: 1 });
      begin();
      return true;
    } catch (error) {
      fail(error);
      return false;
    }
  }

  /** Numbering starts where the file ends. What was numbered before the file could be opened for the first time is
   * numbered again; a receipt for the old number names another id and is ignored. */
  function begin(): void {
    if (before === undefined) {
      before = opened.lastSequence;
      const early = [...rows.values()];
      rows.clear();
      for (const row of early) {
        const sequence = row.sequence + before;
        rows.set(sequence, { ...row, sequence });
      }
      last += before;
    }
    last = Math.max(last, opened.lastSequence);
  }

  function fail(error: unknown): void {
    if (state === 'ok') onNotice({ notice: 'not-durable', detail: reasonOf(error), count: rows.size });
    state = 'failed';
    cancelRetry();
    if (!closed) cancelRetry = clock.after(options.retryMs, () => void alone(recover));
  }

  /** One writer at a time. */
  function alone(work: () => Promise<void>): Promise<void> {
    const mine = (busy ?? Promise.resolve()).then(work).finally(() => {
      if (busy === mine) busy = undefined;
    });
    busy = mine;
    return mine;
  }

  /** After an error the handle is not trusted: closed, opened and checked before the first write. */
  async function recover(): Promise<void> {
    if (closed || state === 'ok') return;
    if (!(await openDisk())) return;
    try {
      await writeHeld();
      settled();
    } catch (error) {
      fail(error);
    }
  }

  function settled(): void {
    if (state === 'ok') return;
    state = 'ok';
    onNotice({ notice: 'recovered', detail: 'the disk takes writes again', count: opened.messages });
    listener('recovered');
  }

  /** Writes what was held in memory. New entries may arrive meanwhile, so only what was written is forgotten. */
  async function writeHeld(): Promise<void> {
    while (rows.size + values.size + forgotten.size + buried.size > 0) {
      const batch: Batch = {
        insert: [...rows.values()].slice(0, BATCH_MAX),
        put: [...values],
        remove: [...forgotten].map(([sequence, id]) => ({ sequence, id })),
        bury: [...buried].map(([sequence, reason]) => ({ sequence, reason })),
      };
      await write(batch);
      for (const row of batch.insert) rows.delete(row.sequence);
      for (const [key, value] of batch.put) if (values.get(key) === value) values.delete(key);
      for (const { sequence } of batch.remove) forgotten.delete(sequence);
      for (const { sequence } of batch.bury) buried.delete(sequence);
    }
  }

  async function write(batch: Batch): Promise<number> {
    const done = await disk.write(batch);
    opened = done;
    if (done.droppedNow > 0) {
      onNotice({ notice: 'dropped', detail: 'the outbox is at its bound', count: done.droppedNow });
    }
    return done.removed;
  }

  async function flush(): Promise<void> {
    while (waiting.length > 0 && state === 'ok') await writeGroup(takeGroup());
    if (state !== 'ok') for (const one of waiting.splice(0)) hold(one);
  }

  function takeGroup(): Waiting[] {
    let size = 0;
    const end = waiting.findIndex((one) => {
      size += one.rows.length + 1;
      return size > BATCH_MAX;
    });
    return waiting.splice(0, end === -1 ? waiting.length : Math.max(1, end));
  }

  async function writeGroup(group: Waiting[]): Promise<void> {
    const batch: Batch = {
      insert: group.flatMap((one) => one.rows),
      put: group.flatMap((one) => one.put),
      remove: [],
      bury: [],
    };
    const stop = clock.after(options.stallMs, () => {
      state = 'stalled';
      onNotice({ notice: 'not-durable', detail: 'the disk does not answer', count: batch.insert.length });
      for (const one of [...group, ...waiting.splice(0)]) hold(one);
    });
    try {
      await write(batch);
      stop();
      for (const one of group) one.resolve({ durable: true });
      if (state === 'stalled') {
        for (const row of batch.insert) rows.delete(row.sequence);
        await writeHeld();
        settled();
      } else if (batch.insert.length > 0) listener('stored');
    } catch (error) {
      stop();
      for (const one of group) hold(one);
      fail(error);
    }
  }

  /** Keeps in memory what the disk would not take, within bounds: summaries go first. */
  function hold(one: Waiting): void {
    for (const row of one.rows) if (!forgotten.has(row.sequence)) rows.set(row.sequence, row);
    for (const [key, value] of one.put) values.set(key, value);
    let over = rows.size - VOLATILE_MAX;
    if (over > 0) {
      onNotice({ notice: 'dropped', detail: 'the disk refuses and memory is at its bound', count: over });
      droppedVolatile += over;
      const oldest = [...rows.values()];
      for (const row of [...oldest.filter((r) => r.lane === 0), ...oldest.filter((r) => r.lane === 1)]) {
        if (over-- <= 0) break;
        rows.delete(row.sequence);
      }
    }
    one.resolve({ durable: false });
    if (one.rows.length > 0) listener('stored');
  }

  async function commit(change: Change): Promise<{ durable: boolean }> {
    await ready;
    const put = Object.entries(change.put ?? {});
    const fresh = (change.messages ?? []).map((message) => rowOf(message, ++last, options.clockSynchronised()));
    if (closed) return { durable: false };
    return new Promise((resolve) => {
      const one: Waiting = { rows: fresh, put, resolve };
      if (state !== 'ok') return hold(one);
      waiting.push(one);
      if (waiting.length === 1) void alone(flush);
    });
  }

  /** Reads from the disk, or the fallback when it fails or hangs. */
  async function read<T>(ask: () => Promise<T>, fallback: T): Promise<T> {
    await ready;
    if (state === 'stalled' || closed) return fallback;
    let stop: () => void = () => {};
    const late = new Promise<T>((resolve) => {
      stop = clock.after(options.stallMs, () => resolve(fallback));
    });
    try {
      return await Promise.race([ask(), late]);
    } catch (error) {
      if (!closed) fail(error);
      return fallback;
    } finally {
      stop();
    }
  }

  return {
    append: (alerts: readonly Alert[]) => commit({ messages: alerts.map((alert) => ({ type: 'alert', alert })) }),
    commit,
    async pending(afterSequence, limit, meter) {
      const onDisk = await read(() => disk.pending(afterSequence, limit, meter ?? null), []);
      const held = [...rows.values()].filter(
        (row) => row.sequence > afterSequence && (meter === undefined || row.meter === meter),
      );
      const merged = onDisk
        .filter((row) => !rows.has(row.sequence) && !forgotten.has(row.sequence) && !buried.has(row.sequence))
        .map((row) => storedOf(row, row.sequence <= (before ?? 0), true));
      if (held.length === 0) return merged;
      merged.push(...held.map((row) => storedOf(row, false, false)));
      return merged.sort((a, b) => a.sequence - b.sequence).slice(0, limit);
    },
    async receipt(receipts) {
      await ready;
      let removed = 0;
      for (const { sequence, id } of receipts) if (rows.get(sequence)?.id === id && rows.delete(sequence)) removed++;
      if (state === 'ok') {
        const gone = await read(() => write({ insert: [], put: [], bury: [], remove: receipts }), null);
        if (gone !== null) return removed + gone;
      }
      for (const { sequence, id } of receipts) if (forgotten.size < FORGOTTEN_MAX) forgotten.set(sequence, id);
      return removed;
    },
    async bury(sequence, reason) {
      await ready;
      const done = await read(() => write({ insert: [], put: [], remove: [], bury: [{ sequence, reason }] }), null);
      if (done === null) buried.set(sequence, reason);
    },
    async depth() {
      const first = rows.values().next().value?.atMs;
      const oldest = await read(() => disk.oldestAtMs(), null);
      return {
        alerts: opened.messages + rows.size,
        oldestAtMs: oldest ?? first ?? null,
        lastSequence: Math.max(opened.lastSequence, [...rows.keys()].at(-1) ?? 0),
        store: opened.store,
        dead: opened.dead,
        dropped: opened.dropped + droppedVolatile,
        durable: state === 'ok',
      };
    },
    async put(key, value) {
      await commit({ put: { [key]: value } });
    },
    async get(key) {
      const held = values.get(key);
      if (held !== undefined) return held ?? undefined;
      return read(() => disk.get(key), undefined);
    },
    entries: (prefix, afterKey, limit) => read(() => disk.entries(prefix, afterKey, limit), []),
    onStored(told) {
      listener = told;
    },
    async close() {
      await ready;
      cancelRetry();
      await busy;
      closed = true;
      await new Promise<void>((resolve) => {
        // Left running, the deadline would keep a process alive that has nothing more to do.
        const stop = clock.after(options.stallMs, resolve);
        const done = () => {
          stop();
          resolve();
        };
        disk.close().then(done, done);
      });
    },
  };
}

function rowOf(message: Message, sequence: number, clockOk: boolean): Row {
  return {
    sequence,
    id: messageId(message),
    meter: messageMeter(message),
    lane: message.type === 'summary' ? 0 : 1,
    atMs: Math.round(messageAtMs(message)),
    clockOk,
    body: JSON.stringify(message),
  };
}

function storedOf(row: Row, replayed: boolean, durable: boolean): Stored {
  return { sequence: row.sequence, message: JSON.parse(row.body) as Message, replayed, clockOk: row.clockOk, durable };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
