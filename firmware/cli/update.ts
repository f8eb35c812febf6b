/** `gridwarden update`: installs a signed bundle into the other slot; and decides after a start whether it stays. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { run } from '../../deploy/tools.ts';
import { judgeStart, type Remembered } from '../../deploy/update/confirm.ts';
import { obeyOrder, type Places } from '../../deploy/update/obey.ts';
import { isNewer } from '../../deploy/update/version.ts';
import { type Health, parseHealth } from '../supervisor.ts';
import { IMAGE_FILE, ORDER_FILE, OUTCOME_FILE, type UpdateOutcome } from '../update-order.ts';
import { writeWhole } from '../whole-file.ts';
import { BadInput, Failed, print, say } from './io.ts';
import { progress } from './progress.ts';

export interface UpdateOptions {
  confirm?: boolean;
  ordered?: boolean;
  anyway?: boolean;
  reboot: boolean;
}

/** What worked just before the update; lives with the data, so that the new slot finds it. */
const MEMORY_FILE = '/data/system/before-update.json';
/** The image that was given up. */
const FAILED_FILE = '/data/system/failed-update';
const CONFIRMED_FILE = '/run/gridwarden-confirmed';
const STATE = '/var/lib/gridwarden';
const PLACES: Places = {
  inbox: `${STATE}/${ORDER_FILE}`,
  order: '/data/system/update-order.json',
  bundle: '/data/system/update.raucb',
  outcome: OUTCOME_FILE,
};
/** For a download over a slow link, with all its interruptions. */
const ORDER_DEADLINE_MS = 2 * 3_600_000;

export async function update(bundle: string | undefined, options: UpdateOptions): Promise<void> {
  if (options.confirm === true) return confirm();
  if (options.ordered === true) return ordered();
  if (bundle === undefined) throw new BadInput('update: expected a bundle (.raucb), as a file or http(s)://…');
  if (!/^https?:\/\//.test(bundle) && !existsSync(bundle))
    throw new BadInput(`${bundle}: no such file: expected a bundle (.raucb)`);
  if (!existsSync(IMAGE_FILE))
    throw new Failed('this is not a gateway with two slots: update the Debian package instead');
  if (options.anyway !== true) await worthInstalling(bundle);
  // Before the slots change: a power cut at any moment after this finds it there.
  const health = await currentHealth();
  writeFileSync(MEMORY_FILE, `${JSON.stringify({ image: imageId(), health } satisfies Remembered)}\n`, { flush: true });
  await install(bundle);
  print({ bundle, installed: true, restarts: options.reboot });
  if (options.reboot) await run('systemctl', ['reboot']);
  else say('installed: it takes over at the next restart');
}

/** What the platform ordered; a unit starts it when the gateway has left an order. */
async function ordered(): Promise<void> {
  const bar = progress('download');
  const outcome = await obeyOrder({
    places: PLACES,
    // Whom the gateway trusts for its broker may also keep its updates.
    caFile: `${STATE}/ca.pem`,
    signal: AbortSignal.timeout(ORDER_DEADLINE_MS),
    onProgress: (done, total) => bar.update(done, total),
    async install(bundle, { version }) {
      const held = await versionOf(bundle);
      if (held !== undefined && held !== version) throw new Failed(`the bundle has ${held}, ordered was ${version}`);
      await update(bundle, { reboot: false });
    },
  });
  bar.stop();
  print(outcome ?? { ordered: 'nothing' });
  if (outcome?.state === 'installed') await run('systemctl', ['reboot']);
}

/** An older image would bring old holes back, and one that failed here would fail again. */
async function worthInstalling(bundle: string): Promise<void> {
  const version = await versionOf(bundle);
  if (version === undefined) return;
  if (!isNewer(version, imageId()))
    throw new Failed(`${bundle} has ${version}, here runs ${imageId()}: nothing newer (--anyway installs it)`);
  if (readFile(FAILED_FILE) === version)
    throw new Failed(`${version} was tried here and did not work as before (--anyway tries it again)`);
}

/** What a bundle says it is. The signature is judged at the installation; this only spares a pointless one. */
async function versionOf(bundle: string): Promise<string | undefined> {
  const info = await run('rauc', ['info', '--no-verify', '--output-format=shell', bundle]).catch(() => '');
  return /^RAUC_MF_VERSION='(.*)'$/m.exec(info)?.[1];
}

async function install(bundle: string): Promise<void> {
  const bar = progress('update');
  let said = '';
  try {
    await run('rauc', ['install', bundle], {
      onOutput: (text) => {
        said = `${said}${text}`.slice(-4_000);
        const percent = [...text.matchAll(/(\d+)%/g)].at(-1)?.[1];
        if (percent !== undefined) bar.update(Number(percent), 100);
      },
    });
  } catch (error) {
    throw new Failed(`the bundle was not installed, nothing has changed: ${reasonOf(`${said}${String(error)}`)}`);
  } finally {
    bar.stop();
  }
}

/** RAUC's own last words, or what they mean where that is known. */
function reasonOf(text: string): string {
  if (/signature verification failed|verify error|self.signed certificate/i.test(text))
    return 'it is not signed by whom this gateway trusts';
  if (/compatible mismatch|compatible does not match/i.test(text)) return 'it is for another kind of board';
  return /LastError: (.*)/.exec(text)?.[1] ?? text.split('\n').at(-1) ?? text;
}

/** Runs from a timer after each start, until it has decided. */
async function confirm(): Promise<void> {
  const remembered = readMemory();
  const health = await currentHealth();
  const verdict = judgeStart({ image: imageId(), health, uptimeS: uptime(), remembered });
  print({ ...verdict, health, image: imageId() });
  switch (verdict.verdict) {
    case 'good':
      await run('rauc', ['status', 'mark-good']);
      await endOrder();
      writeFileSync(CONFIRMED_FILE, '');
      rmSync(MEMORY_FILE, { force: true });
      return;
    case 'wait':
      return;
    case 'back':
      // What worked before is in the other slot; the memory stays until that one has confirmed itself.
      writeFileSync(FAILED_FILE, imageId(), { flush: true });
      await run('rauc', ['status', 'mark-bad']);
      await run('systemctl', ['reboot']);
      return;
    default:
      verdict.verdict satisfies never;
  }
}

/** Says to whom ordered the update what came of it: this start is a good one, in the new image or in the old. */
async function endOrder(): Promise<void> {
  const text = readFile(OUTCOME_FILE);
  if (text === '') return;
  const outcome = JSON.parse(text) as UpdateOutcome;
  if (outcome.state !== 'installed') return;
  const kept = imageId() === outcome.version;
  const ended: UpdateOutcome = { ...outcome, state: kept ? 'kept' : 'rolled-back' };
  await writeWhole(OUTCOME_FILE, JSON.stringify(ended), 0o644);
}

const readFile = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '');
const imageId = () => readFile(IMAGE_FILE);

function readMemory(): Remembered | undefined {
  try {
    return JSON.parse(readFileSync(MEMORY_FILE, 'utf8')) as Remembered;
  } catch {
    // Never updated, or cut in the middle of writing: then nothing is expected of this start.
    return undefined;
  }
}

/** What the gateway says of itself; undefined while it does not run. */
async function currentHealth(): Promise<Health | undefined> {
  const text = await run('systemctl', ['show', 'gridwarden.service', '-p', 'ActiveState', '-p', 'StatusText']).catch(
    () => '',
  );
  return /ActiveState=active/.test(text) ? parseHealth(text) : undefined;
}
