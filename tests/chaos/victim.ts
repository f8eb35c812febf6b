/**
 * A gateway's outbox and uplink in a process that is killed again and again: `victim.ts STORE BROKER FIRST`.
 * Appends numbered alerts as fast as the disk takes them and says on stdout which are acknowledged; FIRST below 0 only
 * drains. The parent sends `stop` on stdin to end the appending.
 */
import { writeSync } from 'node:fs';
import type { Alert } from '../../detectors/alert.ts';
import { systemClock } from '../../firmware/clock.ts';
import { silentLog } from '../../firmware/log.ts';
import { openStoreWorker } from '../../firmware/store/worker.ts';
import { mqttLink } from '../../firmware/uplink/mqtt-link.ts';
import { startUplink } from '../../firmware/uplink/uplink.ts';

const METERS = 40;
const BATCH = 5;
const PAUSE_MS = 10;
const DEPTH_MAX = 2_000;

/** The nth alert; its number stands in its id and its time, so that order can be checked. */
function numbered(n: number): Alert {
  return {
    id: n.toString(16).padStart(12, '0'),
    meter: String(n % METERS).padStart(12, '0'),
    kind: 'overload',
    state: 'raised',
    severity: 'warning',
    at: 1_700_000_000_000 + n,
    since: 1_700_000_000_000,
    confidence: 0.9,
    evidence: { count: n },
    grid: 'cell-1',
    recipients: ['power'],
  };
}

const [store = '', broker = '', first = '-1'] = process.argv.slice(2);
const outbox = openStoreWorker(store, { onNotice: (notice) => writeSync(2, `${JSON.stringify(notice)}\n`) });
startUplink({
  settings: { gateway: 'victim', receiptDeadlineMs: 1_500, publishDeadlineMs: 3_000 },
  outbox,
  openLink: mqttLink(
    { brokers: [broker], clientId: 'victim', backOff: { firstMs: 50, maxMs: 500, slowMs: 1_000 } },
    { clock: systemClock, random: Math.random, log: silentLog },
  ),
  clock: systemClock,
  log: silentLog,
  signal: new AbortController().signal,
});

let appending = Number(first) >= 0;
process.stdin.on('data', () => {
  appending = false;
});
for (let n = Number(first); appending; n += BATCH) {
  const batch = Array.from({ length: BATCH }, (_, i) => numbered(n + i));
  const { durable } = await outbox.append(batch);
  if (durable) writeSync(1, `${n + BATCH - 1}\n`);
  const { alerts } = await outbox.depth();
  await new Promise((resolve) => setTimeout(resolve, alerts > DEPTH_MAX ? 200 : PAUSE_MS));
}
while ((await outbox.depth()).alerts > 0) await new Promise((resolve) => setTimeout(resolve, 50));
writeSync(1, 'empty\n');
