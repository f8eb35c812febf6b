/** Kills a gateway and its broker at random moments under load, and counts at the platform what arrived. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenAsPlatform } from '../../firmware/uplink/platform.ts';
import { freePort, MOSQUITTO, startMosquitto } from '../system/mosquitto.ts';

export interface KillReport {
  gatewayKills: number;
  brokerKills: number;
  acknowledged: number;
  arrived: number;
  lost: number;
  /** Alerts that the collapsing platform showed twice. */
  duplicated: number;
  /** Alerts of a meter that arrived before an earlier one. */
  disordered: number;
  /** Deliveries of what had come before, collapsed. */
  again: number;
}

export interface KillPlan {
  gatewayKills: number;
  brokerKills: number;
  /** The end, whether or not all kills are done. */
  deadlineMs: number;
}

interface KillableBroker {
  url: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

const DRAIN_MS = 120_000;

export async function runKills(plan: KillPlan): Promise<KillReport> {
  const folder = mkdtempSync(join(tmpdir(), 'chaos-'));
  const store = join(folder, 'store.db');
  const broker = await killableBroker();
  const report: KillReport = {
    gatewayKills: 0,
    brokerKills: 0,
    acknowledged: 0,
    arrived: 0,
    lost: 0,
    duplicated: 0,
    disordered: 0,
    again: 0,
  };
  const seen = new Set<number>();
  const newest = new Map<string, number>();
  const platform = await listenAsPlatform(
    {
      broker: broker.url,
      connection: { clientId: 'platform', clean: false, properties: { sessionExpiryInterval: 600 } },
    },
    {
      onMessage(_gateway, message) {
        if (message.type !== 'alert') return;
        const n = Number.parseInt(message.alert.id, 16);
        const { meter } = message.alert;
        if (seen.has(n)) report.duplicated++;
        if (n < (newest.get(meter) ?? -1)) report.disordered++;
        seen.add(n);
        newest.set(meter, n);
      },
    },
  );
  const endMs = performance.now() + plan.deadlineMs;
  const acknowledged = new Set<number>();
  let next = 0;
  const gateway = (async () => {
    while (report.gatewayKills < plan.gatewayKills && performance.now() < endMs) {
      next = await oneLife(store, broker.url, next, acknowledged, 150 + Math.random() * 700);
      report.gatewayKills++;
    }
  })();
  const perGateway = plan.brokerKills / Math.max(1, plan.gatewayKills);
  while (performance.now() < endMs && report.gatewayKills < plan.gatewayKills) {
    await pause(100 + Math.random() * 300);
    if (report.brokerKills >= plan.brokerKills || report.brokerKills > (report.gatewayKills + 1) * perGateway) continue;
    await broker.kill();
    await pause(Math.random() * 200);
    await broker.start();
    report.brokerKills++;
  }
  await gateway;
  await drain(store, broker.url);
  // The last receipts are out; what is still on its way to this process is let in.
  await pause(500);
  report.acknowledged = acknowledged.size;
  report.arrived = seen.size;
  report.lost = [...acknowledged].filter((n) => !seen.has(n)).length;
  report.again = platform.counts.again;
  await platform.close();
  await broker.close();
  rmSync(folder, { recursive: true, force: true });
  return report;
}

/** Starts the victim, lets it append for a while after its first word, kills it; returns the next number to use. */
async function oneLife(store: string, url: string, first: number, into: Set<number>, lifeMs: number): Promise<number> {
  const child = victim(store, url, first);
  let highest = first - 1;
  const word = new Promise<void>((resolve) => {
    child.stdout?.on('data', (bytes) => {
      for (const line of String(bytes).split('\n')) {
        if (/^\d+$/.test(line)) highest = Math.max(highest, Number(line));
      }
      resolve();
    });
  });
  await Promise.race([word, pause(10_000)]);
  await pause(lifeMs);
  const gone = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await gone;
  for (let n = first; n <= highest; n++) into.add(n);
  // Numbers that may have reached the disk without their word are not used again.
  return highest + 1_000 - ((highest + 1_000) % 1_000) + 1_000;
}

async function drain(store: string, url: string): Promise<void> {
  const child = victim(store, url, -1);
  const empty = new Promise<void>((resolve) => {
    child.stdout?.on('data', (bytes) => String(bytes).includes('empty') && resolve());
  });
  await Promise.race([empty, pause(DRAIN_MS)]);
  child.kill('SIGKILL');
}

function victim(store: string, url: string, first: number): ChildProcess {
  const script = new URL('./victim.ts', import.meta.url).pathname;
  return spawn(process.execPath, [script, store, url, String(first)], { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** Mosquitto with its default settings; without it aedes, which forgets everything at each kill. */
async function killableBroker(): Promise<KillableBroker> {
  if (MOSQUITTO !== undefined) {
    const broker = await startMosquitto();
    return { url: broker.url, kill: () => broker.kill(), start: broker.start, close: broker.close };
  }
  console.error('chaos: mosquitto is not installed, so the broker is aedes in a process of its own');
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = async () => {
    child = fork(new URL('../bench/aedes-process.ts', import.meta.url), [String(port)]);
    await new Promise((resolve) => child?.once('message', resolve));
  };
  const kill = async () => {
    const gone = new Promise((resolve) => child?.once('exit', resolve));
    child?.kill('SIGKILL');
    await gone;
  };
  await start();
  return { url: `mqtt://127.0.0.1:${port}`, start, kill, close: kill };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
