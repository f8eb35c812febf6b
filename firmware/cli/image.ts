/** `gridwarden image`: what goes onto a concentrator, made from Debian's packages and the npm registry. */
import { basename } from 'node:path';
import { buildImage } from '../../deploy/image/image.ts';
import { buildPackage } from '../../deploy/package.ts';
import { ARCHITECTURES, type Architecture } from '../../deploy/stage.ts';
import { BadInput, print, say } from './io.ts';

export interface ImageOptions {
  out: string;
  arch?: string;
  keyring?: string;
}

/** The ending of the file's name says what is built. */
export async function image({ out, arch, keyring }: ImageOptions): Promise<void> {
  const started = performance.now();
  const done = (bytes: number, more: object = {}) =>
    print({ file: out, bytes, seconds: Math.round((performance.now() - started) / 100) / 10, ...more });
  if (out.endsWith('.deb')) return done(await buildPackage(architectureOf(out, arch), out));
  if (/\.img(\.zst)?$/.test(out)) {
    if (keyring === undefined) say('no --keyring: this image will refuse every update');
    const onStep = (step: string, seconds: number) => say(`${step}: ${seconds} s`);
    const built = await buildImage({ file: out, onStep, ...(keyring === undefined ? {} : { keyring }) });
    return done(built.bytes, { rootBytes: built.rootBytes, sha256: built.sha256 });
  }
  throw new BadInput(`${out}: expected a name that ends in .img, .img.zst or .deb`);
}

/** As asked for, or as the file's name has it, or what most concentrators are. */
function architectureOf(file: string, asked: string | undefined): Architecture {
  const name = asked ?? ARCHITECTURES.find((known) => basename(file).includes(known)) ?? 'arm64';
  const found = ARCHITECTURES.find((known) => known === name);
  if (found === undefined) throw new BadInput(`--arch ${name}: expected ${ARCHITECTURES.join(', ')}`);
  return found;
}
