/** Hardware in the loop: the simulated meters answer on a real RS-485 adapter, wired A to A and B to B. */
import { SerialPort } from 'serialport';
import type { LineSettings } from './line.ts';
import type { SimPort } from './sim-port.ts';

/** The adapter keeps the baud rate itself, so the line on it must be made with `paced: false`. */
export async function openAdapter(
  onBytes: (bytes: Uint8Array) => void,
  path: string,
  settings: LineSettings,
): Promise<SimPort> {
  const { baud, parity, stopBits } = settings;
  const port = new SerialPort({ path, baudRate: baud, dataBits: 8, parity, stopBits, autoOpen: false });
  port.on('data', onBytes);
  port.on('error', () => {});
  const plug = () =>
    new Promise<void>((resolve, reject) => {
      if (port.isOpen) return resolve();
      port.open((error) => (error ? reject(error) : resolve()));
    });
  const unplug = () =>
    new Promise<void>((resolve) => {
      if (!port.isOpen) return resolve();
      port.close(() => resolve());
    });
  await plug();
  return {
    url: path,
    write(bytes) {
      if (port.isOpen) port.write(bytes);
    },
    masterBaud: () => undefined,
    unplug,
    plug,
    close: unplug,
  };
}
