/**
 * What Debian has for Modbus: libmodbus, called in this process, and its command line `mbpoll`, in one of its own.
 * (`apt-get install mbpoll` brings both.)
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import koffi from 'koffi';

const LIBRARY = 'libmodbus.so.5';

export interface PollPlan {
  path: string;
  baud: number;
  meters: number;
  registers: number;
  /** Silence kept between an answer and the next request. */
  silenceMs: number;
  timeoutMs: number;
}

export interface Libmodbus {
  /** Reads meter after meter; blocks this process, as it blocks a C program. */
  poll(readings: number, onRegisters: (bigEndian: Buffer) => void): Promise<void>;
  close(): void;
}

/** The port opened by libmodbus, or undefined where the library is not installed. */
export function openLibmodbus(plan: PollPlan): Libmodbus | undefined {
  const library = loaded();
  if (library === undefined) return undefined;
  const create = library.func('void *modbus_new_rtu(str device, int baud, char parity, int data_bits, int stop_bits)');
  const connect = library.func('int modbus_connect(void *ctx)');
  const setSlave = library.func('int modbus_set_slave(void *ctx, int slave)');
  const setTimeout = library.func('int modbus_set_response_timeout(void *ctx, uint32_t sec, uint32_t usec)');
  const read = library.func('int modbus_read_input_registers(void *ctx, int addr, int nb, void *dest)');
  const close = library.func('void modbus_close(void *ctx)');
  const free = library.func('void modbus_free(void *ctx)');
  const context: unknown = create(plan.path, plan.baud, 'N'.charCodeAt(0), 8, 1);
  if (connect(context) !== 0) throw new Error(`libmodbus does not open ${plan.path}`);
  setTimeout(context, Math.floor(plan.timeoutMs / 1000), 0);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  return {
    async poll(readings, onRegisters) {
      for (let i = 0; i < readings; i++) {
        const registers = Buffer.alloc(2 * plan.registers);
        setSlave(context, (i % plan.meters) + 1);
        if (read(context, 0, plan.registers, registers) !== plan.registers) throw new Error('libmodbus read nothing');
        onRegisters(registers.swap16());
        Atomics.wait(pause, 0, 0, plan.silenceMs);
      }
    },
    close() {
      close(context);
      free(context);
    },
  };
}

function loaded() {
  try {
    return koffi.load(LIBRARY);
  } catch {
    return undefined;
  }
}

/** Between scans, in ms: the least that `mbpoll` takes. Between the meters of a scan it has a pause of its own. */
const MBPOLL_REST_MS = 11;
/** Starting, opening the port and the first scan are not counted. */
const WARM_UP_SCANS = 2;

/** What one reading costs `mbpoll`, which scans until it is stopped; undefined where it is not installed. */
export async function mbpollCost(
  plan: PollPlan,
  scans: number,
): Promise<{ cpuUs: number; perSecond: number } | undefined> {
  if (spawnSync('mbpoll', ['-V']).error !== undefined) return undefined;
  const line = ['-m', 'rtu', '-b', String(plan.baud), '-P', 'none', '-o', String(plan.timeoutMs / 1000)];
  const what = ['-a', `1:${plan.meters}`, '-t', '3', '-r', '1', '-c', String(plan.registers)];
  // Line by line, as in a terminal: through a pipe it would tell of a scan only when its buffer is full.
  const child = spawn('stdbuf', ['-oL', 'mbpoll', ...line, ...what, '-l', String(MBPOLL_REST_MS), plan.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const onCpuNs = () => Number(readFileSync(`/proc/${child.pid}/schedstat`, 'utf8').split(' ')[0]);
  let scan = 0;
  let begun = { cpuNs: 0, atMs: 0 };
  try {
    for await (const text of createInterface({ input: child.stdout })) {
      if (!text.startsWith('-- Polling slave 1...') || ++scan < WARM_UP_SCANS) continue;
      if (scan === WARM_UP_SCANS) begun = { cpuNs: onCpuNs(), atMs: performance.now() };
      if (scan === WARM_UP_SCANS + scans) break;
    }
    const readings = scans * plan.meters;
    return {
      cpuUs: (onCpuNs() - begun.cpuNs) / 1000 / readings,
      perSecond: (readings * 1000) / (performance.now() - begun.atMs),
    };
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
