/** The data across versions: older files are lifted, newer ones refused untouched, and a lift is all or nothing. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sqliteDatabase } from '../../firmware/store/database.ts';
import { FORMAT, migrate } from '../../firmware/store/format.ts';

const LIMITS = { messages: 1_000, reserveBytes: 0 };
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'format-'));
  file = join(folder, 'outbox.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writeOne(): void {
  const database = sqliteDatabase(file, LIMITS);
  database.open();
  const row = { sequence: 1, id: 'a', meter: 'm', lane: 1, atMs: 5, clockOk: true, body: '{"type":"alert"}' } as const;
  database.write({ insert: [row], remove: [], bury: [], put: [] });
  database.close();
}

function setFormat(format: number): void {
  const db = new DatabaseSync(file);
  db.exec(`PRAGMA user_version = ${format}`);
  db.close();
}

describe('the format of the outbox', () => {
  it('stands in every new file', () => {
    writeOne();
    const db = new DatabaseSync(file);
    expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: FORMAT });
    db.close();
  });

  it('of the first release is lifted, and its alerts stay', () => {
    writeOne();
    setFormat(0);
    const database = sqliteDatabase(file, LIMITS);
    expect(database.open()).toMatchObject({ messages: 1, lastSequence: 1 });
    expect(database.pending(0, 10, null)).toHaveLength(1);
    database.close();
  });

  it('that is newer is refused, and the file is left as it is', () => {
    writeOne();
    setFormat(FORMAT + 1);
    const before = readFileSync(file);
    const database = sqliteDatabase(file, LIMITS);
    expect(() => database.open()).toThrow(`the outbox has format ${FORMAT + 1}, this version reads up to ${FORMAT}`);
    database.close();
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('is lifted wholly or not at all', () => {
    const db = new DatabaseSync(':memory:');
    db.exec('CREATE TABLE a (x)');
    expect(() => migrate(db, ['CREATE TABLE b (x)', 'CREATE TABLE a (x)'])).toThrow();
    const tables = () => db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
    expect(tables()).toEqual([{ name: 'a' }]);
    migrate(db, ['CREATE TABLE b (x)', 'ALTER TABLE b ADD COLUMN y']);
    expect(tables()).toEqual([{ name: 'a' }, { name: 'b' }]);
    expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 2 });
    migrate(db, ['CREATE TABLE b (x)', 'ALTER TABLE b ADD COLUMN y']);
  });
});
