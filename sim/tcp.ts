/** A line behind an RS-485-to-Ethernet converter: raw bytes on a TCP port, every client hears the line. */
import { createServer, type Server, type Socket } from 'node:net';
import type { SimPort } from './sim-port.ts';

/** A client that does not read is dropped at this many unread bytes. */
const UNREAD_MAX_BYTES = 65_536;

/** @param port 0 takes a free one, which is then kept across unplugging */
export async function openTcp(
  onBytes: (bytes: Uint8Array) => void,
  options: { host?: string; port?: number } = {},
): Promise<SimPort> {
  const host = options.host ?? '127.0.0.1';
  const clients = new Set<Socket>();
  const accept = (socket: Socket): void => {
    clients.add(socket);
    socket.setNoDelay(true);
    socket.on('data', onBytes);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => clients.delete(socket));
  };
  let server: Server | undefined = await listen(accept, host, options.port ?? 0);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const unplug = async (): Promise<void> => {
    for (const client of clients) client.destroy();
    const closing = server;
    server = undefined;
    if (closing !== undefined) await new Promise<void>((resolve) => closing.close(() => resolve()));
  };
  return {
    url: `tcp://${host}:${port}`,
    write(bytes) {
      for (const client of clients) {
        if (client.writableLength > UNREAD_MAX_BYTES) client.destroy();
        else client.write(bytes);
      }
    },
    masterBaud: () => undefined,
    unplug,
    async plug() {
      server ??= await listen(accept, host, port);
    },
    close: unplug,
  };
}

function listen(accept: (socket: Socket) => void, host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(accept);
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve(server);
    });
  });
}
