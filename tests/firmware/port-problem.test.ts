import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { portProblem, serialPorts } from '../../firmware/port-problem.ts';
import { openSerialPort } from '../../firmware/serial-port.ts';
import { gridwarden } from '../cli/run-cli.ts';

const open = (path: string) =>
  openSerialPort(
    { target: { kind: 'tty', path }, baud: 2400, parity: 'even', stopBits: 1 },
    { onBytes() {}, onLost() {} },
  );

describe('a port that does not open', () => {
  it.each([
    ['/dev/ttyUSB99', /^no such port: expected /],
    ['/dev/null', /^not a serial port: expected a tty/],
    ['/etc/passwd', /^not a serial port: expected a tty/],
    ['/etc', /^not a serial port: expected a tty/],
  ])('says of %s what it is and what was expected', async (path, text) => {
    await expect(open(path)).rejects.toThrow(text);
  });

  it.each([
    ['Error Resource temporarily unavailable Cannot lock port', /another program has this port/],
    ['Error: Permission denied, cannot open /dev/ttyUSB0', /no permission: .*dialout/],
    ['Error: Something else, cannot open /dev/ttyUSB0', /^Something else, cannot open/],
  ])('%s', (said, text) => {
    expect(portProblem(new Error(said)).message).toMatch(text);
  });

  it.each([
    [['scan', '--port', '/dev/ttyUSB99'], /^gridwarden: \/dev\/ttyUSB99: no such port: expected [^\n]+\n$/],
    [['scan', '--port', '/etc/passwd'], /^gridwarden: \/etc\/passwd: not a serial port: expected [^\n]+\n$/],
    [['read', '--port', '/dev/null', '--meter', '000000000161', '02010100'], /^\/dev\/null: not a serial port: /m],
    [['control', '--port', '/dev/null', '--meter', '000000000161', 'freeze'], /not a serial port: /],
  ])('one line tells the person at %j', async (args, text) => {
    const ran = await gridwarden(args);
    expect([ran.status, ran.stderr]).toEqual([1, expect.stringMatching(text)]);
  });
});

describe('the ports that there are', () => {
  const devices = mkdtempSync(join(tmpdir(), 'devices-'));
  const byPath = join(devices, 'serial/by-path');
  const none = 'No such file or directory, cannot open /dev/ttyS9';
  beforeEach(() => {
    rmSync(devices, { recursive: true });
    mkdirSync(byPath, { recursive: true });
  });
  afterAll(() => rmSync(devices, { recursive: true, force: true }));
  const make = (...names: string[]) => {
    for (const name of names) writeFileSync(join(devices, name), '');
  };

  it('are adapters by number and UARTs, where nothing better is known', () => {
    make('ttyUSB10', 'ttyUSB2', 'ttyAMA7', 'tty1', 'null', 'ttyACM0');
    expect(serialPorts(devices)).toEqual(
      ['ttyACM0', 'ttyUSB2', 'ttyUSB10', 'ttyAMA7'].map((name) => join(devices, name)),
    );
    expect(portProblem(new Error(none), devices).message).toContain(`expected one of ${devices}/ttyACM0, `);
  });

  it('are named by where they are plugged in, where that is known', () => {
    make('ttyUSB0', 'serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0');
    expect(serialPorts(devices)).toEqual([join(byPath, 'pci-0000:00:14.0-usb-0:1:1.0-port0')]);
  });

  it('are told to be none, and never a long list', () => {
    expect(portProblem(new Error(none), devices).message).toMatch(/this machine shows none: is the adapter plugged in/);
    make(...Array.from({ length: 30 }, (_, i) => `ttyUSB${i}`));
    expect(portProblem(new Error(none), devices).message.split(', ')).toHaveLength(6);
  });
});
