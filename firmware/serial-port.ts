/**
 * A real serial port, as the `serialport` package really behaves: an unplug goes unnoticed in a process whose event
 * loop has no other timer, on a port that nobody listens to, and at times for ever (a hung-up terminal reads as
 * silence); a write on a blocked line never calls back.
 *
 * `serialport` opens, sets and locks the line and keeps the lock; the bytes go through a terminal stream of Node beside
 * it. The package moves each chunk by libuv's thread pool, some ten context switches a request, at nearly twice the time.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ReadStream } from 'node:tty';
import { SerialPort } from 'serialport';
import type { OpenPort, Port } from './port.ts';
import { portProblem } from './port-problem.ts';

const OPEN_DEADLINE_MS = 5_000;
const CLOSE_DEADLINE_MS = 1_000;
/** How often the device itself is looked at: an unplug is seen within two of them even if the line says nothing. */
const LOOK_MS = 2_000;

/** A driver gives less at once; what is longer comes in parts. */
const CHUNK_BYTES = 4_096;

/** Opens within 5 s or rejects, locked against a second owner. The path is never looked up in a list of ports. */
export const openSerialPort: OpenPort = async (settings, events) => {
  const { target, baud, parity, stopBits } = settings;
  if (target.kind !== 'tty') throw new TypeError('a TCP port is not a serial port');
  const { path } = target;
  const setter = new SerialPort({ path, baudRate: baud, parity, dataBits: 8, stopBits, autoOpen: false, lock: true });
  let timer: NodeJS.Timeout | undefined;
  let lost = false;
  const lose = (reason: string) => {
    if (lost) return;
    lost = true;
    clearInterval(timer);
    events.onLost(reason);
  };
  setter.on('error', (error) => lose(error.message));
  setter.on('close', (error?: Error | null) => lose(error?.message ?? 'closed'));
  await open(setter);
  const { fd, stream } = await openStream(path, events.onBytes).catch(async (error) => {
    await close(setter, () => {});
    throw error;
  });
  stream.on('error', (error) => lose(error.message));
  stream.on('close', () => lose('closed'));
  const device = await deviceOf(path);
  const look = async () => {
    if ((await deviceOf(path)) !== device) lose(`${path} is gone`);
  };
  if (!lost) timer = setInterval(() => void look(), LOOK_MS);
  return {
    write(bytes, deadlineMs) {
      if (stream.destroyed) throw new Error('the port is closed');
      const taken = stream.writableLength === 0 ? writeAtOnce(fd, bytes) : 0;
      return taken === bytes.length ? undefined : write(stream, bytes.subarray(taken), deadlineMs);
    },
    close() {
      stream.destroy();
      return close(setter, lose);
    },
  };
};

interface Opened {
  /** The descriptor that the stream reads from and closes; nobody else may close it. */
  fd: number;
  stream: ReadStream;
}

/**
 * A second descriptor of a line that is set already: without CLOCAL, opening it would wait for a carrier. Nobody may
 * listen on the first one, or each would get half of the bytes. A `WriteStream` would block on a blocked line.
 */
async function openStream(path: string, onBytes: (bytes: Uint8Array) => void): Promise<Opened> {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  try {
    const callback = (length: number, buffer: Uint8Array) => {
      onBytes(buffer.slice(0, length));
      return true;
    };
    const stream = new ReadStream(fd, { onread: { buffer: new Uint8Array(CHUNK_BYTES), callback } });
    // libuv opens a terminal once more and closes only its own: ours would stay open, one more each time a plug comes back.
    const { fd: own = fd } = (stream as unknown as { _handle?: { fd?: number } })._handle ?? {};
    if (own !== fd) closeSync(fd);
    return { fd: own, stream: stream.resume() };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function open(port: SerialPort): Promise<void> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(new Error('the port did not open within 5 s'));
    }, OPEN_DEADLINE_MS);
    port.open((error) => {
      clearTimeout(timer);
      if (late) port.close();
      else if (error) reject(portProblem(error));
      else resolve();
    });
  });
}

/** How many of the bytes the driver has room for. A request always fits, unless the line is blocked. @throws Error */
function writeAtOnce(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

function write(stream: ReadStream, bytes: Uint8Array, deadlineMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`write not done within ${deadlineMs} ms`)), deadlineMs);
    // Done when the kernel has them: the bus counts the wire time itself.
    stream.write(bytes, (error) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve();
    });
  });
}

function close(port: SerialPort, lose: (reason: string) => void): ReturnType<Port['close']> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      lose('closed');
      resolve();
    };
    const timer = setTimeout(done, CLOSE_DEADLINE_MS);
    if (port.isOpen) port.close(done);
    else done();
  });
}

/** Which device the path names now: a plug that came back is another one. */
async function deviceOf(path: string): Promise<string | undefined> {
  try {
    const { ino, rdev, birthtimeMs } = await stat(path);
    return `${ino}:${rdev}:${birthtimeMs}`;
  } catch {
    return undefined;
  }
}
