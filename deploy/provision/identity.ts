/** Who a gateway is: its key and certificate, the page's own, and its password. Keys are made here and never shown. */
import { generateKeyPairSync, randomBytes, randomInt, X509Certificate } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../tools.ts';

/** No 0 O 1 l I: it is read from a label on a ladder. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';
const PASSWORD_LETTERS = 12;
const DAYS = 3650;

/** Sixty bits: beyond guessing at five tries a minute. */
export function makePassword(): string {
  const letters = Array.from({ length: PASSWORD_LETTERS }, () => LETTERS[randomInt(LETTERS.length)]);
  return letters.join('').replaceAll(/(.{4})(?=.)/g, '$1-');
}

export interface Authority {
  certFile: string;
  keyFile: string;
}

/**
 * Makes the key that the broker knows the gateway by, `gateway.key`, and its request, `gateway.csr`; with an authority
 * also the certificate, `gateway.pem`.
 */
export async function makeGatewayIdentity(folder: string, id: string, authority?: Authority): Promise<void> {
  const [key, request, cert] = [join(folder, 'gateway.key'), join(folder, 'gateway.csr'), join(folder, 'gateway.pem')];
  await makeKey(key);
  await run('openssl', ['req', '-new', '-key', key, '-subj', `/CN=${id}`, '-out', request]);
  if (authority === undefined) return;
  const extensions = join(folder, 'extensions');
  await writeFile(
    extensions,
    'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n',
  );
  // Sixteen random bytes; the first digit keeps the number positive.
  const serial = `0x4${randomBytes(16).toString('hex').slice(1)}`;
  const signer = ['-CA', authority.certFile, '-CAkey', authority.keyFile, '-set_serial', serial];
  await run('openssl', [
    'x509',
    '-req',
    '-in',
    request,
    ...signer,
    '-days',
    `${DAYS}`,
    '-extfile',
    extensions,
    '-out',
    cert,
  ]);
  await rm(extensions);
}

/**
 * Makes the page's own certificate, `page.pem`, and key.
 * @returns its SHA-256 fingerprint, to be compared with what the browser shows
 */
export async function makePageCertificate(folder: string, id: string, address: string): Promise<string> {
  const [key, cert] = [join(folder, 'page.key'), join(folder, 'page.pem')];
  await makeKey(key);
  const names = `subjectAltName=IP:${address},DNS:${id}`;
  await run('openssl', [
    'req',
    '-x509',
    '-new',
    '-key',
    key,
    '-subj',
    `/CN=${id}`,
    '-days',
    `${DAYS}`,
    '-addext',
    names,
    '-out',
    cert,
  ]);
  return new X509Certificate(await readFile(cert)).fingerprint256;
}

async function makeKey(file: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
}
