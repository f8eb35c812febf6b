/**
 * What stands around the machine in the test: simulated meters, a real broker behind mutual TLS, a platform that stores,
 * receipts and commands, and an update server.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { stringify } from 'yaml';
import type { Alert } from '../../detectors/alert.ts';
import type { Op } from '../../firmware/commands/operations.ts';
import { signCommand } from '../../firmware/commands/verify.ts';
import type { CommandResult } from '../../firmware/outbox.ts';
import { listenAsPlatform } from '../../firmware/uplink/platform.ts';
import { makePageCertificate } from '../provision/identity.ts';
import { ROOT } from '../stage.ts';
import { run } from '../tools.ts';
import { serveBundles } from './bundles.ts';
import { GUEST_HOST, type Machine, type MachineOptions, startMachine } from './machine.ts';

export interface Yard {
  /** Makes the card a gateway of this yard. */
  provision(): Promise<void>;
  start(options?: Partial<Pick<MachineOptions, 'script' | 'stick' | 'clock'>>): Machine;
  machine(): Machine;
  /** Alerts that a meter caused, as the platform stored them. */
  alerts(): readonly Alert[];
  /** Since the machine last started. */
  online(): boolean;
  /** From here on `seen` looks. */
  mark(): void;
  seen(pattern: RegExp): boolean;
  /** @throws when it takes too long, with the end of the console */
  until(what: string, condition: () => boolean, seconds?: number): Promise<void>;
  /** Gives a signed command. @returns its id */
  command(op: Op, args: object): string;
  /** What the gateway has answered to a command, in order. */
  answers(id: string): readonly CommandResult[];
  /** What lies in this folder can be had at `https://` this `/name`. */
  bundles: { folder: string; address: string };
  /** Sequence numbers of the outbox that never arrived, below the newest that did. */
  missing(): number[];
  close(): void;
}

/** The emulated core is some twenty times slower than the slowest board, and shared. */
const PATIENCE_S = 900;
const GATEWAY = 'gw-yard';
const USB_PORT = '/dev/rs485/platform-4010000000.pcie-pci-0000:00:01.0-usb-0:1:1.0-port0';
const PCI_PORT = '/dev/rs485/platform-4010000000.pcie-pci-0000:00:02.0';
const KEY_ID = 'yard';
const COMMAND_LIFE_MS = 60_000;
export const FOLLOW = 'journalctl -f -n 2000 -o short-monotonic > /dev/ttyAMA0\n';

interface SimPort {
  port: string;
  meters: { info: { id: string }; [key: string]: unknown }[];
}

