/** A time server for the machine in the test (RFC 4330), whose time can be put off. */
import { createSocket } from 'node:dgram';

export interface TimeServer {
  /** From now on it tells this much more than the right time. */
  offsetMs: number;
  close(): void;
}

const PORT = 123;
/** Seconds from 1900, where the protocol counts from, to 1970. */
const ERA_S = 2_208_988_800;

/** @throws where this machine's port is taken or not to be had */
export function startTimeServer(): Promise<TimeServer> {
  const socket = createSocket('udp4');
  const server: TimeServer = { offsetMs: 0, close: () => socket.close() };
  socket.on('message', (request, { port, address }) => {
    if (request.length >= 48) socket.send(answer(request, Date.now() + server.offsetMs), port, address);
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(PORT, '127.0.0.1', () => resolve(server));
  });
}

function answer(request: Buffer, nowMs: number): Buffer {
  const packet = Buffer.alloc(48);
  // Version 4, server; stratum 1; a microsecond.
  packet.set([0x24, 1, 6, 0xec]);
  packet.write('TEST', 12, 'latin1');
  const stamp = (at: number) => {
    packet.writeUInt32BE(Math.floor(nowMs / 1000) + ERA_S, at);
    packet.writeUInt32BE(Math.floor(((nowMs % 1000) / 1000) * 2 ** 32), at + 4);
  };
  stamp(16);
  request.copy(packet, 24, 40, 48);
  stamp(32);
  stamp(40);
  return packet;
}
