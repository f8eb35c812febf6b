import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import mqtt from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decode } from '../../deploy/platform/decoder.js';
import { jsonSchemas } from '../../deploy/platform/json-schema.ts';
import { systemClock } from '../../firmware/clock.ts';
import { openDesk } from '../../firmware/commands/desk.ts';
import { silentLog } from '../../firmware/log.ts';
import type { Outbox } from '../../firmware/outbox.ts';
import { openStoreWorker } from '../../firmware/store/worker.ts';
import { listenAsPlatform } from '../../firmware/uplink/platform.ts';
import { alertOf } from '../firmware/store/alerts.ts';
import { startGateway, until } from '../firmware/uplink/rig.ts';
import { MOSQUITTO, type Mosquitto, startMosquitto } from './mosquitto.ts';

describe.skipIf(MOSQUITTO === undefined)('the way to the platform over a bad broker (needs mosquitto)', () => {
  let folder: string;
  let broker: Mosquitto;
  let outbox: Outbox;
  const closing: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'outage-'));
    broker = await startMosquitto();
    outbox = openStoreWorker(join(folder, 'store.db'));
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await outbox.close();
    await broker.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function platform(): Promise<{ ids: string[]; again(): number }> {
    const ids: string[] = [];
    const listening = await listenAsPlatform(
      {
        broker: broker.url,
        connection: { clientId: 'platform', clean: false, properties: { sessionExpiryInterval: 600 } },
      },
      {
        onMessage: (_, message) => message.type === 'alert' && ids.push(message.alert.id),
        onProblem: (topic, problem) => expect.fail(`${topic}: ${problem}`),
      },
    );
    closing.push(() => listening.close());
    return { ids, again: () => listening.counts.again };
  }

  function inOrder(ids: readonly string[]): boolean {
    const newest = new Map<number, number>();
    return ids.every((id) => {
      const n = Number.parseInt(id, 16);
      const before = newest.get(n % 10) ?? -1;
      newest.set(n % 10, n);
      return n > before;
    });
  }

  it('loses nothing, doubles nothing and keeps each meter’s order while the broker is killed under load', async () => {
    const heard = await platform();
    const made = startGateway(broker.url, outbox, { receiptDeadlineMs: 1_000 }, { keepaliveS: 2 });
    closing.push(() => made.stop());
    const total = 1_500;
    const load = (async () => {
      for (let n = 0; n < total; n += 5) {
        await outbox.append(Array.from({ length: 5 }, (_, i) => alertOf(n + i)));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    for (let kills = 0; kills < 5; kills++) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      await broker.kill();
      await new Promise((resolve) => setTimeout(resolve, 200));
      await broker.start();
    }
    await load;
    await until(async () => (await outbox.depth()).alerts === 0, 60_000);
    expect(new Set(heard.ids).size).toBe(total);
    expect(heard.ids).toHaveLength(total);
    expect(inOrder(heard.ids)).toBe(true);
  }, 90_000);

  it('gets over a broker that stops answering without closing', async () => {
    const heard = await platform();
    const made = startGateway(
      broker.url,
      outbox,
      { publishDeadlineMs: 1_000 },
      { keepaliveS: 1, connectTimeoutMs: 1_000 },
    );
    closing.push(() => made.stop());
    await outbox.append([alertOf(1)]);
    await until(() => heard.ids.length === 1);
    broker.signal('SIGSTOP');
    await outbox.append([alertOf(2), alertOf(3)]);
    await until(() => made.uplink.downReason !== undefined, 5_000);
    broker.signal('SIGCONT');
    await until(() => heard.ids.length === 3, 15_000);
    expect((await outbox.depth()).dead).toBe(0);
  }, 30_000);

  it('sends nothing that is not in the contract: every message of a day with people in it fits its schema', async () => {
    const ajv = new Ajv2020({ allowUnionTypes: true });
    const schemas = Object.entries(jsonSchemas()).map(([name, schema]) => [name, ajv.compile(schema)] as const);
    const seen = new Map<string, number>();
    const spy = await mqtt.connectAsync(broker.url, { protocolVersion: 5 });
    closing.push(() => spy.endAsync());
    const problems: string[] = [];
    spy.on('message', (topic, payload) => {
      const { type, ...message } = decode(topic, payload);
      const check = schemas.find(([name]) => name === type)?.[1];
      if (check?.({ v: 1, ...message }) !== true) problems.push(`${topic}: ${ajv.errorsText(check?.errors)}`);
      seen.set(type, (seen.get(type) ?? 0) + 1);
    });
    await spy.subscribeAsync('gw/1/#', { qos: 1 });
    await platform();
    const stop = new AbortController();
    closing.push(async () => stop.abort());
    const routes = { 'tj-cn-0412': { power: [{ name: 'Li' }], community: [{ name: 'Chen' }] } };
    const parts = { outbox, clock: systemClock, log: silentLog, signal: stop.signal };
    const desk = await openDesk({ settings: { gateway: 'gw-1', routes }, ...parts });
    const made = startGateway(broker.url, outbox);
    closing.push(() => made.stop());
    await desk.outbox.append([alertOf(1), alertOf(2)]);
    await desk.acknowledge(alertOf(1).id, 'Li', 'on my way');
    await desk.result(alertOf(1).id, 'Li', { result: 'confirmed', reason: '电动自行车在走廊充电' });
    await outbox.commit({
      messages: [
        { type: 'result', result: { id: 'c1', op: 'read-now', at: 1, status: 'done', data: { voltageV: [230.1] } } },
        { type: 'summary', summary: { cell: 'tj-cn-0412', from: 1, to: 2, meters: 12, energyWh: 3.5, maxPowerW: 9 } },
      ],
    });
    await until(async () => (await outbox.depth()).alerts === 0);
    expect(problems).toEqual([]);
    expect([...seen.keys()].toSorted()).toEqual(['alert', 'receipt', 'result', 'status', 'step', 'summary']);
    expect(seen.get('step')).toBeGreaterThanOrEqual(4);
  });
});
