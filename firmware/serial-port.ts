/**
 * A real serial port, as the `serialport` package really behaves: an unplug goes unnoticed in a process whose event
 * loop has no other timer, or on a port that nobody listens to; a write on a blocked line never calls back.
 */
import { SerialPort } from 'serialport';
import type { OpenPort, Port } from './port.ts';

const OPEN_DEADLINE_MS = 5_000;
const CLOSE_DEADLINE_MS = 1_000;
/** Wakes the event loop so that the binding's poller sees a port that went away. */
const TICK_MS = 50;

/** Opens within 5 s or rejects, locked against a second owner. The path is never looked up in a list of ports. */
export const openSerialPort: OpenPort = (settings, events) => {
  const { target } = settings;
  if (target.kind !== 'tty') return Promise.reject(new TypeError('a TCP port is not a serial port'));
  const port = new SerialPort({
    path: target.path,
    baudRate: settings.baud,
    parity: settings.parity,
    dataBits: 8,
    stopBits: settings.stopBits,
    autoOpen: false,
    lock: true,
  });
  let lost = false;
  let tick: NodeJS.Timeout | undefined;
  const lose = (reason: string) => {
    if (lost) return;
    lost = true;
    clearInterval(tick);
    events.onLost(reason);
  };
  port.on('data', (bytes: Uint8Array) => events.onBytes(bytes));
  port.on('error', (error) => lose(error.message));
  port.on('close', (error?: Error | null) => lose(error?.message ?? 'closed'));
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(new Error('the port did not open within 5 s'));
    }, OPEN_DEADLINE_MS);
    port.open((error) => {
      clearTimeout(timer);
      if (error) return reject(error);
      if (late) return port.close();
      tick = setInterval(() => {}, TICK_MS);
      resolve(handle(port, lose));
    });
  });
};

function handle(port: SerialPort, lose: (reason: string) => void): Port {
  return {
    write: (bytes, deadlineMs) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`write not done within ${deadlineMs} ms`)), deadlineMs);
        // No `drain`: it blocks a thread of libuv's pool of four for the wire time, and sixteen ports would stall
        // the disk. The bus counts the wire time itself.
        port.write(bytes, (error) => {
          clearTimeout(timer);
          if (error) reject(error);
          else resolve();
        });
      }),
    close: () =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          lose('closed');
          resolve();
        };
        const timer = setTimeout(done, CLOSE_DEADLINE_MS);
        if (port.isOpen) port.close(done);
        else done();
      }),
  };
}
