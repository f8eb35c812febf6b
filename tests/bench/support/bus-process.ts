/**
 * The buses alone in a process of their own: what reading costs in memory and CPU. Forked with a
 * `BusPlan` as its first argument; sends one `BusFigures` and ends.
 */
import { startBus } from '../../../firmware/bus/bus.ts';
import type { BusMeter } from '../../../firmware/bus/record.ts';
import { systemClock } from '../../../firmware/clock.ts';
import { parsePortAddress } from '../../../firmware/port-address.ts';
import { openSerialPort } from '../../../firmware/serial-port.ts';
import { openTcpPort } from '../../../firmware/tcp-port.ts';
import { dlt645Meter } from '../../support/dlt645-street.ts';
import { registerMeter, SILENT_LOG } from '../../support/virtual-bus.ts';

export interface BusPlan {
  /** Port addresses with their settings. */
  ports: string[];
  metersPerPort: number;
  protocol: 'dlt645' | 'modbus';
  periodMs: number;
  warmUpMs: number;
  forMs: number;
}

export interface BusFigures {
  reads: number;
  tookMs: number;
  cpuMs: number;
  rssMb: number;
  failures: number;
}

const plan = JSON.parse(process.argv[2] ?? '{}') as BusPlan;
const stop = new AbortController();
let reads = 0;
const buses = plan.ports.map((address, port) => {
  const settings = parsePortAddress(address);
  if ('problem' in settings) throw new Error(settings.problem);
  const meters: BusMeter[] = Array.from({ length: plan.metersPerPort }, (_, i) =>
    plan.protocol === 'modbus'
      ? registerMeter(i + 1, plan.periodMs)
      : dlt645Meter(port * plan.metersPerPort + i + 1, plan.periodMs),
  );
  return startBus({
    settings,
    openPort: settings.target.kind === 'tty' ? openSerialPort : openTcpPort,
    clock: systemClock,
    meters,
    onReading() {
      reads++;
    },
    onMeterState() {},
    onPortState() {},
    log: SILENT_LOG,
    signal: stop.signal,
  });
});
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
await sleep(plan.warmUpMs);
const before = { reads, atMs: performance.now(), cpu: process.cpuUsage() };
await sleep(plan.forMs);
const cpu = process.cpuUsage(before.cpu);
const figures: BusFigures = {
  reads: reads - before.reads,
  tookMs: performance.now() - before.atMs,
  cpuMs: (cpu.user + cpu.system) / 1_000,
  rssMb: process.memoryUsage().rss / 1e6,
  failures: buses.reduce((sum, bus) => sum + Object.values(bus.status().failures).reduce((a, b) => a + b, 0), 0),
};
stop.abort();
await Promise.all(buses.map((bus) => bus.stopped));
process.send?.(figures);
process.disconnect?.();
