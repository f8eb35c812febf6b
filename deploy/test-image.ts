/**
 * `npm run test:image`: builds the image, starts it in QEMU with simulated meters and a real broker, and sees an alert
 * arrive. `--troubles` also pulls the adapter and cuts the power; `--update` instead installs an update from a stick;
 * `--full` does all of it and has a bad update roll back. The last line is JSON with the times.
 * Where programs or packages cannot be had it says so loudly and ends with 0: nothing was proved.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { U_BOOT } from './boot/machine.ts';
import { makeStick, testUpdates } from './boot/updates.ts';
import { openYard, type Yard } from './boot/yard.ts';
import { archiveAnswers } from './image/debian.ts';
import { buildImage } from './image/image.ts';
import { missing, run } from './tools.ts';
import { makeSigner, signerIn } from './update/signer.ts';

const PROGRAMS = [
  ...['mmdebstrap', 'mke2fs', 'mkfs.vfat', 'mcopy', 'mkimage', 'sfdisk', 'depmod', 'cpio', 'xz', 'zstd', 'openssl'],
  ...['aarch64-linux-gnu-strip', 'systemd-sysusers', 'rauc', 'mksquashfs'],
  ...['qemu-system-aarch64', 'mosquitto', 'socat'],
];
const SLOT_BYTES_MAX = 450e6;
const BUILD_S_MAX = 360;

const { values } = parseArgs({
  options: {
    full: { type: 'boolean' },
    troubles: { type: 'boolean' },
    update: { type: 'boolean' },
    cuts: { type: 'string', default: '10' },
    /** An image that was built before, its root file system and the folder of who signs its updates. */
    image: { type: 'string' },
    rootfs: { type: 'string' },
    signer: { type: 'string' },
  },
});

const say = (text: string) => process.stdout.write(`${text}\n`);
const figures: Record<string, number> = {};
const started = performance.now();

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const from = performance.now();
  say(`== ${name}`);
  const result = await work();
  const seconds = Math.round((performance.now() - from) / 100) / 10;
  figures[`${name.replaceAll(/[^A-Za-z0-9]+(.)/g, (_, letter: string) => letter.toUpperCase())}S`] = seconds;
  say(`   ${seconds} s`);
  return result;
}

function skipped(why: string): never {
  say(`SKIPPED: the image was not built and not started: ${why}`);
  process.exit(0);
}

async function main(): Promise<void> {
  const lacking = missing(PROGRAMS);
  if (!existsSync(U_BOOT)) lacking.push('u-boot-qemu');
  if (lacking.length > 0) skipped(`apt-get install -y --no-install-recommends ${[...new Set(lacking)].join(' ')}`);
  if (process.getuid?.() !== 0) skipped('files in the image have owners: run it as root');
  if (values.image === undefined && !(await archiveAnswers())) skipped("Debian's packages are not reachable");
  // In memory where there is room: the guest's flushes would otherwise wait for this machine's disk.
  const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const folder = mkdtempSync(join(base, 'gridwarden-test-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const signer = values.signer === undefined ? await makeSigner(join(folder, 'signer')) : signerIn(values.signer);
  const image = values.image ?? join(folder, 'gateway-arm64.img');
  const rootfs = values.rootfs ?? join(folder, 'rootfs.ext4');
  if (values.image === undefined) {
    const onStep = (step: string, seconds: number) => say(`   ${step}: ${seconds} s`);
    const built = await timed('build', () => buildImage({ file: image, keyring: signer.caFile, rootfs, onStep }));
    figures.imageBytes = built.bytes;
    figures.slotBytes = built.rootBytes;
    if (built.rootBytes > SLOT_BYTES_MAX) throw new Error(`a slot takes ${built.rootBytes} bytes`);
  }
  mkdirSync(join(folder, 'yard'));
  const card = join(folder, 'card.img');
  await run('cp', ['--sparse=always', image, card]);
  const yard = await openYard(join(folder, 'yard'), card);
  process.once('exit', () => yard.close());
  await timed('provision', () => yard.provision());
  if (values.update !== true) await firstAlert(yard);
  if (values.full === true || values.troubles === true) await troubles(yard, Number(values.cuts));
  if (values.full === true || values.update === true) {
    if (values.full === true) await yard.machine().cut();
    const stick = await makeStick(folder, rootfs, signer);
    await testUpdates(yard, stick, timed, values.full === true);
  }
  yard.close();
  figures.totalS = Math.round((performance.now() - started) / 1000);
  if ((figures.buildS ?? 0) > BUILD_S_MAX) say(`MISSED: built in ${figures.buildS} s, wanted ${BUILD_S_MAX}`);
  say(JSON.stringify(figures));
  process.exit(0);
}

async function firstAlert(yard: Yard): Promise<void> {
  yard.start();
  await timed('start to broker', () => yard.until('the gateway is online', () => yard.online()));
  await timed('broker to first alert', () => yard.until('an alert arrived', () => yard.alerts().length > 0));
  say(`   ${JSON.stringify(yard.alerts()[0])}`);
}

async function troubles(yard: Yard, cuts: number): Promise<void> {
  const answering = () => yard.seen(/"port":"\/dev\/rs485\/[^"]*usb[^"]*","state":"open"/);
  await timed('adapter pulled', async () => {
    yard.mark();
    await yard.machine().unplug();
    await yard.until('the gateway misses its port', () => yard.seen(/usb[^"]*","state":"lost"/));
  });
  await timed('adapter put back', async () => {
    yard.mark();
    await yard.machine().plug();
    await yard.until('the gateway reads through it again', answering);
  });
  for (let cut = 1; cut <= cuts; cut++) {
    await timed(`power cut ${cut}`, async () => {
      await yard.machine().cut();
      yard.start();
      await yard.until('the gateway is online again', () => yard.online());
    });
  }
  await yard.until('everything on the card has arrived', () => yard.missing().length === 0, 120);
  figures.lost = yard.missing().length;
}

await main().catch((error: unknown) => {
  say(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
