import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { gridwarden } from './run-cli.ts';
import { writeSmallSite } from './small-site.ts';

const directory = mkdtempSync(join(tmpdir(), 'usage-'));

const siteWith = (store: string) => writeSmallSite(directory, `store: { directory: ${store} }`);

describe('bad usage', () => {
  it('names the scenarios where there is none of that name', async () => {
    const ran = await gridwarden(['sim', 'strete']);
    expect(ran.status).toBe(2);
    expect(ran.stderr.trim()).toMatch(/^gridwarden: strete: no such scenario: expected a file, or .*street/);
  });

  const root = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
  const scenarioFile = (name: string, text: string) => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  it.each([
    [root('README.md'), /README\.md: not a scenario: expected YAML with name, why, start, days and groups$/],
    [root('deploy/site.example.yaml'), /: not a scenario: /],
    [scenarioFile('half.yaml', 'name: a\ngroups: [\n'), /half\.yaml: .* at line \d+, column \d+: expected YAML$/],
    [scenarioFile('bare.yaml', 'name: a\n'), /bare\.yaml: why: expected string, received undefined$/],
  ])('says once and in one line why %s is no scenario', async (file, what) => {
    const ran = await gridwarden(['sim', file]);
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr.trim()).toMatch(what);
    expect(ran.stderr.trim().split('\n')).toHaveLength(1);
    expect(ran.stderr.split(file)).toHaveLength(2);
  });

  it('names the flag that was misspelt beside the one that is missing for it', async () => {
    const ran = await gridwarden(['check', '--confg', 'site.yaml']);
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr).toBe(
      "gridwarden: required option '--config <file>' not specified: unknown option '--confg' given\n",
    );
    expect((await gridwarden(['check'])).stderr).toBe("gridwarden: required option '--config <file>' not specified\n");
  });

  it('says in one line of a directory that it is one', async () => {
    const ran = await gridwarden(['check', '--config', directory]);
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr).toBe(`gridwarden: ${directory}: a directory: expected a site file (YAML)\n`);
  });

  it('names the files that a good site file wants and that are not there', async () => {
    const store = `store: { directory: ${join(directory, 'state')} }`;
    const page = `page: { listen: '127.0.0.1:1', passwordFile: ${join(directory, 'gone')} }`;
    const site = writeSmallSite(directory, store, page);
    const checked = await gridwarden(['check', '--config', site]);
    expect(checked.status).toBe(0);
    expect(checked.stderr).toContain(`${site}:6:46: page.passwordFile: ${join(directory, 'gone')}: no such file`);
    const examined = await gridwarden(['doctor', '--config', site, '--json']);
    expect(examined.status).toBe(1);
    expect(examined.lines).toContainEqual(
      expect.objectContaining({ part: 'file', ok: false, detail: 'no such file (page.passwordFile)' }),
    );
  });

  it('takes a short address for a Modbus unit, and says so where the item is one of DL/T 645', async () => {
    const ran = await gridwarden(['read', '--port', 'tcp://127.0.0.1:1', '--meter', '161', '02010100']);
    expect(ran.status).toBe(2);
    expect(ran.stderr.trim()).toBe(
      "gridwarden: --meter 161: a Modbus unit, but 02010100 is an item of DL/T 645: expected the meter's 12 digits",
    );
  });

  it('reads nothing of all meters at once', async () => {
    const ran = await gridwarden(['read', '--port', 'tcp://127.0.0.1:1', '--meter', '999999999999', '02010100']);
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr).toMatch(/--meter 999999999999: .*expected one/);
  });

  it('does not run for hours where the recording cannot be written', async () => {
    const site = siteWith(join(directory, 'state'));
    const ran = await gridwarden(['run', '--config', site, '--record', join(directory, 'none/x.ndjson'), '--for', '1']);
    expect(ran.status).toBe(2);
    expect(ran.stderr.trim()).toMatch(/x\.ndjson: ENOENT: expected a file that can be written$/);
  });

  const nowhere = join(directory, 'none/x.out');
  const truth = join(directory, 'truth.ndjson');
  writeFileSync(truth, '{"truth":1,"scenario":"x","meters":1,"from":0,"to":1}\n');
  it.each([
    [['sim', 'street', '--tcp', '--truth', nowhere]],
    [['sim', 'street', '--tcp', '--site', nowhere]],
    [['scan', '--port', 'tcp://127.0.0.1:1', '--write', nowhere]],
    [['score', '--truth', truth, truth, '--html', nowhere]],
    [['image', '--out', `${nowhere}.img`]],
    [['image', '--out', `${nowhere}.deb`]],
  ])('does not begin where the result could not be written: %j', async (args) => {
    const ran = await gridwarden(args);
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr.trim()).toMatch(/^gridwarden: \S*x\.out\S*: ENOENT: expected a file that can be written$/);
  });

  const good = join(directory, 'x.img');
  it.each([
    [['image', '--out', good, '--keyring', join(directory, 'update-ca.crt')], 'no such file: expected a certificate'],
    [['image', '--out', good, '--keyring', truth], 'no certificate in it'],
    [['image', '--out', `${good}.raucb`, '--key', truth], 'no private key in it'],
    [['image', '--out', `${good}.tar`], 'expected a name that ends in .img'],
  ])('does not build for a minute what cannot be: %j', async (args, what) => {
    const ran = await gridwarden(args);
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr.trim().split('\n')).toEqual([expect.stringContaining(what)]);
  });

  it('leaves a file as it was when it only tries whether it can be written', async () => {
    const kept = join(directory, 'kept');
    writeFileSync(kept, 'before');
    expect((await gridwarden(['sim', 'strete', '--truth', kept, '--site', join(directory, 'new')])).status).toBe(2);
    expect([readFileSync(kept, 'utf8'), existsSync(join(directory, 'new'))]).toEqual(['before', false]);
  });

  it.each(['/proc/nowhere/state', '/dev/null/state'])('ends when its state cannot be kept in %s', async (store) => {
    const ran = await gridwarden(['run', '--config', siteWith(store), '--for', '1']);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('expected a directory that can be made and written');
  });
});
