/** Debian's arm64 packages, downloaded and unpacked without running any of their code. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { need, run } from '../tools.ts';
import { PACKAGES, SUITE } from './packages.ts';

export interface Component {
  name: string;
  version: string;
  /** SHA-256 of the `.deb`, or the integrity of the npm package. */
  hash: string;
}

/** What apt wrote about each package, as the hook below prints it. */
const HOOK = `for deb in "$1"/var/cache/apt/archives/*.deb; do
  dpkg-deb -W --showformat='\${Package} \${Version} ' "$deb"; sha256sum "$deb" | cut -c1-64
done > `;

/**
 * Unpacks the packages into `tree`.
 * @param scratch a folder for what is only needed now
 * @returns every package with version and hash
 */
export async function unpackDebian(tree: string, scratch: string): Promise<Component[]> {
  need('mmdebstrap', 'dpkg-deb');
  const [archive, list] = [join(scratch, 'debian.tar'), join(scratch, 'packages')];
  const mirrors = await sources();
  const how = ['--mode=root', '--architectures=arm64', '--variant=extract', '--aptopt=Acquire::Languages "none"'];
  const hook = `--extract-hook=${HOOK}'${list}'`;
  await run('mmdebstrap', [...how, hook, `--include=${PACKAGES.join(',')}`, SUITE, archive, ...mirrors]);
  await run('tar', ['-xf', archive, '-C', tree, '--exclude=./dev/*']);
  const lines = (await readFile(list, 'utf8')).trim().split('\n');
  return lines.map((line) => {
    const [name = '', version = '', hash = ''] = line.split(' ');
    return { name, version, hash };
  });
}

/** Whether the archive answers. It is asked before a build of minutes, and by tests that are skipped without it. */
export async function archiveAnswers(): Promise<boolean> {
  try {
    const [main = ''] = await sources();
    const uri = main.split(' ')[1] ?? '';
    const url = `${uri.replace(/\/$/, '')}/dists/${SUITE}/Release`;
    return (await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(15_000) })).ok;
  } catch {
    return false;
  }
}

/** The archive that this machine itself uses, for the image's suite and its security updates. */
async function sources(): Promise<string[]> {
  const known = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)']);
  const uris = [...new Set(known.trim().split('\n'))];
  const main = uris.find((uri) => /\/debian\/?$/.test(uri));
  if (main === undefined) throw new Error('this machine has no Debian archive among its package sources');
  const security = uris.find((uri) => /\/debian-security\/?$/.test(uri));
  return [`deb ${main} ${SUITE} main`, ...(security === undefined ? [] : [`deb ${security} ${SUITE}-security main`])];
}
