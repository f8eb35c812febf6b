/** `gridwarden image`: what goes onto a concentrator, made from Debian's packages and the npm registry. */
import { basename } from 'node:path';
import { buildPackage } from '../../deploy/package.ts';
import { ARCHITECTURES, type Architecture } from '../../deploy/stage.ts';
import { BadInput, print } from './io.ts';

export interface ImageOptions {
  out: string;
  arch?: string;
}

/** The ending of the file's name says what is built. */
export async function image({ out, arch }: ImageOptions): Promise<void> {
  const started = performance.now();
  const done = (bytes: number, more: object = {}) =>
    print({ file: out, bytes, seconds: Math.round((performance.now() - started) / 100) / 10, ...more });
  if (out.endsWith('.deb')) return done(await buildPackage(architectureOf(out, arch), out));
  throw new BadInput(`${out}: expected a name that ends in .deb`);
}

/** As asked for, or as the file's name has it, or what most concentrators are. */
function architectureOf(file: string, asked: string | undefined): Architecture {
  const name = asked ?? ARCHITECTURES.find((known) => basename(file).includes(known)) ?? 'arm64';
  const found = ARCHITECTURES.find((known) => known === name);
  if (found === undefined) throw new BadInput(`--arch ${name}: expected ${ARCHITECTURES.join(', ')}`);
  return found;
}
