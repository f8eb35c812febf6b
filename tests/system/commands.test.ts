/** A grid worker's way back: commands signed by the platform, over a broker, to a gateway on real parts. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { siteOf } from '../../firmware/cli/sim-site.ts';
import { type Started, start } from '../../firmware/cli/start.ts';
import { verifyAudit } from '../../firmware/commands/audit.ts';
import { signCommand } from '../../firmware/commands/verify.ts';
import { loadSite } from '../../firmware/config/load.ts';
import { openLog } from '../../firmware/log.ts';
import { listenAsPlatform, type Platform } from '../../firmware/uplink/platform.ts';
import type { Decoded } from '../../firmware/uplink/wire.ts';
import { type RunningSim, startSim } from '../../sim/street.ts';

const PORT = 18_847;
const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

describe('commands over a broker', () => {
  const directory = mkdtempSync(join(tmpdir(), 'commands-'));
  const keys = generateKeyPairSync('ed25519');
  const stop = new AbortController();
  const messages: Decoded[] = [];
  let sim: RunningSim;
  let started: Started;
  let platform: Platform;
  let client: mqtt.MqttClient;
  let aedes: Aedes;
  let counter = 0;
  let reloads = 0;

  beforeAll(async () => {
    aedes = await Aedes.createBroker();
    const server = createServer(aedes.handle as (socket: Socket) => void);
    await new Promise<void>((resolve) => server.listen(PORT, '127.0.0.1', resolve));
    const broker = `mqtt://127.0.0.1:${PORT}`;
    sim = await startSim('demo', { ports: 'tcp' });
    const publicKeyFile = join(directory, 'operator.pem');
    writeFileSync(publicKeyFile, keys.publicKey.export({ type: 'spki', format: 'pem' }));
    const text = stringify({
      ...siteOf(sim, broker, 3),
      store: { directory: join(directory, 'state') },
      commands: { keys: [{ id: 'desk-1', publicKeyFile, roles: ['operator'] }] },
      detectors: { overload: { raiseHoldMs: 5_000, clearHoldMs: 5_000 } },
    });
    const { site } = loadSite(text, 'site.yaml');
    if (site === undefined) throw new Error('the site file is wrong');
    platform = await listenAsPlatform({ broker }, { onMessage: (_, message) => void messages.push(message) });
    client = await mqtt.connectAsync(broker);
    started = await start({
      site,
      siteFile: 'site.yaml',
      signal: stop.signal,
      log: openLog('silent'),
      process: {
        reload: async () => ++reloads,
        restart: () => Promise.reject(new Error('no')),
      },
    });
    await vi.waitFor(() => expect(started.gateway.uplink.up).toBe(true), 10_000);
  }, 60_000);

  afterAll(async () => {
    stop.abort();
    await started?.stopped;
    await platform?.close();
    await client?.endAsync(true);
    await sim?.stop();
    aedes?.close();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  /** Sends one command and waits for the answer with its id. */
  async function command(op: string, args: object, key = pem(keys.privateKey), id = `c${++counter}`) {
    const now = Date.now();
    const body = {
      v: 1,
      id,
      gateway: 'gw-demo',
      op,
      args,
      counter,
      notBefore: now - 1_000,
      notAfter: now + 60_000,
    } as const;
    await client.publishAsync('gw/1/gw-demo/down/command', Buffer.from(signCommand(body as never, 'desk-1', key)), {
      qos: 1,
    });
    const answer = () => messages.find((message) => message.type === 'result' && message.result.id === id);
    await expect.poll(answer, { timeout: 15_000 }).toBeDefined();
    const found = answer();
    if (found?.type !== 'result') throw new Error('no result');
    return found.result;
  }

  it('reads a meter now, by item and from what was read last', { timeout: 60_000 }, async () => {
    const meter = sim.source.meters[0]?.id ?? '';
    const read = await command('read-now', { meter, items: ['02010100'] });
    expect(read).toMatchObject({ status: 'done', data: [{ item: '02010100', meter, values: [{ unit: 'V' }] }] });
    await expect.poll(() => started.gateway.pipeline.latest(meter), { timeout: 20_000 }).toBeDefined();
    expect(await command('read-now', { meter, items: [] })).toMatchObject({ status: 'done', data: { reading: {} } });
    expect(await command('send-readings', { meter, minutes: 5 })).toMatchObject({ status: 'done' });
  });

  it('captures a waveform', { timeout: 60_000 }, async () => {
    const meter = sim.source.meters[0]?.id ?? '';
    const { status, data } = await command('capture', { meter, phase: 1 });
    expect(status).toBe('done');
    expect(data).toMatchObject({ phase: 1, voltage: { samples: expect.any(String) } });
  });

  it('lets the first who acknowledges own an alert, and hands the result to the detectors', {
    timeout: 90_000,
  }, async () => {
    const raised = () => messages.find((message) => message.type === 'alert' && message.alert.kind === 'overload');
    await expect.poll(raised, { timeout: 60_000 }).toBeDefined();
    const message = raised();
    const alert = message?.type === 'alert' ? message.alert.id : '';
    expect(await command('acknowledge', { alert })).toMatchObject({
      status: 'done',
      data: { first: true, owner: 'desk-1' },
    });
    expect(await command('result', { alert, result: 'confirmed', note: 'heater' })).toMatchObject({ status: 'done' });
    const { data } = await command('timeline', { alert });
    const steps = (data as { steps: { step: string }[] }).steps.map(({ step }) => step);
    expect(steps).toEqual(expect.arrayContaining(['acknowledged', 'result']));
  });

  it('moves a threshold within its limits only', async () => {
    expect(await command('thresholds', { detector: 'overload', settings: { raiseHoldMs: 8_000 } })).toMatchObject({
      status: 'done',
    });
    const far = await command('thresholds', { detector: 'overload', settings: { raiseHoldMs: 60_000 } });
    expect(far).toMatchObject({ status: 'failed', reason: expect.stringContaining('expected 2500 to 10000') });
    expect(await command('thresholds', { detector: 'voltage', settings: { x: 1 } })).toMatchObject({
      status: 'failed',
    });
  });

  it('reloads, and refuses what is replayed, forged or beyond the right', { timeout: 30_000 }, async () => {
    expect(await command('reload', {})).toMatchObject({ status: 'done' });
    expect(reloads).toBe(1);
    expect(await command('restart', {})).toMatchObject({ status: 'refused' });
    const stranger = pem(generateKeyPairSync('ed25519').privateKey);
    const now = Date.now();
    const forged = {
      v: 1,
      id: 'forged',
      gateway: 'gw-demo',
      op: 'reload',
      args: {},
      counter: 1e6,
      notBefore: now,
      notAfter: now + 60_000,
    };
    await client.publishAsync(
      'gw/1/gw-demo/down/command',
      Buffer.from(signCommand(forged as never, 'desk-1', stranger)),
      {
        qos: 1,
      },
    );
    await client.publishAsync('gw/1/gw-demo/down/command', 'nonsense', { qos: 1 });
    expect(await command('timeline', { alert: 'unknown' })).toMatchObject({ status: 'failed' });
    expect(reloads).toBe(1);
    expect(messages.some((message) => message.type === 'result' && message.result.id === 'forged')).toBe(false);
    expect(await verifyAudit(join(directory, 'state', 'audit.ndjson'))).toBeUndefined();
  });
});
