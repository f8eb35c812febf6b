/** Queues 100,000 alerts in a process of its own, as on a day offline, and says how much its memory grew. */
import { openStoreWorker } from '../../../firmware/store/worker.ts';
import { alertOf } from './alerts.ts';

const outbox = openStoreWorker(process.argv[2] ?? '');
let n = 0;
const append = async (count: number) => {
  for (const end = n + count; n < end; n += 20) {
    await outbox.append(Array.from({ length: 20 }, (_, i) => alertOf(n + i)));
  }
  globalThis.gc?.();
};
// The first thousands load code and size the heaps of both threads.
await append(10_000);
const before = process.memoryUsage().rss;
await append(100_000);
const { alerts } = await outbox.depth();
console.log(JSON.stringify({ alerts, grownMb: (process.memoryUsage().rss - before) / 1e6 }));
await outbox.close();
