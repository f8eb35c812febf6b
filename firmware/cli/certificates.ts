/** Certificates and keys that a flag names, looked into before any work begins. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { BadInput, readInput } from './io.ts';

/** What signs a bundle may live in a security module. */
const ON_A_TOKEN = /^pkcs11:/;

/** @throws BadInput when the file of this flag is not there or holds no certificate */
export async function expectCertificate(flag: string, file: string | undefined): Promise<void> {
  if (file === undefined || ON_A_TOKEN.test(file)) return;
  const text = await readInput(file, `a certificate (PEM) for ${flag}`);
  if (!holds(() => new X509Certificate(text)))
    throw new BadInput(`${flag} ${file}: no certificate in it: expected PEM`);
}

/** @throws BadInput when the file of this flag is not there or holds no private key; whoever uses it asks for its password */
export async function expectKey(flag: string, file: string | undefined): Promise<void> {
  if (file === undefined || ON_A_TOKEN.test(file)) return;
  const text = await readInput(file, `a private key (PEM) for ${flag}`);
  if (!/\bENCRYPTED\b/.test(text) && !holds(() => createPrivateKey(text)))
    throw new BadInput(`${flag} ${file}: no private key in it: expected PEM`);
}

function holds(look: () => unknown): boolean {
  try {
    look();
    return true;
  } catch {
    return false;
  }
}
