/**
 * Brings a bundle over a link that breaks: each try goes on where the one before it ended. Only https, no redirects, and
 * nothing counts that has not the ordered digest.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, readFileSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';

export interface FetchOptions {
  url: string;
  sha256: string;
  file: string;
  /** Trusted beside the well-known authorities, where the file exists. */
  caFile?: string;
  bytesMax?: number;
  tries?: number;
  /** Between two tries; and how long a line may say nothing. */
  waitMs?: number;
  idleMs?: number;
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
}

/** Another try would end in the same way. */
export class Refused extends Error {}

const BYTES_MAX = 1024 ** 3;

/** @throws Refused, or Error with the last try's reason; what came so far stays in `file` only in the second case */
export async function fetchBundle(options: FetchOptions): Promise<void> {
  const { file, tries = 20, waitMs = 15_000, signal } = options;
  for (let left = tries; ; left--) {
    try {
      await once(options);
      return await check(options);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Refused) {
        await rm(file, { force: true });
        throw error;
      }
      if (left <= 1) throw error;
      await delay(waitMs, undefined, { signal });
    }
  }
}

async function once({ url, file, caFile, idleMs = 60_000, bytesMax = BYTES_MAX, ...options }: FetchOptions) {
  const have = await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
  const ca = [...rootCertificates, ...(caFile !== undefined && existsSync(caFile) ? [readFileSync(caFile)] : [])];
  const headers = have > 0 ? { range: `bytes=${have}-` } : {};
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = get(url, { ca, headers, timeout: idleMs, ...(options.signal && { signal: options.signal }) });
    request.on('timeout', () => request.destroy(new Error(`${url}: nothing heard for ${idleMs / 1000} s`)));
    request.on('response', resolve).on('error', reject);
  });
  const from = startOf(response, url, have);
  if (from === undefined) return;
  const total = from + Number(response.headers['content-length'] ?? Number.NaN);
  if (total > bytesMax) {
    response.destroy();
    throw new Refused(`${url}: ${total} bytes, at most ${bytesMax}`);
  }
  let done = from;
  const counted = new Transform({
    transform(chunk: Uint8Array, _, next) {
      done += chunk.length;
      options.onProgress?.(done, total);
      next(done > bytesMax ? new Refused(`${url}: over ${bytesMax} bytes`) : null, chunk);
    },
  });
  await pipeline(response, counted, createWriteStream(file, { flags: from > 0 ? 'a' : 'w', mode: 0o600 }));
  if (done < total) throw new Error(`${url}: ended after ${done} of ${total} bytes`);
}

/** From which byte on this answer goes; undefined where everything has come already. */
function startOf(response: IncomingMessage, url: string, have: number): number | undefined {
  const { statusCode = 0, headers } = response;
  if (statusCode === 200) return 0;
  if (statusCode === 206 && headers['content-range']?.startsWith(`bytes ${have}-`)) return have;
  response.destroy();
  if (statusCode === 416 && headers['content-range'] === `bytes */${have}`) return undefined;
  if (statusCode >= 500 || statusCode === 429) throw new Error(`${url}: answered ${statusCode}`);
  throw new Refused(
    `${url}: answered ${statusCode}${headers.location === undefined ? '' : ', redirects are not followed'}`,
  );
}

async function check({ file, sha256, url }: FetchOptions): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  const digest = hash.digest('hex');
  if (digest !== sha256) throw new Refused(`${url}: has sha256 ${digest}, ordered was ${sha256}`);
}
