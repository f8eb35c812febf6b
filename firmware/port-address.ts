/** A port as the site file and the command line write it, read and written. */
import type { LineSettings } from './port.ts';

/** What RS-485 meters of DL/T 645-2007 come with; Modbus meters mostly want `baud=9600`. */
const DEFAULTS = { baud: 2400, parity: 'even', stopBits: 1 } as const;

/**
 * Reads `/dev/ttyS1?baud=2400&parity=even&stop=1` or `tcp://host:port?baud=2400&parity=even`. Eight data bits always.
 * Behind `tcp://` stands a converter with a line of its own: baud, parity and stop bits only say how long bytes take there.
 * @returns the settings, or in one line what is wrong and what was expected
 */
export function parsePortAddress(text: string): LineSettings | { problem: string } {
  const [address = '', query = ''] = splitOnce(text.trim(), '?');
  const target = address.includes('://') ? parseTcp(address) : parseTty(address);
  if ('problem' in target) return target;
  // Behind Modbus TCP there is no line: bytes take no time worth counting.
  const settings: LineSettings = { target, ...DEFAULTS, ...(target.kind === 'modbus-tcp' && { baud: 921_600 }) };
  for (const pair of query === '' ? [] : query.split('&')) {
    const [key = '', value = ''] = splitOnce(pair, '=');
    const problem = setLine(settings, key, value);
    if (problem !== undefined) return { problem: `${text}: ${problem}` };
  }
  return settings;
}

/** The address that `parsePortAddress` reads back as the same settings. */
export function formatPortAddress(settings: LineSettings): string {
  const { target, baud, parity, stopBits } = settings;
  return `${formatTarget(target)}?baud=${baud}&parity=${parity}&stop=${stopBits}`;
}

/** The port without its settings: what stands in logs, and what makes two entries the same port. */
export function formatTarget(target: LineSettings['target']): string {
  if (target.kind === 'tty') return target.path;
  return `${target.kind}://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
}

type Target = LineSettings['target'] | { problem: string };

function parseTcp(address: string): Target {
  const match = /^(tcp|modbus-tcp):\/\/(\[([0-9a-fA-F:.]+)\]|[^:/[\]]+):(\d{1,5})\/?$/.exec(address);
  const port = Number(match?.[4]);
  if (!match || port < 1 || port > 65_535)
    return { problem: `${address}: expected tcp://host:port or modbus-tcp://host:port` };
  return { kind: match[1] === 'tcp' ? 'tcp' : 'modbus-tcp', host: match[3] ?? match[2] ?? '', port };
}

function parseTty(path: string): Target {
  if (path === '' || /\s/.test(path))
    return { problem: `"${path}": expected a port such as /dev/ttyS1 or tcp://host:port` };
  return { kind: 'tty', path };
}

function setLine(settings: LineSettings, key: string, value: string): string | undefined {
  switch (key) {
    case 'baud': {
      const baud = Number(value);
      if (!Number.isInteger(baud) || baud < 300 || baud > 921_600) return `baud=${value}: expected 300 to 921600`;
      settings.baud = baud;
      return undefined;
    }
    case 'parity':
      if (value !== 'none' && value !== 'even' && value !== 'odd') return `parity=${value}: expected none, even or odd`;
      settings.parity = value;
      return undefined;
    case 'stop':
      if (value !== '1' && value !== '2') return `stop=${value}: expected 1 or 2`;
      settings.stopBits = value === '1' ? 1 : 2;
      return undefined;
    default:
      return `${key}: unknown setting, expected baud, parity or stop`;
  }
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
