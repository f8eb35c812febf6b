/**
 * The number of the format in which the outbox stands on disk, and how an older file becomes one of today.
 *
 * An update that does not work is rolled back, and the version before it must then read what the newer one wrote. So a
 * format is raised only in the release after the one that can already read it; a file that is newer still is refused
 * and left as it is, and the gateway goes on in memory, saying so.
 */
import type { DatabaseSync } from 'node:sqlite';

/** `MIGRATIONS[n]` makes format n + 1 of format n. Files of the first release bear no number, which SQLite reads as 0. */
const MIGRATIONS: readonly string[] = ['SELECT 1'];
export const FORMAT = MIGRATIONS.length;

/** @throws when the file was written by a version that this one does not know; nothing has been touched then */
export function checkFormat(db: DatabaseSync): void {
  const format = formatOf(db);
  if (format > FORMAT)
    throw new Error(`the outbox has format ${format}, this version reads up to ${FORMAT}: install a newer one`);
}

/** Lifts the file to today's format, all or nothing, before today's tables are made; an empty file needs no lifting. */
export function migrate(db: DatabaseSync, migrations: readonly string[] = MIGRATIONS): void {
  const from = formatOf(db);
  if (from >= migrations.length) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    const empty = Number(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n) === 0;
    for (const sql of empty ? [] : migrations.slice(from)) db.exec(sql);
    db.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`);
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

function formatOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0);
}
