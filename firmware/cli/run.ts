/** `gridwarden run`: the firmware itself, until it is told to stop. */
import { dirname, join, resolve } from 'node:path';
import { namedFiles } from '../config/named-files.ts';
import type { Site } from '../config/site.ts';
import type { Gateway } from '../gateway.ts';
import { keepGivingBack } from '../give-back.ts';
import { openLog } from '../log.ts';
import { areaOf } from '../meters.ts';
import type { PageSettings } from '../page/server.ts';
import { type Health, supervise } from '../supervisor.ts';
import { IMAGE_FILE, ORDER_FILE, OUTCOME_FILE } from '../update-order.ts';
import { BadInput, readInput, readSite, unreadable, untilStopped } from './io.ts';
import { writeRecording } from './recording-file.ts';
import { start } from './start.ts';

export interface RunOptions {
  config: string;
  record?: string;
  for?: number;
}

type Asked = 'reload' | 'restart';

/** How long a reload or restart waits, so that its answer reaches the platform. */
const ANSWER_MS = 1_000;
/** For the supervisor: start me again (sysexits' EX_TEMPFAIL). */
const RESTART_STATUS = 75;
/** A port hangs in the kernel, which only a new process gets rid of (sysexits' EX_SOFTWARE). */
const STUCK_STATUS = 70;

export async function run(options: RunOptions): Promise<void> {
  const ended = untilStopped(options.for);
  const log = openLog();
  let site = await readSite(options.config);
  const recording = options.record === undefined ? undefined : writeRecording(options.record, areaOf(site));
  keepGivingBack(ended);
  let gateway: Gateway | undefined;
  let asked: Asked[] = [];
  let stuck = false;
  try {
    do {
      asked = [];
      const round = new AbortController();
      const finish = () => round.abort('stopped');
      ended.addEventListener('abort', finish, { once: true });
      if (ended.aborted) finish();
      const after = (what: Asked) => {
        asked.push(what);
        // The answer to the command goes out first.
        setTimeout(() => round.abort(`${what} by command`), ANSWER_MS);
        return Promise.resolve(what);
      };
      const { page } = site;
      const started = await start({
        site,
        siteFile: options.config,
        signal: round.signal,
        log,
        onStuck(port, reason) {
          stuck = true;
          round.abort(`${port} stuck: ${reason}`);
        },
        process: {
          async reload() {
            site = await readWhole(options.config);
            return after('reload');
          },
          restart: () => after('restart'),
        },
        updates: {
          orderFile: join(dirname(resolve(options.config)), ORDER_FILE),
          outcomeFile: OUTCOME_FILE,
          imageFile: IMAGE_FILE,
        },
        ...(page === undefined ? {} : { page: () => pageSettings(page) }),
        ...(recording === undefined ? {} : { record: recording.write }),
      });
      if (gateway === undefined)
        await supervise({ signal: ended, log, health: () => healthOf(gateway ?? started.gateway) });
      gateway = started.gateway;
      await started.stopped;
      ended.removeEventListener('abort', finish);
    } while (asked.at(-1) === 'reload' && !stuck);
  } finally {
    // Also where the next round cannot start: the end of a compressed file is what makes it readable.
    await recording?.close();
  }
  if (asked.at(-1) === 'restart') process.exitCode = RESTART_STATUS;
  // Not by itself: what hangs keeps the process alive.
  if (stuck) process.exit(STUCK_STATUS);
}

/** The site of a gateway that runs: it goes on with the old one where the new one would not start. */
async function readWhole(config: string): Promise<Site> {
  const site = await readSite(config);
  for (const { path, file } of namedFiles(site)) {
    const problem = unreadable(file);
    if (problem !== undefined) throw new BadInput(`${path.join('.')}: ${file}: ${problem}`);
  }
  return site;
}

function healthOf({ buses, uplink }: Gateway): Health {
  const meters = buses.flatMap((bus) => bus.status().meters);
  const answering = meters.filter(({ state }) => state === 'answering').length;
  return { answering, meters: meters.length, brokerReached: uplink.up };
}

async function pageSettings({ listen, passwordFile, tls, metrics }: NonNullable<Site['page']>): Promise<PageSettings> {
  const text = (file: string) => readInput(file, `what the page of ${listen} needs`);
  return {
    listen,
    metrics,
    ...(passwordFile === undefined ? {} : { passwordHash: await text(passwordFile) }),
    ...(tls === undefined ? {} : { tls: { cert: await text(tls.certFile), key: await text(tls.keyFile) } }),
  };
}
