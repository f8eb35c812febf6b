/**
 * Reading 30 meters in turn, 72 registers each, by the gateway, by two libraries of npm and by what Debian has; ratios
 * of one run.
 *
 * `cpuPerReading…`: the whole way, through `serialport` and a pseudo-terminal to a slave in another process. All keep the
 * silence between frames that the standard asks for: ours by its bus, theirs by the pause that modbus-serial's README
 * shows between meters. Most of this is the port's own cost, the same for all. `mbpoll`, which also prints every
 * register, rests between scans for the least time that it takes and between meters as it likes: its pace is its own.
 * `cpuPerRequest…`: the libraries alone, against a slave that answers in the same call.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import jsmodbus from 'jsmodbus';
import modbusSerial from 'modbus-serial';
import { SerialPort } from 'serialport';
import { startBus } from '../../firmware/bus/bus.ts';
import { systemClock } from '../../firmware/clock.ts';
import { openSerialPort } from '../../firmware/serial-port.ts';
import type { Block } from '../../protocols/exchange.ts';
import { modbusBlocks } from '../../protocols/modbus/poll.ts';
import type { Reading } from '../../protocols/reading.ts';
import { modbusMeter } from '../../sim/modbus-meter.ts';
import { mbpollCost, openLibmodbus, type PollPlan } from './support/libmodbus.ts';

export const name = 'modbus-peers';

const METERS = 30;
const REGISTERS = 72;
const BAUD = 115_200;
/** 1.75 ms (Modbus over serial line 2.5.1.1); timers count whole ones. */
const SILENCE_MS = 2;
/** A meter's own delay; all wait for it alike. */
const TURNAROUND_MS = 2;
/** Long enough for a machine that is busy with something else. */
const TIMEOUT_MS = 5_000;
const READINGS = 600;
const REQUESTS = 20_000;
const ROUNDS = 3;

/** What one reading cost. */
interface Cost {
  cpuUs: number;
  perSecond: number;
}
/** Of what is not installed. */
const ABSENT: Cost = { cpuUs: 0, perSecond: 0 };
type Contender = (readings: number) => Promise<Cost>;
type Npm = 'ours' | 'modbusSerial' | 'jsmodbus';
type Debian = 'libmodbus' | 'mbpoll';
type Costs<Name extends string> = Record<Name, Cost>;

export async function run(): Promise<Record<string, number>> {
  const slave = fork(new URL('modbus-slave.ts', import.meta.url), [String(TURNAROUND_MS)]);
  try {
    const [{ path }] = (await once(slave, 'message')) as [{ path: string }];
    const whole = await compare<Npm | Debian>(READINGS, {
      ours: measured((readings) => throughBus(path, readings)),
      modbusSerial: measured((readings) => modbusSerialOverPort(path, readings)),
      jsmodbus: measured((readings) => jsmodbusOverPort(path, readings)),
      libmodbus: (readings) => libmodbusOverPort(path, readings),
      mbpoll: (readings) => mbpollOverPort(path, readings),
    });
    const alone = await compare<Npm>(REQUESTS, {
      ours: measured(exchangesInMemory),
      modbusSerial: measured(modbusSerialInMemory),
      jsmodbus: measured(jsmodbusInMemory),
    });
    return {
      cpuPerReadingVsModbusSerial: ratio(whole, (it) => it.ours.cpuUs / it.modbusSerial.cpuUs),
      cpuPerReadingVsJsmodbus: ratio(whole, (it) => it.ours.cpuUs / it.jsmodbus.cpuUs),
      modbusReadingsPerSecondVsModbusSerial: ratio(whole, (it) => it.ours.perSecond / it.modbusSerial.perSecond),
      modbusReadingsPerSecondVsJsmodbus: ratio(whole, (it) => it.ours.perSecond / it.jsmodbus.perSecond),
      ...againstDebian('Libmodbus', whole),
      ...againstDebian('Mbpoll', whole),
      modbusReadingMicros: ratio(whole, (it) => it.ours.cpuUs),
      cpuPerRequestVsModbusSerial: ratio(alone, (it) => it.ours.cpuUs / it.modbusSerial.cpuUs),
      cpuPerRequestVsJsmodbus: ratio(alone, (it) => it.ours.cpuUs / it.jsmodbus.cpuUs),
      modbusRequestMicros: ratio(alone, (it) => it.ours.cpuUs),
    };
  } finally {
    stop(slave);
  }
}

