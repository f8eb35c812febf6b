/**
 * The link to a broker over `mqtt`: MQTT 5 where the broker has it, 3.1.1 otherwise; TCP or TLS; several brokers in
 * order. Opens again by itself until it is closed.
 *
 * The client library is used for one connection at a time and for nothing that has to be remembered: it reconnects
 * with no jitter, keeps its queue in memory, takes a broker's limits for advice and waits for ever for a PUBACK. So
 * each connection gets a fresh client without queue or reconnection, and window, size, deadline, back-off and
 * watchdog are here.
 */
import { type Clock, sleep } from '../clock.ts';
import { type Link, LinkError, type LinkEvents, type LinkOptions, type OpenLink } from '../link.ts';
import type { Log } from '../log.ts';
import { BACK_OFF, type Cause, causeOf, retryDelayMs } from './back-off.ts';
import { daysLeft, EXPIRY_WARNING_DAYS, versionOf } from './certificates.ts';
import { type Connected, connectOnce, type MqttSettings } from './mqtt-connect.ts';

/** What the link has to say; the gateway makes alerts of kind `gateway` of it. */
export interface LinkNotice {
  notice: 'refused' | 'taken-over' | 'certificate-expires' | 'not-subscribed';
  detail: string;
  days?: number;
}

export interface LinkParts {
  clock: Clock;
  random: () => number;
  log: Log;
  onNotice?: (notice: LinkNotice) => void;
}

const WAITING_MAX = 200;
const SUBSCRIBE_MS = 10_000;
/** A session that held this long starts the back-off afresh. */
const SETTLED_MS = 10_000;
/** So many connections in a row that held for less are a second client of the same name, or look like one. */
const BRIEF_MAX = 5;
const DAY_MS = 86_400_000;

interface Waiting {
  topic: string;
  payload: Uint8Array;
  retain: boolean;
  deadlineMs: number;
  resolve(): void;
  reject(error: LinkError): void;
}

/** One connection while it lives. */
interface Session {
  connected: Connected;
  inflight: Set<Waiting>;
  waiting: Waiting[];
  /** Ends it; the reason is told once. */
  drop(reason: string): void;
}

/** Makes links to these brokers. */
export function mqttLink(settings: MqttSettings, parts: LinkParts): OpenLink {
  return (options, events) => openMqttLink(settings, parts, options, events);
}

