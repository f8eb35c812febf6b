/** The field engineer's chapter of both READMEs: every command in it is run, in its order, against simulated meters. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority } from '../system/certificates.ts';
import { commandsOf } from './readme.ts';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const BIN = path('firmware/cli/bin.js');
const MIB = 1024 * 1024;
const RUN_MS = 60_000;
const able = ['openssl', 'mke2fs', 'debugfs', 'sfdisk'].every((program) => spawnSync('which', [program]).status === 0);

const CHAPTER = commandsOf('README.md', '## On the ladder');

interface Ready {
  ports: { port: string; meters: { protocol: string; standard?: string; address?: string }[] }[];
}

it('has the same commands in both languages', () => {
  expect(CHAPTER.length).toBeGreaterThan(10);
  expect(commandsOf('README.zh-CN.md', '## 梯子上')).toEqual(CHAPTER);
});

describe.skipIf(!able)("the field engineer's chapter (needs openssl, e2fsprogs, sfdisk)", () => {
  const folder = mkdtempSync(join(tmpdir(), 'field-'));
  const street = spawn(process.execPath, [BIN, 'sim', 'mixed-models', '--tcp'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let ready: Ready;

  beforeAll(async () => {
    for await (const line of createInterface({ input: street.stdout })) {
      ready = JSON.parse(line) as Ready;
      break;
    }
    copyFileSync(makeAuthority(folder).caFile, join(folder, 'ca.pem'));
    const image = join(folder, 'gateway-arm64.img');
    writeFileSync(image, Buffer.alloc(48 * MIB));
    execFileSync('sfdisk', ['-q', image], {
      input: 'label: gpt\nstart=2048, size=8192, name=boot\nstart=16384, size=65536, name=data\n',
    });
    const vacant = ['-L', 'gridwarden-new', '-E', `offset=${16384 * 512}`];
    execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', ...vacant, image, '32M']);
  });
  afterAll(() => {
    street.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });

  /** The command with this street's port and meter and a plain file for the card; `more` ends or confirms it. */
  function here(command: string, more: string): string {
    const dlt645 = ready.ports.find(({ meters }) => meters[0]?.standard === '2007');
    const port = command.includes(' scan ') ? ready.ports[0]?.port : dlt645?.port;
    return `${command} ${more}`
      .replace('npx gridwarden', `'${process.execPath}' '${BIN}'`)
      .replace(/'?\/dev\/ttyS1[^ ]*/, `'${port}'`)
      .replace('--meter 000000000161', `--meter ${dlt645?.meters[0]?.address}`)
      .replace('/dev/sdb', join(folder, 'card.img'));
  }

  function ran(command: string, more = '') {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', here(command, more)], {
      cwd: folder,
      encoding: 'utf8',
      timeout: RUN_MS,
    });
    return { status, stdout, stderr };
  }

  /** A scan goes on until every unit was asked; here until both meters of the bus are found, and then it is stopped as with Ctrl-C. */
  async function scanned(command: string): Promise<void> {
    const child = spawn('sh', ['-c', `exec ${here(command, '')}`], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    let found = 0;
    for await (const line of createInterface({ input: child.stdout }))
      if (line.startsWith('{') && ++found === 2) child.kill('SIGINT');
    await ended;
    expect(readFileSync(join(folder, 'site.yaml'), 'utf8')).toContain('unit: 2');
  }

  function fitsHelp(command: string): void {
    const help = ran(command.replace(/(npx gridwarden \w+).*/, '$1'), '--help');
    expect(help.status).toBe(0);
    for (const [flag] of command.matchAll(/--[a-z-]+/g)) expect(help.stdout).toContain(flag);
  }

  async function holds(command: string): Promise<void> {
    const verb = /^npx gridwarden (\w+)/.exec(command)?.[1] ?? command.split(' ')[0];
    if (verb === 'scan') return scanned(command);
    // Building takes minutes and packages: `npm run test:image` does it.
    if (verb === 'image') return fitsHelp(command);
    if (verb === 'apt-get') return expect(command).toMatch(/^apt-get install -y --no-install-recommends [a-z0-9 -]+$/);
    const more = command.includes('flash gateway') ? '--yes' : verb === 'run' ? '--for 3' : '';
    if (verb === 'update') writeFileSync(join(folder, 'gateway-arm64.raucb'), '');
    const { status, stdout, stderr } = ran(command, more);
    // No broker listens here, and this is no gateway with two slots: those two say so.
    if (verb === 'doctor') return expect([status, stdout + stderr]).toEqual([1, expect.stringContaining('broker')]);
    if (verb === 'update') return expect([status, stderr]).toEqual([1, expect.stringContaining('two slots')]);
    expect(status, stderr).toBe(0);
    if (verb === 'provision') expect(existsSync(join(folder, 'gw-tj-0412-label.svg')), stderr).toBe(true);
  }

  it.each(CHAPTER)('%s', holds, 2 * RUN_MS);
});
