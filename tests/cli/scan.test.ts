import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gridwarden } from './run-cli.ts';

const BIN = fileURLToPath(new URL('../../firmware/cli/bin.js', import.meta.url));

describe('scan behind a converter', () => {
  const street = spawn(process.execPath, [BIN, 'sim', 'mixed-models', '--tcp'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  /** A converter with nothing behind it. */
  let silent: Server;
  let silentPort = '';
  let onAsked = () => {};
  let populated = '';

  beforeAll(async () => {
    silent = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => onAsked());
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    silentPort = `tcp://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    for await (const line of createInterface({ input: street.stdout })) {
      const { ports } = JSON.parse(line) as { ports: { port: string }[] };
      populated = ports[0]?.port ?? '';
      break;
    }
  });
  afterAll(() => {
    street.kill('SIGTERM');
    silent.close();
  });

  it('says, when it is stopped before anybody answered, that it was stopped, and not that nobody is there', async () => {
    let child: ChildProcess | undefined;
    onAsked = () => child?.kill('SIGINT');
    const ran = await gridwarden(['scan', '--port', silentPort], '', {}, (started) => {
      child = started;
    });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/stopped after \d+ questions?, none of them answered yet/);
    expect(ran.stderr).not.toContain('no meter answers');
  });

  it('says that there may be more when it is stopped with some found', async () => {
    const ran = await gridwarden(['scan', '--port', populated, '--baud', '9600'], '', {}, (child) => {
      child.stdout?.once('data', () => child.kill('SIGINT'));
    });
    expect(ran.status).toBe(0);
    expect(ran.lines[0]).toMatchObject({ baud: 9600, parity: 'even' });
    expect(ran.stderr).toMatch(/there may be more meters than the \d+ found/);
    expect(ran.stderr).toContain('the converter sets the line, so baud 9600 and parity even are taken for its own');
  }, 30_000);

  it.each([
    [['--baud', '2400', '9600'], 'expected the one it is set to'],
    [['--baud', '12'], 'expected 300 to 921600'],
  ])('refuses rates that could have no effect: %j', async (more, text) => {
    const ran = await gridwarden(['scan', '--port', silentPort, ...more]);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining(text)]);
  });

  it.each([
    ['/dev/ttyS1?baud=2400', 'already says its rate'],
    ['modbus-tcp://127.0.0.1:1', 'has no line with a rate'],
  ])('refuses --baud with %s', async (port, text) => {
    const ran = await gridwarden(['scan', '--port', port, '--baud', '9600']);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining(text)]);
  });
});
