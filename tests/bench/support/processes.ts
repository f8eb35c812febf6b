/** Runs the meters and the buses each in a process of their own, and gives back what both counted. */
import { type ChildProcess, fork } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LineCounts } from '../../../sim/line.ts';
import type { BusFigures, BusPlan } from './bus-process.ts';
import type { MetersMessage, MetersPlan } from './meters-process.ts';
import type { PlainFigures, PlainPlan } from './plain-process.ts';

const DEADLINE_MS = 180_000;

export type Child = ChildProcess;

/** Types are stripped once and kept, as the gateway's service unit does: the compiler alone would be a third of the memory. */
export const typesStrippedOnce = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'gridwarden-bench-cache') };

/** @param plainRegisters beside the bus, on a line of its own, `modbus-serial` reads so many registers of as many meters */
export async function runApart(
  meters: MetersPlan,
  bus: Omit<BusPlan, 'ports' | 'metersPerPort' | 'protocol'>,
  plainRegisters?: number,
): Promise<BusFigures & { lines: LineCounts[]; plain?: PlainFigures }> {
  const { metersPerPort, protocol, baud, parity } = meters;
  const street = start(
    'meters-process.ts',
    plainRegisters === undefined ? meters : { ...meters, ports: 1 + meters.ports },
  );
  try {
    const { ready } = await said<Extract<MetersMessage, { ready: unknown }>>(street);
    const ports = ready.slice(0, meters.ports).map((url) => `${url}?baud=${baud}&parity=${parity}`);
    const plan: BusPlan = { ...bus, ports, metersPerPort, protocol };
    // Once for nothing: a gateway strips its types once and then starts without the compiler for months.
    await said<BusFigures>(start('bus-process.ts', { ...plan, warmUpMs: 0, forMs: 0 }));
    const reader = said<BusFigures>(start('bus-process.ts', plan));
    const { warmUpMs, forMs } = plan;
    const plainPlan = { path: ready.at(-1) ?? '', baud, meters: metersPerPort, registers: plainRegisters ?? 0 };
    const plain =
      plainRegisters === undefined
        ? undefined
        : await said<PlainFigures>(start('plain-process.ts', { ...plainPlan, warmUpMs, forMs }));
    const figures = await reader;
    street.send('counts');
    const { counts } = await said<Extract<MetersMessage, { counts: unknown }>>(street);
    return { ...figures, lines: counts, ...(plain && { plain }) };
  } finally {
    street.disconnect();
  }
}

export function start(file: string, plan: MetersPlan | BusPlan | PlainPlan): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(plan)], {
    stdio: 'inherit',
    env: typesStrippedOnce,
  });
}

export function said<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('a process of the benchmark said nothing')), DEADLINE_MS);
    child.once('message', (message) => {
      clearTimeout(timer);
      resolve(message as T);
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`a process of the benchmark ended with ${code}`));
    });
  });
}
