/** A RabbitMQ cluster of three nodes on loopback with the MQTT plugin, from Debian's package. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './mosquitto.ts';

const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const CONTROL = '/usr/lib/rabbitmq/bin/rabbitmqctl';
export const hasRabbitmq = existsSync(SERVER);

const NODES = ['a', 'b', 'c'] as const;
const START_MS = 180_000;

export interface Cluster {
  /** MQTT addresses, one for each node. */
  urls: string[];
  ports: number[];
  /** `kill -9` of a node. */
  kill(node: number): Promise<void>;
  close(): Promise<void>;
}

export async function startCluster(): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'rabbitmq-'));
  const epmdPort = String(await freePort());
  const ports: number[] = [];
  const children: ChildProcess[] = [];
  writeFileSync(join(folder, 'plugins'), '[rabbitmq_mqtt].\n');
  for (const name of NODES) {
    const [amqp, mqtt, dist] = [await freePort(), await freePort(), await freePort()];
    const own = join(folder, name);
    mkdirSync(own);
    const peers = NODES.map((peer, n) => `cluster_formation.classic_config.nodes.${n + 1} = ${peer}@localhost`);
    const config = [
      `listeners.tcp.default = ${amqp}`,
      `mqtt.listeners.tcp.default = ${mqtt}`,
      'mqtt.allow_anonymous = true',
      'loopback_users = none',
      'cluster_formation.peer_discovery_backend = classic_config',
      ...peers,
    ];
    writeFileSync(join(own, 'rabbitmq.conf'), `${config.join('\n')}\n`);
    const env = {
      ...process.env,
      HOME: folder,
      ERL_EPMD_PORT: epmdPort,
      RABBITMQ_NODENAME: `${name}@localhost`,
      RABBITMQ_DIST_PORT: String(dist),
      RABBITMQ_MNESIA_BASE: join(own, 'data'),
      RABBITMQ_LOG_BASE: join(own, 'log'),
      RABBITMQ_CONFIG_FILE: join(own, 'rabbitmq.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    };
    children.push(spawn(SERVER, [], { env, stdio: 'ignore', detached: true }));
    ports.push(mqtt);
    // The first one makes the cookie that the others join with.
    if (ports.length === 1) await listening(mqtt);
  }
  for (const port of ports) await listening(port);
  // A subscription's queue otherwise dies with the node that a gateway was connected to, and its name with it.
  const env = { ...process.env, HOME: folder, ERL_EPMD_PORT: epmdPort };
  const policy = ['set_policy', 'mirrored', '^mqtt-subscription-', '{"ha-mode":"all"}', '--apply-to', 'queues'];
  const set = spawnSync(CONTROL, ['-n', 'a@localhost', ...policy], { env, encoding: 'utf8' });
  if (set.status !== 0) throw new Error(`rabbitmqctl: ${set.stdout}${set.stderr}`);

  async function kill(node: number): Promise<void> {
    const child = children[node];
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    process.kill(-child.pid, 'SIGKILL');
    await gone;
  }

  return {
    ports,
    urls: ports.map((port) => `mqtt://127.0.0.1:${port}`),
    kill,
    async close() {
      await Promise.all(children.map((_, node) => kill(node)));
      spawnSync('epmd', ['-kill'], { env: { ...process.env, ERL_EPMD_PORT: epmdPort }, stdio: 'ignore' });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function listening(port: number): Promise<void> {
  const endMs = performance.now() + START_MS;
  while (performance.now() < endMs) {
    const up = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`nothing listens on ${port} after ${START_MS} ms`);
}
