/**
 * The local page as a part that may be missing: its port may be taken, or its address not there before the network is.
 * Meters are read and alerts sent all the same; the log and an alert say so, and it is tried again until it stands.
 */
import { type Clock, sleep } from '../clock.ts';
import type { Log } from '../log.ts';
import type { OwnAlerts } from '../own-alerts.ts';
import type { Page } from './server.ts';

export interface KeepPageParts {
  /** Starts the page; asked again after each failure. */
  open(): Promise<Page>;
  clock: Clock;
  log: Log;
  own: OwnAlerts;
  signal: AbortSignal;
}

/** The page, there or not. */
export interface KeptPage {
  /** Undefined as long as it could not start. */
  readonly page: Page | undefined;
  /** Call after the signal has aborted. */
  close(): Promise<void>;
}

const AGAIN_MS = 30_000;
/** The fault of the gateway's own alert. */
export const PAGE_AWAY = 'page-away';

/** Resolves after the first try, whatever came of it. */
export async function keepPage({ open, clock, log, own, signal }: KeepPageParts): Promise<KeptPage> {
  let page: Page | undefined;
  let told = '';
  const tryOnce = async () => {
    try {
      page = await open();
      log.info({ url: page.url }, 'page');
      own.clear(PAGE_AWAY);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== told) log.error({ reason }, 'the gateway goes on without its page and tries again');
      told = reason;
      own.raise(PAGE_AWAY, 'warning', { reason });
    }
  };
  const keepTrying = async () => {
    while (page === undefined && !signal.aborted) {
      await sleep(clock, AGAIN_MS, signal);
      if (!signal.aborted) await tryOnce();
    }
  };
  await tryOnce();
  const trying = keepTrying();
  return {
    get page() {
      return page;
    },
    async close() {
      await trying;
      await page?.close();
    },
  };
}
