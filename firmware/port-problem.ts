/** Why a serial port did not open, in one line that says what was expected and, where it is not there, what is. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the `serialport` package says, and what it means to a person; its own words where none fits. */
const MEANINGS: readonly { says: RegExp; means: (devices: string) => string }[] = [
  { says: /No such file|No such device/, means: (devices) => `no such port: ${whatThereIs(serialPorts(devices))}` },
  {
    says: /Inappropriate ioctl|Is a directory|Not a tty/i,
    means: () => 'not a serial port: expected a tty such as /dev/ttyUSB0, or tcp://host:port',
  },
  { says: /Cannot lock port/, means: () => 'another program has this port: expected one that nobody else has open' },
  {
    says: /Permission denied/,
    means: () => 'no permission: expected a user who may open it (group dialout, or root)',
  },
  { says: /Input\/output error/, means: () => 'no hardware behind this port: expected one that is plugged in' },
];

/** Names under /dev that serial adapters and UARTs have. */
const ADAPTER = /^tty(USB|ACM|XRUSB)\d+$/;
const UART = /^tty(S|AMA|mxc|O|STM|PS|SC|SAC|THS|HS|FIQ)\d+$/;
const NAMED_MAX = 6;

/** @param devices where the machine's devices are; /dev but for a test */
export function portProblem(error: unknown, devices = '/dev'): Error {
  const text = error instanceof Error ? error.message : String(error);
  const meaning = MEANINGS.find(({ says }) => says.test(text));
  return new Error(meaning?.means(devices) ?? text.replace(/^Error:? /, ''), { cause: error });
}

/**
 * The serial ports of this machine: adapters by where they are plugged in, by their number only where that is not
 * known, then built-in UARTs. The directory is read and no port is touched.
 */
export function serialPorts(devices = '/dev'): string[] {
  const names = namesIn(devices);
  const byPath = namesIn(join(devices, 'serial/by-path')).map((name) => join(devices, 'serial/by-path', name));
  const adapters = byPath.length > 0 ? byPath : names.filter((name) => ADAPTER.test(name)).map(under(devices));
  return [...adapters, ...names.filter((name) => UART.test(name) && hasHardware(name)).map(under(devices))];
}

function whatThereIs(ports: readonly string[]): string {
  if (ports.length === 0) return 'expected a serial port, and this machine shows none: is the adapter plugged in?';
  return `expected one of ${ports.slice(0, NAMED_MAX).join(', ')}${ports.length > NAMED_MAX ? ' …' : ''}`;
}

const under = (directory: string) => (name: string) => join(directory, name);

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  } catch {
    return [];
  }
}

/** Linux shows ttyS0 to ttyS31 whatever is built in; those of type 0 have nothing behind them. */
function hasHardware(name: string): boolean {
  try {
    return readFileSync(`/sys/class/tty/${name}/type`, 'utf8').trim() !== '0';
  } catch {
    return true;
  }
}
