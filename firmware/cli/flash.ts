/** `gridwarden flash`: writes an image to a card, after showing what it will overwrite. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { open, truncate } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import {
  type Disk,
  findDisk,
  listDisks,
  OBJECTIONS,
  type Objection,
  objections,
  standing,
} from '../../deploy/flash/disks.ts';
import { isDisk, openSource, type Source } from '../../deploy/flash/source.ts';
import { writeImage } from '../../deploy/flash/write.ts';
import { BadInput, Failed, print, say, untilStopped } from './io.ts';
import { progress } from './progress.ts';

export interface FlashOptions {
  to?: string;
  list?: boolean;
  allow?: string[];
  yes?: boolean;
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;

export async function flash(image: string | undefined, options: FlashOptions): Promise<void> {
  const disks = listDisks();
  if (options.list === true) {
    for (const disk of disks) print({ ...disk, objections: objections(disk, 0) });
    return;
  }
  if (image === undefined || options.to === undefined)
    throw new BadInput('flash: expected IMAGE --to DEVICE, or --list to see the disks');
  if (!existsSync(image)) throw new BadInput(`${image}: no such file: expected an image (.img or .img.zst)`);
  const source = await openImage(image);
  const target = options.to;
  const disk = await chooseTarget(target, disks, source.bytes, options.allow ?? []);
  await confirmed(target, disk, source.bytes, options.yes === true);
  const started = performance.now();
  const bar = progress(image, 'bytes');
  const sha256 = promisedHash(image);
  try {
    const written = await writeImage(source, target, {
      signal: untilStopped(),
      onProgress: (what, done, total) => bar.update(what === 'writing' ? done : total + done, 2 * total),
      ...(sha256 === undefined ? {} : { sha256 }),
    });
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    print({ image, to: target, serial: disk?.serial ?? '', ...written, verified: true, seconds });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
    throw new Failed(`stopped: ${target} does not boot; the same command goes on from where it was`);
  } finally {
    bar.stop();
  }
}

/** @throws BadInput where no gateway could start from it */
async function openImage(image: string): Promise<Source> {
  const expected = "expected a gateway's image (.img or .img.zst)";
  try {
    const source = await openSource(image);
    if (await isDisk(source)) return source;
  } catch (error) {
    throw new BadInput(`${image}: ${(error as Error).message.replace(`${image}: `, '')}: ${expected}`);
  }
  throw new BadInput(`${image}: no partition table (GPT) in it: ${expected}`);
}

/** The disk, or undefined for a plain file. */
async function chooseTarget(
  target: string,
  disks: readonly Disk[],
  bytes: number,
  allow: string[],
): Promise<Disk | undefined> {
  for (const name of allow)
    if (!OBJECTIONS.includes(name as Objection))
      throw new BadInput(`--allow ${name}: expected ${OBJECTIONS.slice(0, 4).join(', ')}`);
  const stat = statSync(target, { throwIfNoEntry: false });
  if (stat === undefined || stat.isFile()) {
    if (/^\/dev\/(?!shm\/)/.test(target)) throw new BadInput(`${target}: no such disk: gridwarden flash --list`);
    await (await open(target, 'a')).close();
    await truncate(target, Math.max(bytes, stat?.size ?? 0));
    return undefined;
  }
  if (!stat.isBlockDevice()) throw new BadInput(`${target}: expected a disk or a file`);
  return chooseDisk(target, disks, bytes, allow);
}

/** The disk that `target` names. @throws BadInput when something speaks against writing it that `allow` does not lift */
export function chooseDisk(target: string, disks: readonly Disk[], bytes: number, allow: readonly string[]): Disk {
  const disk = findDisk(target, disks);
  if (disk === undefined)
    throw new BadInput(`${target}: expected a whole disk, not a partition: gridwarden flash --list`);
  const left = standing(objections(disk, bytes), allow);
  if (left.length > 0) {
    const why = left.map((objection) => REASON[objection](disk, bytes)).join('; ');
    throw new BadInput(`${target} is left alone: ${why} (--allow ${left.join(' ')} if you are sure)`);
  }
  return disk;
}

const REASON = {
  mounted: ({ mounts }) => `it is mounted at ${mounts.join(', ')}`,
  system: () => 'this machine runs from it',
  oversized: ({ bytes }) => `${gigabytes(bytes)} is larger than any card of a gateway`,
  fixed: () => 'it is built in, not removable',
  'read-only': () => 'it is write-protected',
  'too-small': ({ bytes }, wanted) => `it has ${gigabytes(bytes)}, the image needs ${gigabytes(wanted)}`,
} as const satisfies Record<Objection, (disk: Disk, imageBytes: number) => string>;

async function confirmed(target: string, disk: Disk | undefined, bytes: number, yes: boolean): Promise<void> {
  const what =
    disk === undefined
      ? 'a file'
      : `${disk.model || 'a disk'}, ${gigabytes(disk.bytes)}, serial ${disk.serial || 'unknown'}`;
  const mounts = disk === undefined || disk.mounts.length === 0 ? '' : `, mounted at ${disk.mounts.join(', ')}`;
  say(`${target}: ${what}${mounts}: everything on it will be overwritten with ${gigabytes(bytes)}`);
  if (yes) return;
  if (process.stdin.isTTY !== true) throw new BadInput('flash: nobody to ask: expected --yes');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Type ${target} to go on: `);
  terminal.close();
  if (answer.trim() !== target) throw new Failed('nothing was written');
}

/** `IMAGE.sha256`, as `sha256sum` writes it, for the image as it will be on the disk. */
function promisedHash(image: string): string | undefined {
  const file = `${image.replace(/\.zst$/, '')}.sha256`;
  return existsSync(file) ? /^[0-9a-f]{64}/.exec(readFileSync(file, 'utf8'))?.[0] : undefined;
}
