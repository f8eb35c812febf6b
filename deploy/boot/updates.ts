/** Updates in the test: bundles that must be refused, one that must stay, one that must give way again. From a stick. */
import { randomBytes } from 'node:crypto';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { need, run } from '../tools.ts';
import { makeBundle, type Signer } from '../update/bundle.ts';
import { makeSigner } from '../update/signer.ts';
import type { Yard } from './yard.ts';

const GOOD_VERSION = '99.1.0+good';
const BROKEN_VERSION = '99.2.0+broken';
/** Without this file the gateway of the broken image does not start. */
const VITAL = '/opt/gridwarden/firmware/gateway.ts';

/** A stick with four bundles made of `rootfs`. @returns the stick's image file */
export async function makeStick(folder: string, rootfs: string, signer: Signer): Promise<string> {
  need('debugfs', 'mke2fs', 'rauc');
  const content = join(folder, 'stick');
  await mkdir(content, { recursive: true });
  const bundle = (name: string) => join(content, `${name}.raucb`);
  const stub = join(folder, 'stub.ext4');
  await writeFile(stub, randomBytes(1024 * 1024));
  await makeBundle(stub, bundle('foreign'), '99', await makeSigner(join(folder, 'foreign'), 'somebody else'));
  await makeBundle(stub, bundle('other-board'), '99', signer, 'another-board');
  const changed = join(folder, 'changed.ext4');
  await cp(rootfs, changed);
  await change(changed, folder, GOOD_VERSION);
  await makeBundle(changed, bundle('good'), GOOD_VERSION, signer);
  await change(changed, folder, BROKEN_VERSION);
  await run('debugfs', ['-w', '-R', `rm ${VITAL}`, changed]);
  await makeBundle(changed, bundle('broken'), BROKEN_VERSION, signer);
  await rm(changed);
  const stick = join(folder, 'stick.img');
  await rm(stick, { force: true });
  await run('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', content, stick, '400M']);
  await rm(content, { recursive: true });
  return stick;
}

async function change(rootfs: string, folder: string, version: string): Promise<void> {
  const file = join(folder, 'version');
  await writeFile(file, `${version}\n`);
  const name = '/usr/lib/gridwarden-image';
  await run('debugfs', ['-w', '-R', `rm ${name}`, rootfs]);
  await run('debugfs', ['-w', '-R', `write ${file} ${name}`, rootfs]);
}

/** What the guest does at each start: it says what runs, tries what must be refused, and installs the next bundle. */
const SCRIPT = `journalctl -f -n 2000 -o short-monotonic > /dev/ttyAMA0 &
exec > /dev/ttyAMA0 2>&1
image=$(cat /usr/lib/gridwarden-image)
echo "RUNNING $image"
until [ -e /run/gridwarden-confirmed ]; do sleep 2; done
echo "CONFIRMED $image"
until [ -b /dev/sda ]; do sleep 1; done
mkdir -p /run/stick
mount -o ro /dev/sda /run/stick
try() { if gridwarden update "/run/stick/$1.raucb"; then echo "TAKEN $1"; else echo "REFUSED $1"; fi; }
until systemctl show gridwarden -p StatusText | grep -q "meters=[1-9].*broker=reached"; do sleep 2; done
case "$image" in
  ${GOOD_VERSION}) test -e /data/tried-broken || { touch /data/tried-broken; sync; try broken; } ;;
  ${BROKEN_VERSION}) ;;
  *) try foreign; try other-board; try good ;;
esac
wait
`;

const plain = (text: string) => text.replaceAll(/[.+]/g, '\\$&');

/** @param timed runs a step and notes how long it took */
export async function testUpdates(
  yard: Yard,
  stick: string,
  timed: (name: string, work: () => Promise<void>) => Promise<void>,
  rollback: boolean,
): Promise<void> {
  const until = (pattern: RegExp) => yard.until(String(pattern), () => yard.seen(pattern), 1_800);
  yard.start({ script: SCRIPT, stick });
  await timed('wrong bundles refused', async () => {
    await until(/REFUSED foreign/);
    await until(/REFUSED other-board/);
  });
  await timed('update installed', () => until(/"installed":true/));
  await timed('update confirmed', () => until(new RegExp(`CONFIRMED ${plain(GOOD_VERSION)}`)));
  if (!rollback) return;
  await timed('broken update installed', () => until(/"installed":true[\s\S]*"installed":true/));
  await timed('broken update starts', () => until(new RegExp(`RUNNING ${plain(BROKEN_VERSION)}`)));
  await timed('rolled back', () =>
    until(new RegExp(`RUNNING ${plain(BROKEN_VERSION)}[\\s\\S]*CONFIRMED ${plain(GOOD_VERSION)}`)),
  );
}
