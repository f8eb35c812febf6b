import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IPublishPacket } from 'mqtt-packet';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../firmware/clock.ts';
import type { Link, LinkError } from '../../../firmware/link.ts';
import { silentLog } from '../../../firmware/log.ts';
import { openStore } from '../../../firmware/store/store.ts';
import { BACK_OFF, causeOf, retryDelayMs } from '../../../firmware/uplink/back-off.ts';
import type { MqttSettings } from '../../../firmware/uplink/mqtt-connect.ts';
import { type LinkNotice, mqttLink } from '../../../firmware/uplink/mqtt-link.ts';
import { alertOf } from '../store/alerts.ts';
import { QUICK, startGateway, until } from './rig.ts';
import { type Peer, puback, type Script, type ScriptedBroker, scriptedBroker } from './scripted-broker.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function brokerOf(script?: Script): Promise<ScriptedBroker> {
  const broker = await scriptedBroker(script);
  closing.push(() => broker.close());
  return broker;
}

interface Opened {
  link: Link;
  downs: string[];
  ups: number;
  notices: LinkNotice[];
}

function open(brokers: string[], settings: Partial<MqttSettings> = {}): Opened {
  const opened: Omit<Opened, 'link'> = { downs: [], ups: 0, notices: [] };
  const link = mqttLink(
    { brokers, clientId: 'gw', backOff: QUICK, connectTimeoutMs: 500, ...settings },
    { clock: systemClock, random: Math.random, log: silentLog, onNotice: (notice) => opened.notices.push(notice) },
  )(
    { will: { topic: 'will', payload: new Uint8Array([1]) }, subscribe: ['down'] },
    { onUp: () => void opened.ups++, onDown: (reason) => void opened.downs.push(reason), onMessage: () => {} },
  );
  closing.push(() => link.close());
  return Object.assign(opened, { link });
}

const bytes = (size: number) => new Uint8Array(size);
const send = (link: Link, size = 10, deadlineMs = 5_000) => link.publish('t', bytes(size), { deadlineMs });
const causes = (results: PromiseSettledResult<void>[]) =>
  results.map((one) => (one.status === 'fulfilled' ? 'done' : (one.reason as LinkError).cause));

