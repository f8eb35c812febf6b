/**
 * Updates in the test: bundles that must be refused, one that must stay, one that must give way again; and the card as a
 * power cut would leave it at random moments of the good one.
 */
import { randomBytes } from 'node:crypto';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { need, run } from '../tools.ts';
import { makeBundle, type Signer } from '../update/bundle.ts';
import { makeSigner } from '../update/signer.ts';
import { startMachine } from './machine.ts';
import type { Yard } from './yard.ts';

const GOOD_VERSION = '99.1.0+good';
const BROKEN_VERSION = '99.2.0+broken';
/** Without this file the gateway of the broken image does not start. */
const VITAL = '/opt/gridwarden/firmware/gateway.ts';

export interface Bundles {
  /** A stick's image with what must be refused. */
  stick: string;
  /** In the update server's folder. */
  sha256: { good: string; broken: string };
}

/** Makes the bundles out of `rootfs`. */
export async function makeBundles(folder: string, served: string, rootfs: string, signer: Signer): Promise<Bundles> {
  need('debugfs', 'mke2fs', 'rauc');
  const content = join(folder, 'stick');
  await mkdir(content, { recursive: true });
  const stub = join(folder, 'stub.ext4');
  await writeFile(stub, randomBytes(1024 * 1024));
  const foreigner = await makeSigner(join(folder, 'foreign'), 'somebody else');
  await makeBundle(stub, join(content, 'foreign.raucb'), '99', foreigner);
  await makeBundle(stub, join(content, 'other-board.raucb'), '99', signer, 'another-board');
  const stick = join(folder, 'stick.img');
  await rm(stick, { force: true });
  await run('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', content, stick, '32M']);
  await rm(content, { recursive: true });
  const changed = join(folder, 'changed.ext4');
  await cp(rootfs, changed);
  await change(changed, folder, GOOD_VERSION);
  await makeBundle(changed, join(served, 'good.raucb'), GOOD_VERSION, signer);
  await change(changed, folder, BROKEN_VERSION);
  await run('debugfs', ['-w', '-R', `rm ${VITAL}`, changed]);
  await makeBundle(changed, join(served, 'broken.raucb'), BROKEN_VERSION, signer);
  await rm(changed);
  const digest = async (name: string) => (await run('sha256sum', [join(served, name)])).slice(0, 64);
  return { stick, sha256: { good: await digest('good.raucb'), broken: await digest('broken.raucb') } };
}

async function change(rootfs: string, folder: string, version: string): Promise<void> {
  const file = join(folder, 'version');
  await writeFile(file, `${version}\n`);
  const name = '/usr/lib/gridwarden-image';
  await run('debugfs', ['-w', '-R', `rm ${name}`, rootfs]);
  await run('debugfs', ['-w', '-R', `write ${file} ${name}`, rootfs]);
}

/** What the guest does at each start: it says what runs, and tries from the stick what must be refused. */
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
until [ -e /run/systemd/timesync/synchronized ]; do sleep 2; done
until systemctl show gridwarden -p StatusText | grep -q "meters=[1-9].*broker=reached"; do sleep 2; done
case "$image" in 99.*) ;; *) try foreign; try other-board ;; esac
echo "READY $image"
wait
`;

/** Whether a card that lost power starts: the root, the data that must last, and nothing repaired by starting afresh. */
const ALIVE = `exec > /dev/ttyAMA0 2>&1
grep -q ' /data ext4 rw' /proc/mounts && test -s /var/lib/gridwarden/site.yaml && test -s /var/lib/gridwarden/state/outbox.db &&
  echo "ALIVE $(cat /usr/lib/gridwarden-image)"
