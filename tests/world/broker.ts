/**
 * A broker and the platform behind it, in virtual time. The broker is the worst that is allowed: it acknowledges before
 * it has passed a message on, forgets what it acknowledged when it is killed, and loses acknowledgements. The platform
 * stores what comes, collapses what comes twice, and its receipts get lost too.
 */
import type { Clock } from '../../firmware/clock.ts';
import { type Link, LinkError, type LinkEvents, type OpenLink } from '../../firmware/link.ts';
import { identityOf, receiptOf } from '../../firmware/uplink/platform.ts';
import { decodeMessage, encodeReceipt } from '../../firmware/uplink/wire.ts';
import type { Random } from '../../sim/random.ts';
import type { Arrival } from './invariants.ts';

export interface BrokerFaults {
  /** Per message. */
  loseAck: number;
  loseMessage: number;
  loseReceipt: number;
  latencyMs: number;
}

interface Session {
  events: LinkEvents;
  up: boolean;
  closed: boolean;
  dropAll(reason: string): void;
}

export class WorldBroker {
  /** First arrivals. */
  arrivals = 0;
  again = 0;
  /** What the platform stores of a first arrival; a planted fault stores something else. */
  stores: (arrival: Arrival) => readonly Arrival[] = (arrival) => [arrival];
  readonly #onArrival: (arrival: Arrival) => void;
  problems: string[] = [];
  faults: BrokerFaults;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #seen = new Set<string>();
  readonly #sessions = new Set<Session>();
  /** Acknowledged, not yet with the platform: what a kill forgets. */
  readonly #queued = new Set<() => void>();
  #running = true;

  constructor(clock: Clock, random: Random, faults: BrokerFaults, onArrival: (arrival: Arrival) => void = () => {}) {
    this.#onArrival = onArrival;
    this.#clock = clock;
    this.#random = random;
    this.faults = faults;
  }

  /** `kill -9`: sessions drop, what was acknowledged and not passed on is gone. */
  kill(): void {
    this.#running = false;
    for (const cancel of this.#queued) cancel();
    this.#queued.clear();
    for (const session of this.#sessions) session.dropAll('the broker is gone');
  }

  start(): void {
    this.#running = true;
    for (const session of this.#sessions) this.#connect(session);
  }

  openLink: OpenLink = (_options, events) => {
    const waiting = new Set<(error: LinkError) => void>();
    const session: Session = {
      events,
      up: false,
      closed: false,
      dropAll: (reason) => {
        if (!session.up) return;
        session.up = false;
        for (const reject of waiting) reject(new LinkError('down', reason));
        waiting.clear();
        events.onDown(reason);
      },
    };
    this.#sessions.add(session);
    this.#connect(session);
    const link: Link = {
      get up() {
        return session.up;
      },
      publish: (topic, payload, { deadlineMs }) =>
        new Promise((resolve, reject) => {
          if (!session.up) return reject(new LinkError('down', 'no broker'));
          const settle = (error?: LinkError) => {
            cancel();
            waiting.delete(settle as (error: LinkError) => void);
            if (error === undefined) resolve();
            else reject(error);
          };
          const cancel = this.#clock.after(deadlineMs, () => settle(new LinkError('deadline', 'no PUBACK')));
          waiting.add(settle);
          this.#take(session, topic, payload, () => settle());
        }),
      close: async () => {
        session.closed = true;
        session.up = false;
        this.#sessions.delete(session);
      },
    };
    return link;
  };

  #connect(session: Session): void {
    this.#clock.after(this.#random.between(10, 2_000), () => {
      if (!this.#running || session.closed || session.up) return;
      session.up = true;
      session.events.onUp();
    });
  }

  #take(session: Session, topic: string, payload: Uint8Array, ack: () => void): void {
    const { loseAck, loseMessage, latencyMs } = this.faults;
    if (this.#random.chance(loseMessage)) return;
    this.#clock.after(this.#random.between(0, latencyMs), () => {
      if (!this.#running) return;
      if (!this.#random.chance(loseAck) && session.up) ack();
      const cancel = this.#clock.after(this.#random.between(0, latencyMs), () => {
        this.#queued.delete(cancel);
        this.#deliver(session, topic, payload);
      });
      this.#queued.add(cancel);
    });
  }

  #deliver(session: Session, topic: string, payload: Uint8Array): void {
    const message = decodeMessage(topic, payload);
    if (message.type === 'problem') this.problems.push(message.problem);
    if (message.type === 'problem' || message.type === 'status' || message.type === 'receipt') return;
    const key = identityOf(message);
    if (this.#seen.has(key)) this.again++;
    else {
      this.#seen.add(key);
      if (message.type === 'alert') {
        this.arrivals++;
        const arrival = { alert: message.alert, durable: !message.flags.includes('not-durable') };
        for (const stored of this.stores(arrival)) this.#onArrival(stored);
      }
    }
    if (this.#random.chance(this.faults.loseReceipt)) return;
    const receipt = encodeReceipt([receiptOf(message)], 'cbor');
    const down = topic.replace(/\/up\/.*$/, '/down/receipt');
    this.#clock.after(this.#random.between(0, 500), () => {
      if (this.#running && session.up) session.events.onMessage(down, receipt);
    });
  }
}
