import { describe, expect, it } from 'vitest';
import { formatPortAddress, parsePortAddress } from '../../firmware/port-address.ts';

describe('port address', () => {
  it.each([
    ['/dev/ttyS1', '/dev/ttyS1?baud=2400&parity=even&stop=1'],
    [
      '/dev/serial/by-id/usb-FTDI?baud=9600&parity=none&stop=2',
      '/dev/serial/by-id/usb-FTDI?baud=9600&parity=none&stop=2',
    ],
    ['tcp://10.0.0.7:8899', 'tcp://10.0.0.7:8899?baud=2400&parity=even&stop=1'],
    ['tcp://[::1]:8899?parity=odd', 'tcp://[::1]:8899?baud=2400&parity=odd&stop=1'],
  ])('reads %s and writes it in full', (text, full) => {
    const settings = parsePortAddress(text);
    if ('problem' in settings) throw new Error(settings.problem);
    expect(formatPortAddress(settings)).toBe(full);
    expect(parsePortAddress(full)).toEqual(settings);
  });

  it.each([
    ['/dev/ttyS1?baud=fast', /baud=fast: expected 300 to 921600/],
    ['/dev/ttyS1?parity=both', /expected none, even or odd/],
    ['/dev/ttyS1?stop=3', /expected 1 or 2/],
    ['/dev/ttyS1?speed=9600', /speed: unknown setting/],
    ['tcp://host', /expected tcp:\/\/host:port/],
    ['tcp://host:99999', /expected tcp:\/\/host:port/],
    ['udp://host:1', /expected tcp:\/\/host:port/],
    ['', /expected a port/],
  ])('says in one line what is wrong with %s', (text, problem) => {
    const settings = parsePortAddress(text);
    expect('problem' in settings && settings.problem).toMatch(problem);
    expect('problem' in settings && settings.problem).not.toContain('\n');
  });
});
