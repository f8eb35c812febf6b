/** The ports of this machine: a tty through `serialport`, or raw TCP to an RS-485-to-Ethernet converter. */
import type { OpenPort } from './port.ts';
import { openSerialPort } from './serial-port.ts';
import { openTcpPort } from './tcp-port.ts';

export const openPort: OpenPort = (settings, events) =>
  settings.target.kind === 'tty' ? openSerialPort(settings, events) : openTcpPort(settings, events);
