/** The disk image of a gateway, from Debian's packages and the npm registry, and what stands beside it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, cp, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ROOT, stage, version } from '../stage.ts';
import { need, run } from '../tools.ts';
import { unpackDebian } from './debian.ts';
import { makeDisk, makeRootfs } from './disk.ts';
import { placeKernel, put } from './kernel.ts';
import { SUITE } from './packages.ts';
import { cycloneDx, npmComponents } from './sbom.ts';

export interface ImageOptions {
  /** `.img` or `.img.zst`. */
  file: string;
  /** Certificate that updates must be signed under; without one the image takes no updates. */
  keyring?: string;
  /** Called with each step's name and how long it took. */
  onStep?: (step: string, seconds: number) => void;
  /** Keeps the root file system here, for a bundle of the same content. */
  rootfs?: string;
}

export interface BuiltImage {
  bytes: number;
  /** What the tree takes in a slot. */
  rootBytes: number;
  sha256: string;
  version: string;
}

/**
 * Builds image, `.sha256`, `.manifest.json` and `.cdx.json`. Needs root or fakeroot, because files keep their owners.
 * @throws with the command that installs what is missing
 */
export async function buildImage(options: ImageOptions): Promise<BuiltImage> {
  const image = options.file.replace(/\.zst$/, '');
  if (process.getuid?.() !== 0) throw new Error('files in the image have owners: run it as root, or under fakeroot');
  need('mmdebstrap', 'systemctl', 'systemd-sysusers', 'xz', 'zstd', 'tar');
  const scratch = await mkdtemp(join(tmpdir(), 'gridwarden-image-'));
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await work();
    options.onStep?.(name, Math.round((performance.now() - started) / 100) / 10);
    return result;
  };
  try {
    const tree = await mkdtemp(join(scratch, 'tree-'));
    await chmod(tree, 0o755);
    const rootfs = options.rootfs ?? join(scratch, 'rootfs.ext4');
    const bill = await fillTree(tree, scratch, options, step);
    const rootBytes = Number((await run('du', ['-sb', tree])).split('\t')[0]);
    await step('rootfs', () => makeRootfs(tree, rootfs));
    await step('disk', () => makeDisk(rootfs, scratch, image));
    const sha256 = await hashOf(image);
    await writeFile(`${image}.sha256`, `${sha256}  ${basename(image)}\n`);
    await writeFile(`${image}.cdx.json`, `${JSON.stringify(cycloneDx(bill), null, 1)}\n`);
    await writeFile(
      `${image}.manifest.json`,
      `${JSON.stringify({ image: basename(image), sha256, ...bill }, null, 1)}\n`,
    );
    if (options.file !== image) {
      await step('compress', () => run('zstd', ['-q', '-f', '-T0', '-6', '--rm', image, '-o', options.file]));
    }
    return { bytes: (await stat(options.file)).size, rootBytes, sha256, version: bill.version };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Step = <T>(name: string, work: () => Promise<T>) => Promise<T>;

async function fillTree(tree: string, scratch: string, { keyring }: ImageOptions, step: Step) {
  const debian = await step('Debian packages', () => unpackDebian(tree, scratch));
  await step('gateway', () => stage('arm64', tree));
  const built = `${await version()}+${new Date().toISOString().slice(0, 16).replaceAll(/[-:]/g, '')}`;
  const kernel = await step('kernel', async () => {
    await cp(join(ROOT, 'deploy/image/rootfs'), tree, { recursive: true });
    if (keyring !== undefined) await copyFile(keyring, join(tree, 'etc/rauc/keyring.pem'));
    await put(join(tree, 'usr/lib/gridwarden-image'), `${built}\n`);
    await run('sh', [join(ROOT, 'deploy/image/tree.sh'), tree]);
    return placeKernel(tree, scratch);
  });
  const npm = await npmComponents(join(tree, 'opt/gridwarden/node_modules'));
  // What npm needs to remember has no reader on a gateway.
  await rm(join(tree, 'opt/gridwarden/package-lock.json'));
  return { version: built, suite: SUITE, kernel, debian, npm };
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