export async function openYard(folder: string, card: string): Promise<Yard> {
  const children: ChildProcess[] = [];
  // One certificate is the authority, the broker and the update server; it also signs the gateway's.
  await makePageCertificate(folder, 'yard', GUEST_HOST);
  const tls = { certFile: join(folder, 'page.pem'), keyFile: join(folder, 'page.key') };
  const broker = await startBroker(folder, tls, children);
  const bundles = join(folder, 'bundles');
  mkdirSync(bundles);
  const { server, port } = await serveBundles(bundles, tls);
  const [usb, pci] = await startMeters(children);
  const alerts: Alert[] = [];
  const results: CommandResult[] = [];
  const sequences = new Set<number>();
  let online = false;
  let machine: Machine | undefined;
  let marked = 0;
  let closed = false;
  const platform = await listenAsPlatform(
    { broker: broker.forPlatform, gateway: GATEWAY },
    {
      onMessage(_gateway, message) {
        if (message.type === 'status') online = message.status.state === 'online';
        else sequences.add(message.sequence);
        if (message.type === 'alert' && message.alert.kind !== 'gateway') alerts.push(message.alert);
        if (message.type === 'result') results.push(message.result);
      },
    },
  );
  const commander = await startCommander(folder, broker.forPlatform);
  const running = () => {
    if (machine === undefined) throw new Error('the machine was not started');
    return machine;
  };
  const seen = (pattern: RegExp) => pattern.test(running().console().slice(marked));
  return {
    provision: () => provision(folder, card, broker.forGateway, [usb, pci]),
    start(options = {}) {
      online = false;
      marked = 0;
      const metersPorts = { usb: portOf(usb), pci: portOf(pci) };
      machine = startMachine({ image: card, folder, metersPorts, script: FOLLOW, ...options });
      return machine;
    },
    machine: running,
    alerts: () => alerts,
    online: () => online,
    mark() {
      marked = running().console().length;
    },
    seen,
    async until(what, condition, seconds = PATIENCE_S) {
      const until = performance.now() + seconds * 1000;
      while (!condition()) {
        const end = () => running().console().slice(-3_000);
        if (!running().running) throw new Error(`${what}: the machine is off: ${end()}`);
        if (performance.now() > until) throw new Error(`${what}: not within ${seconds} s: ${end()}`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
    command: commander.give,
    answers: (id) => results.filter((result) => result.id === id),
    bundles: { folder: bundles, address: `${GUEST_HOST}:${port}` },
    missing() {
      const newest = Math.max(0, ...sequences);
      return Array.from({ length: newest }, (_, n) => n + 1).filter((sequence) => !sequences.has(sequence));
    },
    close() {
      if (closed) return;
      closed = true;
      void machine?.cut();
      void platform.close();
      commander.close();
      server.close();
      for (const child of children) child.kill('SIGKILL');
    },
  };
}

interface Broker {
  forPlatform: string;
  forGateway: string;
}

async function startBroker(
  folder: string,
  { certFile, keyFile }: { certFile: string; keyFile: string },
  children: ChildProcess[],
): Promise<Broker> {
  const [plain, secure] = [await freePort(), await freePort()];
  const file = join(folder, 'mosquitto.conf');
  const lines = [
    ...[`listener ${plain} 127.0.0.1`, 'allow_anonymous true', 'user root', `listener ${secure} 127.0.0.1`],
    ...[`cafile ${certFile}`, `certfile ${certFile}`, `keyfile ${keyFile}`, 'require_certificate true', ''],
  ];
  writeFileSync(file, lines.join('\n'));
  const child = spawn('mosquitto', ['-c', file], {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  });
  children.push(child);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  if (child.exitCode !== null) throw new Error('mosquitto did not start');
  return { forPlatform: `mqtt://127.0.0.1:${plain}`, forGateway: `mqtts://${GUEST_HOST}:${secure}` };
}

/** A platform's right to command, and its counter. */
async function startCommander(folder: string, broker: string): Promise<{ give: Yard['command']; close(): void }> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(folder, 'command.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const client = await mqtt.connectAsync(broker);
  let counter = 0;
  return {
    give(op, args) {
      const id = `c${++counter}`;
      const notBefore = Date.now();
      const life = { notBefore, notAfter: notBefore + COMMAND_LIFE_MS };
      const body = { v: 1, id, gateway: GATEWAY, op, args, counter, ...life } as const;
      client.publish(`gw/1/${GATEWAY}/down/command`, Buffer.from(signCommand(body, KEY_ID, pem)), { qos: 1 });
      return id;
    },
    close: () => void client.end(true),
  };
}

/** The demo's street: overloads and chargers within minutes. */
async function startMeters(children: ChildProcess[]): Promise<[SimPort, SimPort]> {
  const program = join(ROOT, 'firmware/cli/gridwarden.ts');
  const child = spawn(process.execPath, [program, 'sim', 'demo', '--tcp'], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  const line = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (bytes) => {
      text += String(bytes);
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.once('exit', (code) => reject(new Error(`the simulated meters ended with ${code}`)));
  });
  const { ports } = JSON.parse(line) as { ports: SimPort[] };
  const [usb, pci] = ports;
  if (usb === undefined || pci === undefined) throw new Error('the demo has fewer than two ports');
  return [usb, pci];
}

const portOf = ({ port }: SimPort) => Number(port.split(':').at(-1));

async function provision(
  folder: string,
  card: string,
  broker: string,
  ports: readonly [SimPort, SimPort],
): Promise<void> {
  const [usb, pci] = ports.map(({ meters }) => meters.map(entryOf));
  const site = {
    gateway: { id: GATEWAY },
    buses: [
      { port: `${USB_PORT}?baud=9600&parity=even`, periodS: 5, meters: usb },
      { port: `${PCI_PORT}?baud=9600&parity=even`, periodS: 5, meters: pci },
    ],
    uplink: { brokers: [broker], reconnectMaxS: 5 },
    commands: { keys: [{ id: KEY_ID, publicKeyFile: 'command.pem', roles: ['maintainer', 'operator'] }] },
    detectors: { overload: { raiseHoldMs: 10_000, clearHoldMs: 10_000 } },
  };
  const file = join(folder, 'site.yaml');
  writeFileSync(file, stringify(site));
  const program = join(ROOT, 'firmware/cli/gridwarden.ts');
  const flags = ['--gateway', GATEWAY, '--site', file, '--labels', folder, '--ntp', GUEST_HOST];
  const certificate = join(folder, 'page.pem');
  const trust = ['--ca', certificate, '--sign-cert', certificate, '--sign-key', join(folder, 'page.key')];
  await run(process.execPath, [program, 'provision', '--to', card, ...flags, ...trust]);
}

/** A meter of the simulator as a site file names it. */
function entryOf({ info, ...address }: SimPort['meters'][number]): object {
  const { id, ...facts } = info;
  return { ...address, id: id.replaceAll('/', '-'), ...facts };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
