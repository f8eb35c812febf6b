/** A real Mosquitto for tests: on a port of its own, in a folder of its own, killed and started at will. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PATHS = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto'];
export const MOSQUITTO = PATHS.find((path) => existsSync(path));

export interface Mosquitto {
  port: number;
  url: string;
  folder: string;
  /** Starts again after a kill; resolves when it listens. */
  start(): Promise<void>;
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Sends a signal and lets it live: `SIGSTOP`, `SIGCONT`, `SIGHUP`. */
  signal(signal: NodeJS.Signals): void;
  close(): Promise<void>;
}

/** `config` makes the file's text from port and folder; by default anonymous and without persistence. */
export async function startMosquitto(
  config: (port: number, folder: string) => string = (port) => `listener ${port} 127.0.0.1\nallow_anonymous true\n`,
): Promise<Mosquitto> {
  if (MOSQUITTO === undefined) throw new Error('mosquitto is not installed');
  const path = MOSQUITTO;
  const folder = mkdtempSync(join(tmpdir(), 'mosquitto-'));
  const port = await freePort();
  mkdirSync(join(folder, 'data'));
  const file = join(folder, 'mosquitto.conf');
  // Started as root it would give root up for a user who cannot read this folder.
  const user = process.getuid?.() === 0 ? 'user root\n' : '';
  writeFileSync(file, user + config(port, folder));
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    child = spawn(path, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr?.on('data', (bytes) => {
      said = `${said}${bytes}`.slice(-2_000);
    });
    const ended = new Promise<never>((_, reject) => child?.once('exit', () => reject(new Error(`mosquitto: ${said}`))));
    ended.catch(() => {});
    await Promise.race([listening(port), ended]);
  }

  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const mine = child;
    if (mine === undefined || mine.exitCode !== null || mine.signalCode !== null) return;
    const gone = new Promise((resolve) => mine.once('exit', resolve));
    mine.kill(signal);
    await gone;
  }

  await start();
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    folder,
    start,
    kill,
    signal: (signal) => void child?.kill(signal),
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const up = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`nothing listens on ${port}`);
}
