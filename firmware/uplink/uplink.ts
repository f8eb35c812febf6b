/**
 * The uplink: says that the gateway is there (retained, with a last will), sends what the outbox holds, hears receipts
 * and commands. All time comes from the clock and all bytes go over the link, so that it runs in virtual time.
 */
import type { Clock } from '../clock.ts';
import type { Link, OpenLink } from '../link.ts';
import type { Log } from '../log.ts';
import type { Outbox, Stored } from '../outbox.ts';
import { Pump, type PumpStats } from './pump.ts';
import { cellOf, topicOf, topicsOf } from './topics.ts';
import { decodeMessage, encodeStatus, encodeStored, type Format, type Status } from './wire.ts';

export interface UplinkSettings {
  /** The gateway's name: a level of its topics, and the name its certificate and its client id must carry. */
  gateway: string;
  /** `receipt`: a message leaves the disk when the platform says that it has stored it. `puback`: when the broker
   * acknowledges, which brokers forget; for platforms that send no receipts. */
  delivery?: 'receipt' | 'puback';
  format?: Format;
  receiptDeadlineMs?: number;
  publishDeadlineMs?: number;
  statusEveryMs?: number;
  /** For the status message. */
  firmwareVersion?: string;
  restartReason?: string;
  meters?: number;
}

export interface UplinkParts {
  settings: UplinkSettings;
  outbox: Outbox;
  openLink: OpenLink;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  clockSynchronised?: () => boolean;
  /** The bytes of a command, unchecked. */
  onCommand?: (payload: Uint8Array) => void;
  /** A message was refused for good. */
  onDead?: (stored: Stored, reason: string) => void;
  /** Other topics and payloads than our own (`dialect.ts`); undefined for a message that goes out in our form. */
  encode?: (stored: Stored) => { topic: string; payload: Uint8Array } | undefined;
}

export interface Uplink {
  readonly up: boolean;
  /** Why the link went down last. */
  readonly downReason: string | undefined;
  readonly stats: PumpStats;
  /** Resolves after the signal has aborted and the goodbye has been said. */
  readonly closed: Promise<void>;
}

const BOOTS_KEY = 'boots';
const GOODBYE_MS = 2_000;

/** Starts at once and goes on until the signal aborts. Never throws. */
export function startUplink(parts: UplinkParts): Uplink {
  const { settings, outbox, clock, log, signal } = parts;
  const { gateway, format = 'cbor', statusEveryMs = 900_000, publishDeadlineMs = 20_000 } = settings;
  const topics = topicsOf(gateway);
  let boots = 0;
  let link: Link | undefined;
  let downReason: string | undefined;
  let cancelStatus: () => void = () => {};
  const pump = new Pump({
    outbox,
    clock,
    log,
    settings: {
      delivery: settings.delivery ?? 'receipt',
      receiptDeadlineMs: settings.receiptDeadlineMs ?? 30_000,
      publishDeadlineMs,
    },
    encode: (stored) => parts.encode?.(stored) ?? encodeOwn(gateway, stored, format),
    onDead: (stored, reason) => parts.onDead?.(stored, reason),
  });

  async function status(state: Status['state'], reason: string): Promise<Uint8Array> {
    const { store, alerts: waiting, dead, dropped } = await outbox.depth();
    const clockOk = parts.clockSynchronised?.() ?? true;
    const said: Status = {
      state,
      at: Math.round(clock.nowMs()),
      reason: reason.slice(0, 128),
      version: settings.firmwareVersion ?? '0',
      store,
      boots,
      meters: settings.meters ?? 0,
      waiting,
      dead,
      dropped,
      ...(!clockOk && { flags: ['clock-unsynchronised'] }),
    };
    return encodeStatus(said, format);
  }

  async function say(state: Status['state'], reason: string, deadlineMs: number): Promise<void> {
    const payload = await status(state, reason);
    try {
      await link?.publish(topics.status, payload, { retain: true, deadlineMs });
    } catch (error) {
      log.warn({ reason: String(error) }, 'the status was not taken');
    }
  }

  function statusLater(): void {
    cancelStatus = clock.after(statusEveryMs, () => {
      statusLater();
      void say('online', settings.restartReason ?? 'start', publishDeadlineMs);
    });
  }

  /** The first PUBACK on a new link is the status': only then is a message that gets none suspected itself. */
  async function greet(opened: Link): Promise<void> {
    await say('online', settings.restartReason ?? 'start', publishDeadlineMs);
    if (opened.up && !signal.aborted) await pump.start(opened);
  }

  function heard(topic: string, payload: Uint8Array): void {
    if (topic === topics.command) {
      parts.onCommand?.(payload);
      return;
    }
    const message = decodeMessage(topic, payload);
    if (message.type === 'receipt') pump.receipt(message.receipts);
    else log.warn({ topic: topic.slice(0, 128), type: message.type }, 'not a message for a gateway');
  }

  async function run(): Promise<void> {
    boots = await countBoot(outbox);
    const will = { topic: topics.status, payload: await status('offline', 'connection lost') };
    if (signal.aborted) return;
    const opened = parts.openLink(
      { will, subscribe: [topics.receipt, topics.command] },
      {
        onUp: () => void greet(opened),
        onDown: (reason) => {
          downReason = reason;
          pump.stop();
        },
        onMessage: heard,
      },
    );
    link = opened;
    outbox.onStored((event) => (event === 'recovered' ? pump.restart() : pump.nudge()));
    statusLater();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    cancelStatus();
    pump.stop();
    await pump.flush();
    if (opened.up) await say('offline', 'stopped', GOODBYE_MS);
    await opened.close();
    // What the platform confirmed meanwhile.
    await pump.flush();
  }

  const closed = run();
  return {
    get up() {
      return link?.up ?? false;
    },
    get downReason() {
      return downReason;
    },
    get stats() {
      return pump.stats;
    },
    closed,
  };
}

function encodeOwn(gateway: string, stored: Stored, format: Format): { topic: string; payload: Uint8Array } {
  const { message } = stored;
  const cell = message.type === 'alert' ? cellOf(message.alert) : undefined;
  return { topic: topicOf(gateway, message), payload: encodeStored(stored, format, cell) };
}

async function countBoot(outbox: Outbox): Promise<number> {
  const before = Number(new TextDecoder().decode((await outbox.get(BOOTS_KEY)) ?? new Uint8Array()) || 0);
  const boots = Number.isSafeInteger(before) ? before + 1 : 1;
  await outbox.put(BOOTS_KEY, new TextEncoder().encode(String(boots)));
  return boots;
}
