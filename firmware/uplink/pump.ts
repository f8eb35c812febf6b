/**
 * Empties the outbox over a link: pending → published → PUBACK → receipt of the platform → deleted.
 *
 * A PUBACK is no delivery (a broker may forget what it acknowledged), so a message without a receipt is sent again
 * after a deadline that doubles. Live alerts go before the backlog; of a meter whose live alert waits, the backlog goes
 * first, because order is kept for each meter. A message that is refused three times becomes a dead letter.
 */
import type { Clock } from '../clock.ts';
import { type Link, LinkError } from '../link.ts';
import type { Log } from '../log.ts';
import { messageId, messageMeter, type Outbox, type Receipt, type Stored } from '../outbox.ts';
import { type MeterQueue, type Out, Queues } from './queues.ts';

export interface PumpSettings {
  /** `puback`: for platforms that send no receipts. Then what a broker acknowledges and forgets is lost. */
  delivery: 'receipt' | 'puback';
  receiptDeadlineMs: number;
  publishDeadlineMs: number;
}

export interface PumpParts {
  outbox: Outbox;
  clock: Clock;
  log: Log;
  settings: PumpSettings;
  /** Topic and payload of a message. */
  encode(stored: Stored): { topic: string; payload: Uint8Array };
  onDead(stored: Stored, reason: string): void;
}

export interface PumpStats {
  published: number;
  acknowledged: number;
  receipts: number;
  resent: number;
  dead: number;
  outstanding: number;
  /** Rows in memory that wait to be sent. */
  queued: number;
}

/** Messages in flight to the broker at once, rows in memory, rows per read. */
const WINDOW = 20;
const ROWS_MAX = 1_000;
const READ = 250;
/** Deletes wait this long to go together; one DELETE each is four times slower. */
const DELETE_AFTER_MS = 50;
const DELETE_MAX = 500;
const REFUSALS_MAX = 3;
const REFUSED_KNOWN_MAX = 1_000;
const RESEND_MAX_MS = 600_000;
const SWEEP_MS = 1_000;
/** Lost links in a row without any PUBACK, after which one message at a time finds out whether it is the cause. */
const CAREFUL_AFTER = 3;

export class Pump {
  readonly #parts: PumpParts;
  readonly #queues = new Queues();
  readonly #urgent = new Set<MeterQueue>();
  readonly #stats = { published: 0, acknowledged: 0, receipts: 0, resent: 0, dead: 0 };
  readonly #refusals = new Map<number, number>();
  readonly #attempts = new Map<number, number>();
  #link: Link | undefined;
  /** Counts links, so that answers of an old one are recognised. */
  #generation = 0;
  #inflight = 0;
  #backlogCursor = 0;
  #liveCursor = 0;
  /** What was stored up to here when the link came up is backlog, the rest is live. */
  #boundary = 0;
  #fresh = false;
  #reading = false;
  #readAgain = false;
  #done: Receipt[] = [];
  #cancelDelete: (() => void) | undefined;
  #cancelSweep: (() => void) | undefined;
  #lossesWithoutAck = 0;
  /** Since when the platform has been silent although something waits for its receipt. */
  #silentSinceMs = 0;
  /** Messages were passed over without a receipt and must be gone through again. */
  #passedOver = false;
  #rewindMs = 0;
  #rewoundMs = 0;

  constructor(parts: PumpParts) {
    this.#parts = parts;
  }

