/**
 * The local page, for the laptop on the ladder: what each meter says now and why, the bus against its plan, the alerts.
 * One small HTTP(S) server of Node's own; every answer that is not a file is JSON, live changes are server-sent events.
 * It needs no internet, and without TLS it listens on the loopback address only.
 */
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Asset, loadAssets } from './assets.ts';
import { isLoopback, parseListen } from './listen.ts';
import { prometheus } from './metrics.ts';
import { openSessions, type Sessions } from './session.ts';
import type { PageSource } from './source.ts';
import { supportBundle } from './support.ts';

export interface PageSettings {
  /** Address of the service port, `127.0.0.1:8080`. */
  listen: string;
  /** What `hashPassword` gave; without it the page is open, which only a demo on the loopback address may be. */
  passwordHash?: string;
  tls?: { cert: string; key: string };
  /** Prometheus text at /metrics, without login, for a scraper on the service network. */
  metrics?: boolean;
}

export interface Page {
  url: string;
  close(): Promise<void>;
}

const BODY_MAX = 256 * 1024;
const STREAMS_MAX = 8;
const HEARTBEAT_MS = 15_000;

/** What every answer carries. Charts set their own inline sizes, so style attributes are allowed; scripts only from here. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
} as const;

/** Why an address cannot be listened on, in words. */
const LISTEN_FAULTS: Record<string, string> = {
  EADDRINUSE: 'another program has this port',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not listen on this port',
  ENOTFOUND: 'no such host',
};

interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  path: string;
  source: PageSource;
}

