/** The gateway as a Debian package, for boards that come with a Debian of their own. Any architecture from any. */
import { chmod, cp, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Architecture, ROOT, stage, version } from './stage.ts';
import { need, run } from './tools.ts';

const DOCUMENTS = 'usr/share/doc/gridwarden';
/** armhf has no Node of its own in the package: the oldest that runs the sources as they stand. */
const DEPENDS = {
  arm64: 'libc6 (>= 2.28), libstdc++6, systemd, udev',
  amd64: 'libc6 (>= 2.28), libstdc++6, systemd, udev',
  armhf: 'libc6 (>= 2.28), libstdc++6, systemd, udev, nodejs (>= 22.18)',
} as const satisfies Record<Architecture, string>;

/**
 * Builds the `.deb` of one architecture.
 * @param file where it goes
 * @returns its size in bytes
 */
export async function buildPackage(architecture: Architecture, file: string): Promise<number> {
  need('dpkg-deb');
  const tree = await mkdtemp(join(tmpdir(), 'gridwarden-deb-'));
  try {
    await chmod(tree, 0o755);
    await stage(architecture, tree);
    await mkdir(join(tree, DOCUMENTS), { recursive: true });
    await cp(join(ROOT, 'LICENSE'), join(tree, DOCUMENTS, 'copyright'));
    await cp(join(ROOT, 'deploy/site.example.yaml'), join(tree, DOCUMENTS, 'site.example.yaml'));
    await mkdir(join(tree, 'DEBIAN'));
    await writeFile(join(tree, 'DEBIAN/control'), await control(architecture, tree));
    for (const script of ['postinst', 'prerm', 'postrm']) {
      await cp(join(ROOT, 'deploy/debian', script), join(tree, 'DEBIAN', script));
      await chmod(join(tree, 'DEBIAN', script), 0o755);
    }
    await run('dpkg-deb', ['--root-owner-group', '-Zzstd', '-z12', '--build', tree, file]);
    return (await stat(file)).size;
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

async function control(architecture: Architecture, tree: string): Promise<string> {
  const [kilobytes] = (await run('du', ['-sk', '--exclude=DEBIAN', tree])).split('\t');
  return `Package: gridwarden
Version: ${await version()}
Architecture: ${architecture}
Maintainer: Gridwarden <gridwarden@localhost>
Section: net
Priority: optional
Installed-Size: ${kilobytes}
Depends: ${DEPENDS[architecture]}
Recommends: systemd-timesyncd | time-daemon
Description: firmware of a smart-meter gateway
 Reads DL/T 645 and Modbus meters, runs detectors at the edge, sends
 acknowledged alerts over MQTT.
`;
}
