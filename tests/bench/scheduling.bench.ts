/**
 * What the schedule is worth: 30 meters of 20 registers at 9600 8N1 against the wire's own floor, three of them dead,
 * and attention to one meter of 32 against round-robin at the same bus load.
 *
 * `cpuMsPerPoll` grows with whatever else the machine does, because every poll wakes up to cold caches; beside it, at the
 * same time and on a line of its own, `modbus-serial` polls plainly: `cpuPerPollVsModbusSerial` and what it does to the
 * silence between frames.
 */
import { type Read, registerMeter, virtualBus } from '../support/virtual-bus.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { LINE_9600, modbusStation, VirtualStreet } from '../support/virtual-street.ts';
import { runApart } from './support/processes.ts';

export const name = 'scheduling';

const METERS = 30;
const REGISTERS = 20;
/** 53 bytes, 10 ms turnaround and 3.5 characters on either side of the request, 30 times. */
const FLOOR_MS = 2_175;
/** A meter knows that a request is over after 3.5 characters, then takes 10 ms. */
const TURNAROUND_MS = 10 + 3.65;

export async function run(): Promise<Record<string, number>> {
  return { ...(await scan()), ...(await threeDead()), ...(await attention()) };
}

async function scan(): Promise<Record<string, number>> {
  const figures = await runApart(
    {
      kind: 'pty',
      ports: 1,
      metersPerPort: METERS,
      protocol: 'modbus',
      baud: 9600,
      parity: 'none',
      delayMs: [TURNAROUND_MS, TURNAROUND_MS],
    },
    // The engine compiles what is hot in the first half minute of the months that a gateway runs.
    { periodMs: 500, warmUpMs: 30_000, forMs: 30_000 },
    REGISTERS,
  );
  const [ours, plain] = figures.lines;
  const cpuMsPerPoll = figures.cpuMs / figures.reads;
  return {
    scan30MetersSeconds: (figures.tookMs / figures.reads) * (METERS / 1_000),
    scan30MetersOverFloor: ((figures.tookMs / figures.reads) * METERS) / FLOOR_MS,
    silenceViolations: ours!.silenceViolations,
    cpuMsPerPoll,
    cpuPerPollVsModbusSerial: cpuMsPerPoll / (figures.plain!.cpuMs / figures.plain!.reads),
    silenceViolationsModbusSerial: plain!.silenceViolations,
  };
}

/** The largest deviation from the period of 5 s of any meter that lives, once the dead ones are known. */
async function threeDead(): Promise<Record<string, number>> {
  const clock = new VirtualClock(0);
  const street = new VirtualStreet(clock);
  const numbers = Array.from({ length: METERS }, (_, i) => i + 1);
  for (const unit of numbers.slice(3)) street.line.attach(modbusStation(unit, () => TURNAROUND_MS));
  const world = virtualBus(
    numbers.map((unit) => registerMeter(unit, 5_000)),
    { clock, street },
  );
  await clock.run(1_800_000);
  world.stop();
  let worst = 0;
  for (const times of timesByMeter(world.reads.filter(({ atMs }) => atMs > 30_000)).values()) {
    for (const [i, atMs] of times.slice(1).entries()) worst = Math.max(worst, Math.abs(atMs - times[i]! - 5_000));
  }
  return { threeDeadPeriodDeviation: worst / 5_000 };
}

/** A step on one of 32 meters on a full bus: how long until it is read, and what the slowest other one pays. */
async function attention(): Promise<Record<string, number>> {
  const pace = async (attended: boolean) => {
    const clock = new VirtualClock(0);
    const street = new VirtualStreet(clock, LINE_9600);
    const numbers = Array.from({ length: 32 }, (_, i) => i + 1);
    for (const unit of numbers) street.line.attach(modbusStation(unit, () => TURNAROUND_MS));
    const world = virtualBus(
      numbers.map((unit) => registerMeter(unit, 1_000)),
      { clock, street },
    );
    const forMs = 600_000;
    if (attended) world.bus.attend('m7', 200, forMs);
    await clock.run(forMs);
    world.stop();
    const times = timesByMeter(world.reads);
    const periods = [...times.values()].map((of) => forMs / of.length);
    return { slowestMs: Math.max(...periods), stepSeenMs: meanWaitMs(times.get('m7')!) };
  };
  const plain = await pace(false);
  const attentive = await pace(true);
  return {
    stepSeenRoundRobinMs: plain.stepSeenMs,
    stepSeenAttentionMs: attentive.stepSeenMs,
    slowestPeriodGrowth: attentive.slowestMs / plain.slowestMs - 1,
  };
}

function timesByMeter(reads: readonly Read[]): Map<string, number[]> {
  const times = new Map<string, number[]>();
  for (const { meter, atMs } of reads) times.set(meter, [...(times.get(meter) ?? []), atMs]);
  return times;
}

/** Mean time from a step at a random moment to the next read. */
function meanWaitMs(times: readonly number[]): number {
  const gaps = times.slice(1).map((atMs, i) => atMs - times[i]!);
  return gaps.reduce((sum, gap) => sum + (gap * gap) / 2, 0) / gaps.reduce((sum, gap) => sum + gap, 0);
}
