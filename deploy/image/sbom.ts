/** What is inside an image, for those who must know: a CycloneDX 1.5 document of Debian's and npm's packages. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Component } from './debian.ts';

/** The npm packages that were installed under `modules`, from npm's own record of what it put there. */
export async function npmComponents(modules: string): Promise<Component[]> {
  const lock = JSON.parse(await readFile(join(modules, '.package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; integrity?: string }>;
  };
  return Object.entries(lock.packages).map(([path, { version = '', integrity = '' }]) => ({
    name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    version,
    hash: integrity,
  }));
}

export interface Bill {
  version: string;
  suite: string;
  debian: readonly Component[];
  npm: readonly Component[];
}

export function cycloneDx({ version, suite, debian, npm }: Bill): object {
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: { type: 'firmware', name: 'gridwarden', version, 'bom-ref': 'gridwarden' } },
    components: [
      ...debian.map(({ name, version: own, hash }) => ({
        type: 'library',
        name,
        version: own,
        purl: `pkg:deb/debian/${name}@${encodeURIComponent(own)}?arch=arm64&distro=${suite}`,
        hashes: [{ alg: 'SHA-256', content: hash }],
      })),
      ...npm.map(({ name, version: own, hash }) => ({
        type: 'library',
        name,
        version: own,
        purl: `pkg:npm/${name.replace('@', '%40')}@${own}`,
        hashes: hash.startsWith('sha512-')
          ? [{ alg: 'SHA-512', content: Buffer.from(hash.slice(7), 'base64').toString('hex') }]
          : [],
      })),
    ],
  };
}