describe('the link', () => {
  it.each([
    [5, { properties: { receiveMaximum: 5 } }],
    [20, {}],
    [20, { properties: { receiveMaximum: 1_000 } }],
  ])('has at most %i messages in flight', async (window, connack) => {
    const held: [Peer, IPublishPacket][] = [];
    const broker = await brokerOf({ connack: () => connack, onPublish: (publish, peer) => held.push([peer, publish]) });
    const { link } = open([broker.url]);
    await until(() => link.up);
    const all = Promise.all(Array.from({ length: 60 }, () => send(link)));
    let most = 0;
    while (broker.published.length < 60) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      most = Math.max(most, held.length);
      for (const [peer, publish] of held.splice(0)) puback(peer, publish);
    }
    for (const [peer, publish] of held.splice(0)) puback(peer, publish);
    await all;
    expect(most).toBe(window);
  });

  it('does not send what the broker would throw it out for, and sends the rest', async () => {
    const broker = await brokerOf({ connack: () => ({ properties: { maximumPacketSize: 200 } }) });
    const { link, downs } = open([broker.url]);
    await until(() => link.up);
    const results = await Promise.allSettled([send(link, 190), send(link, 1_000), send(link, 10)]);
    expect(causes(results)).toEqual(['done', 'too-big', 'done']);
    expect(downs).toEqual([]);
  });

  it('bounds a packet by itself where the broker does not', async () => {
    const broker = await brokerOf();
    const { link } = open([broker.url]);
    await until(() => link.up);
    await expect(send(link, 70_000)).rejects.toMatchObject({ cause: 'too-big' });
  });

  it('gives a publish without PUBACK up at its deadline and takes a new connection', async () => {
    const broker = await brokerOf({ onPublish: () => {} });
    const opened = open([broker.url]);
    await until(() => opened.link.up);
    const results = await Promise.allSettled([send(opened.link, 10, 100), send(opened.link, 10, 5_000)]);
    expect(causes(results)).toEqual(['deadline', 'down']);
    await until(() => broker.connects.length === 2);
  });

  it.each<[string, Script]>([
    ['connection', { connack: () => undefined }],
    ['subscription', { subscriptions: false }],
  ])('closes at once while a broker leaves the %s without an answer', async (_, script) => {
    const broker = await brokerOf(script);
    const { link } = open([broker.url], { connectTimeoutMs: 15_000 });
    await until(() => broker.connects.length === 1);
    // Long enough for whatever answer there is, short of every deadline.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const fromMs = performance.now();
    await link.close();
    expect(performance.now() - fromMs).toBeLessThan(2_000);
  });

  it('closes whenever it is asked to', async () => {
    const broker = await brokerOf();
    for (let ms = 0; ms < 30; ms++) {
      const { link } = open([broker.url]);
      await new Promise((resolve) => setTimeout(resolve, ms / 3));
      await link.close();
    }
  });

  it('tells a refusal and a message nobody heard from a delivery', async () => {
    const codes = [0, 16, 135, 151];
    const broker = await brokerOf({ onPublish: (publish, peer) => puback(peer, publish, codes.shift()) });
    const { link } = open([broker.url]);
    await until(() => link.up);
    const results = await Promise.allSettled([send(link), send(link), send(link), send(link)]);
    expect(causes(results)).toEqual(['done', 'unheard', 'refused', 'refused']);
  });

  it('queues nothing while it is down', async () => {
    const { link } = open(['mqtt://127.0.0.1:1']);
    const before = process.memoryUsage().heapUsed;
    const results = await Promise.allSettled(Array.from({ length: 1_000 }, () => send(link, 20_000)));
    expect(new Set(causes(results))).toEqual(new Set(['down']));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20e6);
  });

  it.each<[string, Script]>([
    ['refuses version 5', { connack: ({ protocolVersion }) => (protocolVersion === 5 ? { reasonCode: 132 } : {}) }],
    ['hangs up on version 5', { connack: ({ protocolVersion }) => (protocolVersion === 5 ? 'hang up' : {}) }],
  ])('speaks 3.1.1 to a broker that %s', async (_, script) => {
    const broker = await brokerOf(script);
    const { link } = open([broker.url]);
    await until(() => link.up);
    expect(broker.connects.map(({ protocolVersion }) => protocolVersion)).toEqual([5, 4]);
    await send(link);
  });

  it('tries the brokers in their order', async () => {
    const [second, third] = [await brokerOf(), await brokerOf()];
    const { link } = open(['mqtt://127.0.0.1:1', second.url, third.url]);
    await until(() => link.up);
    expect([second.connects.length, third.connects.length]).toEqual([1, 0]);
    await second.close();
    await until(() => third.connects.length === 1);
  });

  it('finds a broker that hangs', async () => {
    const broker = await brokerOf({ pings: false });
    const opened = open([broker.url], { keepaliveS: 1 });
    await until(() => opened.ups === 1);
    await until(() => opened.downs.length === 1, 4_000);
  });

  it('does not wait for ever for the answer to its subscription', async () => {
    const broker = await brokerOf({ subscriptions: false });
    const opened = open([broker.url]);
    await until(() => opened.downs.length === 1, 15_000);
    expect(opened).toMatchObject({ ups: 0, downs: ['the broker did not answer the subscription'] });
    await until(() => broker.connects.length === 2);
  });

  it('goes to the slow lane at once when it is not let in', async () => {
    const broker = await brokerOf({ connack: () => ({ reasonCode: 135, returnCode: 5 }) });
    const { notices } = open([broker.url]);
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect(broker.connects).toHaveLength(1);
    expect(notices.map(({ notice }) => notice)).toEqual(['refused']);
  });

  it('tells its secrets to the broker and to no log or notice', async () => {
    const broker = await brokerOf({ connack: () => ({ reasonCode: 134, returnCode: 4 }) });
    const folder = mkdtempSync(join(tmpdir(), 'secret-'));
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, 'canary-in-file\n', { mode: 0o600 });
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const notices: LinkNotice[] = [];
    const link = mqttLink(
      { brokers: [broker.url.replace('//', '//someone:canary-in-url@')], clientId: 'gw', passwordFile, backOff: QUICK },
      {
        clock: systemClock,
        random: Math.random,
        log: pino({ level: 'trace' }, { write }),
        onNotice: (n) => notices.push(n),
      },
    )({ will: { topic: 'w', payload: bytes(1) }, subscribe: [] }, { onUp() {}, onDown() {}, onMessage() {} });
    closing.push(() => link.close());
    await until(() => notices.length > 0);
    expect(broker.connects[0]).toMatchObject({ username: 'someone', password: Buffer.from('canary-in-file') });
    expect(lines.length).toBeGreaterThan(0);
    expect(`${lines.join()} ${JSON.stringify(notices)}`).not.toContain('canary');
    rmSync(folder, { recursive: true });
  });

  it('calls back for every one of 70,000 messages on one connection', async () => {
    const broker = await brokerOf();
    const { link } = open([broker.url]);
    await until(() => link.up);
    let done = 0;
    for (let n = 0; n < 700; n++) {
      await Promise.all(Array.from({ length: 100 }, () => send(link).then(() => done++)));
    }
    expect(done).toBe(70_000);
  }, 60_000);
});

