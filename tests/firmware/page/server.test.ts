import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Page, type PageSettings, startPage } from '../../../firmware/page/server.ts';
import { hashPassword } from '../../../firmware/page/session.ts';
import type { PageEvent, PageSource, WaveView } from '../../../firmware/page/source.ts';
import { withoutSecrets } from '../../../firmware/page/support.ts';
import { alertOf } from '../store/alerts.ts';

const listeners = new Set<(event: PageEvent) => void>();

const CASE = { alert: alertOf(1), raisedMs: 1, level: 0, steps: [] };
const samples = { scale: 0.5, samples: Int16Array.of(2, -2) };
const waveOf = (alert?: string): WaveView => ({
  meter: 'm1',
  atMs: 5,
  waveform: { phase: 1, rateHz: 6_400, voltage: samples, current: samples },
  ...(alert === CASE.alert.id && { differentialA: [7, 0.25] }),
});

/** A gateway with one meter that answers. */
const source: PageSource = {
  status: async () => ({
    gateway: 'gw-1',
    version: '0',
    nowMs: 1,
    startedAtMs: 0,
    lastRestart: '',
    clockSynchronised: true,
    readings: 7,
    alerts: 0,
    uplink: { up: true, broker: 'b', reason: '', waiting: 2, oldestWaitingMs: null, certificateDays: 12 },
    buses: [{ port: '/dev/"x"', open: true, reason: '', utilisation: 0.5, planLoad: 0.7, meters: [] }],
  }),
  alerts: async () => [],
  curve: () => [[0, 1]],
  wave: (meter, alert) => (meter === 'm1' ? waveOf(alert) : undefined),
  timeline: async (id) => (id === CASE.alert.id ? CASE : undefined),
  read: async (meter, item) => ({ meter, item, values: [] }),
  scan: async (_port, onFound) => onFound({ address: '000000000161' }),
  siteFile: async () => 'uplink:\n  brokers: [mqtts://u:hunter2@h]\n  password: hunter2\n',
  saveSiteFile: async (text) => (text === 'good' ? [] : ['site.yaml:1:1: bad']),
  logs: () => ['{"password":"hunter2","level":30}'],
  subscribe: (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

const settings: PageSettings = { listen: '127.0.0.1:0', passwordHash: await hashPassword('right'), metrics: true };
let page: Page;
let cookie = '';
beforeAll(async () => {
  page = await startPage(settings, source);
});
afterAll(() => page.close());

const call = (path: string, init: RequestInit = {}, ours = true) =>
  fetch(new URL(path, page.url), {
    ...init,
    headers: { ...(ours ? { 'x-gridwarden': '1' } : {}), cookie, ...init.headers },
  });
const post = (path: string, body: unknown, ours = true) =>
  call(path, { method: 'POST', body: JSON.stringify(body) }, ours);

describe('page', () => {
  it('serves itself in at most 120 kB, with a policy that lets no foreign script in', async () => {
    let bytes = 0;
    for (const path of [
      '/',
      '/style.css',
      '/app.js',
      '/charts.js',
      '/dom.js',
      '/words.js',
      '/uPlot.js',
      '/uPlot.css',
    ]) {
      const response = await call(path);
      expect(response.status, path).toBe(200);
      bytes += Number(response.headers.get('content-length'));
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
      const again = await call(path, { headers: { 'if-none-match': response.headers.get('etag') ?? '' } });
      expect(again.status).toBe(304);
    }
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(120 * 1024);
    expect(await (await call('/app.js')).text()).toContain("from './dom.js'");
  });

  it('says nothing before the login', async () => {
    for (const path of ['/api/status', '/api/alerts', '/api/site', '/api/support', '/api/events', '/api/logs']) {
      expect((await call(path)).status, path).toBe(401);
    }
    expect((await call('/../package.json')).status).toBe(401);
  });

  it('slows guesses down, and refuses a call that only a foreign page would make', async () => {
    expect((await post('/api/login', { password: 'right' }, false)).status).toBe(403);
    for (let i = 0; i < 4; i++) expect((await post('/api/login', { password: `wrong${i}` })).status).toBe(401);
    const good = await post('/api/login', { password: 'right' });
    expect(good.status).toBe(200);
    const set = good.headers.get('set-cookie') ?? '';
    expect(set).toMatch(/HttpOnly; SameSite=Strict/);
    cookie = set.split(';')[0] ?? '';
    for (let i = 0; i < 5; i++) expect((await post('/api/login', { password: 'wrong' })).status).toBe(401);
    expect((await post('/api/login', { password: 'right' })).status).toBe(429);
  });

  it('shows, reads, scans and saves after it', async () => {
    expect(await (await call('/api/status')).json()).toMatchObject({ gateway: 'gw-1' });
    expect(await (await post('/api/read', { meter: 'm', item: '02010100' })).json()).toEqual({
      meter: 'm',
      item: '02010100',
      values: [],
    });
    expect((await (await post('/api/scan', { port: 'p' })).text()).trim()).toBe('{"address":"000000000161"}');
    const put = (text: string) => call('/api/site', { method: 'PUT', body: JSON.stringify({ text }) });
    expect((await put('bad')).status).toBe(422);
    expect((await put('good')).status).toBe(200);
    expect((await call('/api/nothing')).status).toBe(404);
    expect((await post('/api/read', 'x'.repeat(300_000))).status).toBe(413);
  });

  it('gives a waveform, what was switched on since then, and who did what about an alert', async () => {
    const json = async (path: string) => (await call(path)).json() as Promise<unknown>;
    expect(await json('/api/wave?meter=m1')).toMatchObject({ voltageV: [1, -1], currentA: [1, -1] });
    expect(await json(`/api/wave?meter=m1&alert=${CASE.alert.id}`)).toMatchObject({ differentialA: [7, 0.25] });
    expect(await json('/api/wave?meter=m1&alert=none')).not.toHaveProperty('differentialA');
    expect((await call('/api/wave?meter=m2')).status).toBe(404);
    expect(await json(`/api/timeline?alert=${CASE.alert.id}`)).toMatchObject({ steps: [], level: 0 });
    expect((await call('/api/timeline?alert=none')).status).toBe(404);
  });

  it('sends changes as they come', async () => {
    const response = await call('/api/events');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    for (const listener of listeners) listener({ type: 'reading', meter: 'm', atMs: 5, reading: { activePowerW: 9 } });
    const text = new TextDecoder().decode((await reader.read()).value);
    expect(text).toBe('event: reading\ndata: {"type":"reading","meter":"m","atMs":5,"reading":{"activePowerW":9}}\n\n');
    await reader.cancel();
    await expect.poll(() => listeners.size).toBe(0);
  });

  it('gives a support bundle without a secret', async () => {
    const bundle = gunzipSync(Buffer.from(await (await call('/api/support')).arrayBuffer())).toString();
    expect(JSON.parse(bundle).status.gateway).toBe('gw-1');
    expect(bundle).not.toContain('hunter2');
    expect(withoutSecrets('tls: { keyFile: /etc/k.pem, caFile: /etc/ca.pem }')).toBe(
      'tls: { keyFile: "…", caFile: /etc/ca.pem }',
    );
  });

  it('speaks Prometheus where asked to', async () => {
    const text = await (await call('/metrics')).text();
    expect(text).toContain('gridwarden_bus_utilisation{port="/dev/\\"x\\""} 0.5\n');
    expect(text).toMatch(/# TYPE gridwarden_readings_total counter\ngridwarden_readings_total 7\n/);
  });

  it('listens beyond this machine only with TLS and a password', async () => {
    await expect(startPage({ listen: '0.0.0.0:0' }, source)).rejects.toThrow('expected tls and a password');
  });
});
