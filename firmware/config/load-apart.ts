/**
 * A site file checked in a thread that ends with it: the parser and the schema library would stay in memory for as long
 * as the gateway runs, and it needs them once.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Loaded } from './load.ts';
import type { LoadTask } from './load-thread.ts';

/** `loadSite`, leaving nothing behind. @throws what the thread threw */
export async function loadSiteApart(text: string, file: string): Promise<Loaded> {
  const worker = new Worker(new URL('./load-thread.ts', import.meta.url), {
    workerData: { text, file } satisfies LoadTask,
  });
  // Both reject where the thread fails.
  const [[loaded]] = (await Promise.all([once(worker, 'message'), once(worker, 'exit')])) as [[Loaded], unknown];
  return loaded;
}