/** @throws when the address is taken or is not local and there is no TLS or no password */
export async function startPage(settings: PageSettings, source: PageSource): Promise<Page> {
  const address = parseListen(settings.listen);
  if (address === undefined) throw new Error(`page: ${settings.listen}: expected host:port`);
  const { host, port } = address;
  if (!isLoopback(host) && (settings.tls === undefined || settings.passwordHash === undefined)) {
    throw new Error(`page: ${settings.listen} is not this machine alone: expected tls and a password`);
  }
  const assets = await loadAssets();
  const sessions = settings.passwordHash === undefined ? undefined : openSessions(settings.passwordHash);
  const streams = new Set<ServerResponse>();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    handle(request, response, { settings, source, assets, sessions, streams }).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else
        json(response, error instanceof TooBig ? 413 : 500, {
          error: error instanceof Error ? error.message : String(error),
        });
    });
  };
  const server =
    settings.tls === undefined
      ? createHttp(listener)
      : createHttps({ ...settings.tls, minVersion: 'TLSv1.2' }, listener);
  server.requestTimeout = 30_000;
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve)).catch(
    (error: NodeJS.ErrnoException) => {
      throw new Error(`page: ${settings.listen}: ${LISTEN_FAULTS[error.code ?? ''] ?? error.message}`);
    },
  );
  const bound = server.address() as AddressInfo;
  return {
    url: `${settings.tls === undefined ? 'http' : 'https'}://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}/`,
    async close() {
      for (const stream of streams) stream.end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface World {
  settings: PageSettings;
  source: PageSource;
  assets: Map<string, Asset>;
  sessions: Sessions | undefined;
  streams: Set<ServerResponse>;
}

async function handle(request: IncomingMessage, response: ServerResponse, world: World): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  const file = request.method === 'GET' ? world.assets.get(path) : undefined;
  if (file !== undefined) return send(request, response, file);
  if (path === '/metrics' && world.settings.metrics === true) {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(prometheus(await world.source.status()));
    return;
  }
  // A form of a foreign page cannot set this header, and a foreign script may not.
  if (request.method !== 'GET' && request.headers['x-gridwarden'] !== '1')
    return json(response, 403, { error: 'forbidden' });
  if (path === '/api/login' && request.method === 'POST') return login(request, response, world);
  if (world.sessions !== undefined && !world.sessions.known(tokenOf(request), performance.now())) {
    return json(response, 401, { error: 'login' });
  }
  const route = ROUTES[`${request.method} ${path}`];
  if (route !== undefined) return route({ request, response, path, source: world.source });
  if (path === '/api/events' && request.method === 'GET') return stream(request, response, world);
  json(response, 404, { error: 'not found' });
}

const ROUTES: Record<string, (call: Call) => Promise<void>> = {
  'GET /api/status': async ({ response, source }) => json(response, 200, await source.status()),
  'GET /api/alerts': async ({ response, source }) => json(response, 200, await source.alerts(200)),
  'GET /api/timeline': async ({ request, response, source }) => {
    const found = await source.timeline(query(request, 'alert'));
    if (found === undefined) return json(response, 404, { error: 'no such alert' });
    json(response, 200, found);
  },
  'GET /api/curve': async ({ request, response, source }) => json(response, 200, source.curve(query(request, 'meter'))),
  'GET /api/wave': async ({ request, response, source }) => {
    const wave = source.wave(query(request, 'meter'), query(request, 'alert') || undefined);
    if (wave === undefined) return json(response, 404, { error: 'no waveform' });
    const { voltage, current, ...rest } = wave.waveform;
    const volts = (part: typeof voltage) => Array.from(part.samples, (sample) => sample * part.scale);
    json(response, 200, {
      meter: wave.meter,
      atMs: wave.atMs,
      differentialA: wave.differentialA,
      ...rest,
      voltageV: volts(voltage),
      currentA: volts(current),
    });
  },
  'GET /api/logs': async ({ response, source }) => json(response, 200, source.logs()),
  'GET /api/site': async ({ response, source }) => json(response, 200, { text: await source.siteFile() }),
  'PUT /api/site': async ({ request, response, source }) => {
    const { text } = await body<{ text: string }>(request);
    const problems = await source.saveSiteFile(String(text));
    json(response, problems.length === 0 ? 200 : 422, { problems });
  },
  'POST /api/read': async ({ request, response, source }) => {
    const { meter, item } = await body<{ meter: string; item: string }>(request);
    json(response, 200, await source.read(String(meter), String(item)));
  },
  'POST /api/scan': async ({ request, response, source }) => {
    const { port } = await body<{ port: string }>(request);
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    response.setHeader('content-type', 'application/x-ndjson');
    await source.scan(String(port), (found) => response.write(`${JSON.stringify(found)}\n`), gone.signal);
    response.end();
  },
  'GET /api/support': async ({ response, source }) => {
    const bundle = await supportBundle(source);
    response.setHeader('content-type', 'application/gzip');
    response.setHeader('content-disposition', 'attachment; filename="gridwarden-support.json.gz"');
    response.end(bundle);
  },
};

async function login(request: IncomingMessage, response: ServerResponse, { sessions, settings }: World): Promise<void> {
  if (sessions === undefined) return json(response, 200, { ok: true });
  const { password } = await body<{ password: string }>(request);
  const result = await sessions.login(String(password), performance.now());
  if (!result.ok) return json(response, result.reason === 'wrong' ? 401 : 429, { error: result.reason });
  const secure = settings.tls === undefined ? '' : '; Secure';
  response.setHeader(
    'set-cookie',
    `session=${result.token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=28800${secure}`,
  );
  json(response, 200, { ok: true });
}

/** Server-sent events: what changes, as it changes; a browser that does not read is let go, never waited for. */
async function stream(request: IncomingMessage, response: ServerResponse, { source, streams }: World): Promise<void> {
  if (streams.size >= STREAMS_MAX) return json(response, 503, { error: 'too many pages are open' });
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(': hello\n\n');
  streams.add(response);
  const end = source.subscribe((event) => {
    if (response.writableLength > BODY_MAX) response.destroy();
    else response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  });
  const heartbeat = setInterval(() => response.write(': still here\n\n'), HEARTBEAT_MS);
  request.on('close', () => {
    end();
    clearInterval(heartbeat);
    streams.delete(response);
  });
}

function send(request: IncomingMessage, response: ServerResponse, file: Asset): void {
  response.setHeader('etag', file.etag);
  response.setHeader('cache-control', 'no-cache');
  if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304).end();
    return;
  }
  response.writeHead(200, {
    'content-type': file.type,
    'content-encoding': 'gzip',
    'content-length': file.gzip.length,
  });
  response.end(file.gzip);
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(value));
}

class TooBig extends Error {}

async function body<T extends object>(request: IncomingMessage): Promise<Partial<T>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > BODY_MAX) throw new TooBig(`expected at most ${BODY_MAX} bytes`);
    chunks.push(chunk as Buffer);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Partial<T>) : {};
  } catch {
    return {};
  }
}

function tokenOf(request: IncomingMessage): string | undefined {
  return /(?:^|;\s*)session=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];
}

function query(request: IncomingMessage, name: string): string {
  return new URL(request.url ?? '/', 'http://page').searchParams.get(name) ?? '';
}
