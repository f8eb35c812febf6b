/** `gridwarden provision`: makes a gateway this one: identity, keys, network, site file; one, or a table of them. */
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listDisks } from '../../deploy/flash/disks.ts';
import { parseCsv } from '../../deploy/provision/csv.ts';
import { type GatewaySettings, type Labelled, writeGatewayFiles } from '../../deploy/provision/files.ts';
import { makeLabel } from '../../deploy/provision/label.ts';
import { fillData, takeData } from '../../deploy/provision/partition.ts';
import { need } from '../../deploy/tools.ts';
import { expectCertificate, expectKey } from './certificates.ts';
import { chooseDisk } from './flash.ts';
import { BadInput, print, readInput, say } from './io.ts';
import { progress } from './progress.ts';

export interface ProvisionOptions {
  to: string;
  gateway?: string;
  csv?: string;
  site?: string;
  broker?: string[];
  ca?: string;
  signCert?: string;
  signKey?: string;
  address: string;
  router?: string;
  dns?: string[];
  ntp?: string[];
  serviceInterface?: string;
  labels: string;
  from?: string;
  replace?: boolean;
  allow?: string[];
}

/** What a table may say of each gateway; everything else comes from the flags. */
const COLUMNS = ['gateway', 'site', 'broker', 'address', 'router', 'dns', 'ntp', 'serviceInterface'] as const;
const GATEWAY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const ADDRESS = /^(dhcp|\d{1,3}(\.\d{1,3}){3}\/\d{1,2})$/;

export async function provision(options: ProvisionOptions): Promise<void> {
  if (options.from !== undefined) return move(options, options.from);
  need('openssl');
  const gateways = options.csv === undefined ? [settingsOf(options, {})] : await table(options, options.csv);
  await expectCertificate('--ca', options.ca);
  await expectCertificate('--sign-cert', options.signCert);
  await expectKey('--sign-key', options.signKey);
  for (const siteFile of new Set(gateways.map((gateway) => gateway.siteFile)))
    await readInput(siteFile, 'the site file to start from (YAML)');
  const folder = (await stat(options.to).catch(() => undefined))?.isDirectory() !== false && !/\.img$/.test(options.to);
  if (!folder && gateways.length > 1)
    throw new BadInput(`${options.to}: ${gateways.length} gateways need a directory, each gets a folder in it`);
  if (!folder) await checkDisk(options);
  await mkdir(options.labels, { recursive: true });
  const bar = progress('gateways');
  for (const [done, settings] of gateways.entries()) {
    const target = folder && options.csv !== undefined ? join(options.to, settings.id) : options.to;
    const labelled = await place(target, folder, settings, options.replace === true);
    bar.update(done + 1, gateways.length);
    const label = join(options.labels, `${settings.id}-label`);
    const { text, svg } = await makeLabel(labelled);
    await writeFile(`${label}.txt`, text, { mode: 0o600 });
    await writeFile(`${label}.svg`, svg, { mode: 0o600 });
    print({ gateway: settings.id, to: target, label: `${label}.svg`, fingerprint: labelled.fingerprint });
    // Only a person in front of a terminal sees the password here.
    if (gateways.length === 1 && process.stderr.isTTY === true) say(text);
  }
  bar.stop();
  if (gateways.some(({ caFile, authority }) => caFile !== undefined && authority === undefined))
    say("have each gateway.csr signed by the broker's authority and put the certificate beside it as gateway.pem");
}

async function place(target: string, folder: boolean, settings: GatewaySettings, replace: boolean): Promise<Labelled> {
  if (folder) {
    if (!replace && (await stat(join(target, 'gridwarden/gateway.key')).catch(() => undefined)) !== undefined)
      throw new BadInput(`${target}: there is a gateway's key already: expected --replace`);
    return await guarded(() => writeGatewayFiles(target, settings));
  }
  const files = await mkdtemp(join(tmpdir(), 'gridwarden-data-'));
  try {
    await chmod(files, 0o755);
    const labelled = await guarded(() => writeGatewayFiles(files, settings));
    await fillData(target, files, replace);
    return labelled;
  } finally {
    await rm(files, { recursive: true, force: true });
  }
}

