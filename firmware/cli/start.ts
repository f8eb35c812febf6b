/** The gateway on real parts: this machine's clock, serial and TCP ports, SQLite in a thread, MQTT, the local page. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Alert } from '../../detectors/alert.ts';
import { allDetectors } from '../../detectors/catalogue.ts';
import type { Sample } from '../../protocols/reading.ts';
import { systemClock } from '../clock.ts';
import { clockSync } from '../clock-sync.ts';
import { openAudit } from '../commands/audit.ts';
import type { CommandKey } from '../commands/verify.ts';
import type { Site } from '../config/site.ts';
import { type Gateway, startGateway } from '../gateway.ts';
import type { Actions } from '../handlers.ts';
import { type LogRing, openLog } from '../log.ts';
import { noticeHandlers } from '../notices.ts';
import { openPort } from '../open-port.ts';
import type { Outbox } from '../outbox.ts';
import { gatewaySource } from '../page/gateway-source.ts';
import { type KeepPageParts, type KeptPage, keepPage, PAGE_AWAY } from '../page/keep-page.ts';
import type { PageSettings } from '../page/server.ts';
import type { PageSource } from '../page/source.ts';
import { openStoreWorker } from '../store/worker.ts';
import { type UpdateParts, watchUpdates } from '../update-order.ts';
import { BACK_OFF } from '../uplink/back-off.ts';
import { type Dialect, dialectEncoder } from '../uplink/dialect.ts';
import { mqttLink } from '../uplink/mqtt-link.ts';
import { makeDirectory, readInput } from './io.ts';

export const VERSION = '0.1.0';

export interface StartOptions {
  site: Site;
  /** Where the site file stands; the page edits it. */
  siteFile: string;
  signal: AbortSignal;
  /** How the local page is served; asked again while it cannot start. */
  page?: () => Promise<PageSettings>;
  record?: (sample: Sample) => void;
  onAlerts?: (alerts: readonly Alert[], durable: boolean) => void;
  log?: LogRing;
  curveSpacingMs?: number;
  /** A port is stuck for good: see `gateway.ts`. */
  onStuck?: (port: string, reason: string) => void;
  /** What commands may do to the process; without it they may not. */
  process?: Pick<Actions, 'reload' | 'restart'>;
  /** Where orders to update go and what comes of them. */
  updates?: Pick<UpdateParts, 'orderFile' | 'outcomeFile' | 'imageFile'>;
}

export interface Started {
  gateway: Gateway;
  /** Undefined where no page was asked for. */
  page: KeptPage | undefined;
  /** Resolves when the signal has ended everything and the store is closed. `signal.reason` is kept for the next start. */
  stopped: Promise<void>;
}

const RESTART_KEY = 'restart-reason';
const UNCLEAN = 'power cut or crash';

/** What ends one part; the parts end in the reverse order of their start. */
type Closers = (() => Promise<void>)[];

/** Starts everything. @throws what the first part threw that could not start; those started before it are stopped then */
export async function start(options: StartOptions): Promise<Started> {
  const ending = new AbortController();
  const end = () => ending.abort(options.signal.reason);
  if (options.signal.aborted) end();
  else options.signal.addEventListener('abort', end, { once: true });
  const closers: Closers = [];
  try {
    return await startParts({ ...options, signal: ending.signal }, closers);
  } catch (error) {
    ending.abort(`start failed: ${(error as Error).message}`);
    await closeAll(closers);
    throw error;
  } finally {
    if (ending.signal.aborted) options.signal.removeEventListener('abort', end);
  }
}

async function closeAll(closers: Closers): Promise<void> {
  for (const close of closers.reverse()) await close();
}

