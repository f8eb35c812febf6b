/** The Debian package: built, installed into a throwaway root by dpkg itself, run from there, removed, purged. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage } from '../../deploy/package.ts';

const EXAMPLE = fileURLToPath(new URL('../../deploy/site.example.yaml', import.meta.url));
const able =
  ['dpkg-deb', 'systemd-sysusers', 'strip', 'npm'].every((program) => spawnSync('which', [program]).status === 0) &&
  process.getuid?.() === 0 &&
  process.arch === 'x64';

describe.skipIf(!able)('the package (needs dpkg, binutils, systemd, root on x64)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gridwarden-package-'));
  const root = join(folder, 'root');
  const file = join(folder, 'gridwarden-amd64.deb');
  const dpkg = (...args: string[]) =>
    execFileSync('dpkg', [`--root=${root}`, '--force-script-chrootless', '--force-depends', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const gridwarden = (...args: string[]) =>
    spawnSync(join(root, 'usr/bin/gridwarden'), args, { encoding: 'utf8', cwd: folder });

  beforeAll(async () => {
    await buildPackage('amd64', file);
    for (const part of ['var/lib/dpkg/updates', 'var/lib/dpkg/info', 'etc'])
      mkdirSync(join(root, part), { recursive: true });
    writeFileSync(join(root, 'var/lib/dpkg/status'), '');
    dpkg('-i', file);
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('stays under 45 MB', () => {
    expect(statSync(file).size).toBeLessThan(45e6);
  });

  it('makes the user, its private directory and the enabled unit', () => {
    const line = /^gridwarden:[^:]*:(\d+):/m.exec(readFileSync(join(root, 'etc/passwd'), 'utf8'));
    const directory = statSync(join(root, 'var/lib/gridwarden'));
    expect(directory.uid).toBe(Number(line?.[1]));
    expect(directory.uid).not.toBe(0);
    expect(directory.mode & 0o777).toBe(0o700);
    expect(readFileSync(join(root, 'etc/group'), 'utf8')).toMatch(/^dialout:.*:gridwarden$/m);
    expect(
      spawnSync('test', ['-L', join(root, 'etc/systemd/system/multi-user.target.wants/gridwarden.service')]).status,
    ).toBe(0);
  });

  it('runs --help and check with its own Node and without packages for developers', () => {
    expect(gridwarden('--help').stdout).toContain('Turns a smart-meter concentrator');
    expect(gridwarden('check', '--config', EXAMPLE).status).toBe(0);
    expect(existsSync(join(root, 'opt/gridwarden/node_modules/vitest'))).toBe(false);
    expect(existsSync(join(root, 'opt/gridwarden/sim'))).toBe(false);
  });

  it('runs the gateway until it is told to stop, and leaves its outbox', async () => {
    const site = join(folder, 'site.yaml');
    writeFileSync(
      site,
      'gateway: { id: gw-1 }\nbuses: [{ port: "tcp://127.0.0.1:9", meters: [{ protocol: dlt645, address: "000000000001" }] }]\nuplink: { brokers: [mqtt://127.0.0.1:9] }\npage: { listen: 127.0.0.1:0 }\n',
    );
    const child = spawn(join(root, 'usr/bin/gridwarden'), ['run', '--config', site, '--for', '4'], { cwd: folder });
    let said = '';
    child.stderr.on('data', (bytes) => {
      said += String(bytes);
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(said).not.toContain('ERR_MODULE_NOT_FOUND');
    expect(code, said).toBe(0);
    expect(existsSync(join(folder, 'state/outbox.db'))).toBe(true);
  }, 60_000);

  it('keeps site and alerts when removed, takes them when purged', () => {
    writeFileSync(join(root, 'var/lib/gridwarden/site.yaml'), 'gateway: {}\n');
    dpkg('--remove', 'gridwarden');
    expect(existsSync(join(root, 'opt/gridwarden/bin/node'))).toBe(false);
    expect(existsSync(join(root, 'var/lib/gridwarden/site.yaml'))).toBe(true);
    dpkg('--purge', 'gridwarden');
    expect(existsSync(join(root, 'var/lib/gridwarden'))).toBe(false);
  });
});
