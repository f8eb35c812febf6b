import { spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gridwarden } from './run-cli.ts';

const BIN = fileURLToPath(new URL('../../firmware/cli/bin.js', import.meta.url));

interface Ready {
  ports: { port: string; meters: { protocol: string; address?: string; standard?: string }[] }[];
}

describe('read', () => {
  const street = spawn(process.execPath, [BIN, 'sim', 'mixed-models', '--tcp'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let ready: Ready;

  beforeAll(async () => {
    for await (const line of createInterface({ input: street.stdout })) {
      ready = JSON.parse(line) as Ready;
      break;
    }
  });
  afterAll(() => {
    street.kill('SIGTERM');
  });

  it.each([
    '2007',
    '1997',
  ])('finds out by itself that a meter speaks DL/T 645-%s when asked by name', async (standard) => {
    const port = ready.ports.find(({ meters }) => meters[0]?.standard === standard);
    const address = port?.meters[0]?.address ?? '';
    const ran = await gridwarden(['read', '--port', port?.port ?? '', '--meter', address, 'voltage L1']);
    expect(ran.status).toBe(0);
    expect(ran.lines).toEqual([expect.objectContaining({ meter: address, standard, values: [expect.anything()] })]);
  });

  it('says whose answer it was where a wildcard was asked', async () => {
    const port = ready.ports.find(({ meters }) => meters[0]?.standard === '2007');
    const address = port?.meters[0]?.address ?? '';
    const asked = address.slice(-4).padStart(12, 'A');
    const ran = await gridwarden(['read', '--port', port?.port ?? '', '--meter', asked, '00010000']);
    expect(ran.lines).toEqual([expect.objectContaining({ meter: asked, address, item: '00010000' })]);
  });

  it.each([
    ['2007', '61010000000068'],
    ['1997', '6101aaaaaaaa68'],
  ])('fills up a short address as DL/T 645-%s has it', async (standard, expected) => {
    const heard = Promise.withResolvers<string>();
    const server = createServer((socket) => socket.on('data', (bytes) => heard.resolve(bytes.toString('hex'))));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const asked = ['--protocol', 'dlt645', '--meter', '161', '--standard', standard];
    const ran = gridwarden(['read', '--port', `tcp://127.0.0.1:${port}`, ...asked, 'voltage L1']);
    expect(await heard.promise).toContain(expected);
    server.close();
    await ran;
  });
});
