/**
 * Which message may go next: in order for each meter, live ones first, a bounded number in memory. Pure bookkeeping;
 * `pump.ts` does the reading and sending.
 *
 * A meter has at most one message between broker and receipt. The platform therefore sees each meter's messages in
 * their order whatever a broker forgets, and the number of messages sent twice after a lost link is bounded by the
 * number of meters.
 */
import { messageMeter, type Stored } from '../outbox.ts';

export interface MeterQueue {
  meter: string;
  rows: Stored[];
  /** Sequence of the newest row taken in. */
  cursor: number;
  /** A live alert of this meter was seen while older ones of it were still on disk only: they are fetched first. */
  urgent: boolean;
  /** Its rows go before the backlog. */
  live: boolean;
  /** What is on its way, from publish to receipt. */
  out: Out | undefined;
}

export interface Out {
  stored: Stored;
  /** With the broker; refused or failed, to be tried again; or acknowledged by it and waiting for the receipt. */
  state: 'flying' | 'failed' | 'acknowledged';
  /** When it is sent again without a receipt, monotonic. */
  dueMs: number;
}

export class Queues {
  readonly #meters = new Map<string, MeterQueue>();
  readonly #live = new Set<MeterQueue>();
  readonly #backlog = new Set<MeterQueue>();
  readonly #out = new Map<number, MeterQueue>();
  #size = 0;

  /** Rows in memory that have not been sent. */
  get size(): number {
    return this.#size;
  }

  get out(): Iterable<MeterQueue> {
    return this.#out.values();
  }

  get outstanding(): number {
    return this.#out.size;
  }

  clear(): void {
    this.#meters.clear();
    this.#live.clear();
    this.#backlog.clear();
    this.#out.clear();
    this.#size = 0;
  }

  of(meter: string): MeterQueue {
    let queue = this.#meters.get(meter);
    if (queue === undefined) {
      queue = { meter, rows: [], cursor: 0, urgent: false, live: false, out: undefined };
      this.#meters.set(meter, queue);
    }
    return queue;
  }

  /** Takes a row in unless it is known; rows of one meter come in the order of their sequence. */
  add(stored: Stored, live: boolean): void {
    const queue = this.of(messageMeter(stored.message));
    if (stored.sequence <= queue.cursor) return;
    queue.cursor = stored.sequence;
    queue.rows.push(stored);
    this.#size++;
    queue.live ||= live;
    this.#offer(queue);
  }

  /** The next message that nothing of its meter is ahead of; it counts as out from now on. */
  next(): MeterQueue | undefined {
    for (const ready of [this.#live, this.#backlog]) {
      for (const queue of ready) {
        ready.delete(queue);
        if (queue.out !== undefined) continue;
        const stored = queue.rows.shift();
        if (stored === undefined) continue;
        this.#size--;
        queue.live &&= queue.rows.length > 0;
        queue.out = { stored, state: 'flying', dueMs: Number.POSITIVE_INFINITY };
        this.#out.set(stored.sequence, queue);
        return queue;
      }
    }
    return undefined;
  }

  /** What is out of this sequence, if it is. */
  find(sequence: number): MeterQueue | undefined {
    return this.#out.get(sequence);
  }

  /** The message on its way is done with; the meter's next one may go. */
  settle(queue: MeterQueue): void {
    if (queue.out !== undefined) this.#out.delete(queue.out.stored.sequence);
    queue.out = undefined;
    this.#offer(queue);
  }

  /** Back to the head of its meter, to be sent again. */
  putBack(queue: MeterQueue): void {
    if (queue.out === undefined) return;
    queue.rows.unshift(queue.out.stored);
    this.#size++;
    this.settle(queue);
  }

  #offer(queue: MeterQueue): void {
    if (queue.rows.length === 0 || queue.out !== undefined) return;
    if (queue.live || queue.urgent) {
      this.#backlog.delete(queue);
      this.#live.add(queue);
    } else if (!this.#live.has(queue)) this.#backlog.add(queue);
  }
}
