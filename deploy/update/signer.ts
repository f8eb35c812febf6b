/** An authority for updates and a signer under it, for a first fleet and for tests. Keys stay in `folder`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../tools.ts';
import type { Signer } from './bundle.ts';

const DAYS = '3650';

export async function makeSigner(folder: string, name = 'gridwarden-updates'): Promise<Signer & { caFile: string }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = (base: string) => join(folder, base);
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const root = ['-x509', ...fresh, '-keyout', file('ca.key'), '-out', file('ca.crt'), '-days', DAYS];
  await run('openssl', ['req', ...root, '-subj', `/CN=${name}`, '-addext', 'keyUsage=critical,keyCertSign,cRLSign']);
  await run('openssl', [
    'req',
    ...fresh,
    '-keyout',
    file('sign.key'),
    '-out',
    file('sign.csr'),
    '-subj',
    `/CN=${name}-1`,
  ]);
  // RAUC asks for a certificate that may sign mail, as CMS tools do.
  const uses =
    'basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=emailProtection,codeSigning\n';
  await writeFile(file('sign.ext'), uses);
  const ca = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-set_serial', '1', '-days', DAYS];
  await run('openssl', [
    'x509',
    '-req',
    '-in',
    file('sign.csr'),
    ...ca,
    '-extfile',
    file('sign.ext'),
    '-out',
    file('sign.crt'),
  ]);
  return signerIn(folder);
}

/** What `makeSigner` left in a folder. */
export function signerIn(folder: string): Signer & { caFile: string } {
  return { caFile: join(folder, 'ca.crt'), certFile: join(folder, 'sign.crt'), keyFile: join(folder, 'sign.key') };
}
