/**
 * Memory of the whole firmware (`run`: buses, every detector, outbox, uplink to a broker that is away), the meters being
 * simulated in another process: 30 meters on a serial port, and 1,000 over 16 TCP ports, these with the event-loop delay.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addressOf } from '../support/dlt645-street.ts';
import type { MetersPlan } from './support/meters-process.ts';
import { type Child, said, start, typesStrippedOnce } from './support/processes.ts';
import type { LoopFigures } from './support/watch-loop.ts';

export const name = 'thousand-meters';

/** Starting takes a while on a busy machine, and what it leaves is given back ten seconds later. */
const WARM_UP_MS = 30_000;
const FOR_MS = 30_000;

type Street = Pick<MetersPlan, 'kind' | 'ports' | 'metersPerPort'>;

export async function run(): Promise<Record<string, number>> {
  const few = await watch({ kind: 'pty', ports: 1, metersPerPort: 30 });
  const many = await watch({ kind: 'tcp', ports: 16, metersPerPort: 63 });
  return {
    rss30MetersMb: few.rssMb,
    rss1000MetersMb: many.rssMb,
    loopDelayP99Ms: many.loopDelayP99Ms,
    cpuShare1000Meters: many.cpuShare,
  };
}

async function watch(plan: Street): Promise<LoopFigures> {
  const street = start('meters-process.ts', {
    ...plan,
    protocol: 'dlt645',
    baud: 9600,
    parity: 'even',
    delayMs: [20, 60],
  });
  const folder = mkdtempSync(join(tmpdir(), 'gridwarden-thousand-'));
  const config = join(folder, 'site.yaml');
  let gateway: Child | undefined;
  try {
    const { ready } = await said<{ ready: string[] }>(street);
    writeFileSync(config, siteFile(ready, plan.metersPerPort, folder));
    // Once for nothing: a gateway strips its types once and then starts without the compiler for months.
    const first = startGateway(config, ['--for', '10']);
    first.disconnect();
    await once(first, 'exit');
    gateway = startGateway(config);
    await sleep(WARM_UP_MS);
    gateway.send('begin');
    await sleep(FOR_MS);
    const figures = said<LoopFigures>(gateway);
    gateway.send('end');
    return await figures;
  } finally {
    gateway?.kill('SIGTERM');
    street.disconnect();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The program as an engineer starts it, with a watch on its event loop loaded before it. */
function startGateway(config: string, more: string[] = []): Child {
  const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
  return fork(path('../../firmware/cli/gridwarden.ts'), ['run', '--config', config, ...more], {
    execArgv: ['--import', path('support/watch-loop.ts')],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...typesStrippedOnce, GRIDWARDEN_LOG: 'error' },
  });
}

function siteFile(urls: readonly string[], metersPerPort: number, folder: string): string {
  const bus = (url: string, port: number) => [
    `  - port: ${url}?baud=9600&parity=even`,
    '    meters:',
    ...Array.from({ length: metersPerPort }, (_, i) => {
      const address = addressOf(port * metersPerPort + i + 1);
      return `      - { protocol: dlt645, address: "${address}", premises: flat, fuseA: 40, feeder: F${port} }`;
    }),
  ];
  return [
    'gateway: { id: bench-memory }',
    'buses:',
    ...urls.flatMap(bus),
    'uplink: { brokers: ["mqtt://127.0.0.1:9"] }',
    `store: { directory: "${folder}/state" }`,
    '',
  ].join('\n');
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
