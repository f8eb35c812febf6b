/** Writes numbered alerts into a store, one commit each, and says which are acknowledged: `writer.ts STORE COUNT`. */
import { writeSync } from 'node:fs';
import { openStore } from '../../firmware/store/store.ts';
import { alertOf } from '../firmware/store/alerts.ts';

const [path = '', count = '0'] = process.argv.slice(2);
const outbox = openStore(path, { limits: { messages: 1_000_000, reserveBytes: 0 } });
for (let n = 1; n <= Number(count); n++) {
  const { durable } = await outbox.append([alertOf(n)]);
  if (durable) writeSync(1, `ack ${n}\n`);
  if (n % 3 !== 0) continue;
  // Some leave again, so that pages are used anew; said before, because the cut may come before the word is out.
  writeSync(1, `gone ${n - 1}\n`);
  await outbox.receipt([{ sequence: n - 1, id: alertOf(n - 1).id }]);
}
process.exit(0);