  get stats(): PumpStats {
    return { ...this.#stats, outstanding: this.#queues.outstanding, queued: this.#queues.size };
  }

  /** The link is up: everything without a receipt goes out again, from the oldest. */
  async start(link: Link): Promise<void> {
    const generation = ++this.#generation;
    const { clock, outbox, settings } = this.#parts;
    const { lastSequence } = await outbox.depth();
    if (generation !== this.#generation) return;
    this.#link = link;
    this.#queues.clear();
    this.#urgent.clear();
    this.#inflight = 0;
    this.#boundary = lastSequence;
    this.#liveCursor = lastSequence;
    this.#backlogCursor = 0;
    this.#passedOver = false;
    this.#silentSinceMs = clock.monotonicMs();
    this.#rewindMs = settings.receiptDeadlineMs;
    this.#rewoundMs = this.#silentSinceMs;
    this.#cancelSweep?.();
    this.#sweepLater();
    this.nudge();
  }

  /** The link is down; what was on its way is found in the outbox again. */
  stop(): void {
    if (this.#link === undefined) return;
    this.#generation++;
    this.#link = undefined;
    this.#cancelSweep?.();
    const flying = [...this.#queues.out].filter(({ out }) => out?.state === 'flying');
    const [only] = flying;
    if (this.#careful && flying.length === 1 && only?.out !== undefined) {
      this.#refuse(only.out.stored, 'the link breaks whenever it is sent');
    }
    if (flying.length > 0) this.#lossesWithoutAck++;
    this.#queues.clear();
    this.#urgent.clear();
  }

  /** The disk is back: what it holds was not read while it refused, so everything is gone through from the oldest. */
  restart(): void {
    if (this.#link !== undefined) void this.start(this.#link);
  }

  /** Something was stored. */
  nudge(): void {
    this.#fresh = true;
    void this.#fill();
  }

  /** The platform has stored these. */
  receipt(receipts: readonly Receipt[]): void {
    this.#silentSinceMs = this.#parts.clock.monotonicMs();
    for (const { sequence, id } of receipts) {
      const queue = this.#queues.find(sequence);
      if (queue?.out !== undefined && messageId(queue.out.stored.message) === id) this.#queues.settle(queue);
      this.#attempts.delete(sequence);
      this.#delete({ sequence, id });
    }
    this.#stats.receipts += receipts.length;
    void this.#fill();
  }

  /** Writes the last deletes. */
  async flush(): Promise<void> {
    this.#cancelDelete?.();
    this.#cancelDelete = undefined;
    const done = this.#done.splice(0);
    if (done.length > 0) await this.#parts.outbox.receipt(done);
  }

  get #careful(): boolean {
    return this.#lossesWithoutAck >= CAREFUL_AFTER;
  }

  /** Reads what may be sent and sends it. One reader at a time; whoever asks meanwhile makes it go round again. */
  async #fill(): Promise<void> {
    this.#send();
    this.#readAgain = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#readAgain && this.#link !== undefined) {
      this.#readAgain = false;
      await this.#readLive();
      await this.#readUrgent();
      await this.#readBacklog();
      this.#send();
    }
    this.#reading = false;
  }

  async #readLive(): Promise<void> {
    const generation = this.#generation;
    while (this.#fresh && this.#link !== undefined && this.#queues.size < 2 * ROWS_MAX) {
      this.#fresh = false;
      const rows = await this.#parts.outbox.pending(this.#liveCursor, READ);
      if (generation !== this.#generation) return;
      const caughtUp = this.#backlogCursor >= this.#boundary;
      for (const stored of rows) {
        const queue = this.#queues.of(messageMeter(stored.message));
        if (caughtUp && !queue.urgent) this.#queues.add(stored, true);
        else this.#hurry(queue);
        this.#liveCursor = stored.sequence;
      }
      if (rows.length > 0) this.#fresh = true;
      this.#send();
    }
  }

  #hurry(queue: MeterQueue): void {
    queue.urgent = true;
    this.#urgent.add(queue);
  }

  /** Meters whose live alert waits behind their own backlog: that comes now, the rest of the backlog later. */
  async #readUrgent(): Promise<void> {
    const generation = this.#generation;
    for (const queue of this.#urgent) {
      if (queue.rows.length > 0) continue;
      const rows = await this.#parts.outbox.pending(queue.cursor, READ, queue.meter);
      if (generation !== this.#generation) return;
      for (const stored of rows) this.#queues.add(stored, true);
      if (rows.length < READ) {
        queue.urgent = false;
        this.#urgent.delete(queue);
      }
      this.#send();
    }
  }

  async #readBacklog(): Promise<void> {
    const generation = this.#generation;
    while (this.#link !== undefined && this.#backlogCursor < this.#boundary && this.#queues.size < ROWS_MAX) {
      const rows = await this.#parts.outbox.pending(this.#backlogCursor, READ);
      if (generation !== this.#generation) return;
      for (const stored of rows) {
        if (stored.sequence > this.#boundary) break;
        this.#queues.add(stored, false);
        this.#backlogCursor = stored.sequence;
      }
      const last = rows.at(-1);
      if (last === undefined || last.sequence > this.#boundary) this.#backlogCursor = this.#boundary;
      this.#send();
    }
  }

  #send(): void {
    const window = this.#careful ? 1 : WINDOW;
    while (this.#link !== undefined && this.#inflight < window) {
      if (this.#queues.outstanding === 0) this.#silentSinceMs = this.#parts.clock.monotonicMs();
      const queue = this.#queues.next();
      if (queue === undefined) return;
      void this.#publish(this.#link, queue);
    }
  }

  async #publish(link: Link, queue: MeterQueue): Promise<void> {
    const generation = this.#generation;
    const stored = queue.out?.stored;
    if (stored === undefined) return;
    this.#inflight++;
    this.#stats.published++;
    let failure: LinkError | undefined;
    try {
      const late = { ...stored, replayed: stored.replayed || stored.sequence <= this.#boundary };
      const { topic, payload } = this.#parts.encode(late);
      await link.publish(topic, payload, { deadlineMs: this.#parts.settings.publishDeadlineMs });
    } catch (error) {
      failure = error instanceof LinkError ? error : new LinkError('refused', String(error));
    }
    if (generation !== this.#generation) return;
    this.#inflight--;
    this.#settlePublish(queue, stored, failure);
    void this.#fill();
  }

  #settlePublish(queue: MeterQueue, stored: Stored, failure: LinkError | undefined): void {
    const { settings } = this.#parts;
    const { sequence } = stored;
    // The receipt may have been faster than the PUBACK.
    const out = queue.out?.stored.sequence === sequence ? queue.out : undefined;
    const cause = failure?.cause;
    switch (cause) {
      case undefined:
        this.#lossesWithoutAck = 0;
        this.#stats.acknowledged++;
        if (settings.delivery === 'puback') {
          this.#attempts.delete(sequence);
          this.#delete({ sequence, id: messageId(stored.message) });
          if (out) this.#queues.settle(queue);
          return;
        }
        if (out) this.#wait(out, 'acknowledged', this.#deadlineOf(sequence));
        return;
      case 'unheard':
        // Taken by the broker, heard by nobody: sent again when a receipt would have been late.
        this.#lossesWithoutAck = 0;
        if (out) this.#wait(out, 'acknowledged', this.#deadlineOf(sequence));
        return;
      case 'refused':
      case 'too-big':
        if (this.#refuse(stored, failure?.message ?? cause)) this.#queues.settle(queue);
        else if (out) this.#wait(out, 'failed', SWEEP_MS);
        return;
      case 'deadline':
      case 'down':
        if (out) this.#wait(out, 'failed', SWEEP_MS);
        return;
      default:
        cause satisfies never;
    }
  }

  #wait(out: Out, state: Out['state'], forMs: number): void {
    out.state = state;
    out.dueMs = this.#parts.clock.monotonicMs() + forMs;
  }

  /** Counts a refusal; true when it was the last one and the message is out of the way. */
  #refuse(stored: Stored, reason: string): boolean {
    const times = (this.#refusals.get(stored.sequence) ?? 0) + 1;
    if (times < REFUSALS_MAX) {
      if (this.#refusals.size >= REFUSED_KNOWN_MAX) this.#refusals.clear();
      this.#refusals.set(stored.sequence, times);
      return false;
    }
    this.#refusals.delete(stored.sequence);
    this.#stats.dead++;
    void this.#parts.outbox.bury(stored.sequence, reason);
    this.#parts.log.error({ sequence: stored.sequence, reason }, 'dead letter');
    this.#parts.onDead(stored, reason);
    return true;
  }

  /** Doubles with each attempt. */
  #deadlineOf(sequence: number): number {
    const attempts = this.#attempts.get(sequence) ?? 0;
    return Math.min(RESEND_MAX_MS, this.#parts.settings.receiptDeadlineMs * 2 ** Math.min(attempts, 10));
  }

  #sweepLater(): void {
    const everyMs = Math.min(SWEEP_MS, this.#parts.settings.receiptDeadlineMs);
    this.#cancelSweep = this.#parts.clock.after(everyMs, () => {
      this.#sweepLater();
      this.#sweep();
    });
  }

  /**
   * Sends again what is due. A platform that has been silent through three deadlines must not hold the meters' later
   * alerts back: until it speaks again, order rests on PUBACK alone and the rest is gone through at growing intervals.
   */
  #sweep(): void {
    const { clock, settings } = this.#parts;
    const nowMs = clock.monotonicMs();
    const waits = this.#queues.outstanding > 0 || this.#passedOver;
    const silent = waits && nowMs - this.#silentSinceMs > 3 * settings.receiptDeadlineMs;
    for (const queue of [...this.#queues.out]) {
      const { out } = queue;
      if (out === undefined || out.dueMs > nowMs) continue;
      if (silent && out.state === 'acknowledged') {
        this.#passedOver = true;
        this.#queues.settle(queue);
        continue;
      }
      const { sequence } = out.stored;
      if (out.state === 'acknowledged') {
        if (this.#attempts.size >= ROWS_MAX) this.#attempts.clear();
        this.#attempts.set(sequence, (this.#attempts.get(sequence) ?? 0) + 1);
      }
      this.#stats.resent++;
      this.#queues.putBack(queue);
    }
    const idle = this.#queues.size === 0 && this.#inflight === 0;
    if (this.#passedOver && idle && (!silent || nowMs - this.#rewoundMs > this.#rewindMs)) this.#rewind(silent);
    void this.#fill();
  }

  /** From the oldest again, as after a new link. */
  #rewind(silent: boolean): void {
    const link = this.#link;
    const nextMs = silent ? Math.min(RESEND_MAX_MS, 2 * this.#rewindMs) : this.#rewindMs;
    const sinceMs = this.#silentSinceMs;
    if (link === undefined) return;
    void this.start(link).then(() => {
      this.#rewindMs = nextMs;
      if (silent) this.#silentSinceMs = sinceMs;
    });
  }

  #delete(receipt: Receipt): void {
    this.#done.push(receipt);
    if (this.#done.length >= DELETE_MAX) void this.flush();
    else this.#cancelDelete ??= this.#parts.clock.after(DELETE_AFTER_MS, () => void this.flush());
  }
}
