import { afterEach, describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import type { Outbox } from '../../../firmware/outbox.ts';
import { openStore } from '../../../firmware/store/store.ts';
import { listenAsPlatform, type Platform } from '../../../firmware/uplink/platform.ts';
import type { Status } from '../../../firmware/uplink/wire.ts';
import { alertOf } from '../store/alerts.ts';
import { type Broker, type Gateway, startBroker, startGateway, until } from './rig.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Heard {
  platform: Platform;
  alerts: Alert[];
  flags: (readonly string[])[];
  statuses: Status[];
}

async function hear(url: string, receipts = true): Promise<Heard> {
  const heard: Omit<Heard, 'platform'> = { alerts: [], flags: [], statuses: [] };
  const platform = await listenAsPlatform(
    { broker: url, receipts },
    {
      onMessage(_gateway, message) {
        if (message.type === 'status') heard.statuses.push(message.status);
        if (message.type !== 'alert') return;
        heard.alerts.push(message.alert);
        heard.flags.push(message.flags);
      },
      onProblem: (topic, problem) => expect.fail(`${topic}: ${problem}`),
    },
  );
  closing.push(() => platform.close());
  return { platform, ...heard };
}

async function rig(): Promise<{ broker: Broker; outbox: Outbox }> {
  const broker = await startBroker();
  const outbox = openStore(':memory:');
  closing.push(() => broker.stop());
  closing.push(() => outbox.close());
  return { broker, outbox };
}

function gateway(...args: Parameters<typeof startGateway>): Gateway {
  const made = startGateway(...args);
  closing.push(() => made.stop());
  return made;
}

describe('the uplink over a broker', () => {
  it('delivers each alert exactly as it was decided, and forgets it on the receipt only', async () => {
    const { broker, outbox } = await rig();
    const silent = await hear(broker.url, false);
    gateway(broker.url, outbox);
    const sent = Array.from({ length: 50 }, (_, n) => alertOf(n));
    await outbox.append(sent);
    await until(() => silent.alerts.length >= 10);
    expect((await outbox.depth()).alerts).toBe(50);
    const heard = await hear(broker.url);
    await until(async () => (await outbox.depth()).alerts === 0);
    const byId = (alerts: Alert[]) => alerts.toSorted((a, b) => a.id.localeCompare(b.id));
    expect(byId(heard.alerts)).toEqual(byId(sent));
  });

  it('marks what was stored before the link came up, and keeps the order of each meter', async () => {
    const { broker, outbox } = await rig();
    const heard = await hear(broker.url);
    await outbox.append(Array.from({ length: 300 }, (_, n) => alertOf(n)));
    gateway(broker.url, outbox);
    await until(() => heard.alerts.length > 0);
    await outbox.append(Array.from({ length: 20 }, (_, n) => alertOf(300 + n)));
    await until(() => heard.alerts.length === 320);
    heard.alerts.forEach((alert, n) => {
      expect(heard.flags[n]?.includes('replayed')).toBe(Number.parseInt(alert.id, 16) < 300);
    });
    for (let meter = 0; meter < 10; meter++) {
      const ids = heard.alerts.filter((alert) => Number(alert.meter) === meter).map((alert) => alert.id);
      expect(ids).toEqual(ids.toSorted());
    }
  });

  it('loses nothing when the broker is away for a while', async () => {
    const { broker, outbox } = await rig();
    const { port } = broker;
    gateway(broker.url, outbox);
    const first = await hear(broker.url);
    await outbox.append([alertOf(1)]);
    await until(() => first.alerts.length === 1);
    await broker.stop();
    await outbox.append([alertOf(2), alertOf(3)]);
    const again = await startBroker(port);
    closing.push(() => again.stop());
    await until(() => first.alerts.length === 3);
    expect(first.alerts.map((alert) => alert.id)).toEqual([1, 2, 3].map((n) => alertOf(n).id));
    await until(async () => (await outbox.depth()).alerts === 0);
  });

  it('says that it is there, why it started, and that it went', async () => {
    const { broker, outbox } = await rig();
    const made = gateway(broker.url, outbox, { restartReason: 'power lost', firmwareVersion: '1.2.3', meters: 7 });
    await until(() => made.uplink.up);
    const heard = await hear(broker.url);
    await until(() => heard.statuses.length === 1);
    expect(heard.statuses[0]).toMatchObject({
      state: 'online',
      reason: 'power lost',
      version: '1.2.3',
      meters: 7,
      boots: 1,
    });
    await made.stop();
    await until(() => heard.statuses.length === 2);
    expect(heard.statuses[1]).toMatchObject({ state: 'offline', reason: 'stopped' });
  });

  it('leaves a last will when it is killed', async () => {
    const { broker, outbox } = await rig();
    const heard = await hear(broker.url);
    const made = gateway(broker.url, outbox);
    await until(() => made.uplink.up && heard.statuses.length > 0);
    broker.cut();
    await until(() => heard.statuses.some(({ state, reason }) => state === 'offline' && reason === 'connection lost'));
  });

  it('deletes on PUBACK where the platform sends no receipts and the site says so', async () => {
    const { broker, outbox } = await rig();
    const heard = await hear(broker.url, false);
    gateway(broker.url, outbox, { delivery: 'puback', format: 'json' });
    await outbox.append([alertOf(1), alertOf(2)]);
    await until(async () => (await outbox.depth()).alerts === 0);
    await until(() => heard.alerts.length === 2);
  });
});