async function startParts(options: StartOptions, closers: Closers): Promise<Started> {
  const { site, signal } = options;
  const log = options.log ?? openLog();
  makeDirectory(site.store.directory);
  const notices = noticeHandlers(log);
  const clockSynchronised = clockSync(systemClock);
  const outbox = openStoreWorker(join(site.store.directory, 'outbox.db'), {
    limits: { messages: site.store.maxAlerts, reserveBytes: 4 * 1024 * 1024 },
    onNotice: notices.store,
    clockSynchronised,
  });
  closers.push(async () => {
    await swapReason(outbox, typeof signal.reason === 'string' ? signal.reason : 'stopped');
    await outbox.close();
  });
  const lastRestart = await swapReason(outbox, UNCLEAN);
  const view = gatewaySource({
    site,
    siteFile: options.siteFile,
    version: VERSION,
    lastRestart,
    clock: systemClock,
    clockSynchronised,
    logs: log.lines,
    curveSpacingMs: options.curveSpacingMs ?? 120_000,
  });
  const { brokers, username, passwordFile, tls, reconnectMaxS } = site.uplink;
  const backOff = { ...BACK_OFF, maxMs: reconnectMaxS * 1000 };
  const link = mqttLink(
    { brokers, clientId: site.gateway.id, backOff, ...given({ username, passwordFile, tls: tls && given(tls) }) },
    { clock: systemClock, random: Math.random, log, onNotice: notices.link },
  );
  const audit = await openAudit(join(site.store.directory, 'audit.ndjson'), systemClock.nowMs);
  closers.push(audit.close);
  const update = options.updates
    ? (await watchUpdates({ ...options.updates, outbox, clock: systemClock, log, signal })).order
    : refuse;
  const gateway = await startGateway({
    site,
    detectors: allDetectors,
    clock: systemClock,
    clockSynchronised,
    openPort,
    outbox,
    openLink: link,
    version: VERSION,
    restartReason: lastRestart,
    ...given({ encode: await readDialect(site) }),
    log,
    signal,
    control: {
      keys: await readKeys(site),
      audit,
      actions: {
        curve: (meter, sinceMs) => view.source.curve(meter).filter(([atMs]) => atMs >= sinceMs),
        ...(options.process ?? NO_PROCESS),
        update,
      },
    },
    ...(options.onStuck === undefined ? {} : { onStuck: options.onStuck }),
    onSample(sample) {
      options.record?.(sample);
      view.onSample(sample);
    },
    onAlerts(alerts, durable) {
      view.onAlerts(alerts);
      options.onAlerts?.(alerts, durable);
    },
  });
  notices.attach(gateway.own);
  view.attach(gateway);
  const page = options.page && (await servePage(options.page, view.source, { log, own: gateway.own, signal }));
  if (page === undefined) gateway.own.clear(PAGE_AWAY);
  else closers.push(page.close);
  return { gateway, page, stopped: gateway.stopped.then(() => closeAll(closers)) };
}

function servePage(
  settings: () => Promise<PageSettings>,
  source: PageSource,
  parts: Pick<KeepPageParts, 'log' | 'own' | 'signal'>,
): Promise<KeptPage> {
  return keepPage({
    ...parts,
    clock: systemClock,
    async open() {
      // Only a gateway with a page pays for an HTTP server in memory.
      const { startPage } = await import('../page/server.ts');
      return startPage(await settings(), source);
    },
  });
}

async function readDialect(site: Site) {
  const { dialect } = site.uplink;
  if (dialect === undefined) return undefined;
  return dialectEncoder(JSON.parse(await readFile(dialect.file, 'utf8')) as Dialect, site.gateway.id, dialect.values);
}

const refuse = () => Promise.reject(new Error('not on this gateway'));
const NO_PROCESS = { reload: refuse, restart: refuse };

function readKeys(site: Site): Promise<CommandKey[]> {
  return Promise.all(
    site.commands.keys.map(async ({ id, publicKeyFile, roles }) => ({
      id,
      roles,
      publicKey: await readInput(publicKeyFile, `the public key of ${id} (PEM)`),
    })),
  );
}

/** Reads why the last run ended and writes what to believe if this one is never heard of again. */
async function swapReason(outbox: Outbox, next: string): Promise<string> {
  const before = await outbox.get(RESTART_KEY);
  await outbox.put(RESTART_KEY, new TextEncoder().encode(next));
  return before === undefined ? 'first start' : new TextDecoder().decode(before);
}

/** Only the entries that are there: absent and undefined are not the same to a strict receiver. */
function given<T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as ReturnType<
    typeof given<T>
  >;
}
