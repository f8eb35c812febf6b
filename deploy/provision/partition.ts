/** The data partition of a disk or image file, filled without mounting anything. */
import { type FileHandle, open } from 'node:fs/promises';
import { need, run } from '../tools.ts';

export interface Partition {
  name: string;
  offset: number;
  bytes: number;
}

const SECTOR = 512;
/** An image carries this name in its data partition until a gateway moves in. */
export const VACANT = 'gridwarden-new';
const OCCUPIED = 'gridwarden';

/** The partitions of a GPT disk (UEFI specification, 5.3). @throws when there is no GPT on it */
export async function partitions(disk: FileHandle): Promise<Partition[]> {
  const header = Buffer.alloc(SECTOR);
  await disk.read(header, 0, SECTOR, SECTOR);
  if (header.toString('latin1', 0, 8) !== 'EFI PART')
    throw new Error('there is no partition table: flash an image first');
  const [at, count, size] = [
    Number(header.readBigUInt64LE(72)) * SECTOR,
    header.readUInt32LE(80),
    header.readUInt32LE(84),
  ];
  if (count > 1024 || size < 128 || size > 4096) throw new Error('the partition table is damaged');
  const table = Buffer.alloc(count * size);
  await disk.read(table, 0, table.length, at);
  const found: Partition[] = [];
  for (let n = 0; n < count; n++) {
    const entry = table.subarray(n * size, (n + 1) * size);
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue;
    const [first, last] = [Number(entry.readBigUInt64LE(32)), Number(entry.readBigUInt64LE(40))];
    const name = entry.toString('utf16le', 56, 128).split('\0')[0] ?? '';
    found.push({ name, offset: first * SECTOR, bytes: (last - first + 1) * SECTOR });
  }
  return found;
}

/**
 * Makes the data partition anew with what is in `folder`.
 * @param replace also where a gateway already lives there; its alerts go with it
 * @throws when it is not vacant, or there is none
 */
export async function fillData(target: string, folder: string, replace: boolean): Promise<void> {
  need('mke2fs');
  const disk = await open(target, 'r');
  const found = await partitions(disk).finally(() => disk.close());
  const data = found.find(({ name }) => name === 'data');
  if (data === undefined) throw new Error(`${target}: no partition called data: expected a gateway's image`);
  if (!replace && (await volumeName(target, data)) !== VACANT)
    throw new Error(`${target}: a gateway lives there already, with alerts it may not have sent: expected --replace`);
  const how = ['-q', '-F', '-t', 'ext4', '-L', OCCUPIED, '-m', '1', '-d', folder];
  const where = ['-E', `offset=${data.offset},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0`];
  await run('mke2fs', [...how, ...where, target, `${data.bytes / 1024}k`]);
}

/**
 * Copies a gateway off its disk or image into `folder`: identity, site, and the alerts that still wait.
 * @throws when no gateway lives there
 */
export async function takeData(source: string, folder: string): Promise<void> {
  need('debugfs');
  const disk = await open(source, 'r');
  const found = await partitions(disk).finally(() => disk.close());
  const data = found.find(({ name }) => name === 'data');
  if (data === undefined) throw new Error(`${source}: no partition called data: expected a gateway's card`);
  for (const part of ['gridwarden', 'system'])
    await run('debugfs', ['-R', `rdump /${part} ${folder}`, `${source}?offset=${data.offset}`]);
}

/** The name in an ext4 superblock, '' where there is none. */
async function volumeName(target: string, { offset }: Partition): Promise<string> {
  const disk = await open(target, 'r');
  const superblock = Buffer.alloc(1024);
  await disk.read(superblock, 0, superblock.length, offset + 1024);
  await disk.close();
  if (superblock.readUInt16LE(56) !== 0xef53) return '';
  return superblock.toString('latin1', 120, 136).split('\0')[0] ?? '';
}
