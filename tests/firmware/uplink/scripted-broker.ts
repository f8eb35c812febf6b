/** A broker that does as it is told: the faults of real ones, one at a time. Speaks MQTT through `mqtt-packet`. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import packets, { type IConnackPacket, type IConnectPacket, type IPublishPacket, type Packet } from 'mqtt-packet';

export interface Peer {
  socket: Socket;
  version: 4 | 5;
  send(packet: Packet): void;
}

export interface Script {
  /** The answer to CONNECT; undefined: none. By default it is accepted. */
  connack?(connect: IConnectPacket): Partial<IConnackPacket> | 'hang up' | undefined;
  /** By default PUBACK at once. */
  onPublish?(publish: IPublishPacket, peer: Peer): void;
  /** False: SUBSCRIBE stays without an answer. */
  subscriptions?: boolean;
  /** False: PINGREQ stays without an answer. */
  pings?: boolean;
}

export interface ScriptedBroker {
  url: string;
  connects: IConnectPacket[];
  published: IPublishPacket[];
  close(): Promise<void>;
}

export async function scriptedBroker(script: Script = {}): Promise<ScriptedBroker> {
  const sockets = new Set<Socket>();
  const connects: IConnectPacket[] = [];
  const published: IPublishPacket[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const parser = packets.parser();
    const peer: Peer = {
      socket,
      version: 5,
      send: (packet) => void socket.write(packets.generate(packet, { protocolVersion: peer.version })),
    };
    parser.on('packet', (packet: Packet) => answer(packet, peer));
    parser.on('error', () => socket.destroy());
    socket.on('data', (bytes) => parser.parse(bytes));
  });

  function answer(packet: Packet, peer: Peer): void {
    switch (packet.cmd) {
      case 'connect': {
        connects.push(packet);
        peer.version = packet.protocolVersion === 5 ? 5 : 4;
        const said = script.connack === undefined ? {} : script.connack(packet);
        if (said === 'hang up') peer.socket.destroy();
        else if (said !== undefined) {
          peer.send({ cmd: 'connack', sessionPresent: false, returnCode: 0, reasonCode: 0, ...said });
        }
        return;
      }
      case 'subscribe':
        if (script.subscriptions === false) return;
        peer.send({
          cmd: 'suback',
          messageId: packet.messageId ?? 0,
          granted: packet.subscriptions.map(() => 1),
        });
        return;
      case 'publish':
        published.push(packet);
        if (script.onPublish === undefined) puback(peer, packet);
        else script.onPublish(packet, peer);
        return;
      case 'pingreq':
        if (script.pings !== false) peer.send({ cmd: 'pingresp' });
        return;
      case 'disconnect':
        peer.socket.end();
        return;
      default:
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connects,
    published,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

export function puback(peer: Peer, { messageId }: IPublishPacket, reasonCode = 0): void {
  peer.send({ cmd: 'puback', messageId: messageId ?? 0, ...(peer.version === 5 && { reasonCode }) });
}
