/** The demo's broker: aedes inside this process, on a free port of the loopback address. Not for anything that matters. */

import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { Failed } from './io.ts';

export interface DemoBroker {
  url: string;
  close(): Promise<void>;
}

/** @throws Failed where the development packages are not installed, as on a concentrator */
export async function startDemoBroker(): Promise<DemoBroker> {
  const { Aedes } = await import('aedes').catch(() => {
    throw new Failed(
      'the demo brings its own broker, which is not installed here: run it from a checkout after npm ci',
    );
  });
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle as (socket: Socket) => void);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `mqtt://127.0.0.1:${port}`,
    async close() {
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