describe('the outbox over a bad link', () => {
  it.each<[string, Script]>([
    ['is refused', { onPublish: (publish, peer) => puback(peer, publish, publish.topic.includes('poison') ? 135 : 0) }],
    [
      'breaks the link each time',
      {
        onPublish: (publish, peer) =>
          publish.topic.includes('poison') ? peer.socket.destroy() : puback(peer, publish),
      },
    ],
    [
      'is never acknowledged',
      { onPublish: (publish, peer) => void (publish.topic.includes('poison') || puback(peer, publish)) },
    ],
  ])('buries a message that %s, and the rest flows', async (_, script) => {
    const broker = await brokerOf(script);
    const outbox = openStore(':memory:');
    const dead: number[] = [];
    const settings = { gateway: 'gw', delivery: 'puback', publishDeadlineMs: 100 } as const;
    const made = startGateway(broker.url, outbox, settings, {}, { onDead: ({ sequence }) => dead.push(sequence) });
    closing.push(() => made.stop());
    await outbox.append([alertOf(1), { ...alertOf(2), grid: 'poison' }, alertOf(3), alertOf(12)]);
    await until(() => dead.length === 1, 15_000);
    await until(async () => (await outbox.depth()).alerts === 0);
    expect(dead).toEqual([2]);
    expect((await outbox.depth()).dead).toBe(1);
  });

  it('lays aside at most a few while a broker breaks at whatever it is sent, and delivers the rest', async () => {
    let broken = 12;
    const broker = await brokerOf({
      onPublish: (publish, peer) => {
        if (publish.topic.includes('alert') && broken-- > 0) peer.socket.destroy();
        else puback(peer, publish);
      },
    });
    const outbox = openStore(':memory:');
    const made = startGateway(broker.url, outbox, { gateway: 'gw', delivery: 'puback' });
    closing.push(() => made.stop());
    await outbox.append(Array.from({ length: 10 }, (_, n) => alertOf(n)));
    await until(async () => (await outbox.depth()).alerts === 0, 15_000);
    expect((await outbox.depth()).dead).toBeLessThanOrEqual(3);
  });
});

describe('back-off', () => {
  it('spreads a thousand gateways', () => {
    const delays = Array.from({ length: 1_000 }, (_, n) => retryDelayMs(7, false, () => n / 1_000, BACK_OFF));
    expect(Math.max(...delays)).toBeGreaterThan(60_000);
    const perSecond = new Map<number, number>();
    for (const ms of delays) perSecond.set(Math.floor(ms / 1_000), (perSecond.get(Math.floor(ms / 1_000)) ?? 0) + 1);
    expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(10);
  });

  it('is bounded, and slow at once for what does not heal', () => {
    expect(retryDelayMs(1_000, false, () => 0.999, BACK_OFF)).toBeLessThanOrEqual(300_000);
    expect(retryDelayMs(0, true, () => 0, BACK_OFF)).toBe(450_000);
    expect(causeOf({ code: 'CERT_HAS_EXPIRED' }).permanent).toBe(true);
    expect(causeOf({ code: 'ECONNREFUSED' }).permanent).toBe(false);
    expect(causeOf({ code: 142 }).permanent).toBe(true);
  });
});
