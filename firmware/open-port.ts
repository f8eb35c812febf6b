/** The ports of this machine: a tty through `serialport`, raw TCP to a converter, or Modbus TCP to a meter. */
import { openModbusTcpPort } from './modbus-tcp-port.ts';
import type { OpenPort } from './port.ts';
import { openSerialPort } from './serial-port.ts';
import { openTcpPort } from './tcp-port.ts';

const OPENERS = { tty: openSerialPort, tcp: openTcpPort, 'modbus-tcp': openModbusTcpPort } as const satisfies Record<
  string,
  OpenPort
>;

export const openPort: OpenPort = (settings, events) => OPENERS[settings.target.kind](settings, events);
