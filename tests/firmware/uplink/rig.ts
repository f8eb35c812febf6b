/** What the tests of the uplink share: a broker in this process, an uplink on a store, a platform. */

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import { systemClock } from '../../../firmware/clock.ts';
import { silentLog } from '../../../firmware/log.ts';
import type { Outbox } from '../../../firmware/outbox.ts';
import type { MqttSettings } from '../../../firmware/uplink/mqtt-connect.ts';
import type { LinkNotice } from '../../../firmware/uplink/mqtt-link.ts';
import { mqttLink } from '../../../firmware/uplink/mqtt-link.ts';
import { startUplink, type Uplink, type UplinkParts, type UplinkSettings } from '../../../firmware/uplink/uplink.ts';

export interface Broker {
  port: number;
  url: string;
  /** Cuts the newest connection. */
  cut(): void;
  stop(): Promise<void>;
}

/** An aedes broker on a loopback port; the same port again after a stop. */
export async function startBroker(port = 0): Promise<Broker> {
  const aedes = await Aedes.createBroker();
  const server: Server = createServer({ noDelay: true }, aedes.handle);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  let newest: Socket | undefined;
  server.on('connection', (socket) => {
    newest = socket;
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `mqtt://127.0.0.1:${bound}`,
    cut: () => newest?.destroy(),
    stop: () =>
      new Promise((resolve) => {
        aedes.close(() => server.close(() => resolve()));
      }),
  };
}

/** Back-off for tests: quick, and the slow lane not too slow. */
export const QUICK = { firstMs: 50, maxMs: 200, slowMs: 2_000 };

export interface Gateway {
  uplink: Uplink;
  notices: LinkNotice[];
  stop(): Promise<void>;
}

/** An uplink over real MQTT. */
export function startGateway(
  url: string,
  outbox: Outbox,
  settings: Partial<UplinkSettings> = {},
  link: Partial<MqttSettings> = {},
  parts: Partial<UplinkParts> = {},
): Gateway {
  const stop = new AbortController();
  const notices: LinkNotice[] = [];
  const gateway = settings.gateway ?? 'gw-1';
  const uplink = startUplink({
    settings: { receiptDeadlineMs: 1_000, ...settings, gateway },
    outbox,
    openLink: mqttLink(
      { brokers: [url], clientId: gateway, backOff: QUICK, ...link },
      { clock: systemClock, random: Math.random, log: silentLog, onNotice: (notice) => notices.push(notice) },
    ),
    clock: systemClock,
    log: silentLog,
    signal: stop.signal,
    ...parts,
  });
  return {
    uplink,
    notices,
    async stop() {
      stop.abort();
      await uplink.closed;
    },
  };
}

/** Resolves when `done` says so. @throws after `deadlineMs` */
export async function until(done: () => boolean | Promise<boolean>, deadlineMs = 10_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await done())) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${done}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
