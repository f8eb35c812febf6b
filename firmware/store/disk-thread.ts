/** The thread that owns the database file: answers one call after the other, so that a slow disk stalls nobody else. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Limits, sqliteCode, sqliteDatabase } from './database.ts';

/** A call by name, answered with its number. */
export interface Call {
  n: number;
  call: keyof ReturnType<typeof sqliteDatabase>;
  args: unknown[];
}

export type Answer = { n: number; value: unknown } | { n: number; error: string; errcode?: number };

const { path, limits } = workerData as { path: string; limits: Limits };
const database = sqliteDatabase(path, limits);

parentPort?.on('message', ({ n, call, args }: Call) => {
  let answer: Answer;
  try {
    const value: unknown = (database[call] as (...args: unknown[]) => unknown)(...args);
    answer = { n, value };
  } catch (error) {
    const errcode = sqliteCode(error);
    answer = { n, error: error instanceof Error ? error.message : String(error), ...(errcode && { errcode }) };
  }
  parentPort?.postMessage(answer);
});
