/** What a field engineer sends when asking for help: status, alerts, logs and the site file, without a secret in it. */
import { gzipSync } from 'node:zlib';
import type { PageSource } from './source.ts';

/** Words behind which a secret stands, in a site file's lines and in log fields. */
const SECRET =
  /^(\s*(?:-\s*)?["']?[\w.]*(?:password|secret|token|privateKey|passphrase|keyFile|contact)[\w.]*["']?\s*:\s*).*$/gim;
/** Credentials inside an address: mqtts://user:password@host. */
const CREDENTIALS = /(\w+:\/\/)[^\s/@"']+@/g;

export async function supportBundle(source: PageSource): Promise<Uint8Array> {
  const bundle = {
    madeAtMs: (await source.status()).nowMs,
    status: await source.status(),
    alerts: await source.alerts(200),
    siteFile: withoutSecrets(await source.siteFile()),
    logs: source.logs().map(withoutSecrets),
  };
  return gzipSync(JSON.stringify(bundle, null, 1));
}

/** The text with what could be a secret blotted out: rather too much than too little. */
export function withoutSecrets(text: string): string {
  const inFlow =
    /((?:password|secret|token|privateKey|passphrase|keyFile|contact)\w*["']?\s*:\s*)("[^"]*"|'[^']*'|[^,}\s]+)/gi;
  return text.replace(SECRET, '$1"…"').replace(inFlow, '$1"…"').replace(CREDENTIALS, '$1…@');
}
