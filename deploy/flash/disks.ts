/** The disks of this machine as Linux tells them, and why a disk must not be written. */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface Disk {
  /** `/dev/sdb` */
  path: string;
  bytes: number;
  model: string;
  serial: string;
  removable: boolean;
  readOnly: boolean;
  /** Where it or one of its partitions is mounted; `[swap]` where it is swapped to. */
  mounts: readonly string[];
  /** Whether this machine runs from it: the root, its boot partition, swap, or a volume on top. */
  system: boolean;
}

const SECTOR_BYTES = 512;
/** No gateway has a card like this; a laptop's second disk has. */
export const OVERSIZED_BYTES = 256e9;
const SYSTEM_MOUNTS = /^(\/|\/boot.*|\/efi|\/usr|\/var|\/home|\[swap\])$/;

/** What stands against writing; each can be allowed by its name, except those of `NEVER`. */
export const OBJECTIONS = ['mounted', 'system', 'oversized', 'fixed', 'read-only', 'too-small'] as const;
export type Objection = (typeof OBJECTIONS)[number];
const NEVER: readonly Objection[] = ['read-only', 'too-small'];

/**
 * Every whole disk.
 * @param root where `/sys` and `/proc` are found
 */
export function listDisks(root = '/'): Disk[] {
  const block = join(root, 'sys/block');
  if (!existsSync(block)) return [];
  const mounted = mountsByNumber(root);
  return readdirSync(block)
    .filter((name) => !/^(loop|ram|zram|dm-|md|sr|nbd|fd)/.test(name))
    .map((name) => readDisk(join(block, name), name, mounted))
    .filter(({ bytes }) => bytes > 0);
}

/** The disk that a device path names, through links such as `/dev/disk/by-id/…`; undefined for partitions and files. */
export function findDisk(path: string, disks: readonly Disk[]): Disk | undefined {
  const real = existsSync(path) ? realpathSync(path) : path;
  return disks.find((disk) => disk.path === real);
}

/** Why this disk is better left alone. `imageBytes` is what will be written. */
export function objections(disk: Disk, imageBytes: number): Objection[] {
  const found: Record<Objection, boolean> = {
    mounted: disk.mounts.length > 0,
    system: disk.system,
    oversized: disk.bytes > OVERSIZED_BYTES,
    fixed: !disk.removable,
    'read-only': disk.readOnly,
    'too-small': disk.bytes < imageBytes,
  };
  return OBJECTIONS.filter((objection) => found[objection]);
}

/** Those that `allowed` does not lift. */
export function standing(found: readonly Objection[], allowed: readonly string[]): Objection[] {
  return found.filter((objection) => NEVER.includes(objection) || !allowed.includes(objection));
}

function readDisk(folder: string, name: string, mounted: ReadonlyMap<string, string[]>): Disk {
  const text = (file: string) => {
    const path = join(folder, file);
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  };
  const partitions = readdirSync(folder).filter((entry) => existsSync(join(folder, entry, 'partition')));
  const numbers = [text('dev'), ...partitions.map((partition) => text(`${partition}/dev`))];
  const mounts = [...new Set(numbers.flatMap((number) => mounted.get(number) ?? []))];
  const held = ['', ...partitions].some((part) => {
    const holders = join(folder, part, 'holders');
    return existsSync(holders) && readdirSync(holders).length > 0;
  });
  // A card reader in the machine calls its cards fixed; soldered memory says MMC where a card says SD.
  const card = text('device/type') === 'SD';
  const usb = realpathSync(folder).includes('/usb');
  return {
    path: `/dev/${basename(name).replaceAll('!', '/')}`,
    bytes: Number(text('size')) * SECTOR_BYTES,
    model: [text('device/vendor'), text('device/model') || text('device/name')].filter(Boolean).join(' '),
    serial: text('device/serial'),
    removable: text('removable') === '1' || card || usb,
    readOnly: text('ro') === '1',
    mounts,
    system: held || mounts.some((mount) => SYSTEM_MOUNTS.test(mount)),
  };
}

/** `major:minor` → where it is mounted. */
function mountsByNumber(root: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const add = (number: string, mount: string) => found.set(number, [...(found.get(number) ?? []), mount]);
  const read = (file: string) =>
    existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8').trim().split('\n') : [];
  for (const line of read('proc/self/mountinfo')) {
    const [, , number = '', , mount = ''] = line.split(' ');
    // Blanks in names are written in octal there.
    if (number !== '') add(number, mount.replaceAll('\\040', ' '));
  }
  for (const line of read('proc/swaps').slice(1)) {
    const device = basename(line.split(/\s/)[0] ?? '');
    const disk = device.replace(/(?<=\d)p\d+$|(?<=^[a-z]+)\d+$/, '');
    for (const path of [`sys/block/${device}/dev`, `sys/block/${disk}/${device}/dev`]) {
      if (device !== '' && existsSync(join(root, path))) add(readFileSync(join(root, path), 'utf8').trim(), '[swap]');
    }
  }
  return found;
}
