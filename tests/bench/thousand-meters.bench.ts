/** 1,000 meters over 16 TCP ports at 9600 baud: memory and event-loop delay of the process that reads them. */
import { runApart } from './support/processes.ts';

export const name = 'thousand-meters';

export async function run(): Promise<Record<string, number>> {
  const figures = await runApart(
    {
      kind: 'tcp',
      ports: 16,
      metersPerPort: 63,
      protocol: 'dlt645',
      baud: 9600,
      parity: 'even',
      delayMs: [20, 60],
    },
    { periodMs: 10_000, warmUpMs: 10_000, forMs: 20_000, watchLoop: true },
  );
  return {
    rss1000MetersMb: figures.rssMb,
    loopDelayP99Ms: figures.loopDelayP99Ms,
    readsPerSecond1000Meters: (figures.reads * 1_000) / figures.tookMs,
    cpuMsPerRead1000Meters: figures.cpuMs / figures.reads,
    failures1000Meters: figures.failures,
  };
}
