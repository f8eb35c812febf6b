/** Provisioning: a gateway's files, from flags and from a table, into folders and into the data partition of an image. */
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCsv } from '../../deploy/provision/csv.ts';
import { loadSite } from '../../firmware/config/load.ts';
import { openSessions } from '../../firmware/page/session.ts';
import { gridwarden, type Ran } from '../cli/run-cli.ts';
import { makeAuthority } from '../system/certificates.ts';

const SITE = fileURLToPath(new URL('../../deploy/site.example.yaml', import.meta.url));
const has = (...programs: string[]) => programs.every((program) => spawnSync('which', [program]).status === 0);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'provision-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (...parts: string[]) => join(folder, ...parts);
const text = (...parts: string[]) => readFileSync(file(...parts), 'utf8');
const provision = (...args: string[]): Promise<Ran> => gridwarden(['provision', '--labels', file('labels'), ...args]);

function everyFile(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((name) => statSync(name).isFile());
}

describe('a table', () => {
  it('takes quotes, commas, blank lines and a byte order mark', () => {
    expect(parseCsv('\uFEFFa,b\r\n"x,""y""",2\r\n\r\n3,"4\n5"\n')).toEqual([
      { a: 'x,"y"', b: '2' },
      { a: '3', b: '4\n5' },
    ]);
  });

  it.each([
    ['a,b\n1\n', 'line 2: 1 columns: expected 2'],
    ['a\n"1\n', 'a quote is not closed'],
  ])('says what is wrong with %j', (csv, problem) => {
    expect(() => parseCsv(csv)).toThrow(problem);
  });
});

