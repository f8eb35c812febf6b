/**
 * `modbus-serial` polled plainly, one meter after the other without a pause: what most gateways of npm do. Forked with a
 * `PlainPlan` as its first argument; sends one `PlainFigures` and ends.
 */
import modbusSerial from 'modbus-serial';

export interface PlainPlan {
  path: string;
  baud: number;
  meters: number;
  registers: number;
  warmUpMs: number;
  forMs: number;
}

export interface PlainFigures {
  reads: number;
  cpuMs: number;
}

const TIMEOUT_MS = 2_000;
const plan = JSON.parse(process.argv[2] ?? '{}') as PlainPlan;
const client = new modbusSerial.default();
await client.connectRTUBuffered(plan.path, { baudRate: plan.baud });
client.setTimeout(TIMEOUT_MS);
let reads = 0;
let before = { reads: 0, cpu: process.cpuUsage() };
const startMs = performance.now();
const passedMs = () => performance.now() - startMs;
for (let i = 0, warm = false; passedMs() < plan.warmUpMs + plan.forMs; i++) {
  if (!warm && passedMs() >= plan.warmUpMs) {
    warm = true;
    before = { reads, cpu: process.cpuUsage() };
  }
  client.setID((i % plan.meters) + 1);
  // Now and then it takes the rest of a late answer for the next one.
  await client.readHoldingRegisters(0, plan.registers).then(
    () => reads++,
    () => undefined,
  );
}
const cpu = process.cpuUsage(before.cpu);
const figures: PlainFigures = { reads: reads - before.reads, cpuMs: (cpu.user + cpu.system) / 1_000 };
process.send?.(figures);
client.close(() => process.disconnect?.());
