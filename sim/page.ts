/**
 * The street in a browser, and the same over HTTP for scripts:
 *
 *   GET  /api/street                     meters with their present reading, lines with their counts, switches
 *   POST /api/switch {"switch":"charger","target":"302","on":true}
 *   GET  /api/events                     the street again every second, as server-sent events
 *
 * Bound to loopback: whoever reaches it can break every meter.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Area } from './area.ts';
import { PAGE } from './page-html.ts';
import type { RunningSim } from './street.ts';
import { isSwitch, SWITCHES, Switchboard } from './switches.ts';

/** Requests are a line of JSON; more is refused. */
const BODY_MAX_BYTES = 4096;
const LISTENERS_MAX = 16;

export interface SimPage {
  url: string;
  close(): Promise<void>;
}

/** @param port 0 takes a free one */
export async function startPage(sim: RunningSim, port = 0): Promise<SimPage> {
  const switchboard = new Switchboard(sim);
  const listeners = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    // A page of another origin must not reach the switches through the tester's browser.
    const host = request.headers.host ?? '';
    if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host))
      return send(response, 403, { problem: 'loopback only' });
    if (request.method === 'GET' && request.url === '/') return sendPage(response);
    if (request.method === 'GET' && request.url === '/api/street') return send(response, 200, street(sim, switchboard));
    if (request.method === 'GET' && request.url === '/api/events') return listen(response, listeners);
    if (request.method === 'POST' && request.url === '/api/switch') return void turn(request, response, switchboard);
    send(response, 404, { problem: `${request.method} ${request.url}: nothing here` });
  });
  const timer = setInterval(() => {
    if (listeners.size === 0) return;
    const text = `data: ${JSON.stringify(street(sim, switchboard))}\n\n`;
    for (const listener of listeners) listener.write(text);
  }, 1000);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${bound}/`,
    async close() {
      clearInterval(timer);
      for (const listener of listeners) listener.end();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function street(sim: RunningSim, switchboard: Switchboard) {
  const atMs = sim.streetMs();
  const { source } = sim;
  return {
    name: source instanceof Area ? source.scenario.name : 'recording',
    at: new Date(atMs + (source instanceof Area ? source.offsetMs : 0)).toISOString().slice(0, 19),
    switches: SWITCHES,
    lines: sim.ports.map(({ name, port, meters, counts }) => ({
      name,
      port,
      counts,
      on: switchboard.onAt(name),
      meters: meters.map(({ info, protocol }) => {
        const { activePowerW, voltageV } = source.readingAt(info.id, atMs);
        const room = source instanceof Area ? source.meter(info.id)?.room : undefined;
        const { id, premises } = info;
        return { id, room: room ?? id, premises, protocol, powerW: activePowerW, voltageV, on: switchboard.onAt(id) };
      }),
    })),
  };
}

function listen(response: ServerResponse, listeners: Set<ServerResponse>): void {
  if (listeners.size >= LISTENERS_MAX) {
    send(response, 503, { problem: 'too many listeners' });
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(': the street every second\n\n');
  listeners.add(response);
  response.on('close', () => listeners.delete(response));
}

async function turn(request: IncomingMessage, response: ServerResponse, switchboard: Switchboard): Promise<void> {
  // Only JSON: a form of another origin cannot send it without being asked first.
  if (request.headers['content-type'] !== 'application/json')
    return send(response, 415, { problem: 'expected application/json' });
  let body = '';
  try {
    for await (const chunk of request) {
      body += String(chunk);
      if (body.length > BODY_MAX_BYTES)
        return send(response, 413, { problem: `expected at most ${BODY_MAX_BYTES} bytes` });
    }
  } catch {
    return;
  }
  const asked = parse(body);
  if (asked === undefined) {
    return send(response, 400, {
      problem: `expected {"switch","target","on"} with one of ${Object.keys(SWITCHES).join(', ')}`,
    });
  }
  const problem = switchboard.turn(asked.name, asked.target, asked.on);
  send(response, problem === undefined ? 200 : 404, problem === undefined ? { done: true } : { problem });
}

function parse(body: string) {
  try {
    const json: unknown = JSON.parse(body);
    if (typeof json !== 'object' || json === null) return undefined;
    const { switch: name, target, on } = json as Record<string, unknown>;
    if (typeof name !== 'string' || !isSwitch(name) || typeof target !== 'string' || typeof on !== 'boolean')
      return undefined;
    return { name, target, on };
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

function sendPage(response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'",
  });
  response.end(PAGE);
}
