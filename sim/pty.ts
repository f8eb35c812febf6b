/**
 * A real pseudo-terminal pair, so that the firmware opens a tty exactly as it would open /dev/ttyS1.
 * Node has no call for it: `koffi` (prebuilt, nothing to install) reaches libc's posix_openpt and its companions.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { rmdir, symlink, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ReadStream } from 'node:tty';
import koffi from 'koffi';
import type { SimPort } from './sim-port.ts';

interface Libc {
  posix_openpt(flags: number): number;
  grantpt(fd: number): number;
  unlockpt(fd: number): number;
  ptsname(fd: number): string | null;
  tcgetattr(fd: number, termios: Uint8Array): number;
  tcsetattr(fd: number, actions: number, termios: Uint8Array): number;
  cfmakeraw(termios: Uint8Array): void;
  cfgetospeed(termios: Uint8Array): number;
}

/** glibc's struct termios has 60 bytes, macOS' 72; the calls only need room. */
const TERMIOS_BYTES = 256;
const READ_WRITE = constants.O_RDWR | constants.O_NOCTTY;
/** Linux names speeds by octal codes, macOS by the number itself. */
const SPEEDS: Record<number, number> = {
  7: 300,
  8: 600,
  9: 1200,
  11: 2400,
  12: 4800,
  13: 9600,
  14: 19200,
  15: 38400,
  4097: 57600,
  4098: 115200,
};

let loaded: Libc | undefined;

function libc(): Libc {
  if (loaded !== undefined) return loaded;
  const self = koffi.load(null);
  loaded = {
    posix_openpt: self.func('int posix_openpt(int flags)'),
    grantpt: self.func('int grantpt(int fd)'),
    unlockpt: self.func('int unlockpt(int fd)'),
    ptsname: self.func('str ptsname(int fd)'),
    tcgetattr: self.func('int tcgetattr(int fd, void *termios)'),
    tcsetattr: self.func('int tcsetattr(int fd, int actions, void *termios)'),
    cfmakeraw: self.func('void cfmakeraw(void *termios)'),
    cfgetospeed: self.func('ulong cfgetospeed(void *termios)'),
  };
  return loaded;
}

interface Pair {
  master: number;
  slave: number;
  slavePath: string;
}

function openPair(): Pair {
  const c = libc();
  const master = c.posix_openpt(READ_WRITE);
  if (master < 0) throw new Error('posix_openpt: no pseudo-terminal to be had');
  const slavePath = c.grantpt(master) === 0 && c.unlockpt(master) === 0 ? c.ptsname(master) : null;
  if (slavePath === null) {
    closeSync(master);
    throw new Error('grantpt, unlockpt or ptsname failed');
  }
  // Held open by us too: with no slave open at all, reading the master fails each time a client closes.
  const slave = openSync(slavePath, READ_WRITE);
  const termios = new Uint8Array(TERMIOS_BYTES);
  c.tcgetattr(slave, termios);
  c.cfmakeraw(termios);
  c.tcsetattr(slave, 0, termios);
  return { master, slave, slavePath };
}

/**
 * Opens a pair; the url is the slave's path, or `link` (a symbolic link to it), which alone survives unplugging.
 * @throws Error where the system gives no pseudo-terminal: take `openTcp` then
 */
export async function openPty(onBytes: (bytes: Uint8Array) => void, options: { link?: string } = {}): Promise<SimPort> {
  let pair: Pair | undefined;
  let reader: ReadStream | undefined;
  const plug = async (): Promise<void> => {
    if (pair !== undefined) return;
    pair = openPair();
    // libuv polls a master like any descriptor: no thread is held while nobody talks.
    reader = new ReadStream(pair.master);
    reader.on('data', onBytes);
    reader.on('error', () => {});
    reader.resume();
    if (options.link === undefined) return;
    await unlink(options.link).catch(() => {});
    await symlink(pair.slavePath, options.link);
  };
  const unplug = async (): Promise<void> => {
    const closing = pair;
    pair = undefined;
    if (closing === undefined) return;
    const gone = new Promise<void>((resolve) => reader?.once('close', () => resolve()));
    reader?.destroy();
    await gone;
    closeSync(closing.slave);
    if (options.link !== undefined) await unlink(options.link).catch(() => {});
  };
  await plug();
  return {
    url: options.link ?? pair!.slavePath,
    write(bytes) {
      try {
        if (pair !== undefined) writeSync(pair.master, bytes);
      } catch {
        // The terminal's buffer is full because nobody reads: on a wire these bytes would be gone too.
      }
    },
    masterBaud() {
      if (pair === undefined) return undefined;
      const termios = new Uint8Array(TERMIOS_BYTES);
      if (libc().tcgetattr(pair.slave, termios) !== 0) return undefined;
      const speed = Number(libc().cfgetospeed(termios));
      return SPEEDS[speed] ?? (process.platform === 'darwin' ? speed : undefined);
    },
    unplug,
    plug,
    async close() {
      await unplug();
      // Our own directory is left clean; one that somebody else made for the link has other things in it and stays.
      if (options.link !== undefined) await rmdir(dirname(options.link)).catch(() => {});
    },
  };
}
