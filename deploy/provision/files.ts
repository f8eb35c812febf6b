/**
 * What makes a gateway this one: the files of its data partition.
 *
 *     gridwarden/  site.yaml, ca.pem, gateway.key, gateway.csr, gateway.pem, page.*; becomes /var/lib/gridwarden
 *     system/      hostname, network and time servers, where the read-only root looks for them
 */
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isMap, parseDocument } from 'yaml';
import { loadSite } from '../../firmware/config/load.ts';
import { formatProblem } from '../../firmware/config/problem.ts';
import { hashPassword } from '../../firmware/page/session.ts';
import { type Authority, makeGatewayIdentity, makePageCertificate, makePassword } from './identity.ts';

export interface GatewaySettings {
  id: string;
  /** Site file to start from; its gateway id, brokers and certificates are set. */
  siteFile: string;
  brokers: readonly string[];
  /** Who signed the broker's certificate. */
  caFile?: string;
  /** Signs the gateway's certificate here and now. */
  authority?: Authority;
  /** `dhcp`, or address/prefix such as 10.1.2.3/24. */
  address: string;
  router?: string;
  dns: readonly string[];
  timeServers: readonly string[];
  /** Port for the laptop, where the board has a second one; else it shares the first. */
  serviceInterface?: string;
}

/** What goes onto the label and nowhere else. */
export interface Labelled {
  id: string;
  url: string;
  password: string;
  /** SHA-256 of the page's certificate. */
  fingerprint: string;
}

const SERVICE_ADDRESS = '192.168.66.1';

/**
 * Writes everything below `folder`.
 * @throws when the site file does not hold, with its first problem
 */
export async function writeGatewayFiles(folder: string, settings: GatewaySettings): Promise<Labelled> {
  const { id } = settings;
  const own = join(folder, 'gridwarden');
  await mkdir(own, { recursive: true, mode: 0o700 });
  await chmod(own, 0o700);
  await writeFile(join(own, 'site.yaml'), await siteFor(settings, own), { mode: 0o600 });
  if (settings.caFile !== undefined) await copyFile(settings.caFile, join(own, 'ca.pem'));
  await makeGatewayIdentity(own, id, settings.authority);
  const fingerprint = await makePageCertificate(own, id, SERVICE_ADDRESS);
  const password = makePassword();
  await writeFile(join(own, 'page.hash'), `${await hashPassword(password)}\n`, { mode: 0o600 });
  await writeSystemFiles(join(folder, 'system'), settings);
  return { id, url: `https://${SERVICE_ADDRESS}/`, password, fingerprint };
}

/** The site file with this gateway's own entries; comments stay. Files that it names come along. */
async function siteFor({ id, siteFile, brokers, caFile }: GatewaySettings, own: string): Promise<string> {
  const document = parseDocument(await readFile(siteFile, 'utf8'));
  if (document.errors.length > 0 || !isMap(document.contents)) {
    // The loader says it with line and column.
    const { problems } = loadSite(String(await readFile(siteFile, 'utf8')), siteFile);
    throw new RangeError(problems[0] === undefined ? `${siteFile}: expected a site file` : formatProblem(problems[0]));
  }
  document.setIn(['gateway', 'id'], id);
  if (brokers.length > 0) document.setIn(['uplink', 'brokers'], [...brokers]);
  if (caFile !== undefined)
    document.setIn(['uplink', 'tls'], { caFile: 'ca.pem', certFile: 'gateway.pem', keyFile: 'gateway.key' });
  document.setIn(['page', 'listen'], `${SERVICE_ADDRESS}:443`);
  document.setIn(['page', 'passwordFile'], 'page.hash');
  document.setIn(['page', 'tls'], { certFile: 'page.pem', keyFile: 'page.key' });
  document.setIn(['store', 'directory'], 'state');
  const site = document.toJS() as {
    commands?: { keys?: { publicKeyFile?: string }[] };
    uplink?: { passwordFile?: string };
  };
  const bring = async (path: (string | number)[], file: string | undefined) => {
    if (file === undefined) return;
    await copyFile(resolve(dirname(siteFile), file), join(own, basename(file))).catch((error: Error) => {
      throw new RangeError(`${siteFile}: ${path.join('.')}: ${error.message}`);
    });
    await chmod(join(own, basename(file)), 0o600);
    document.setIn(path, basename(file));
  };
  await bring(['uplink', 'passwordFile'], site.uplink?.passwordFile);
  for (const [index, key] of (site.commands?.keys ?? []).entries())
    await bring(['commands', 'keys', index, 'publicKeyFile'], key.publicKeyFile);
  const text = document.toString();
  const { problems } = loadSite(text, siteFile);
  if (problems[0] !== undefined) throw new RangeError(formatProblem(problems[0]));
  return text;
}

async function writeSystemFiles(folder: string, settings: GatewaySettings): Promise<void> {
  const network = join(folder, 'network');
  const time = join(folder, 'timesyncd.conf.d');
  for (const path of [network, time]) await mkdir(path, { recursive: true });
  await writeFile(join(folder, 'hostname'), `${settings.id}\n`);
  for (const [name, text] of Object.entries(networkFiles(settings))) await writeFile(join(network, name), text);
  if (settings.timeServers.length > 0)
    await writeFile(join(time, '10-gateway.conf'), `[Time]\nNTP=${settings.timeServers.join(' ')}\n`);
}

/** systemd-networkd's files by name. */
export function networkFiles({ address, router, dns, serviceInterface }: GatewaySettings): Record<string, string> {
  const uplink = [
    '[Match]',
    'Name=en* eth*',
    '',
    '[Network]',
    ...(address === 'dhcp' ? ['DHCP=yes'] : [`Address=${address}`]),
    ...(router === undefined ? [] : [`Gateway=${router}`]),
    ...dns.map((server) => `DNS=${server}`),
    ...(serviceInterface === undefined ? [`Address=${SERVICE_ADDRESS}/24`] : []),
  ];
  const files: Record<string, string> = { '20-uplink.network': `${uplink.join('\n')}\n` };
  if (serviceInterface !== undefined) {
    const service = ['[Match]', `Name=${serviceInterface}`, '', '[Network]', `Address=${SERVICE_ADDRESS}/24`];
    // The laptop gets its address from here; nothing is routed on.
    service.push('DHCPServer=yes', '', '[DHCPServer]', 'EmitDNS=no', 'EmitRouter=no', 'EmitNTP=no');
    files['10-service.network'] = `${service.join('\n')}\n`;
  }
  return files;
}
