/** Serves bundles to the machine in the test, over https as an update server does. */
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';

/** @returns the server and its port on this host */
export async function serveBundles(
  folder: string,
  { certFile, keyFile }: { certFile: string; keyFile: string },
): Promise<{ server: Server; port: number }> {
  const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) => {
    const file = join(folder, basename(request.url ?? ''));
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (size === undefined) return void response.writeHead(404).end();
    if (start >= size) return void response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    const part = start > 0 ? { 'content-range': `bytes ${start}-${size - 1}/${size}` } : {};
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': size - start, ...part });
    createReadStream(file, { start }).pipe(response);
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}
