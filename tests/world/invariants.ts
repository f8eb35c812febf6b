/**
 * What must hold in every world, checked all along. Facts come in as they happen; each promise that breaks is said once
 * per subject. Pure bookkeeping: moments are arguments, so that a planted violation is a test of a few lines.
 */
import type { Alert } from '../../detectors/alert.ts';

export interface Arrival {
  alert: Alert;
  /** Not marked as living in memory only. */
  durable: boolean;
}

/** What a running gateway holds at one moment. */
export interface Holdings {
  /** Messages between broker and receipt, and rows read from the outbox that wait to be sent. */
  outstanding: number;
  queued: number;
  /** Timers that wait, ports and links that are open. */
  timers: number;
  ports: number;
  links: number;
  /** The detectors' state as it goes to disk. */
  snapshotBytes: number;
}

export interface Size {
  meters: number;
  buses: number;
}

/** A meter that can be reached is read at least this often: twice the longest distance of probes. */
export const STARVED_MS = 7 * 60_000;
/** The pump's own bound of rows in memory, the read that may go over it, and what is put back to be sent again. */
const QUEUED_MAX = 2 * 1_000 + 2 * 250;
/** A gateway with nothing to do keeps a handful of timers, a meter one or two more; a leak adds some every minute. */
const TIMERS_MAX = 24;
const TIMERS_PER_METER = 2;
const SNAPSHOT_MAX_BYTES = 16_384;
const SNAPSHOT_PER_METER_BYTES = 65_536;

export class Invariants {
  readonly violations: string[] = [];
  /** Alerts whose append was asked for, in their order, and those that the store called durable. */
  readonly #asked = new Map<string, number>();
  readonly #durable = new Map<string, Alert>();
  readonly #arrived = new Set<string>();
  /** Of each meter, the place of its newest durable arrival among what was asked for. */
  readonly #newest = new Map<string, number>();
  /** Since when each meter is there to be read, or was read last; absent while it cannot be. */
  readonly #waitsSince = new Map<string, number>();
  readonly #said = new Set<string>();
  readonly #size: Size;
  /** The longest that a meter which could be reached waited. */
  longestWaitMs = 0;
  most: Holdings = { outstanding: 0, queued: 0, timers: 0, ports: 0, links: 0, snapshotBytes: 0 };

  constructor(size: Size) {
    this.#size = size;
  }

  get durable(): number {
    return this.#durable.size;
  }

  asked(alerts: readonly Alert[]): void {
    for (const alert of alerts) {
      const key = keyOf(alert);
      if (!this.#asked.has(key)) this.#asked.set(key, this.#asked.size);
    }
  }

  stored(alerts: readonly Alert[]): void {
    for (const alert of alerts) this.#durable.set(keyOf(alert), alert);
  }

  /**
   * The platform has it. Sequences do not tell the order: one that never reached the disk is given again after a kill.
   * What goes out while the disk refuses is marked, and may overtake what the disk holds: the price of not waiting.
   */
  arrived({ alert, durable }: Arrival): void {
    const key = keyOf(alert);
    this.#arrived.add(key);
    const index = this.#asked.get(key);
    if (index === undefined) this.#say(`invented: ${describe(alert)}`);
    else if (durable) {
      if (index < (this.#newest.get(alert.meter) ?? 0)) this.#say(`out of order: ${describe(alert)}`);
      this.#newest.set(alert.meter, index);
    }
  }

  read(meter: string, nowMs: number): void {
    if (!this.#waitsSince.has(meter)) return;
    this.#waited(meter, nowMs);
    this.#waitsSince.set(meter, nowMs);
  }

  /** Whether a gateway runs and the way to this meter is open. */
  reach(meter: string, reachable: boolean, nowMs: number): void {
    if (!reachable) this.#waitsSince.delete(meter);
    else if (!this.#waitsSince.has(meter)) this.#waitsSince.set(meter, nowMs);
    this.#waited(meter, nowMs);
  }

  holds(now: Holdings): void {
    for (const key of Object.keys(now) as (keyof Holdings)[]) this.most[key] = Math.max(this.most[key], now[key]);
    const { meters, buses } = this.#size;
    const bounds: Holdings = {
      // One message per meter, one answer to a command, one sum of a cell, and the gateway's own alerts.
      outstanding: meters + 3,
      queued: QUEUED_MAX,
      timers: TIMERS_MAX + TIMERS_PER_METER * meters,
      ports: buses,
      links: 1,
      snapshotBytes: SNAPSHOT_MAX_BYTES + SNAPSHOT_PER_METER_BYTES * meters,
    };
    for (const key of Object.keys(bounds) as (keyof Holdings)[]) {
      if (now[key] > bounds[key]) this.#say(`unbounded: ${key}`, `${now[key]} where ${bounds[key]} is the bound`);
    }
  }

  /** A gateway that has stopped holds nothing any more. */
  stopped({ timers, ports, links }: Pick<Holdings, 'timers' | 'ports' | 'links'>): void {
    if (timers + ports + links > 0) this.#say(`left behind: ${timers} timers, ${ports} ports, ${links} links`);
  }

  /** Everything has been quiet long enough: whatever was stored durably has arrived, and nothing is left to send. */
  quiet(left: number): void {
    for (const [key, alert] of this.#durable) if (!this.#arrived.has(key)) this.#say(`lost: ${describe(alert)}`);
    if (left > 0) this.#say(`${left} messages never left the outbox`);
  }

  broke(what: string): void {
    this.violations.push(what);
  }

  #waited(meter: string, nowMs: number): void {
    const waitMs = nowMs - (this.#waitsSince.get(meter) ?? nowMs);
    this.longestWaitMs = Math.max(this.longestWaitMs, waitMs);
    if (waitMs > STARVED_MS) this.#say(`starved: ${meter}`, `not read for ${Math.round(waitMs / 1000)} s`);
  }

  #say(subject: string, detail = ''): void {
    if (this.#said.has(subject)) return;
    this.#said.add(subject);
    this.violations.push(detail === '' ? subject : `${subject}, ${detail}`);
  }
}

const keyOf = (alert: Alert) => JSON.stringify(alert);

const describe = ({ id, meter, kind, state, at }: Alert) =>
  `${kind} ${state} of ${meter} at ${new Date(at).toISOString()} (${id})`;