describe.skipIf(!has('openssl'))('gridwarden provision (needs openssl)', () => {
  it.each([
    { flags: ['--ca', SITE], says: `--ca ${SITE}: no certificate in it: expected PEM` },
    { flags: ['--sign-cert', SITE, '--sign-key', SITE], says: `--sign-cert ${SITE}: no certificate in it` },
    { flags: ['--ca', '/none.pem'], says: '/none.pem: no such file: expected a certificate (PEM) for --ca' },
    { flags: ['--site', '/none.yaml'], says: '/none.yaml: no such file: expected the site file to start from' },
    { flags: ['--gateway', ''], says: 'gateway : expected letters' },
  ])('refuses $flags with one line and status 2, and writes nothing', async ({ flags, says }) => {
    const ran = await provision('--to', file('gw'), '--gateway', 'gw-7', '--site', SITE, ...flags);
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr.trim().split('\n')).toEqual([expect.stringContaining(says)]);
    expect(existsSync(file('gw'))).toBe(false);
  });

  it('says which flags are missing', async () => {
    expect((await provision('--to', file('gw'))).stderr).toContain('expected --gateway ID');
    expect((await provision('--to', file('gw'), '--gateway', 'gw-7')).stderr).toContain('expected --site FILE');
  });

  it('writes a whole gateway, signs its certificate, and tells no secret', async () => {
    const authority = makeAuthority(folder);
    const flags = [
      '--gateway',
      'gw-7',
      '--site',
      SITE,
      '--broker',
      'mqtts://broker.example:8883',
      '--ca',
      authority.caFile,
    ];
    const more = [
      '--sign-cert',
      authority.caFile,
      '--sign-key',
      file('ca.key'),
      '--ntp',
      '10.1.1.1',
      '--address',
      '10.1.2.3/24',
      '--router',
      '10.1.2.1',
    ];
    const ran = await provision('--to', file('gw'), ...flags, ...more);
    expect(ran.status, ran.stderr).toBe(0);
    const { site, problems } = loadSite(text('gw/gridwarden/site.yaml'), 'site.yaml');
    expect(problems).toEqual([]);
    expect(site?.gateway.id).toBe('gw-7');
    expect(site?.uplink).toMatchObject({
      brokers: ['mqtts://broker.example:8883'],
      tls: { caFile: 'ca.pem', certFile: 'gateway.pem', keyFile: 'gateway.key' },
    });
    expect(text('gw/gridwarden/site.yaml')).toContain('# letters, digits, dots, dashes');
    const certificate = new X509Certificate(text('gw/gridwarden/gateway.pem'));
    expect(certificate.verify(new X509Certificate(readFileSync(authority.caFile)).publicKey)).toBe(true);
    expect(certificate.subject).toBe('CN=gw-7');
    for (const key of ['gateway.key', 'page.key'])
      expect(statSync(file('gw/gridwarden', key)).mode & 0o777).toBe(0o600);
    expect(statSync(file('gw/gridwarden')).mode & 0o777).toBe(0o700);
    expect(text('gw/system/network/20-uplink.network')).toContain('Address=10.1.2.3/24\nGateway=10.1.2.1');
    expect(text('gw/system/timesyncd.conf.d/10-gateway.conf')).toContain('NTP=10.1.1.1');
    expect(text('gw/system/hostname')).toBe('gw-7\n');
    const password = text('labels/gw-7-label.txt').split('\n')[2] ?? '';
    expect(password).toMatch(/^[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}$/);
    expect(await openSessions(text('gw/gridwarden/page.hash')).login(password, 0)).toMatchObject({ ok: true });
    expect(text('labels/gw-7-label.svg')).toContain('<path d="M');
    const said = ran.stdout + ran.stderr;
    const secrets = ['gateway.key', 'page.key'].map((key) => text('gw/gridwarden', key).split('\n')[1] ?? '');
    for (const secret of [password, ...secrets]) {
      expect(said).not.toContain(secret);
      const holders = everyFile(file('gw')).filter((name) => readFileSync(name, 'latin1').includes(secret));
      expect(holders.length).toBe(secret === password ? 0 : 1);
    }
  });

  it('does not overwrite a key unless told to', async () => {
    const flags = ['--to', file('gw'), '--gateway', 'gw-7', '--site', SITE];
    expect((await provision(...flags)).status).toBe(0);
    const key = text('gw/gridwarden/gateway.key');
    const again = await provision(...flags);
    expect(again.status).toBe(2);
    expect(again.stderr).toContain('--replace');
    expect(text('gw/gridwarden/gateway.key')).toBe(key);
    expect((await provision(...flags, '--replace')).status).toBe(0);
    expect(text('gw/gridwarden/gateway.key')).not.toBe(key);
  });

  it('makes as many gateways as a table has, each with its own keys and label', async () => {
    const rows = Array.from({ length: 8 }, (_, n) => `gw-${n},10.0.0.${n + 10}/24,10.0.0.1`);
    writeFileSync(file('fleet.csv'), `gateway,address,router\n${rows.join('\n')}\n`);
    const ran = await provision('--to', file('fleet'), '--csv', file('fleet.csv'), '--site', SITE);
    expect(ran.status, ran.stderr).toBe(0);
    expect(ran.lines).toHaveLength(8);
    expect(new Set(rows.map((_, n) => text(`fleet/gw-${n}/gridwarden/gateway.key`))).size).toBe(8);
    expect(text('fleet/gw-5/system/network/20-uplink.network')).toContain('Address=10.0.0.15/24');
    expect(readdirSync(file('labels'))).toHaveLength(16);
  });

  it.each([
    { csv: 'gateway,colour\ngw-1,red\n', says: 'column colour: expected gateway' },
    { csv: 'gateway\ngw-1\ngw-1\n', says: 'gw-1 stands twice' },
    { csv: 'gateway,address\ngw-1,10.0.0.1\n', says: 'fleet.csv:2: address 10.0.0.1: expected dhcp or' },
    { csv: 'gateway\ngw/1\n', says: 'gateway gw/1: expected letters' },
  ])('refuses a table with one line: $says', async ({ csv, says }) => {
    writeFileSync(file('fleet.csv'), csv);
    const ran = await provision('--to', file('fleet'), '--csv', file('fleet.csv'), '--site', SITE);
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain(says);
  });

  it('refuses a site file that does not hold, with its place', async () => {
    writeFileSync(file('site.yaml'), 'gateway: { id: x }\nbuses: []\nuplink: { brokers: [mqtt://a] }\n');
    const ran = await provision('--to', file('gw'), '--gateway', 'gw-7', '--site', file('site.yaml'));
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain('site.yaml:2:');
  });
});

