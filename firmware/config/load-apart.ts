/**
 * A site file checked in a thread that ends with it: the parser and the schema library would stay in memory for as long
 * as the gateway runs, and it needs them once.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Loaded } from './load.ts';
import type { LoadTask } from './load-thread.ts';

/** Far beyond what a slow board needs for the largest file. */
const DEADLINE_MS = 120_000;

/** `loadSite`, leaving nothing behind. @throws what the thread threw, or when it does not end */
export async function loadSiteApart(text: string, file: string): Promise<Loaded> {
  const worker = new Worker(new URL('./load-thread.ts', import.meta.url), {
    workerData: { text, file } satisfies LoadTask,
  });
  const signal = AbortSignal.timeout(DEADLINE_MS);
  try {
    // Both reject where the thread fails.
    const ended = [once(worker, 'message', { signal }), once(worker, 'exit', { signal })];
    const [[loaded]] = (await Promise.all(ended)) as [[Loaded], unknown];
    return loaded;
  } finally {
    await worker.terminate();
  }
}
