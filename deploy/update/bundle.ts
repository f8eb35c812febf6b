/** A signed update: the root file system of an image as a RAUC bundle, whose every block is checked as it is read. */
import { cp, link, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { need, run } from '../tools.ts';

export interface Signer {
  certFile: string;
  keyFile: string;
}

/** What boards of this image call themselves; a bundle for another kind is refused. */
export const COMPATIBLE = 'gridwarden-arm64';

/**
 * @param rootfs as `makeRootfs` made it
 * @returns size in bytes
 */
export async function makeBundle(
  rootfs: string,
  bundle: string,
  version: string,
  { certFile, keyFile }: Signer,
  compatible = COMPATIBLE,
): Promise<number> {
  need('rauc', 'mksquashfs');
  const content = await mkdtemp(join(dirname(rootfs), 'bundle-'));
  try {
    await link(rootfs, join(content, 'rootfs.ext4')).catch(() => cp(rootfs, join(content, 'rootfs.ext4')));
    const manifest = [
      ...['[update]', `compatible=${compatible}`, `version=${version}`, ''],
      ...['[bundle]', 'format=verity', '', '[image.rootfs]', 'filename=rootfs.ext4', ''],
    ];
    await writeFile(join(content, 'manifest.raucm'), manifest.join('\n'));
    await rm(bundle, { force: true });
    const squash = '--mksquashfs-args=-comp zstd -Xcompression-level 3 -quiet -no-progress';
    await run('rauc', ['bundle', `--cert=${certFile}`, `--key=${keyFile}`, squash, content, bundle]);
    return (await stat(bundle)).size;
  } finally {
    await rm(content, { recursive: true, force: true });
  }
}
