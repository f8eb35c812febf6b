/** Loaded before a program that a benchmark watches: on `begin` it starts to measure, on `end` it tells. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface LoopFigures {
  rssMb: number;
  loopDelayP99Ms: number;
  /** Of one core. */
  cpuShare: number;
}

const RESOLUTION_MS = 5;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
let begun = { atMs: 0, cpu: process.cpuUsage() };

process.on('message', (message) => {
  if (message === 'begin') {
    delay.enable();
    begun = { atMs: performance.now(), cpu: process.cpuUsage() };
    return;
  }
  const cpu = process.cpuUsage(begun.cpu);
  const figures: LoopFigures = {
    rssMb: process.memoryUsage().rss / 1e6,
    // The monitor counts its own sleep in.
    loopDelayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS),
    cpuShare: (cpu.user + cpu.system) / 1_000 / (performance.now() - begun.atMs),
  };
  process.send?.(figures);
});
