/** The ports of this machine: a tty through `serialport`, raw TCP to a converter, or Modbus TCP to a meter. */
import type { OpenPort } from './port.ts';

/** Each is loaded when the first such port is opened: a gateway mostly has one kind, and every package costs memory. */
const OPENERS = {
  tty: async () => (await import('./serial-port.ts')).openSerialPort,
  tcp: async () => (await import('./tcp-port.ts')).openTcpPort,
  'modbus-tcp': async () => (await import('./modbus-tcp-port.ts')).openModbusTcpPort,
} as const satisfies Record<string, () => Promise<OpenPort>>;

export const openPort: OpenPort = async (settings, events) => (await OPENERS[settings.target.kind]())(settings, events);
