/**
 * The tables of the outbox on `node:sqlite`, synchronous: one transaction in, rows out. Runs in a thread of its own on
 * a gateway (`disk-thread.ts`), or in the caller's for the seeded world and tests.
 *
 * WAL with `synchronous=FULL`: a commit has reached the disk when `write` returns. NORMAL survives a kill but loses the
 * last commits on a power cut. Counts live in a row of their own, so that opening a million messages costs no scan.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { checkFormat, migrate } from './format.ts';

export interface Row {
  sequence: number;
  id: string;
  meter: string;
  /** 0 summaries, 1 the rest: what is dropped first at the bound. */
  lane: 0 | 1;
  atMs: number;
  clockOk: boolean;
  /** The message as JSON. */
  body: string;
}

/** One transaction, in this order. */
export interface Batch {
  insert: readonly Row[];
  remove: readonly { sequence: number; id: string }[];
  bury: readonly { sequence: number; reason: string }[];
  put: readonly (readonly [string, Uint8Array | null])[];
}

export interface Limits {
  /** Messages kept without a receipt. */
  messages: number;
  /** Bytes of disk held back, given free for alerts when the disk is full. */
  reserveBytes: number;
}

export interface Opened {
  store: string;
  lastSequence: number;
  messages: number;
  dropped: number;
  dead: number;
  /** Set when the former file was broken and has been moved aside. */
  corrupt?: string;
}

