/**
 * How much of a bus's time is useful: wire time of the bytes that had to move plus the meters' own delay, over elapsed
 * time. In virtual time to the microsecond, and once over a real pseudo-terminal through `serialport`, where timers
 * and chunks cost what they cost.
 */
import { startBus } from '../../firmware/bus/bus.ts';
import { systemClock } from '../../firmware/clock.ts';
import { type LineSettings, wireMs } from '../../firmware/port.ts';
import { openSerialPort } from '../../firmware/serial-port.ts';
import { systemSimClock } from '../../sim/clock.ts';
import { Line } from '../../sim/line.ts';
import { openPty } from '../../sim/pty.ts';
import { createRandom } from '../../sim/random.ts';
import { attachMeter, dlt645Meter } from '../support/dlt645-street.ts';
import { SILENT_LOG, virtualBus } from '../support/virtual-bus.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { VirtualStreet } from '../support/virtual-street.ts';

export const name = 'bus';

const METERS = 32;
/** More than the bus can do, so that it is never idle. */
const PERIOD_MS = 1_000;
const REAL_MS = 15_000;

export async function run(): Promise<Record<string, number>> {
  return {
    busUtilisation2400: await virtualUtilisation(2400),
    busUtilisation9600: await virtualUtilisation(9600),
    deadMeterPace: (await readsOf(1 / 8)) / (await readsOf(0)),
    busUtilisation2400Pty: await realUtilisation(2400),
    busUtilisation9600Pty: await realUtilisation(9600),
  };
}

const lineSettings = (baud: number, path = '/dev/virtual'): LineSettings => ({
  target: { kind: 'tty', path },
  baud,
  parity: 'even',
  stopBits: 1,
});

const numbers = Array.from({ length: METERS }, (_, i) => i + 1);

async function virtualUtilisation(baud: number): Promise<number> {
  const clock = new VirtualClock(0);
  const street = new VirtualStreet(clock, lineSettings(baud));
  const random = createRandom(baud);
  let delaysMs = 0;
  for (const number of numbers) {
    attachMeter(street.line, number, random.between(20, 60), (delayMs) => {
      delaysMs += delayMs;
    });
  }
  const world = virtualBus(
    numbers.map((number) => dlt645Meter(number, PERIOD_MS)),
    { clock, street },
  );
  const forMs = 600_000;
  await clock.run(forMs);
  world.stop();
  const { requestBytes, answerBytes } = street.line.counts;
  return (wireMs(street.settings, requestBytes + answerBytes) + delaysMs) / forMs;
}

/** Reads in an hour at 2400 baud: what dead meters cost is missing from them, and what they leave free is not given away. */
async function readsOf(deadShare: number): Promise<number> {
  const clock = new VirtualClock(0);
  const street = new VirtualStreet(clock, lineSettings(2400));
  const random = createRandom('pace');
  const alive = numbers.filter((number) => deadShare === 0 || number % Math.round(1 / deadShare) !== 0);
  for (const number of alive) attachMeter(street.line, number, random.between(20, 60), () => {});
  const world = virtualBus(
    numbers.map((number) => dlt645Meter(number, PERIOD_MS)),
    { clock, street },
  );
  await clock.run(3_600_000);
  world.stop();
  return world.reads.length;
}

async function realUtilisation(baud: number): Promise<number> {
  const settings = lineSettings(baud);
  const random = createRandom(baud);
  const line = new Line(settings, systemSimClock, random, (bytes) => sim.write(bytes));
  const sim = await openPty((bytes) => line.fromMaster(bytes));
  let delaysMs = 0;
  for (const number of numbers) {
    attachMeter(line, number, random.between(20, 60), (delayMs) => {
      delaysMs += delayMs;
    });
  }
  // From the end of one read to the end of another, so that no exchange is counted in part.
  const marks: { atMs: number; usefulMs: number }[] = [];
  const stop = new AbortController();
  const bus = startBus({
    settings: lineSettings(baud, sim.url),
    openPort: openSerialPort,
    clock: systemClock,
    meters: numbers.map((number) => dlt645Meter(number, PERIOD_MS)),
    onReading() {
      const bytes = line.counts.requestBytes + line.counts.answerBytes;
      marks.push({ atMs: performance.now(), usefulMs: wireMs(settings, bytes) + delaysMs });
    },
    onMeterState() {},
    onPortState() {},
    log: SILENT_LOG,
    signal: stop.signal,
  });
  await new Promise((resolve) => setTimeout(resolve, REAL_MS));
  stop.abort();
  await bus.stopped;
  line.cut();
  await sim.close();
  const first = marks[4]!;
  const last = marks.at(-1)!;
  return (last.usefulMs - first.usefulMs) / (last.atMs - first.atMs);
}
