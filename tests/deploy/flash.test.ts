/** Flashing: which disks are left alone, and that a card is either whole or does not boot. On files and a planted /sys. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findDisk, listDisks, objections, standing } from '../../deploy/flash/disks.ts';
import { openSource } from '../../deploy/flash/source.ts';
import { type WriteOptions, writeImage } from '../../deploy/flash/write.ts';
import { gridwarden } from '../cli/run-cli.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flash-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Planted {
  name: string;
  gigabytes: number;
  removable?: boolean;
  readOnly?: boolean;
  type?: string;
  usb?: boolean;
  partitions?: { name: string; number: string; holder?: boolean }[];
}

function plant(disks: Planted[], mountinfo = '', swaps = ''): void {
  const put = (path: string, text: string) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), `${text}\n`);
  };
  mkdirSync(join(folder, 'sys/block'), { recursive: true });
  for (const [index, disk] of disks.entries()) {
    const real = `sys/devices/pci0/${disk.usb === true ? 'usb1/1-1' : 'ata1'}/block/${disk.name}`;
    put(`${real}/size`, String((disk.gigabytes * 1e9) / 512));
    put(`${real}/removable`, disk.removable === true ? '1' : '0');
    put(`${real}/ro`, disk.readOnly === true ? '1' : '0');
    put(`${real}/dev`, `8:${index * 16}`);
    put(`${real}/device/model`, 'Card');
    if (disk.type !== undefined) put(`${real}/device/type`, disk.type);
    for (const partition of disk.partitions ?? []) {
      put(`${real}/${partition.name}/partition`, '1');
      put(`${real}/${partition.name}/dev`, partition.number);
      mkdirSync(join(folder, real, partition.name, 'holders'), { recursive: true });
      if (partition.holder === true) put(`${real}/${partition.name}/holders/dm-0`, '');
    }
    symlinkSync(join(folder, real), join(folder, 'sys/block', disk.name));
  }
  put('proc/self/mountinfo', mountinfo);
  put('proc/swaps', `Filename Type Size Used Priority\n${swaps}`);
}

describe('the disks', () => {
  it('leaves alone what is mounted, in use, built in, far too large, too small or write-protected', () => {
    plant(
      [
        { name: 'sda', gigabytes: 500, partitions: [{ name: 'sda1', number: '8:1' }] },
        { name: 'sdb', gigabytes: 32, removable: true, usb: true },
        { name: 'sdc', gigabytes: 32, usb: true, partitions: [{ name: 'sdc1', number: '8:33' }] },
        { name: 'sdd', gigabytes: 0.5, removable: true, readOnly: true },
        { name: 'sde', gigabytes: 64, partitions: [{ name: 'sde1', number: '8:65', holder: true }] },
        { name: 'mmcblk0', gigabytes: 32, type: 'SD' },
        { name: 'mmcblk1', gigabytes: 8, type: 'MMC', partitions: [{ name: 'mmcblk1p2', number: '179:2' }] },
      ],
      '22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 1 8:33 / /media/my\\040stick rw - vfat /dev/sdc1 rw',
      '/dev/mmcblk1p2 partition 1 0 -1',
    );
    const disks = listDisks(folder);
    const found = Object.fromEntries(disks.map((disk) => [disk.path.slice(5), objections(disk, 1e9)]));
    expect(found).toEqual({
      sda: ['mounted', 'system', 'oversized', 'fixed'],
      sdb: [],
      sdc: ['mounted'],
      sdd: ['read-only', 'too-small'],
      sde: ['system', 'fixed'],
      mmcblk0: [],
      mmcblk1: ['mounted', 'system', 'fixed'],
    });
    expect(disks.find(({ path }) => path === '/dev/sdc')?.mounts).toEqual(['/media/my stick']);
    expect(findDisk('/dev/sda1', disks)).toBeUndefined();
  });

  it('lifts only what is named, and never write protection or size', () => {
    expect(standing(['mounted', 'system', 'fixed'], ['mounted', 'fixed'])).toEqual(['system']);
    expect(standing(['read-only', 'too-small'], ['read-only', 'too-small'])).toEqual(['read-only', 'too-small']);
  });
});

const HEAD = 1024 * 1024;
const quiet = (more: Partial<WriteOptions> = {}): WriteOptions => ({
  signal: new AbortController().signal,
  onProgress: () => {},
  ...more,
});

/** An image of `megabytes`, and a card of the same size full of something else. */
function prepare(megabytes = 150): { image: string; content: Buffer; card: string } {
  const block = randomBytes(1024 * 1024);
  const content = Buffer.concat(
    Array.from({ length: megabytes }, (_, n) => {
      const copy = Buffer.from(block);
      copy.writeUInt32LE(n, 0);
      return copy;
    }).concat(Buffer.from('the odd end')),
  );
  content.write('EFI PART', 512, 'latin1');
  const [image, card] = [join(folder, 'gateway.img'), join(folder, 'card')];
  writeFileSync(image, content);
  writeFileSync(card, Buffer.alloc(content.length + 512, 0xff));
  return { image, content, card };
}