export interface Database {
  open(): Opened;
  write(batch: Batch): Opened & { removed: number; droppedNow: number };
  pending(afterSequence: number, limit: number, meter: string | null): Row[];
  oldestAtMs(): number | null;
  get(key: string): Uint8Array | undefined;
  entries(prefix: string, afterKey: string, limit: number): [string, Uint8Array][];
  close(): void;
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS message (
  sequence INTEGER PRIMARY KEY, id TEXT NOT NULL, meter TEXT NOT NULL, lane INTEGER NOT NULL,
  at INTEGER NOT NULL, clock INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS message_meter ON message (meter, sequence);
CREATE INDEX IF NOT EXISTS message_summary ON message (sequence) WHERE lane = 0;
CREATE TABLE IF NOT EXISTS dead (sequence INTEGER PRIMARY KEY, reason TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS value (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (
  one INTEGER PRIMARY KEY CHECK (one = 1), store TEXT NOT NULL, last INTEGER NOT NULL, messages INTEGER NOT NULL,
  dropped INTEGER NOT NULL, dead INTEGER NOT NULL) STRICT;`;

const DEAD_MAX = 1_000;
/** Above this size the check at the start would keep alerts waiting; SQLite then finds damage when it meets it. */
const CHECK_MAX_BYTES = 16 * 1024 * 1024;

/** SQLite's primary result code of an error, or undefined when it is another error. */
export function sqliteCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}
const CORRUPT = 11;
const FULL = 13;
const NO_DATABASE = 26;
const isCorrupt = (error: unknown) => [CORRUPT, NO_DATABASE].includes(sqliteCode(error) ?? 0);

/** Nothing is touched before `open`, which may be called again after an error and starts from the file as it is. */
export function sqliteDatabase(path: string, limits: Limits): Database {
  let db: DatabaseSync | undefined;
  let statements: Statements | undefined;
  let state: Opened = { store: '', lastSequence: 0, messages: 0, dropped: 0, dead: 0 };
  const reserve = `${path}.reserve`;
  /** Damage was met in a file too large to be checked at its opening: the next one starts afresh. */
  let damaged: string | undefined;

  function open(): Opened {
    close();
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
    let corrupt: string | undefined;
    try {
      if (damaged !== undefined) throw Object.assign(new Error(damaged), { errcode: CORRUPT });
      db = openChecked(path);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      damaged = undefined;
      corrupt = `${(error as Error).message}; the file is kept as ${moveAside(path)}`;
      db = openChecked(path);
      salvage(path, db, limits);
    }
    statements = prepare(db);
    state = readState(db);
    if (path !== ':memory:') keepReserve(reserve, limits.reserveBytes);
    return corrupt === undefined ? state : { ...state, corrupt };
  }

  function watched<A extends unknown[], R>(call: (...args: A) => R): (...args: A) => R {
    return (...args) => {
      try {
        return call(...args);
      } catch (error) {
        if (isCorrupt(error)) damaged = (error as Error).message;
        throw error;
      }
    };
  }

  function write(batch: Batch): Opened & { removed: number; droppedNow: number } {
    try {
      return transact(batch);
    } catch (error) {
      if (sqliteCode(error) !== FULL) throw error;
      // What the reserve was kept for; summaries make room inside the file as well.
      rmSync(reserve, { force: true });
      const freed = transact({ insert: [], remove: [], bury: [], put: [] }, true);
      const done = transact(batch);
      return { ...done, droppedNow: done.droppedNow + freed.droppedNow };
    }
  }

  function transact(batch: Batch, dropSummaries = false): Opened & { removed: number; droppedNow: number } {
    const [handle, sql] = ready();
    const next = { ...state };
    let removed = 0;
    let droppedNow = 0;
    handle.exec('BEGIN IMMEDIATE');
    try {
      for (const row of batch.insert) {
        const { changes } = sql.insert.run(
          row.sequence,
          row.id,
          row.meter,
          row.lane,
          row.atMs,
          row.clockOk ? 1 : 0,
          row.body,
        );
        next.messages += Number(changes);
        next.lastSequence = Math.max(next.lastSequence, row.sequence);
      }
      for (const { sequence, id } of batch.remove) removed += Number(sql.remove.run(sequence, id).changes);
      let buried = 0;
      for (const { sequence, reason } of batch.bury) {
        if (Number(sql.bury.run(reason, sequence).changes) === 0) continue;
        buried += Number(sql.removeAny.run(sequence).changes);
      }
      if (buried > 0) {
        sql.trimDead.run(DEAD_MAX);
        next.dead = Number(sql.countDead.get()?.n ?? 0);
      }
      next.messages -= removed + buried;
      for (const [key, value] of batch.put) value === null ? sql.unset.run(key) : sql.set.run(key, value);
      if (dropSummaries) droppedNow += Number(sql.dropSummaries.run(next.messages).changes);
      const over = next.messages - droppedNow - limits.messages;
      if (over > 0) {
        const summaries = Number(sql.dropSummaries.run(over).changes);
        droppedNow += summaries;
        if (summaries < over) droppedNow += Number(sql.dropOldest.run(over - summaries).changes);
      }
      next.messages -= droppedNow;
      next.dropped += droppedNow;
      sql.setState.run(next.lastSequence, next.messages, next.dropped, next.dead);
      handle.exec('COMMIT');
    } catch (error) {
      // A failed COMMIT may have rolled back by itself; the second error says nothing new.
      if (handle.isTransaction) handle.exec('ROLLBACK');
      throw error;
    }
    state = next;
    return { ...state, removed, droppedNow };
  }

  function ready(): [DatabaseSync, Statements] {
    if (db === undefined || statements === undefined) throw new Error('the store is not open');
    return [db, statements];
  }

  function close(): void {
    try {
      db?.close();
    } catch {
      // A handle on a dead disk may refuse to close; the next open starts afresh anyway.
    }
    db = undefined;
    statements = undefined;
  }

  return {
    open,
    write: watched(write),
    close,
    pending: watched((after, limit, meter) => {
      const [, sql] = ready();
      const rows = meter === null ? sql.pending.all(after, limit) : sql.pendingOf.all(meter, after, limit);
      return rows.map((row) => ({
        sequence: Number(row.sequence),
        id: String(row.id),
        meter: String(row.meter),
        lane: row.lane === 0 ? 0 : 1,
        atMs: Number(row.at),
        clockOk: row.clock === 1,
        body: String(row.body),
      }));
    }),
    oldestAtMs: watched(() => {
      const at = ready()[1].oldest.get()?.at;
      return at === undefined ? null : Number(at);
    }),
    get: watched((key) => {
      const value = ready()[1].get.get(key)?.value;
      return value instanceof Uint8Array ? value : undefined;
    }),
    entries: watched((prefix, afterKey, limit) => {
      const rows = ready()[1].entries.all(afterKey > prefix ? afterKey : prefix, afterKey, `${prefix}\uffff`, limit);
      return rows.map((row) => [String(row.key), row.value as Uint8Array]);
    }),
  };
}

function openChecked(path: string): DatabaseSync {
  const known = path !== ':memory:' && existsSync(path);
  const db = new DatabaseSync(path, { timeout: 2_000 });
  try {
    db.exec(
      'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=1000; PRAGMA cache_size=-2000;',
    );
    if (known && statSync(path).size <= CHECK_MAX_BYTES) {
      const verdict = String(db.prepare('PRAGMA quick_check(1)').get()?.quick_check);
      if (verdict !== 'ok') throw Object.assign(new Error(verdict), { errcode: CORRUPT });
    }
    checkFormat(db);
    migrate(db);
    db.exec(SCHEMA);
    db.prepare('INSERT OR IGNORE INTO state VALUES (1, ?, 0, 0, 0, 0)').run(randomBytes(4).toString('hex'));
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function readState(db: DatabaseSync): Opened {
  const row = db.prepare('SELECT * FROM state').get();
  return {
    store: String(row?.store ?? ''),
    lastSequence: Number(row?.last ?? 0),
    messages: Number(row?.messages ?? 0),
    dropped: Number(row?.dropped ?? 0),
    dead: Number(row?.dead ?? 0),
  };
}

type Statements = ReturnType<typeof prepare>;

function prepare(db: DatabaseSync) {
  const text = {
    insert: 'INSERT OR IGNORE INTO message VALUES (?, ?, ?, ?, ?, ?, ?)',
    remove: 'DELETE FROM message WHERE sequence = ? AND id = ?',
    removeAny: 'DELETE FROM message WHERE sequence = ?',
    bury: 'INSERT OR REPLACE INTO dead SELECT sequence, ?, body FROM message WHERE sequence = ?',
    trimDead: 'DELETE FROM dead WHERE sequence NOT IN (SELECT sequence FROM dead ORDER BY sequence DESC LIMIT ?)',
    countDead: 'SELECT count(*) AS n FROM dead',
    dropSummaries:
      'DELETE FROM message WHERE sequence IN (SELECT sequence FROM message WHERE lane = 0 ORDER BY sequence LIMIT ?)',
    dropOldest: 'DELETE FROM message WHERE sequence IN (SELECT sequence FROM message ORDER BY sequence LIMIT ?)',
    setState: 'UPDATE state SET last = ?, messages = ?, dropped = ?, dead = ?',
    pending: 'SELECT * FROM message WHERE sequence > ? ORDER BY sequence LIMIT ?',
    pendingOf: 'SELECT * FROM message WHERE meter = ? AND sequence > ? ORDER BY sequence LIMIT ?',
    oldest: 'SELECT at FROM message ORDER BY sequence LIMIT 1',
    set: 'INSERT OR REPLACE INTO value VALUES (?, ?)',
    unset: 'DELETE FROM value WHERE key = ?',
    get: 'SELECT value FROM value WHERE key = ?',
    entries: 'SELECT key, value FROM value WHERE key >= ? AND key > ? AND key < ? ORDER BY key LIMIT ?',
  } as const;
  const made = Object.entries(text).map(([name, sql]) => [name, db.prepare(sql)]);
  return Object.fromEntries(made) as { [K in keyof typeof text]: StatementSync };
}

/** Keeps the broken file beside the new one, at most three of them. Returns its name. */
function moveAside(path: string): string {
  const name = (n: number) => `${path}.corrupt-${n}`;
  for (const part of ['', '-wal', '-shm']) {
    rmSync(name(3) + part, { force: true });
    for (const n of [2, 1]) if (existsSync(name(n) + part)) renameSync(name(n) + part, name(n + 1) + part);
    if (existsSync(path + part)) renameSync(path + part, name(1) + part);
  }
  return name(1);
}

/** Takes over what can still be read of the broken file; what cannot is lost, and the notice has said so. */
function salvage(path: string, fresh: DatabaseSync, limits: Limits): void {
  let old: DatabaseSync | undefined;
  let last = 0;
  let messages = 0;
  const insert = fresh.prepare('INSERT OR IGNORE INTO message VALUES (?, ?, ?, ?, ?, ?, ?)');
  const set = fresh.prepare('INSERT OR REPLACE INTO value VALUES (?, ?)');
  fresh.exec('BEGIN IMMEDIATE');
  try {
    old = new DatabaseSync(`${path}.corrupt-1`, { readOnly: true });
    const rows = old.prepare('SELECT * FROM message ORDER BY sequence DESC LIMIT ?').iterate(limits.messages);
    for (const row of rows) {
      const { sequence, id, meter, lane, at, clock, body } = row;
      if (typeof body !== 'string' || typeof sequence !== 'number') continue;
      messages += Number(
        insert.run(sequence, String(id), String(meter), Number(lane), Number(at), Number(clock), body).changes,
      );
      last = Math.max(last, sequence);
    }
  } catch {
    // The end of what is readable.
  }
  try {
    for (const row of old?.prepare('SELECT key, value FROM value').iterate() ?? []) {
      if (typeof row.key === 'string' && row.value instanceof Uint8Array) set.run(row.key, row.value);
    }
  } catch {
    // The same for the values.
  }
  // Beyond anything the old file can have given out, also where its newest rows were unreadable.
  fresh.prepare('UPDATE state SET last = ?, messages = ?').run(last === 0 ? 0 : last + 1_000_000, messages);
  fresh.exec('COMMIT');
  old?.close();
}

/** A file of zeros that is deleted when the disk is full: alerts and audit then still find room. */
function keepReserve(path: string, bytes: number): void {
  try {
    if (bytes === 0 || (existsSync(path) && statSync(path).size >= bytes)) return;
    const { bavail, bsize } = statfsSync(dirname(path));
    if (bavail * bsize > 4 * bytes) writeFileSync(path, new Uint8Array(bytes), { mode: 0o600 });
  } catch {
    // Without a reserve the store works all the same.
  }
}
