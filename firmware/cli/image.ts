/** `gridwarden image`: what goes onto a concentrator, made from Debian's packages and the npm registry. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buildImage } from '../../deploy/image/image.ts';
import { buildPackage } from '../../deploy/package.ts';
import { ARCHITECTURES, type Architecture } from '../../deploy/stage.ts';
import { makeBundle } from '../../deploy/update/bundle.ts';
import { expectCertificate, expectKey } from './certificates.ts';
import { BadInput, expectWritable, print, say } from './io.ts';

export interface ImageOptions {
  out: string;
  arch?: string;
  keyring?: string;
  cert?: string;
  key?: string;
}

/** The ending of the file's name says what is built. */
export async function image({ out, arch, keyring, cert, key }: ImageOptions): Promise<void> {
  if (!/\.(img|img\.zst|deb|raucb)$/.test(out))
    throw new BadInput(`${out}: expected a name that ends in .img, .img.zst, .deb or .raucb`);
  expectWritable(out);
  await expectCertificate('--keyring', keyring);
  await expectCertificate('--cert', cert);
  await expectKey('--key', key);
  const started = performance.now();
  const done = (bytes: number, more: object = {}) =>
    print({ file: out, bytes, seconds: Math.round((performance.now() - started) / 100) / 10, ...more });
  if (out.endsWith('.deb')) return done(await buildPackage(architectureOf(out, arch), out));
  const onStep = (step: string, seconds: number) => say(`${step}: ${seconds} s`);
  const trusted = keyring === undefined ? {} : { keyring };
  if (/\.img(\.zst)?$/.test(out)) {
    if (keyring === undefined) say('no --keyring: this image will refuse every update');
    const { bytes, ...more } = await buildImage({ file: out, onStep, ...trusted });
    return done(bytes, more);
  }
  if (cert === undefined || key === undefined || keyring === undefined)
    throw new BadInput(`${out}: expected --cert, --key and --keyring: who signs it, and who signs the next`);
  const scratch = await mkdtemp(join(tmpdir(), 'gridwarden-bundle-'));
  const rootfs = join(scratch, 'rootfs.ext4');
  try {
    const { version } = await buildImage({ file: join(scratch, 'gateway.img'), rootfs, onStep, ...trusted });
    return done(await makeBundle(rootfs, out, version, { certFile: cert, keyFile: key }), { version });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** As asked for, or as the file's name has it, or what most concentrators are. */
function architectureOf(file: string, asked: string | undefined): Architecture {
  const name = asked ?? ARCHITECTURES.find((known) => basename(file).includes(known)) ?? 'arm64';
  const found = ARCHITECTURES.find((known) => known === name);
  if (found === undefined) throw new BadInput(`--arch ${name}: expected ${ARCHITECTURES.join(', ')}`);
  return found;
}
