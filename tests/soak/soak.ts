/**
 * `npm run soak -- --hours H [--scenario NAME] [--out FILE] | --judge FILE --hours H`: the firmware in a process of its own, in real time,
 * against a noisy simulated street and Mosquitto, with faults by the clock. Every ten seconds its memory, descriptors,
 * event-loop delay and bus utilisation are written down; at the end a trend in any of them is a failure.
 *
 * The first hour (or the first quarter of a shorter run) warms up and is not judged; a run with too little left to see a
 * trend in fails and says so. `--judge` judges the probes of an earlier run once more. Without Mosquitto on the machine
 * the demo's broker serves.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startDemoBroker } from '../../firmware/cli/demo-broker.ts';
import { siteOf } from '../../firmware/cli/sim-site.ts';
import { listenAsPlatform } from '../../firmware/uplink/platform.ts';
import { type RunningSim, startSim } from '../../sim/street.ts';
import { optionsOf } from '../support/options.ts';
import { type Findings, judge, type Probe } from './trend.ts';

const values = optionsOf('soak', {
  hours: { type: 'string' },
  scenario: { type: 'string' },
  out: { type: 'string' },
  judge: { type: 'string' },
});
const hours = Number(values.hours);
if (!(hours > 0)) {
  console.error('soak: --hours H: expected a number of hours above 0');
  process.exit(2);
}
if (values.judge !== undefined) {
  const lines = readFileSync(values.judge, 'utf8').split('\n');
  const again = lines.filter((text) => text !== '').map((text) => JSON.parse(text) as Probe);
  process.exit(tell(judge(again, hours * 3_600_000), again.length));
}

const MINUTE_MS = 60_000;
const directory = mkdtempSync(join(tmpdir(), 'gridwarden-soak-'));
const out = createWriteStream(values.out ?? join(directory, 'soak.ndjson'));
const broker = await startBroker();
const sim = await startSim(values.scenario ?? 'noisy-line');
const siteFile = join(directory, 'site.yaml');
writeFileSync(siteFile, stringify({ ...siteOf(sim, broker.url, 60), store: { directory: join(directory, 'state') } }));
const platform = await listenAsPlatform(
  { broker: broker.url },
  { onMessage() {}, onProblem: (topic, problem) => console.error(`${topic}: ${problem}`) },
);

const probes: Probe[] = [];
let death: string | undefined;
const gateway = fork(new URL('./gateway.ts', import.meta.url), [siteFile], {
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
});
gateway.on('message', (message) => {
  probes.push(message as Probe);
  out.write(`${JSON.stringify(message)}\n`);
});
gateway.on('exit', (code) => {
  death ??= `the gateway ended by itself with ${code}`;
  finish();
});

const timers = [
  setInterval(() => void pullAdapter(sim), 17 * MINUTE_MS),
  setInterval(() => void broker.restart(), 23 * MINUTE_MS),
  setInterval(() => silenceOne(sim), 7 * MINUTE_MS),
  setInterval(report, MINUTE_MS),
];
let finish = (): void => {};
await new Promise<void>((resolve) => {
  finish = resolve;
  setTimeout(resolve, hours * 60 * MINUTE_MS);
  process.once('SIGINT', resolve);
  process.once('SIGTERM', resolve);
});
for (const timer of timers) clearInterval(timer);
const endedByItself = death;
await ended(gateway);
await platform.close();
await sim.stop();
await broker.close();
out.end();

const findings = judge(probes, hours * 60 * MINUTE_MS);
if (endedByItself !== undefined) findings.problems.push(endedByItself);
const status = tell(findings, probes.length);
if (findings.problems.length === 0 && values.out === undefined) rmSync(directory, { recursive: true, force: true });
else console.error(`soak: the probes are in ${values.out ?? directory}`);
process.exit(status);

/** Figures as JSON, problems in words; returns the exit status. */
function tell(found: Findings, count: number): number {
  console.log(JSON.stringify({ hours, probes: count, ...found }));
  for (const problem of found.problems) console.error(`soak: ${problem}`);
  console.error(`soak: ${found.problems.length === 0 ? found.verdict : 'failed'}`);
  return found.problems.length === 0 ? 0 : 1;
}

function report(): void {
  const last = probes.at(-1);
  if (last === undefined) return;
  const bus = `${Math.round(100 * last.busUtilisation)} %`;
  const loop = `${last.loopP99Ms.toFixed(0)} ms`;
  console.error(
    `${last.readings} readings, ${last.rssMb.toFixed(0)} MB, ${last.descriptors} descriptors, loop P99 ${loop}, bus ${bus}`,
  );
}

async function pullAdapter(street: RunningSim): Promise<void> {
  const line = street.line(street.ports[0]?.name ?? '');
  await line?.unplug();
  setTimeout(() => void line?.plug(), 20_000);
}

/** A meter dies for three minutes, each time another one. */
function silenceOne(street: RunningSim): void {
  const meters = street.source.meters;
  const id = meters[probes.length % meters.length]?.id ?? '';
  const faults = street.faults(id);
  if (faults === undefined) return;
  faults.silent = 1;
  setTimeout(() => {
    faults.silent = 0;
  }, 3 * MINUTE_MS);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => {
    death ??= 'the gateway did not stop within 20 s';
    child.kill('SIGKILL');
  }, 20_000);
  await gone;
  clearTimeout(timer);
}

/** Mosquitto where it is installed, killed and started again by `restart`; the demo's broker else, which stays up. */
async function startBroker(): Promise<{ url: string; restart(): Promise<void>; close(): Promise<void> }> {
  const port = await freePort();
  const start = (): Promise<ChildProcess | undefined> =>
    new Promise((resolve) => {
      const child = spawn('mosquitto', ['-p', String(port)], { stdio: 'ignore' });
      child.once('error', () => resolve(undefined));
      child.once('spawn', () => setTimeout(() => resolve(child), 500));
    });
  let child = await start();
  if (child === undefined) {
    const demo = await startDemoBroker();
    return { ...demo, restart: async () => {} };
  }
  return {
    url: `mqtt://127.0.0.1:${port}`,
    async restart() {
      child?.kill('SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 45_000));
      child = await start();
    },
    async close() {
      child?.kill();
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