describe('writing', () => {
  it('writes, reads back, and leaves the rest of the card', async () => {
    const { image, content, card } = prepare(9);
    const written = await writeImage(await openSource(image), card, quiet());
    const back = readFileSync(card);
    expect(back.subarray(0, content.length).equals(content)).toBe(true);
    expect(back.subarray(content.length).every((byte) => byte === 0xff)).toBe(true);
    expect(written).toMatchObject({ bytes: content.length, resumedBytes: 0 });
  });

  it('takes a compressed image, and says when it is cut short', async () => {
    const { image, content, card } = prepare(9);
    const packed = zstdCompressSync(content, {
      pledgedSrcSize: content.length,
      params: { [constants.ZSTD_c_compressionLevel]: 1 },
    });
    writeFileSync(`${image}.zst`, packed);
    const source = await openSource(`${image}.zst`);
    expect(source.bytes).toBe(content.length);
    await writeImage(source, card, quiet());
    expect(readFileSync(card).subarray(0, content.length).equals(content)).toBe(true);
    writeFileSync(`${image}.zst`, packed.subarray(0, packed.length / 2));
    await expect(writeImage(await openSource(`${image}.zst`), card, quiet())).rejects.toThrow();
    expect(readFileSync(card).subarray(0, HEAD).equals(content.subarray(0, HEAD))).toBe(false);
  });

  it('stopped anywhere it does not boot, and goes on from there', async () => {
    const { image, content, card } = prepare();
    const stop = new AbortController();
    const onProgress: WriteOptions['onProgress'] = (_what, done) => {
      if (done > 100e6) stop.abort();
    };
    await expect(writeImage(await openSource(image), card, quiet({ signal: stop.signal, onProgress }))).rejects.toThrow(
      /abort/i,
    );
    expect(readFileSync(card).subarray(0, HEAD).equals(content.subarray(0, HEAD))).toBe(false);
    const written = await writeImage(await openSource(image), card, quiet());
    expect(written.resumedBytes).toBeGreaterThanOrEqual(64e6);
    expect(readFileSync(card).subarray(0, content.length).equals(content)).toBe(true);
  });

  it('does not go on with another image', async () => {
    const { image, card } = prepare();
    const stop = new AbortController();
    const onProgress: WriteOptions['onProgress'] = (_what, done) => {
      if (done > 100e6) stop.abort();
    };
    await expect(
      writeImage(await openSource(image), card, quiet({ signal: stop.signal, onProgress })),
    ).rejects.toThrow();
    const before = readFileSync(card);
    const other = prepare();
    writeFileSync(card, before);
    const written = await writeImage(await openSource(other.image), card, quiet());
    expect(written.resumedBytes).toBe(0);
    expect(readFileSync(card).subarray(0, other.content.length).equals(other.content)).toBe(true);
  });

  it('refuses an image that is not the promised one, and does not make it bootable', async () => {
    const { image, content, card } = prepare(5);
    await expect(writeImage(await openSource(image), card, quiet({ sha256: '0'.repeat(64) }))).rejects.toThrow(
      /damaged/,
    );
    expect(readFileSync(card).subarray(0, HEAD).equals(content.subarray(0, HEAD))).toBe(false);
  });

  it('sees a medium that does not keep what it was given', async () => {
    const { image, card } = prepare(9);
    const onProgress: WriteOptions['onProgress'] = (what, done, total) => {
      if (what !== 'writing' || done !== total) return;
      const bytes = readFileSync(card);
      bytes[6 * 1024 * 1024] = (bytes[6 * 1024 * 1024] ?? 0) ^ 1;
      writeFileSync(card, bytes);
    };
    await expect(writeImage(await openSource(image), card, quiet({ onProgress }))).rejects.toThrow(
      /differently at byte 4194304/,
    );
  });
});

describe('gridwarden flash', () => {
  it('writes a file when told not to ask, and says what it did', async () => {
    const { image, content, card } = prepare(5);
    const ran = await gridwarden(['flash', image, '--to', card, '--yes']);
    expect(ran.status, ran.stderr).toBe(0);
    expect(ran.lines).toEqual([expect.objectContaining({ to: card, bytes: content.length, verified: true })]);
    expect(ran.stderr).toContain('everything on it will be overwritten');
  });

  it.each([
    { what: 'nobody to ask', args: ['--to', 'card'], says: 'expected --yes' },
    { what: 'no such disk', args: ['--to', '/dev/no-such-disk', '--yes'], says: 'no such disk' },
    { what: 'no disk at all', args: ['--to', '/dev/null', '--yes'], says: 'expected a disk or a file' },
    { what: 'an unknown override', args: ['--to', 'card', '--yes', '--allow', 'everything'], says: 'expected mounted' },
  ])('refuses with one line and status 2: $what', async ({ args, says }) => {
    const { image, card } = prepare(2);
    const ran = await gridwarden(['flash', image, ...args.map((arg) => (arg === 'card' ? card : arg))]);
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain(says);
    expect(readFileSync(card).every((byte) => byte === 0xff)).toBe(true);
  });

  it.each([
    { name: 'README.md', bytes: Buffer.from('# Not an image\n'), says: 'no partition table' },
    { name: 'noise.img', bytes: randomBytes(100_000), says: 'no partition table' },
    { name: 'noise.img.zst', bytes: zstdCompressSync(randomBytes(100_000)), says: 'no partition table' },
    { name: 'raw.img.zst', bytes: randomBytes(100_000), says: 'expected a zstd file' },
    { name: 'empty.img', bytes: Buffer.alloc(0), says: 'no partition table' },
  ])('writes nothing of $name, which is no image', async ({ name, bytes, says }) => {
    const [image, card] = [join(folder, name), join(folder, 'card')];
    writeFileSync(image, bytes);
    const ran = await gridwarden(['flash', image, '--to', card, '--yes']);
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr.trim().split('\n')).toEqual([expect.stringContaining(says)]);
    expect(existsSync(card)).toBe(false);
  });

  it('lists disks as NDJSON', async () => {
    const ran = await gridwarden(['flash', '--list']);
    expect(ran.status).toBe(0);
    for (const line of ran.lines)
      expect(line).toMatchObject({ path: expect.stringMatching(/^\/dev\//), objections: expect.any(Array) });
  });
});
