/** The outbox with its database in a thread of its own: what a gateway runs. Commits that wait together go as one. */
import { Worker } from 'node:worker_threads';
import type { Outbox } from '../outbox.ts';
import type { Answer, Call } from './disk-thread.ts';
import { type Disk, outboxOn, STORE_DEFAULTS, type StoreOptions } from './store.ts';

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Opens or makes the outbox at `path`. Never throws: a disk or a thread that fails is told to `onNotice`. */
export function openStoreWorker(path: string, options: Partial<StoreOptions> = {}): Outbox {
  const all = { ...STORE_DEFAULTS, ...options };
  return outboxOn(workerDisk(path, all), all);
}

function workerDisk(path: string, { limits }: StoreOptions): Disk {
  const pending = new Map<number, Pending>();
  let worker: Worker | undefined;
  let calls = 0;

  function start(): Worker {
    const fresh = new Worker(new URL('./disk-thread.ts', import.meta.url), { workerData: { path, limits } });
    fresh.on('message', (answer: Answer) => {
      const asked = pending.get(answer.n);
      pending.delete(answer.n);
      if ('error' in answer) asked?.reject(Object.assign(new Error(answer.error), { errcode: answer.errcode }));
      else asked?.resolve(answer.value);
    });
    const lost = (why: string) => {
      if (worker === fresh) worker = undefined;
      for (const asked of pending.values()) asked.reject(new Error(why));
      pending.clear();
    };
    fresh.on('error', (error) => lost(`the store's thread failed: ${error.message}`));
    fresh.on('exit', (code) => lost(`the store's thread ended with ${code}`));
    return fresh;
  }

  function call(name: Call['call'], args: unknown[]): Promise<unknown> {
    worker ??= start();
    const n = ++calls;
    return new Promise((resolve, reject) => {
      pending.set(n, { resolve, reject });
      worker?.postMessage({ n, call: name, args } satisfies Call);
    });
  }

  return {
    open: () => call('open', []) as ReturnType<Disk['open']>,
    write: (batch) => call('write', [batch]) as ReturnType<Disk['write']>,
    pending: (...args) => call('pending', args) as ReturnType<Disk['pending']>,
    oldestAtMs: () => call('oldestAtMs', []) as ReturnType<Disk['oldestAtMs']>,
    get: (key) => call('get', [key]) as ReturnType<Disk['get']>,
    entries: (...args) => call('entries', args) as ReturnType<Disk['entries']>,
    async close() {
      if (worker === undefined) return;
      await call('close', []);
      await worker?.terminate();
    },
  };
}