/** A gateway moves to another card, or comes back to a new one: with its keys, its label's password and its alerts. */
async function move(options: ProvisionOptions, from: string): Promise<void> {
  const source = await stat(from).catch(() => undefined);
  if (source === undefined) throw new BadInput(`${from}: expected a directory, an image or a disk`);
  const kind = await stat(options.to).catch(() => undefined);
  const files = kind?.isDirectory() === false ? await mkdtemp(join(tmpdir(), 'gridwarden-data-')) : options.to;
  try {
    if (files !== options.to) await checkDisk(options);
    else if (options.replace !== true && (await stat(join(files, 'gridwarden')).catch(() => undefined)) !== undefined)
      throw new BadInput(`${files}: there is a gateway already: expected --replace`);
    await mkdir(files, { recursive: true });
    await chmod(files, 0o755);
    if (source.isDirectory()) await cp(from, files, { recursive: true, preserveTimestamps: true });
    else await takeData(from, files);
    const id = (await readFile(join(files, 'system/hostname'), 'utf8').catch(() => '')).trim();
    if (id === '') throw new BadInput(`${from}: no gateway lives there`);
    // The machine itself is another one; only the gateway moves.
    await rm(join(files, 'system/machine-id'), { force: true });
    if (files !== options.to) await fillData(options.to, files, options.replace === true);
    print({ gateway: id, from, to: options.to });
    say(`never run both: ${from} and ${options.to} are the same gateway now`);
  } finally {
    if (files !== options.to) await rm(files, { recursive: true, force: true });
  }
}

/** A site file that does not hold is bad input. */
async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RangeError) throw new BadInput(error.message);
    throw error;
  }
}

async function checkDisk({ to, allow }: ProvisionOptions): Promise<void> {
  const found = await stat(to).catch(() => undefined);
  if (found === undefined) throw new BadInput(`${to}: expected a directory, an image or a disk`);
  if (found.isBlockDevice()) chooseDisk(to, listDisks(), 0, allow ?? []);
}

async function table(options: ProvisionOptions, file: string): Promise<GatewaySettings[]> {
  let rows: Record<string, string>[];
  try {
    rows = parseCsv(await readInput(file, 'a table (CSV)'));
  } catch (error) {
    throw error instanceof RangeError ? new BadInput(`${file}: ${error.message}`) : error;
  }
  const [first] = rows;
  if (first === undefined) throw new BadInput(`${file}: expected a row of names and one for each gateway`);
  const unknown = Object.keys(first).find((name) => !COLUMNS.includes(name as (typeof COLUMNS)[number]));
  if (unknown !== undefined) throw new BadInput(`${file}:1: column ${unknown}: expected ${COLUMNS.join(', ')}`);
  const gateways = rows.map((row, index) => {
    try {
      return settingsOf(options, row);
    } catch (error) {
      throw error instanceof BadInput ? new BadInput(`${file}:${index + 2}: ${error.message}`) : error;
    }
  });
  const twice = gateways.find(({ id }, index) => gateways.findIndex((other) => other.id === id) !== index);
  if (twice !== undefined) throw new BadInput(`${file}: gateway ${twice.id} stands twice`);
  return gateways;
}

function settingsOf(options: ProvisionOptions, row: Record<string, string>): GatewaySettings {
  const cell = (name: (typeof COLUMNS)[number]) => (row[name] === '' ? undefined : row[name]);
  const list = (name: 'broker' | 'dns' | 'ntp') => cell(name)?.split(/\s+/) ?? options[name] ?? [];
  const id = cell('gateway') ?? options.gateway;
  const siteFile = cell('site') ?? options.site;
  const address = cell('address') ?? options.address;
  const router = cell('router') ?? options.router;
  const serviceInterface = cell('serviceInterface') ?? options.serviceInterface;
  if (id === undefined)
    throw new BadInput(
      'gateway' in row ? 'gateway: nothing there: expected its name' : 'expected --gateway ID, its name',
    );
  if (!GATEWAY.test(id)) throw new BadInput(`gateway ${id}: expected letters, digits, dots and dashes, at most 63`);
  if (siteFile === undefined) throw new BadInput('expected --site FILE, the site file to start from');
  if (!ADDRESS.test(address)) throw new BadInput(`address ${address}: expected dhcp or 10.1.2.3/24`);
  if ((options.signCert === undefined) !== (options.signKey === undefined))
    throw new BadInput('expected --sign-cert and --sign-key together');
  return {
    id,
    siteFile,
    brokers: list('broker'),
    address,
    dns: list('dns'),
    timeServers: list('ntp'),
    ...(options.ca === undefined ? {} : { caFile: options.ca }),
    ...(options.signCert === undefined || options.signKey === undefined
      ? {}
      : { authority: { certFile: options.signCert, keyFile: options.signKey } }),
    ...(router === undefined ? {} : { router }),
    ...(serviceInterface === undefined ? {} : { serviceInterface }),
  };
}
