import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mosquittoAcl, mosquittoConfig } from '../../deploy/platform/mosquitto.ts';
import { openStore } from '../../firmware/store/store.ts';
import { listenAsPlatform } from '../../firmware/uplink/platform.ts';
import { alertOf } from '../firmware/store/alerts.ts';
import { type Gateway, startGateway, until } from '../firmware/uplink/rig.ts';
import { type Authority, makeAuthority } from './certificates.ts';
import { MOSQUITTO, type Mosquitto, startMosquitto } from './mosquitto.ts';

describe.skipIf(MOSQUITTO === undefined)('MQTT over TLS with certificates on both sides (needs mosquitto)', () => {
  let folder: string;
  let authority: Authority;
  let broker: Mosquitto;
  let url: string;
  const closing: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tls-'));
    authority = makeAuthority(folder);
    const server = authority.issue('broker');
    const aclFile = join(folder, 'acl');
    writeFileSync(
      aclFile,
      mosquittoAcl({ ingest: ['ingest'], command: ['commander'], cells: { chen: ['tj-cn-0412'] } }),
      {
        mode: 0o600,
      },
    );
    broker = await startMosquitto((listenPort, directory) =>
      mosquittoConfig({ listenPort, caFile: authority.caFile, ...server, aclFile, directory: join(directory, 'data') }),
    );
    url = `mqtts://localhost:${broker.port}`;
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    await broker?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const filesOf = ({ certFile, keyFile }: { certFile: string; keyFile: string }, ca = authority.caFile) => ({
    ca: readFileSync(ca),
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
  });

  function gateway(
    name: string,
    tls: { caFile?: string; certFile?: string; keyFile?: string },
    to = url,
  ): Gateway & { outbox: ReturnType<typeof openStore> } {
    const outbox = openStore(':memory:');
    const made = startGateway(to, outbox, { gateway: name }, { tls, keepaliveS: 1 });
    closing.push(async () => {
      await made.stop();
      await outbox.close();
    });
    return { ...made, outbox };
  }

  async function client(name: string): Promise<mqtt.MqttClient> {
    const made = await mqtt.connectAsync(url, {
      ...filesOf(authority.issue(name)),
      protocolVersion: 5,
      reconnectPeriod: 0,
    });
    made.on('error', () => {});
    closing.push(() => made.endAsync(true));
    return made;
  }

  it('delivers with receipts, each side known by its certificate', async () => {
    const { outbox } = gateway('gw-a', { caFile: authority.caFile, ...authority.issue('gw-a') });
    const alerts: string[] = [];
    const platform = await listenAsPlatform(
      { broker: url, connection: filesOf(authority.issue('ingest')) },
      { onMessage: (_, message) => message.type === 'alert' && alerts.push(message.alert.id) },
    );
    closing.push(() => platform.close());
    await outbox.append([alertOf(1), alertOf(2)]);
    await until(async () => (await outbox.depth()).alerts === 0);
    expect(alerts.toSorted()).toEqual([alertOf(1).id, alertOf(2).id]);
  });

  it.each<[string, () => { caFile?: string; certFile?: string; keyFile?: string }, string]>([
    [
      'a broker of another authority',
      () => ({ caFile: makeAuthority(folder, 'other').caFile, ...authority.issue('gw-b') }),
      'localhost',
    ],
    ['a broker under another name', () => ({ caFile: authority.caFile, ...authority.issue('gw-b') }), '127.0.0.2'],
  ])('never connects to %s, and goes to the slow lane', async (_, tls, host) => {
    const { uplink, notices } = gateway('gw-b', tls(), `mqtts://${host}:${broker.port}`);
    await until(() => notices.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(notices.map(({ notice }) => notice)).toEqual(['refused']);
    expect(uplink.up).toBe(false);
  });

  it.each<[string, () => { caFile?: string; certFile?: string; keyFile?: string }]>([
    ['no certificate', () => ({ caFile: authority.caFile })],
    ['one of another authority', () => ({ caFile: authority.caFile, ...makeAuthority(folder, 'third').issue('gw-c') })],
    ['one that has ended', () => ({ caFile: authority.caFile, ...authority.issue('gw-c', { days: -1 }) })],
  ])('is refused by the broker with %s', async (_, tls) => {
    const { uplink } = gateway('gw-c', tls());
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(uplink.up).toBe(false);
  });

  it('warns of a certificate that ends within 30 days', async () => {
    const { notices } = gateway('gw-d', { caFile: authority.caFile, ...authority.issue('gw-d', { days: 20 }) });
    await until(() => notices.some(({ notice, days }) => notice === 'certificate-expires' && days === 19));
  });

  it('takes a renewed certificate without a restart', async () => {
    const tls = { caFile: authority.caFile, ...authority.issue('gw-e') };
    const { uplink } = gateway('gw-e', tls);
    await until(() => uplink.up);
    const fresh = authority.issue('gw-e');
    copyFileSync(fresh.certFile, tls.certFile);
    copyFileSync(fresh.keyFile, tls.keyFile);
    utimesSync(tls.certFile, new Date(), new Date(Date.now() + 5_000));
    await until(() => uplink.downReason === 'certificates were renewed');
    await until(() => uplink.up);
  });

  it('keeps gateway A out of what is B’s, and each platform to its part', async () => {
    const b = await client('gw-b');
    const a = await client('gw-a');
    const heard: string[] = [];
    a.on('message', (topic) => heard.push(topic));
    await a.subscribeAsync('#', { qos: 1 }).catch(() => {});
    const commander = await client('commander');
    await commander.publishAsync('gw/1/gw-b/down/command', 'for b', { qos: 1 });
    await b.publishAsync('gw/1/gw-b/up/alert/tj-cn-0412', 'b’s own', { qos: 1 });
    await commander.publishAsync('gw/1/gw-a/down/command', 'for a', { qos: 1 });
    await until(() => heard.length > 0);
    expect(heard).toEqual(['gw/1/gw-a/down/command']);
    const forbidden: [string, string][] = [
      ['gw-a', 'gw/1/gw-b/up/alert/tj-cn-0412'],
      ['gw-a', 'gw/1/gw-b/down/receipt'],
      ['gw-a', 'gw/1/gw-a/down/command'],
      ['ingest', 'gw/1/gw-a/down/command'],
      ['commander', 'gw/1/gw-a/down/receipt'],
      ['commander', 'gw/1/gw-a/up/alert/x'],
    ];
    for (const [user, topic] of forbidden) {
      const one = await client(user);
      await expect(one.publishAsync(topic, 'x', { qos: 1 }), `${user} to ${topic}`).rejects.toThrow();
    }
  });

  it('shows a community its own grid cells only', async () => {
    const chen = await client('chen');
    const heard: string[] = [];
    chen.on('message', (topic) => heard.push(topic));
    await chen.subscribeAsync('gw/1/+/up/alert/+', { qos: 1 }).catch(() => {});
    await chen.subscribeAsync('gw/1/+/up/alert/tj-cn-0412', { qos: 1 }).catch(() => {});
    const b = await client('gw-b');
    await b.publishAsync('gw/1/gw-b/up/alert/other-cell', 'x', { qos: 1 });
    await b.publishAsync('gw/1/gw-b/up/alert/tj-cn-0412', 'x', { qos: 1 });
    await until(() => heard.length > 0);
    expect(new Set(heard)).toEqual(new Set(['gw/1/gw-b/up/alert/tj-cn-0412']));
  });

  it('says so when another client takes its name', async () => {
    const tls = { caFile: authority.caFile, ...authority.issue('gw-f') };
    const both = [gateway('gw-f', tls), gateway('gw-f', tls)];
    await until(() => both.some(({ notices }) => notices.some(({ notice }) => notice === 'taken-over')));
  });
});