`;

const plain = (text: string) => text.replaceAll(/[.+]/g, '\\$&');
type Timed = (name: string, work: () => Promise<void>) => Promise<void>;
/** Cards kept for starting them later; there are more moments than starts, and they are drawn among all. */
const MOMENTS_MAX = 60;
const GAP_MAX_S = 12;

export interface UpdateTest {
  timed: Timed;
  /** Also an update that must give way again. */
  rollback: boolean;
  /** At so many moments of the good update the power is cut. */
  cuts: number;
  /** Called when no command will be given any more: from here on the guest's clock may be wrong. */
  onOrdered(): void;
  folder: string;
}

/** @returns how many of the cut cards started */
export async function testUpdates(yard: Yard, bundles: Bundles, test: UpdateTest): Promise<number> {
  const { timed, folder } = test;
  const until = (pattern: RegExp) => yard.until(String(pattern), () => yard.seen(pattern), 1_800);
  /** The gateway asks the kernel once a minute whether its clock can be believed, and refuses until then. */
  const order = async (name: 'good' | 'broken', version: string): Promise<string> => {
    const url = `https://${yard.bundles.address}/${name}.raucb`;
    for (let tries = 20; ; tries--) {
      const id = yard.command('update', { url, version, sha256: bundles.sha256[name] });
      await yard.until(`${id} answered`, () => yard.answers(id).length > 0, 300);
      const [{ status, reason = '' } = { status: 'unknown' }] = yard.answers(id);
      if (status === 'started') return id;
      if (tries === 0 || !reason.startsWith('clock-not-set')) throw new Error(`update ${status}: ${reason}`);
      await new Promise((resolve) => setTimeout(resolve, 15_000));
    }
  };
  const answered = async (id: string, status: string) => {
    const said = () => yard.answers(id).map((answer) => `${answer.status} ${answer.reason ?? ''}`.trim());
    await yard
      .until(`${id} ${status}`, () => said().some((text) => text.startsWith(status)), 1_800)
      .catch((error) => {
        throw new Error(`answered ${said().join(', ')}; ${String(error)}`);
      });
  };
  yard.start({ script: SCRIPT, stick: bundles.stick });
  await timed('wrong bundles refused', async () => {
    await until(/REFUSED foreign/);
    await until(/REFUSED other-board/);
    await until(/READY/);
  });
  const cards = freezeCards(yard, folder, test.cuts > 0);
  let id = '';
  await timed('update ordered', async () => {
    id = await order('good', GOOD_VERSION);
  });
  await timed('update installed', () => until(/"state":"installed"/));
  await timed('update confirmed', () => until(new RegExp(`CONFIRMED ${plain(GOOD_VERSION)}`)));
  await timed('update answered', () => answered(id, 'done'));
  const frozen = await cards.stop();
  // While the machine waits for its patience to end there is room for others.
  let started = 0;
  const starts = timed(`starts after ${test.cuts} power cuts`, async () => {
    started = await startCards(frozen, test.cuts, folder);
  });
  starts.catch(() => {});
  if (!test.rollback) test.onOrdered();
  else {
    await until(new RegExp(`READY ${plain(GOOD_VERSION)}`));
    await timed('broken update ordered', async () => {
      id = await order('broken', BROKEN_VERSION);
    });
    await timed('broken update starts', () => until(new RegExp(`RUNNING ${plain(BROKEN_VERSION)}`)));
    test.onOrdered();
    await timed('rolled back', () => answered(id, 'failed rolled back'));
  }
  await starts;
  await yard.machine().cut();
  return started;
}

/** Keeps the card at random moments until it is told to stop. */
function freezeCards(yard: Yard, folder: string, wanted: boolean): { stop(): Promise<string[]> } {
  const frozen: string[] = [];
  let going = wanted;
  const done = (async () => {
    while (going && frozen.length < MOMENTS_MAX) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * GAP_MAX_S * 1_000));
      if (going) frozen.push(await yard.machine().freeze(join(folder, `card-${frozen.length}.qcow2`)));
    }
  })();
  return {
    async stop() {
      going = false;
      await done;
      return frozen;
    },
  };
}

/** Starts some of these cards, two at a time. @throws with the console of one that does not start */
async function startCards(cards: readonly string[], count: number, folder: string): Promise<number> {
  const drawn = cards.toSorted(() => Math.random() - 0.5).slice(0, count);
  const rest = drawn.entries();
  let started = 0;
  const starter = async () => {
    for (const [n, image] of rest) {
      const room = join(folder, `start-${n}`);
      await mkdir(room);
      const machine = startMachine({ image, folder: room, script: ALIVE, forgetful: true, cores: 1 });
      const endMs = performance.now() + 900_000;
      while (!/ALIVE \S/.test(machine.console())) {
        if (!machine.running || performance.now() > endMs)
          throw new Error(`the card of moment ${n} does not start: ${machine.console().slice(-3_000)}`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      await machine.cut();
      started++;
    }
  };
  await Promise.all([starter(), starter()]);
  return started;
}
