/** Runs the meters and the buses each in a process of their own, and gives back what both counted. */
import { type ChildProcess, fork } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LineCounts } from '../../../sim/line.ts';
import type { BusFigures, BusPlan } from './bus-process.ts';
import type { MetersMessage, MetersPlan } from './meters-process.ts';

const DEADLINE_MS = 180_000;

export type Child = ChildProcess;

/** Types are stripped once and kept, as the gateway's service unit does: the compiler alone would be a third of the memory. */
export const typesStrippedOnce = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'gridwarden-bench-cache') };

export async function runApart(
  meters: MetersPlan,
  bus: Omit<BusPlan, 'ports' | 'metersPerPort' | 'protocol'>,
): Promise<BusFigures & { lines: LineCounts[] }> {
  const street = start('meters-process.ts', meters);
  try {
    const { ready } = await said<Extract<MetersMessage, { ready: unknown }>>(street);
    const ports = ready.map((url) => `${url}?baud=${meters.baud}&parity=${meters.parity}`);
    const { metersPerPort, protocol } = meters;
    const reader = start('bus-process.ts', { ...bus, ports, metersPerPort, protocol } satisfies BusPlan);
    const figures = await said<BusFigures>(reader);
    street.send('counts');
    const { counts } = await said<Extract<MetersMessage, { counts: unknown }>>(street);
    return { ...figures, lines: counts };
  } finally {
    street.disconnect();
  }
}

export function start(file: string, plan: MetersPlan | BusPlan): ChildProcess {
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
