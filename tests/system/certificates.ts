/** Certificates made in the test, with the `openssl` every Linux has. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Authority {
  caFile: string;
  /** A certificate of this name, for a server also as its host name. `days` below 0 makes one that has ended. */
  issue(name: string, options?: { days?: number; hosts?: string }): { certFile: string; keyFile: string };
}

const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'ignore'] });

export function makeAuthority(folder: string, name = 'ca'): Authority {
  const file = (base: string, kind: string) => join(folder, `${base}.${kind}`);
  const [caKey, caFile] = [file(name, 'key'), file(name, 'crt')];
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', caKey);
  openssl('req', '-x509', '-new', '-key', caKey, '-subj', `/CN=${name}`, '-days', '365', '-out', caFile);
  let serial = 1;
  return {
    caFile,
    issue(common, { days = 90, hosts = 'DNS:localhost,IP:127.0.0.1' } = {}) {
      const base = `${name}-${common}-${serial++}`;
      const [keyFile, certFile, request, extensions] = ['key', 'crt', 'csr', 'ext'].map((kind) => file(base, kind)) as [
        string,
        string,
        string,
        string,
      ];
      openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', keyFile);
      openssl('req', '-new', '-key', keyFile, '-subj', `/CN=${common}`, '-out', request);
      writeFileSync(extensions, `subjectAltName=${hosts}\n`);
      const signed = ['x509', '-req', '-in', request, '-CA', caFile, '-CAkey', caKey, '-CAcreateserial'];
      openssl(...signed, '-days', String(days), '-extfile', extensions, '-out', certFile);
      return { certFile, keyFile };
    },
  };
}
