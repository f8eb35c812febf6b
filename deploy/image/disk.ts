/** A whole disk out of its parts: GPT, boot, boot state, two slots, data. Plain files, nothing is mounted. */
import { createReadStream } from 'node:fs';
import { open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VACANT } from '../provision/partition.ts';
import { ROOT } from '../stage.ts';
import { need, run } from '../tools.ts';

const MIB = 1024 * 1024;
const SECTORS = MIB / 512;
export const SLOT_MIB = 420;
const DATA_MIB = 512;

/** In order; the boot script and RAUC count on the numbers and names. */
const LAYOUT = [
  { name: 'boot', mib: 8, atMib: 8 },
  { name: 'bootstate', mib: 1, atMib: 16 },
  { name: 'rootfs-A', mib: SLOT_MIB, atMib: 20 },
  { name: 'rootfs-B', mib: SLOT_MIB, atMib: 20 + SLOT_MIB },
  { name: 'data', mib: DATA_MIB, atMib: 20 + 2 * SLOT_MIB },
] as const;

const at = (name: (typeof LAYOUT)[number]['name']) => (LAYOUT.find((part) => part.name === name)?.atMib ?? 0) * MIB;

/** The root file system as a file, from a tree. */
export async function makeRootfs(tree: string, file: string): Promise<void> {
  need('mke2fs');
  // U-Boot's reader does not know checksums of metadata; nothing is ever written to a slot, so it needs no journal.
  const how = ['-q', '-F', '-t', 'ext4', '-O', '^has_journal,^metadata_csum', '-m', '0', '-L', 'rootfs', '-d', tree];
  await writeFile(file, '');
  await run('mke2fs', [...how, file, `${SLOT_MIB}M`]);
}

/**
 * The disk image. Both slots hold the same root file system, so that a fresh gateway has something to go back to.
 * @param rootfs what `makeRootfs` made
 */
export async function makeDisk(rootfs: string, scratch: string, image: string): Promise<void> {
  need('sfdisk', 'mkfs.vfat', 'mcopy', 'mkimage');
  const end = LAYOUT.at(-1);
  await writeFile(image, '');
  await truncate(image, ((end?.atMib ?? 0) + (end?.mib ?? 0) + 1) * MIB);
  const type = '0FC63DAF-8483-4772-8E79-3D69D8477DE4';
  const rows = LAYOUT.map(({ name, mib, atMib }) => {
    const boot = name === 'boot' ? ', attrs=LegacyBIOSBootable' : '';
    return `start=${atMib * SECTORS}, size=${mib * SECTORS}, name=${name}, type=${type}${boot}`;
  });
  await run('sfdisk', ['-q', image], { input: `label: gpt\n${rows.join('\n')}\n` });
  await copyTo(image, await makeBoot(scratch), at('boot'));
  await copyTo(image, rootfs, at('rootfs-A'));
  await copyTo(image, rootfs, at('rootfs-B'));
  const where = ['-E', `offset=${at('data')},root_owner=0:0,lazy_itable_init=0`];
  await run('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', VACANT, '-m', '1', ...where, image, `${DATA_MIB}M`]);
}

async function makeBoot(scratch: string): Promise<string> {
  const [script, boot] = [join(scratch, 'boot.scr'), join(scratch, 'boot.vfat')];
  const source = join(ROOT, 'deploy/image/boot.cmd');
  await run('mkimage', ['-A', 'arm64', '-T', 'script', '-C', 'none', '-n', 'gridwarden', '-d', source, script]);
  await writeFile(boot, '');
  await truncate(boot, 8 * MIB);
  await run('mkfs.vfat', ['-n', 'BOOT', boot]);
  await run('mcopy', ['-i', boot, script, '::boot.scr']);
  return boot;
}

/** Copies a file into the image; what is all zeros stays a hole. */
async function copyTo(image: string, file: string, offset: number): Promise<void> {
  const disk = await open(image, 'r+');
  let position = offset;
  for await (const chunk of createReadStream(file, { highWaterMark: MIB }) as AsyncIterable<Buffer>) {
    if (chunk.some((byte) => byte !== 0)) await disk.write(chunk, 0, chunk.length, position);
    position += chunk.length;
  }
  await disk.close();
}
