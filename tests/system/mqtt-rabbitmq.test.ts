import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../firmware/store/store.ts';
import { listenAsPlatform } from '../../firmware/uplink/platform.ts';
import { alertOf } from '../firmware/store/alerts.ts';
import { type Gateway, startGateway, until } from '../firmware/uplink/rig.ts';
import { type Cluster, hasRabbitmq, startCluster } from './rabbitmq.ts';

const GATEWAYS = 200;
const ALERTS = 20;
const METERS = 4;

describe.skipIf(!hasRabbitmq)('a RabbitMQ cluster of three (needs rabbitmq-server)', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
  }, 240_000);
  afterAll(() => cluster?.close(), 30_000);

  it('loses nothing and keeps each meter’s order when one node dies while 200 gateways publish', async () => {
    const heard = new Map<string, number[]>();
    const platform = await listenAsPlatform(
      {
        broker: cluster.urls[0] ?? '',
        connection: { servers: cluster.ports.map((port) => ({ host: '127.0.0.1', port, protocol: 'mqtt' })) },
      },
      {
        onMessage(gateway, message) {
          if (message.type !== 'alert') return;
          const key = `${gateway}/${message.alert.meter}`;
          heard.set(key, [...(heard.get(key) ?? []), Number.parseInt(message.alert.id, 16)]);
        },
      },
    );
    const gateways = Array.from({ length: GATEWAYS }, (_, n): Gateway & { outbox: ReturnType<typeof openStore> } => {
      const outbox = openStore(':memory:');
      // Each begins with another node, and knows all three.
      const brokers = cluster.urls.map((_url, i) => cluster.urls[(n + i) % cluster.urls.length] ?? '');
      const backOff = { firstMs: 200, maxMs: 2_000, slowMs: 5_000 };
      const settings = { gateway: `gw-${n}`, receiptDeadlineMs: 2_000 };
      return { ...startGateway('', outbox, settings, { brokers, backOff, keepaliveS: 5 }), outbox };
    });
    for (let n = 0; n < ALERTS; n++) {
      for (const { outbox } of gateways) await outbox.append([alertOf(n, `meter-${n % METERS}`)]);
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (n === ALERTS / 2) await cluster.kill(2);
    }
    const waiting = async () => {
      const depths = await Promise.all(gateways.map(({ outbox }) => outbox.depth()));
      return depths.reduce((sum, { alerts }) => sum + alerts, 0);
    };
    await until(async () => (await waiting()) === 0, 120_000);
    const numbers = [...heard.values()];
    expect(numbers.flat()).toHaveLength(GATEWAYS * ALERTS);
    expect(numbers.every((list) => list.every((n, i) => i === 0 || n > (list[i - 1] ?? 0)))).toBe(true);
    const depths = await Promise.all(gateways.map(({ outbox }) => outbox.depth()));
    expect(depths.every(({ dead }) => dead === 0)).toBe(true);
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await platform.close();
  }, 240_000);
});
