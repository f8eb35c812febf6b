import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openSerialPort } from '../../firmware/serial-port.ts';
import { openPty } from '../../sim/pty.ts';

/** Terminals that this process holds open, those that are gone included. */
const terminals = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('/dev/pts/');
    } catch {
      return false;
    }
  }).length;

it.runIf(process.platform === 'linux')(
  'a serial port holds nothing open once it is closed, nor when its plug was pulled',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'gridwarden-port-'));
    const path = join(directory, 'tty');
    const heard: number[] = [];
    const pty = await openPty((bytes) => heard.push(...bytes), { link: path });
    try {
      const before = terminals();
      for (const pulled of [false, false, true, true, false]) {
        const port = await openSerialPort(
          { target: { kind: 'tty', path }, baud: 9600, parity: 'even', stopBits: 1 },
          { onBytes() {}, onLost() {} },
        );
        await port.write(Uint8Array.of(0x68, 0x16), 1_000);
        await expect.poll(() => heard.splice(0), { timeout: 5_000 }).toEqual([0x68, 0x16]);
        if (pulled) await pty.unplug();
        await port.close();
        if (pulled) await pty.plug();
        await expect.poll(terminals, { timeout: 5_000 }).toBe(before);
        await sleep(10);
      }
    } finally {
      await pty.close();
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
