/** The firmware as the soak test watches it: `run`, and every ten seconds a probe of this process to the parent. */
import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { readSite } from '../../firmware/cli/io.ts';
import { start } from '../../firmware/cli/start.ts';
import { openLog } from '../../firmware/log.ts';
import type { Probe } from './trend.ts';

const PROBE_MS = 10_000;
const siteFile = process.argv[2] ?? '';
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const { gateway, stopped } = await start({
  site: await readSite(siteFile),
  siteFile,
  signal: stop.signal,
  log: openLog('silent'),
});
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
const timer = setInterval(async () => {
  const memory = process.memoryUsage();
  const buses = gateway.buses.map((bus) => bus.status().utilisation);
  const probe: Probe = {
    atMs: Date.now(),
    rssMb: memory.rss / 2 ** 20,
    heapMb: memory.heapUsed / 2 ** 20,
    descriptors: descriptors(),
    loopP99Ms: delay.percentile(99) / 1e6,
    busUtilisation: buses.reduce((sum, share) => sum + share, 0) / Math.max(1, buses.length),
    readings: gateway.pipeline.readings,
    waiting: (await gateway.outbox.depth()).alerts,
  };
  delay.reset();
  process.send?.(probe);
}, PROBE_MS);
await stopped;
clearInterval(timer);
process.exit(0);

function descriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
