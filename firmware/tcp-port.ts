/** A line behind an RS-485-to-Ethernet converter: the bytes of the bus, raw, over TCP. */
import { connect } from 'node:net';
import type { LineSettings, OpenPort, Port } from './port.ts';

const CONNECT_DEADLINE_MS = 5_000;
/** A converter that lost its power says nothing: the kernel has to ask. */
const KEEP_ALIVE_MS = 5_000;
/** More than a converter sends at once; what is longer comes in parts. */
const CHUNK_BYTES = 4_096;

/** Connects within 5 s or rejects. */
export const openTcpPort: OpenPort = (settings, events) => {
  const { target } = settings;
  if (target.kind !== 'tcp') return Promise.reject(new TypeError('not a raw TCP port'));
  return openSocket(target, events);
};

function openSocket(
  target: Extract<LineSettings['target'], { kind: 'tcp' }>,
  events: Parameters<OpenPort>[1],
): Promise<Port> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: target.host,
      port: target.port,
      noDelay: true,
      // Into one buffer of the port's own: a stream would take 64 kB for every dozen bytes, and twice the time.
      onread: {
        buffer: new Uint8Array(CHUNK_BYTES),
        callback(length, buffer) {
          events.onBytes(buffer.slice(0, length));
          return true;
        },
      },
    });
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    let reason = 'connection closed by the other side';
    let open = false;
    const timer = setTimeout(() => socket.destroy(new Error('no connection within 5 s')), CONNECT_DEADLINE_MS);
    socket.on('error', (error) => {
      reason = error.message;
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      open = true;
      resolve({
        write,
        close() {
          reason = 'closed';
          socket.destroy();
          return Promise.resolve();
        },
      });
    });
    socket.once('close', () => {
      clearTimeout(timer);
      if (open) events.onLost(reason);
      else reject(new Error(reason));
    });

    function write(bytes: Uint8Array, deadlineMs: number): Promise<void> | undefined {
      const leaving = Promise.withResolvers<void>();
      let limit: NodeJS.Timeout | undefined;
      socket.write(bytes, (error) => {
        clearTimeout(limit);
        if (error) leaving.reject(error);
        else leaving.resolve();
      });
      // Nothing is left over: a deadline for each request would cost more than the request.
      if (socket.writableLength === 0 && !socket.destroyed) {
        // What goes wrong after all is told by the socket's own events.
        leaving.promise.catch(() => {});
        return undefined;
      }
      limit = setTimeout(() => leaving.reject(new Error(`write not done within ${deadlineMs} ms`)), deadlineMs);
      return leaving.promise;
    }
  });
}