/** No figures, and one line that says so, where it is not installed. */
function againstDebian(who: 'Libmodbus' | 'Mbpoll', rounds: readonly Costs<Npm | Debian>[]): Record<string, number> {
  const of = (costs: Costs<Debian>) => costs[who === 'Mbpoll' ? 'mbpoll' : 'libmodbus'];
  if (rounds.some((costs) => of(costs) === ABSENT)) {
    console.error(
      `SKIPPED: ${who.toLowerCase()} is not installed, so nothing is compared with it (apt install mbpoll)`,
    );
    return {};
  }
  return {
    [`cpuPerReadingVs${who}`]: ratio(rounds, (it) => it.ours.cpuUs / of(it).cpuUs),
    [`modbusReadingsPerSecondVs${who}`]: ratio(rounds, (it) => it.ours.perSecond / of(it).perSecond),
  };
}

function stop(slave: ChildProcess): void {
  if (slave.connected) slave.disconnect();
}

/** The contenders take turns, so that what else the machine does falls on all. */
async function compare<Name extends string>(
  readings: number,
  contenders: Record<Name, Contender>,
): Promise<Costs<Name>[]> {
  const rounds: Costs<Name>[] = [];
  const inTurn = Object.entries<Contender>(contenders);
  for (const [, contender] of inTurn) await contender(Math.ceil(readings / 3));
  for (let round = 0; round < ROUNDS; round++) {
    const costs: [string, Cost][] = [];
    for (const [name, contender] of inTurn) costs.push([name, await contender(readings)]);
    rounds.push(Object.fromEntries(costs) as Costs<Name>);
  }
  return rounds;
}

/** The middle of the rounds. */
function ratio<Name extends string>(rounds: readonly Costs<Name>[], of: (costs: Costs<Name>) => number): number {
  return rounds.map(of).sort((a, b) => a - b)[rounds.length >> 1]!;
}

const measured =
  (read: (readings: number) => Promise<void>): Contender =>
  async (readings) => {
    const cpu = process.cpuUsage();
    const startMs = performance.now();
    await read(readings);
    const seconds = (performance.now() - startMs) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return { cpuUs: (user + system) / readings, perSecond: readings / seconds };
  };

/** The bus as the gateway runs it: schedule, silence before requests, deadlines, decoding into readings. */
async function throughBus(path: string, readings: number): Promise<void> {
  const ending = new AbortController();
  let left = readings;
  const bus = startBus({
    settings: { target: { kind: 'tty', path }, baud: BAUD, parity: 'none', stopBits: 1 },
    openPort: openSerialPort,
    clock: systemClock,
    meters: Array.from({ length: METERS }, (_, i) => ({
      id: `m${i + 1}`,
      protocol: 'modbus' as const,
      blocks: [powerBlock(i + 1)],
    })),
    onReading: () => {
      if (--left === 0) ending.abort();
    },
    onMeterState: () => undefined,
    onPortState: () => undefined,
    log: { info: () => undefined, warn: () => undefined },
    signal: ending.signal,
  });
  await bus.stopped;
}

/** Always due, so that the bus never idles. */
function powerBlock(unit: number): Block<Reading> {
  const [power] = modbusBlocks({ protocol: 'modbus', unit, profile: 'sdm630' }, { fastMs: 1 });
  return power!;
}

async function modbusSerialOverPort(path: string, readings: number): Promise<void> {
  const client = new modbusSerial.default();
  await client.connectRTUBuffered(path, { baudRate: BAUD });
  client.setTimeout(TIMEOUT_MS);
  for (let i = 0; i < readings; i++) {
    client.setID((i % METERS) + 1);
    const { buffer } = await client.readInputRegisters(0, REGISTERS);
    toReading(buffer);
    await sleep(SILENCE_MS);
  }
  await new Promise<void>((resolve) => client.close(() => resolve()));
}

