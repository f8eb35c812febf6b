/** Certificates and secrets as files: read at each connection, so that renewing them needs no restart. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

export interface TlsFiles {
  /** Trusted issuers of the broker's certificate; the system's own when absent. */
  caFile?: string;
  /** The gateway's certificate and key, for brokers that ask for one. */
  certFile?: string;
  keyFile?: string;
}

const DAY_MS = 86_400_000;
export const EXPIRY_WARNING_DAYS = 30;

/** The files' contents. @throws when one cannot be read */
export function readTls(files: TlsFiles): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  return {
    ...(files.caFile !== undefined && { ca: readFileSync(files.caFile) }),
    ...(files.certFile !== undefined && { cert: readFileSync(files.certFile) }),
    ...(files.keyFile !== undefined && { key: readFileSync(files.keyFile) }),
  };
}

/** Changes when one of the files was replaced. A file that is being replaced just now does not count yet. */
export function versionOf(files: TlsFiles): string {
  return [files.caFile, files.certFile, files.keyFile]
    .map((file) => (file === undefined ? '' : (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? '?')))
    .join(' ');
}

/** Whole days until a PEM certificate ends, negative when it has; undefined when the file holds none. */
export function daysLeft(file: string, nowMs: number): number | undefined {
  try {
    const until = new X509Certificate(readFileSync(file)).validToDate.getTime();
    return Math.floor((until - nowMs) / DAY_MS);
  } catch {
    return undefined;
  }
}
