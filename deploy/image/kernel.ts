/** Kernel, modules and the first root in memory, for a tree with an unpacked kernel package. */
import { chmod, copyFile, cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ROOT } from '../stage.ts';
import { need, run } from '../tools.ts';
import { EARLY_MODULES, UNUSED_MODULES } from './packages.ts';

/** Leaves the modules a gateway can use, and puts kernel and initrd where the boot script loads them. */
export async function placeKernel(tree: string, scratch: string): Promise<string> {
  need('depmod', 'cpio', 'xz', 'zstd');
  const [version] = await readdir(join(tree, 'usr/lib/modules'));
  if (version === undefined) throw new Error('there is no kernel in the tree');
  const modules = join(tree, 'usr/lib/modules', version);
  await dropUnused(join(modules, 'kernel'), '');
  await run('depmod', ['-b', join(tree, 'usr'), version], {});
  await rename(join(tree, 'boot', `vmlinuz-${version}`), join(tree, 'boot/vmlinuz'));
  for (const part of ['System.map', 'config']) await rm(join(tree, 'boot', `${part}-${version}`), { force: true });
  const devices = join(tree, 'usr/lib', `linux-image-${version}`);
  await rename(devices, join(tree, 'usr/lib/devicetree'));
  await makeInitrd(tree, modules, scratch);
  return version;
}

async function dropUnused(folder: string, path: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const here = `${path}${entry.name}/`;
    if (UNUSED_MODULES.test(here)) await rm(join(folder, entry.name), { recursive: true });
    else await dropUnused(join(folder, entry.name), here);
  }
}

async function makeInitrd(tree: string, modules: string, scratch: string): Promise<void> {
  const root = join(scratch, 'initrd');
  for (const folder of ['bin', 'dev', 'proc', 'sys', 'run', 'root', 'modules', 'mnt'])
    await mkdir(join(root, folder), { recursive: true });
  await copyFile(join(tree, 'usr/bin/busybox'), join(root, 'bin/busybox'));
  await symlink('busybox', join(root, 'bin/sh'));
  await copyFile(join(ROOT, 'deploy/image/init'), join(root, 'init'));
  await chmod(join(root, 'init'), 0o755);
  const order = loadOrder(await readFile(join(modules, 'modules.dep'), 'utf8'));
  for (const [index, path] of order.entries()) {
    const name = `${String(index).padStart(3, '0')}-${basename(path)}`;
    await cp(join(modules, path), join(root, 'modules', name));
    if (name.endsWith('.xz')) await run('xz', ['-d', join(root, 'modules', name)]);
  }
  const files = (await readdir(root, { recursive: true })).join('\n');
  const archive = join(scratch, 'initrd.cpio');
  await run('sh', ['-c', `cpio --quiet -o -H newc -R 0:0 > '${archive}'`], { cwd: root, input: files });
  await run('zstd', ['-q', '-f', '-19', archive, '-o', join(tree, 'boot/initrd.img')]);
}

/** The early modules, each after those it needs; `dep` is depmod's table. */
export function loadOrder(dep: string): string[] {
  const needs = new Map(
    dep
      .trim()
      .split('\n')
      .map((line): [string, string[]] => {
        const [path = '', rest = ''] = line.split(':');
        return [path, rest.trim().split(' ').filter(Boolean)];
      }),
  );
  const order: string[] = [];
  const visit = (path: string) => {
    if (order.includes(path)) return;
    for (const needed of needs.get(path) ?? []) visit(needed);
    if (!order.includes(path)) order.push(path);
  };
  for (const path of needs.keys()) {
    const name = basename(path)
      .replace(/\.ko(\.\w+)?$/, '')
      .replaceAll('_', '-');
    if (EARLY_MODULES.test(name) || EARLY_MODULES.test(name.replaceAll('-', '_'))) visit(path);
  }
  return order;
}

/** Writes a file whose folder may be missing. */
export async function put(path: string, text: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
}