async function jsmodbusOverPort(path: string, readings: number): Promise<void> {
  const serial = new SerialPort({ path, baudRate: BAUD });
  // A client of this library belongs to one unit; all listen to the line.
  serial.setMaxListeners(5 * METERS);
  const clients = Array.from({ length: METERS }, (_, i) => new jsmodbus.client.RTU(serial, i + 1, TIMEOUT_MS));
  await once(serial, 'open');
  for (let i = 0; i < readings; i++) {
    const { response } = await clients[i % METERS]!.readInputRegisters(0, REGISTERS);
    toReading(response.body.valuesAsBuffer);
    await sleep(SILENCE_MS);
  }
  const closed = once(serial, 'close');
  serial.close();
  await closed;
}

const planOf = (path: string): PollPlan => ({
  path,
  baud: BAUD,
  meters: METERS,
  registers: REGISTERS,
  silenceMs: SILENCE_MS,
  timeoutMs: TIMEOUT_MS,
});

async function libmodbusOverPort(path: string, readings: number): Promise<Cost> {
  const libmodbus = openLibmodbus(planOf(path));
  if (libmodbus === undefined) return ABSENT;
  const cost = await measured(() => libmodbus.poll(readings, toReading))(readings);
  libmodbus.close();
  return cost;
}

async function mbpollOverPort(path: string, readings: number): Promise<Cost> {
  return (await mbpollCost(planOf(path), Math.ceil(readings / METERS))) ?? ABSENT;
}

/** The values a reading is made of, as our decoder takes them. */
function toReading(buffer: Buffer): Reading {
  const at = (address: number): number => buffer.readFloatBE(2 * address);
  return {
    voltageV: [at(0), at(2), at(4)],
    currentA: [at(6), at(8), at(10)],
    powerFactor: [at(30), at(32), at(34)],
    activePowerW: at(0x34),
    reactivePowerVar: at(0x3c),
    frequencyHz: at(0x46),
  };
}

const answerOnce = modbusMeter({ unit: 1, profile: 'sdm630', value: (row) => (row.address / 2) % 200 }).answer;
/** One answer made beforehand: the slave's work is nobody's here. */
const ANSWER = Buffer.from(answerOnce(Uint8Array.of(1, 4, 0, 0, 0, REGISTERS, 0xf0, 0x3c))!);

async function exchangesInMemory(requests: number): Promise<void> {
  const block = powerBlock(1);
  for (let i = 0; i < requests; i++) {
    const exchange = block.exchange();
    exchange.start();
    const move = exchange.received(ANSWER);
    if (move.do !== 'done') throw new Error(`the exchange is not done: ${move.do}`);
    // The libraries hand their answers over in promises.
    await Promise.resolve();
  }
}

/** A port without a wire: what is written is answered at once. */
class AnsweringPort extends EventEmitter {
  isOpen = true;
  open(done: (error?: Error) => void): void {
    done();
  }
  write(_bytes: Uint8Array, sent?: () => void): boolean {
    sent?.();
    this.emit('data', ANSWER);
    return true;
  }
}

async function modbusSerialInMemory(requests: number): Promise<void> {
  const client = new modbusSerial.default(new AnsweringPort());
  await new Promise<void>((resolve) => client.open(() => resolve()));
  client.setTimeout(TIMEOUT_MS);
  client.setID(1);
  for (let i = 0; i < requests; i++) toReading((await client.readInputRegisters(0, REGISTERS)).buffer);
}

async function jsmodbusInMemory(requests: number): Promise<void> {
  const port = new AnsweringPort();
  const client = new jsmodbus.client.RTU(port as unknown as SerialPort, 1, TIMEOUT_MS);
  port.emit('open');
  for (let i = 0; i < requests; i++) {
    toReading((await client.readInputRegisters(0, REGISTERS)).response.body.valuesAsBuffer);
  }
}
