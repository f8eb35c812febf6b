/**
 * `npm run test:image`: builds the image, starts it in QEMU with simulated meters and a real broker, and sees an alert
 * arrive. `--troubles` also pulls the adapter, steps the clock and cuts the power; `--update` instead orders an update
 * by a signed command; `--full` does all of it, troubles and updates beside each other on two cards, has a bad update
 * roll back, and starts the card as a power cut would have left it at random moments of the update (`--update-cuts`).
 * The last line is JSON with the times.
 * Where programs or packages cannot be had it says so loudly and ends with 0: nothing was proved.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { U_BOOT } from './boot/machine.ts';
import { startTimeServer, type TimeServer } from './boot/time-server.ts';
import { makeBundles, testUpdates } from './boot/updates.ts';
import { openYard, type Yard } from './boot/yard.ts';
import { archiveAnswers } from './image/debian.ts';
import { buildImage } from './image/image.ts';
import { missing, run } from './tools.ts';
import type { Signer } from './update/bundle.ts';
import { makeSigner, signerIn } from './update/signer.ts';

const PROGRAMS = [
  ...['mmdebstrap', 'mke2fs', 'mkfs.vfat', 'mcopy', 'mkimage', 'sfdisk', 'depmod', 'cpio', 'xz', 'zstd', 'openssl'],
  ...['aarch64-linux-gnu-strip', 'systemd-sysusers', 'rauc', 'mksquashfs'],
  ...['qemu-system-aarch64', 'mosquitto'],
];
const SLOT_BYTES_MAX = 450e6;
const BUILD_S_MAX = 360;
/** Image, two cards, root file system and the bundles made of it. */
const ROOM_BYTES = 7e9;

const { values } = parseArgs({
  options: {
    full: { type: 'boolean' },
    troubles: { type: 'boolean' },
    update: { type: 'boolean' },
    cuts: { type: 'string', default: '10' },
    'update-cuts': { type: 'string' },
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
  say(`   ${name}: ${seconds} s`);
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
  const base = hasRoom('/dev/shm') ? '/dev/shm' : tmpdir();
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
  await play({ folder, image, rootfs, signer });
  figures.totalS = Math.round((performance.now() - started) / 1000);
  if ((figures.buildS ?? 0) > BUILD_S_MAX) say(`MISSED: built in ${figures.buildS} s, wanted ${BUILD_S_MAX}`);
  say(JSON.stringify(figures));
  process.exit(0);
}

interface Built {
  folder: string;
  image: string;
  rootfs: string;
  signer: Signer;
}

/** What was asked for: troubles on one card, updates on another, beside each other. */
async function play(built: Built): Promise<void> {
  // The guests ask port 123, so that all yards share one server.
  const time = await startTimeServer();
  const full = values.full === true;
  const lanes: Promise<void>[] = [];
  const ordered = Promise.withResolvers<void>();
  if (values.update !== true) {
    const yard = await provisioned('yard', built);
    await firstAlert(yard);
    const troubled = async () => {
      if (full || values.troubles === true) {
        await troubles(yard, Number(values.cuts));
        // The other yard's commands expire by the same time.
        if (full) await ordered.promise;
        await stepClock(yard, time);
      }
      yard.close();
    };
    lanes.push(troubled());
  }
  if (full || values.update === true) lanes.push(updated(built, ordered.resolve));
  await Promise.all(lanes);
}

async function updated(built: Built, onOrdered: () => void): Promise<void> {
  const full = values.full === true;
  const { folder, rootfs, signer } = built;
  const yard = await provisioned(full ? 'update' : 'yard', built);
  const bundles = await timed('make bundles', () => makeBundles(folder, yard.bundles.folder, rootfs, signer));
  const cuts = Number(values['update-cuts'] ?? (full ? 20 : 0));
  figures.startedAfterCuts = await testUpdates(yard, bundles, { timed, rollback: full, cuts, folder, onOrdered });
  yard.close();
}

/** A yard of its own with a card of its own. */
async function provisioned(name: string, { folder, image }: Built): Promise<Yard> {
  mkdirSync(join(folder, name));
  const card = join(folder, `${name}.img`);
  await run('cp', ['--sparse=always', image, card]);
  const yard = await openYard(join(folder, name), card);
  process.once('exit', () => yard.close());
  await timed(name === 'yard' ? 'provision' : `provision ${name}`, () => yard.provision());
  return yard;
}

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > ROOM_BYTES;
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

const STEP_MS = 2 * 3_600_000;

/** The time server says two hours more, and then the right time again: the gateway follows, and goes on. */
async function stepClock(yard: Yard, time: TimeServer): Promise<void> {
  const clockIs = async (aheadMs: number) => {
    const ids = new Set<string>();
    const near = (at: number) => Math.abs(at - Date.now() - aheadMs) < 600_000;
    const asking = setInterval(() => ids.add(yard.command('timeline', { alert: 'none' })), 15_000);
    const follows = () => [...ids].some((id) => yard.answers(id).some(({ at }) => near(at)));
    await yard.until(`the clock is ${aheadMs} ms ahead`, follows).finally(() => clearInterval(asking));
  };
  await timed('clock steps ahead', async () => {
    time.offsetMs = STEP_MS;
    await clockIs(STEP_MS);
  });
  await timed('clock steps back', async () => {
    time.offsetMs = 0;
    await clockIs(0);
    const before = yard.alerts().length;
    await yard.until('alerts go on', () => yard.alerts().length > before);
  });
}

await main().catch((error: unknown) => {
  say(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
