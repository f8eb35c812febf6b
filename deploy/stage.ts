/**
 * The program as it stands on a gateway: /opt/gridwarden with the TypeScript sources, production dependencies for the
 * target, and a Node that runs them as they are; the unit and its neighbours where Debian expects them.
 */
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { need, run } from './tools.ts';

/** Debian's names. armhf brings no runtime of its own: Debian's nodejs must be new enough. */
export const ARCHITECTURES = ['arm64', 'amd64', 'armhf'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

const TARGET = {
  arm64: { cpu: 'arm64', strip: 'aarch64-linux-gnu-strip', prebuild: 'linux-arm64', interpreter: 'arm64' },
  amd64: { cpu: 'x64', strip: 'strip', prebuild: 'linux-x64', interpreter: 'x64' },
  armhf: { cpu: 'arm', strip: undefined, prebuild: 'linux-arm', interpreter: undefined },
} as const satisfies Record<Architecture, object>;

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PARTS = ['protocols', 'detectors', 'firmware', 'deploy', 'package.json', 'LICENSE'];
/** What packages carry for developers; no program reads it. */
const DEVELOPERS_ONLY = /\.(d\.[cm]?ts|map|md|markdown|flow)$|^(\.github|__tests__)$/i;

const SERVICE_FILES = [
  ['gridwarden.service', 'usr/lib/systemd/system/gridwarden.service'],
  ['sysusers.conf', 'usr/lib/sysusers.d/gridwarden.conf'],
  ['udev.rules', 'usr/lib/udev/rules.d/61-gridwarden.rules'],
  ['sysctl.conf', 'usr/lib/sysctl.d/60-gridwarden.conf'],
  ['journald.conf', 'usr/lib/systemd/journald.conf.d/50-gridwarden.conf'],
] as const;

/** Finds its neighbours by its own place, so that it also runs from a tree that is no root. */
const LAUNCHER = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/node" --disable-sigusr1 "$here/../firmware/cli/gridwarden.ts" "$@"
`;

export async function version(): Promise<string> {
  return (JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
}

/**
 * Lays the program out under `tree`, which becomes `/` on the gateway.
 * @throws when the dependencies cannot be fetched or a tool is missing
 */
export async function stage(architecture: Architecture, tree: string): Promise<void> {
  const { cpu, strip, prebuild, interpreter } = TARGET[architecture];
  if (strip !== undefined) need(strip);
  const home = join(tree, 'opt/gridwarden');
  await mkdir(join(home, 'bin'), { recursive: true });
  for (const part of PARTS) await cp(join(ROOT, part), join(home, part), { recursive: true });
  await cp(join(ROOT, 'package-lock.json'), join(home, 'package-lock.json'));
  const how = ['--omit=dev', '--os=linux', `--cpu=${cpu}`, '--ignore-scripts', '--prefer-offline', '--no-audit'];
  await run('npm', ['ci', ...how], { cwd: home });
  const modules = join(home, 'node_modules');
  if (interpreter === undefined) {
    await symlink('/usr/bin/node', join(home, 'bin/node'));
  } else {
    await rename(join(modules, `node-linux-${interpreter}`, 'bin/node'), join(home, 'bin/node'));
    await run(strip, ['--strip-unneeded', join(home, 'bin/node')]);
  }
  for (const name of await readdir(modules)) {
    if (/^(node-linux-.*|@types|\.bin)$/.test(name)) await rm(join(modules, name), { recursive: true });
  }
  await onlyPrebuild(join(modules, '@serialport/bindings-cpp/prebuilds'), prebuild);
  await prune(modules);
  await writeFile(join(home, 'bin/gridwarden'), LAUNCHER, { mode: 0o755 });
  await mkdir(join(tree, 'usr/bin'), { recursive: true });
  await symlink('../../opt/gridwarden/bin/gridwarden', join(tree, 'usr/bin/gridwarden'));
  for (const [from, to] of SERVICE_FILES) {
    await mkdir(dirname(join(tree, to)), { recursive: true });
    await cp(join(ROOT, 'deploy/service', from), join(tree, to));
  }
}

async function onlyPrebuild(folder: string, kept: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name !== kept) await rm(join(folder, name), { recursive: true });
  }
}

async function prune(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (DEVELOPERS_ONLY.test(entry.name)) await rm(path, { recursive: true });
    else if (entry.isDirectory()) await prune(path);
  }
}
