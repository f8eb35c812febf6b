/** `gridwarden doctor`: bus, clock, disk, broker, certificates; one line each, green or what to do about it. */
import { accessSync, constants, readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pc from 'picocolors';
import { systemClock } from '../clock.ts';
import { namedFiles } from '../config/named-files.ts';
import type { Site } from '../config/site.ts';
import { openPort } from '../open-port.ts';
import { sqliteDatabase } from '../store/database.ts';
import { daysLeft, EXPIRY_WARNING_DAYS, readTls } from '../uplink/certificates.ts';
import { examineBuses, type Finding } from './doctor-bus.ts';
import { Failed, makeDirectory, many, print, readSite, unreadable } from './io.ts';

export interface DoctorOptions {
  config: string;
  json?: boolean;
}

const MEGABYTE = 1024 * 1024;
const DISK_LEAST_MB = 64;
const BUS_PATIENCE_MS = 20_000;
const BROKER_PATIENCE_MS = 8_000;
/** No gateway was built before this; a clock that says so was never set. */
const BUILT_MS = Date.UTC(2026, 0, 1);

export async function doctor(options: DoctorOptions): Promise<void> {
  const site = await readSite(options.config);
  let red = 0;
  const tell = (finding: Finding) => {
    if (!finding.ok) red++;
    if (options.json === true) print(finding);
    else process.stdout.write(`${format(finding)}\n`);
  };
  tell(examineClock());
  tell(examineDisk(site));
  for (const finding of [...examineFiles(site), ...examineCertificates(site)]) tell(finding);
  // All at the same time, told in the order of the site file: a person at the box reads along.
  const buses = examineBuses(site, { openPort, clock: systemClock, patienceMs: BUS_PATIENCE_MS });
  const brokers = site.uplink.brokers.map((broker) => examineBroker(site, broker));
  for (const finding of [...brokers, ...buses]) tell(await finding);
  if (red > 0) throw new Failed(`${red} of the above want${red === 1 ? 's' : ''} attention`);
}

function format({ ok, part, what, detail, todo }: Finding): string {
  const mark = ok ? pc.green('● ok ') : pc.red('● bad');
  return `${mark} ${part} ${what}: ${detail}${todo === undefined ? '' : `\n      ${pc.yellow('→')} ${todo}`}`;
}

function examineClock(): Finding {
  const now = new Date();
  const ok = now.getTime() > BUILT_MS;
  const finding = { part: 'clock', what: 'wall time', ok, detail: now.toISOString() } as const;
  return ok
    ? finding
    : { ...finding, todo: 'the clock was never set: check the network and the time server (timedatectl)' };
}

function examineDisk({ store }: Site): Finding {
  const finding = { part: 'disk', what: store.directory } as const;
  try {
    makeDirectory(store.directory);
    accessSync(store.directory, constants.W_OK);
    const { bavail, bsize } = statfsSync(store.directory);
    const freeMb = Math.floor((bavail * bsize) / MEGABYTE);
    if (freeMb < DISK_LEAST_MB) {
      return {
        ...finding,
        ok: false,
        detail: `${freeMb} MB free`,
        todo: `make room: at least ${DISK_LEAST_MB} MB, or name another directory`,
      };
    }
    const file = join(store.directory, 'outbox.db');
    const waiting = statSync(file, { throwIfNoEntry: false }) === undefined ? 0 : waitingIn(file, store.maxAlerts);
    return { ...finding, ok: true, detail: `${freeMb} MB free, ${many(waiting, 'alert')} waiting` };
  } catch (error) {
    return {
      ...finding,
      ok: false,
      detail: (error as Error).message,
      todo: 'the directory must exist and belong to the user that runs gridwarden',
    };
  }
}

function waitingIn(file: string, maxAlerts: number): number {
  const database = sqliteDatabase(file, { messages: maxAlerts, reserveBytes: 0 });
  const { messages, corrupt } = database.open();
  database.close();
  if (corrupt !== undefined) throw new Error(corrupt);
  return messages;
}

/** The files that the site names and this user cannot read; those it can are looked at where they are used. */
function examineFiles(site: Site): Finding[] {
  return namedFiles(site).flatMap(({ path, file }) => {
    const problem = unreadable(file);
    if (problem === undefined) return [];
    const todo = 'put it there, or correct the site file; gridwarden must be able to read it';
    return { part: 'file' as const, what: file, ok: false, detail: `${problem} (${path.join('.')})`, todo };
  });
}

function examineCertificates({ uplink, page }: Site): Finding[] {
  const files = [uplink.tls?.caFile, uplink.tls?.certFile, page?.tls?.certFile].filter((file) => file !== undefined);
  const readable = files.filter((file) => unreadable(file) === undefined);
  return readable.map((file) => {
    const days = daysLeft(file, Date.now());
    const finding = { part: 'certificate', what: file } as const;
    if (days === undefined)
      return {
        ...finding,
        ok: false,
        detail: 'no certificate in it',
        todo: 'put the PEM file there that came with the gateway',
      };
    if (days < EXPIRY_WARNING_DAYS)
      return {
        ...finding,
        ok: false,
        detail: `ends in ${days} days`,
        todo: 'renew it: copy the new file over the old one, no restart is needed',
      };
    return { ...finding, ok: true, detail: `good for ${days} days` };
  });
}

async function examineBroker({ uplink, gateway }: Site, broker: string): Promise<Finding> {
  const finding = { part: 'broker', what: broker.replace(/\/\/[^@/]*@/, '//') } as const;
  const { default: mqtt } = await import('mqtt');
  const started = performance.now();
  try {
    const { caFile, certFile, keyFile } = uplink.tls ?? {};
    const files = { ...(caFile && { caFile }), ...(certFile && { certFile }), ...(keyFile && { keyFile }) };
    // Another client id: with the gateway's own, a running gateway would be thrown off.
    const client = await mqtt.connectAsync(
      broker,
      {
        ...readTls(files),
        clientId: `${gateway.id}-doctor`,
        reconnectPeriod: 0,
        connectTimeout: BROKER_PATIENCE_MS,
        ...(uplink.username !== undefined && { username: uplink.username }),
        ...(uplink.passwordFile !== undefined && { password: readFileSync(uplink.passwordFile, 'utf8').trim() }),
      },
      false,
    );
    await client.endAsync(true);
    return { ...finding, ok: true, detail: `reached in ${Math.round(performance.now() - started)} ms` };
  } catch (error) {
    const { message, code } = error as Error & { code?: string | number };
    return { ...finding, ok: false, detail: message || String(code), todo: brokerAdvice(String(code ?? ''), message) };
  }
}

function brokerAdvice(code: string, message: string): string {
  if (/ENOTFOUND|EAI_AGAIN/.test(code)) return 'the name is not known: check the address and the DNS server';
  if (/ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/.test(code) || /timeout/i.test(message))
    return 'nobody answers there: check cable, modem, firewall and port';
  if (/ENOENT|EACCES/.test(code)) return 'a file of the uplink section cannot be read: see above';
  if (/CERT|SSL|TLS|SELF_SIGNED/i.test(`${code}${message}`))
    return 'the certificates do not agree: check caFile, the clock, and that the name in the address is the one in the certificate';
  return 'the broker refuses this gateway: check user name, password and its access list';
}
