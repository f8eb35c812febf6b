/**
 * 1,000 meters over 16 TCP ports at 9600 baud: memory and event-loop delay of the whole firmware (`run`: buses, every
 * detector, outbox, uplink to a broker that is away), the meters being simulated in another process.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addressOf } from '../support/dlt645-street.ts';
import { type Child, said, start, typesStrippedOnce } from './support/processes.ts';
import type { LoopFigures } from './support/watch-loop.ts';

export const name = 'thousand-meters';

const PORTS = 16;
const METERS_PER_PORT = 63;
const WARM_UP_MS = 20_000;
const FOR_MS = 30_000;

export async function run(): Promise<Record<string, number>> {
  const street = start('meters-process.ts', {
    kind: 'tcp',
    ports: PORTS,
    metersPerPort: METERS_PER_PORT,
    protocol: 'dlt645',
    baud: 9600,
    parity: 'even',
    delayMs: [20, 60],
  });
  const folder = mkdtempSync(join(tmpdir(), 'gridwarden-thousand-'));
  let gateway: Child | undefined;
  try {
    const { ready } = await said<{ ready: string[] }>(street);
    writeFileSync(join(folder, 'site.yaml'), siteFile(ready, folder));
    gateway = startGateway(join(folder, 'site.yaml'));
    await sleep(WARM_UP_MS);
    gateway.send('begin');
    await sleep(FOR_MS);
    const figures = said<LoopFigures>(gateway);
    gateway.send('end');
    const { rssMb, loopDelayP99Ms, cpuShare } = await figures;
    return { rss1000MetersMb: rssMb, loopDelayP99Ms, cpuShare1000Meters: cpuShare };
  } finally {
    gateway?.kill('SIGTERM');
    street.disconnect();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The program as an engineer starts it, with a watch on its event loop loaded before it. */
function startGateway(config: string): Child {
  const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
  return fork(path('../../firmware/cli/gridwarden.ts'), ['run', '--config', config], {
    execArgv: ['--import', path('support/watch-loop.ts')],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...typesStrippedOnce, GRIDWARDEN_LOG: 'error' },
  });
}

function siteFile(urls: readonly string[], folder: string): string {
  const bus = (url: string, port: number) => [
    `  - port: ${url}?baud=9600&parity=even`,
    '    meters:',
    ...Array.from({ length: METERS_PER_PORT }, (_, i) => {
      const address = addressOf(port * METERS_PER_PORT + i + 1);
      return `      - { protocol: dlt645, address: "${address}", premises: flat, fuseA: 40, feeder: F${port} }`;
    }),
  ];
  return [
    'gateway: { id: bench-1000 }',
    'buses:',
    ...urls.flatMap(bus),
    'uplink: { brokers: ["mqtt://127.0.0.1:9"] }',
    `store: { directory: "${folder}/state" }`,
    '',
  ].join('\n');
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