function openMqttLink(settings: MqttSettings, parts: LinkParts, options: LinkOptions, events: LinkEvents): Link {
  const { clock, random, log } = parts;
  const keepaliveMs = (settings.keepaliveS ?? 30) * 1_000;
  const backOff = settings.backOff ?? BACK_OFF;
  const closing = new AbortController();
  /** The last address a name stood for, for the days when the name server is gone. */
  const addresses = new Map<string, string>();
  let session: Session | undefined;
  let warnedAtMs = Number.NEGATIVE_INFINITY;
  let ended: Promise<void> | undefined;

  async function run(): Promise<void> {
    let failures = 0;
    let brief = 0;
    while (!closing.signal.aborted) {
      let permanent = true;
      for (const broker of settings.brokers) {
        warnOfExpiry();
        const outcome = await tryBroker(broker);
        if (closing.signal.aborted && 'client' in outcome) outcome.client.end(true);
        if (closing.signal.aborted) return;
        if ('client' in outcome) {
          const startMs = clock.monotonicMs();
          const cause = await live(outcome);
          permanent &&= cause.permanent;
          const settled = clock.monotonicMs() - startMs > SETTLED_MS;
          if (settled) failures = 0;
          brief = settled ? 0 : brief + 1;
          // Not every broker says why it throws a client out when another comes with its name.
          if (brief === BRIEF_MAX) takenOver(`${BRIEF_MAX} connections in a row were closed at once: another client`);
          // A broker that lets in and throws out must not keep the gateway from the next one.
          if (settled) break;
          continue;
        }
        log.warn({ broker: nameOf(broker), reason: outcome.reason }, 'no link to the broker');
        if (outcome.permanent) parts.onNotice?.({ notice: 'refused', detail: `${nameOf(broker)}: ${outcome.reason}` });
        permanent &&= outcome.permanent;
        brief = 0;
      }
      await sleep(clock, retryDelayMs(failures++, permanent, random, backOff), closing.signal);
    }
  }

  async function tryBroker(broker: string): Promise<Connected | Cause> {
    const attempt = (protocolVersion: 4 | 5, address?: string) =>
      connectOnce({ broker, protocolVersion, address, settings, options, signal: closing.signal });
    let outcome = await attempt(5);
    if ('reason' in outcome && outcome.tryOlder) outcome = await attempt(4);
    const address = addresses.get(broker);
    if ('reason' in outcome && outcome.noSuchHost && address !== undefined) outcome = await attempt(5, address);
    if ('client' in outcome && outcome.address !== undefined) addresses.set(broker, outcome.address);
    return outcome;
  }

  /** Serves one connection until it is lost. */
  function live(connected: Connected): Promise<Cause> {
    return new Promise((resolve) => {
      const { client, broker } = connected;
      let heardMs = clock.monotonicMs();
      let tlsVersion = settings.tls && versionOf(settings.tls);
      let over = false;
      let stopWatch = () => {};
      let stopLate = () => {};
      const end = (reason: string, permanent = false) => {
        if (over) return;
        over = true;
        stopWatch();
        stopLate();
        closing.signal.removeEventListener('abort', closeEarly);
        session = undefined;
        client.end(true);
        const lost = new LinkError('down', reason);
        for (const one of [...mine.inflight, ...mine.waiting]) one.reject(lost);
        log.warn({ broker: nameOf(broker), reason }, 'link down');
        events.onDown(reason);
        resolve({ reason, permanent, tryOlder: false, noSuchHost: false });
      };
      const mine: Session = { connected, inflight: new Set(), waiting: [], drop: end };
      // A link that is up says goodbye first; one whose subscription is not answered yet has nobody else to end it.
      const closeEarly = () => {
        if (session !== mine) end('closed');
      };
      closing.signal.addEventListener('abort', closeEarly);
      const watch = () => {
        stopWatch = clock.after(keepaliveMs, watch);
        if (clock.monotonicMs() - heardMs > 3 * keepaliveMs) return end('the broker is silent');
        const version = settings.tls && versionOf(settings.tls);
        if (version !== tlsVersion) end('certificates were renewed');
        tlsVersion = version;
        warnOfExpiry();
      };
      client.on('packetreceive', () => {
        heardMs = clock.monotonicMs();
      });
      client.on('message', (topic, payload) => events.onMessage(topic, payload));
      client.on('disconnect', (packet) => {
        const taken = packet.reasonCode === 142;
        if (taken)
          parts.onNotice?.({ notice: 'taken-over', detail: `another client calls itself ${settings.clientId}` });
        const cause = causeOf({ code: packet.reasonCode });
        end(`the broker ended the connection with reason ${packet.reasonCode}`, cause.permanent);
      });
      client.on('error', (error) => end(error.message, causeOf(error).permanent));
      client.on('close', () => end('the connection was lost'));
      watch();
      stopLate = clock.after(SUBSCRIBE_MS, () => end('the broker did not answer the subscription'));
      void subscribe(connected).then((refused) => {
        stopLate();
        if (over) return;
        if (refused !== undefined) parts.onNotice?.({ notice: 'not-subscribed', detail: refused });
        session = mine;
        log.info({ broker: nameOf(broker), version: connected.protocolVersion }, 'link up');
        events.onUp();
      });
    });
  }

  /** Receipts and commands; what the broker would not grant comes back as a line. */
  async function subscribe({ client }: Connected): Promise<string | undefined> {
    if (options.subscribe.length === 0) return undefined;
    try {
      await client.subscribeAsync([...options.subscribe], { qos: 1 });
      return undefined;
    } catch (error) {
      return causeOf(error).reason;
    }
  }

  function send(mine: Session): void {
    const { client, window } = mine.connected;
    while (mine.inflight.size < window) {
      const one = mine.waiting.shift();
      if (one === undefined) return;
      mine.inflight.add(one);
      const stop = clock.after(one.deadlineMs, () => {
        one.reject(new LinkError('deadline', `no PUBACK within ${one.deadlineMs} ms`));
        mine.drop('a publish was not acknowledged in time');
      });
      const done = (settle: () => void) => {
        stop();
        mine.inflight.delete(one);
        settle();
        send(mine);
      };
      client.publish(one.topic, Buffer.from(one.payload), { qos: 1, retain: one.retain }, (error) => {
        const code = (error as { code?: unknown } | undefined)?.code;
        if (error && typeof code === 'number') {
          return done(() => one.reject(new LinkError('refused', `reason ${code}: ${error.message}`)));
        }
        if (error) return done(() => one.reject(new LinkError('down', error.message)));
        // The library takes reason 16 for success and does not hand it on.
        if (mine.connected.lastPubackCode() === 16 && !one.retain) {
          return done(() => one.reject(new LinkError('unheard', 'nobody is subscribed')));
        }
        done(one.resolve);
      });
    }
  }

  function takenOver(who: string): void {
    parts.onNotice?.({ notice: 'taken-over', detail: `${who} may call itself ${settings.clientId}` });
  }

  function warnOfExpiry(): void {
    const file = settings.tls?.certFile;
    if (file === undefined || clock.monotonicMs() - warnedAtMs < DAY_MS) return;
    warnedAtMs = clock.monotonicMs();
    const days = daysLeft(file, clock.nowMs());
    if (days === undefined || days > EXPIRY_WARNING_DAYS) return;
    parts.onNotice?.({ notice: 'certificate-expires', detail: `the gateway's certificate ends in ${days} days`, days });
  }

  ended = run();
  return {
    get up() {
      return session !== undefined;
    },
    publish(topic, payload, { retain = false, deadlineMs }) {
      const mine = session;
      if (mine === undefined) return Promise.reject(new LinkError('down', 'no link'));
      const bytes = packetBytes(topic, payload.length);
      const limit = mine.connected.maxPacketBytes;
      if (bytes > limit) return Promise.reject(new LinkError('too-big', `${bytes} bytes, the limit is ${limit}`));
      if (mine.waiting.length >= WAITING_MAX) return Promise.reject(new LinkError('down', 'too much is waiting'));
      return new Promise((resolve, reject) => {
        mine.waiting.push({ topic, payload, retain, deadlineMs, resolve, reject });
        send(mine);
      });
    },
    async close() {
      closing.abort();
      const client = session?.connected.client;
      if (client !== undefined) {
        await Promise.race([client.endAsync().catch(() => {}), sleep(clock, 1_000)]);
        session?.drop('closed');
      }
      await ended;
    },
  };
}

/** A whole PUBLISH at QoS 1 without properties: fixed header, topic, packet id, property length, payload. */
export function packetBytes(topic: string, payloadBytes: number): number {
  const rest = 2 + Buffer.byteLength(topic) + 2 + 1 + payloadBytes;
  const lengthBytes = rest < 128 ? 1 : rest < 16_384 ? 2 : 3;
  return 1 + lengthBytes + rest;
}

/** A broker's address without the secrets that a URL may hold. */
export function nameOf(broker: string): string {
  return broker.replace(/\/\/[^/@]*@/, '//');
}