describe.skipIf(!has('openssl', 'mke2fs', 'debugfs', 'sfdisk'))('an image (needs e2fsprogs, sfdisk)', () => {
  const MIB = 1024 * 1024;

  /** A disk with a vacant data partition, as `gridwarden image` leaves it. */
  function makeImage(): string {
    const image = file('gateway.img');
    writeFileSync(image, Buffer.alloc(48 * MIB));
    execFileSync('sfdisk', ['-q', image], {
      input: 'label: gpt\nstart=2048, size=8192, name=boot\nstart=16384, size=65536, name=data\n',
    });
    execFileSync('mke2fs', [
      '-q',
      '-F',
      '-t',
      'ext4',
      '-L',
      'gridwarden-new',
      '-E',
      `offset=${16384 * 512}`,
      image,
      '32M',
    ]);
    return image;
  }

  const inData = (image: string, path: string) => {
    const data = file('data.ext4');
    writeFileSync(data, readFileSync(image).subarray(16384 * 512, (16384 + 65536) * 512));
    expect(spawnSync('e2fsck', ['-fn', data]).status).toBe(0);
    return execFileSync('debugfs', ['-R', `cat ${path}`, data], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  };

  it('is filled without mounting anything, and not twice', async () => {
    const image = makeImage();
    const before = readFileSync(image).subarray(0, 16384 * 512);
    const flags = ['--to', image, '--gateway', 'gw-9', '--site', SITE];
    const ran = await provision(...flags);
    expect(ran.status, ran.stderr).toBe(0);
    expect(loadSite(inData(image, '/gridwarden/site.yaml'), 'x').site?.gateway.id).toBe('gw-9');
    expect(inData(image, '/system/hostname')).toBe('gw-9\n');
    expect(
      readFileSync(image)
        .subarray(0, 16384 * 512)
        .equals(before),
    ).toBe(true);
    const again = await provision(...flags);
    expect(again.status).toBe(1);
    expect(again.stderr).toContain('a gateway lives there already');
    expect((await provision(...flags, '--replace')).status).toBe(0);
  });

  it('gives its gateway to another card, with key and waiting alerts', async () => {
    const image = makeImage();
    const vacant = file('vacant.img');
    copyFileSync(image, vacant);
    const flags = ['--gateway', 'gw-9', '--site', SITE];
    expect((await provision('--to', file('gw'), ...flags)).status).toBe(0);
    mkdirSync(file('gw/gridwarden/state'));
    writeFileSync(file('gw/gridwarden/state/outbox.db'), 'alerts');
    const onto = await provision('--from', file('gw'), '--to', image);
    expect(onto.status, onto.stderr).toBe(0);
    const moved = await provision('--from', image, '--to', vacant);
    expect(moved.status, moved.stderr).toBe(0);
    expect(moved.lines).toEqual([{ gateway: 'gw-9', from: image, to: vacant }]);
    for (const name of ['gateway.key', 'site.yaml', 'state/outbox.db'])
      expect(inData(vacant, `/gridwarden/${name}`)).toBe(text('gw/gridwarden', name));
    expect((await provision('--from', image, '--to', vacant)).stderr).toContain('a gateway lives there already');
  });

  it('must be an image', async () => {
    mkdirSync(file('labels'));
    writeFileSync(file('no.img'), Buffer.alloc(MIB));
    const ran = await provision('--to', file('no.img'), '--gateway', 'gw-9', '--site', SITE);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('no partition table');
  });
});
