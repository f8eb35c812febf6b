/**
 * Runs one exchange over the line: the exchange knows what the bytes mean, this knows when. Driven by length: the
 * answer ends with its last byte, and only a meter that says nothing or stops half way costs its deadline.
 */
import type { Exchange, Move } from '../../protocols/exchange.ts';
import type { Failure } from '../../protocols/failure.ts';
import type { Clock } from '../clock.ts';
import { wireMs } from '../port.ts';
import type { Line, Listener } from './line.ts';

/** What a UART may hold back before it tells: a 16550's FIFO, and one character's time-out. */
const FIFO_BYTES = 20;
/** Beyond the wire time of the longest frame: bytes that trickle in for longer are noise, and would hold the bus for ever. */
const TRICKLE_MAX_MS = 5_000;
const LONGEST_BYTES = 256;
/** A stalled event loop runs its timers before it reads: bytes that wait in the kernel get this long to show. */
const GRACE_MS = 2;

export interface Timing {
  /** Silence before each request. */
  silenceMs: number;
  /** Added to the exchange's own deadline for a meter known to be slow. */
  patienceMs: number;
  /** Bytes expected at most: a converter may hold the answer back until it is whole. */
  answerBytes: number;
}

export interface Outcome<T> {
  result: { value: T } | { failure: Failure; detail: string };
  /** Both ways, 0 where the exchange failed. */
  wireBytes: number;
  /** Sum of the meter's own delays between request and first byte. */
  delayMs: number;
  /** Whether any byte arrived. */
  heard: boolean;
}

/** Resolves when the exchange is done or failed; never rejects. */
export function transact<T>(line: Line, clock: Clock, exchange: Exchange<T>, timing: Timing): Promise<Outcome<T>> {
  return new Promise((resolve) => new Transaction(line, clock, exchange, timing, resolve).begin());
}

class Transaction<T> implements Listener {
  readonly #line: Line;
  readonly #clock: Clock;
  readonly #exchange: Exchange<T>;
  readonly #timing: Timing;
  readonly #resolve: (outcome: Outcome<T>) => void;
  #ended = false;
  #heard = false;
  #delayMs = 0;
  #answerMs = 0;
  #gapMs = 0;
  #requestEndMs = 0;
  /** When the last byte of the answer under way arrived; undefined before its first. */
  #lastByteMs: number | undefined;
  #graced = false;
  #cancelTimer: (() => void) | undefined;

  constructor(line: Line, clock: Clock, exchange: Exchange<T>, timing: Timing, resolve: (outcome: Outcome<T>) => void) {
    this.#line = line;
    this.#clock = clock;
    this.#exchange = exchange;
    this.#timing = timing;
    this.#resolve = resolve;
  }

  begin(): void {
    this.#make(() => this.#exchange.start());
  }

  onBytes(chunk: Uint8Array, nowMs: number): void {
    this.#heard = true;
    const bytes = this.#line.echo.received(chunk);
    if (bytes.length === 0) return;
    if (this.#lastByteMs === undefined) {
      this.#delayMs += Math.max(0, nowMs - wireMs(this.#line.settings, bytes.length) - this.#requestEndMs);
      this.#line.quiet.learn(nowMs);
    }
    this.#lastByteMs = nowMs;
    this.#graced = false;
    this.#make(() => this.#exchange.received(bytes));
  }

  onLost(reason: string): void {
    this.#end({ failure: 'port-lost', detail: reason });
  }

  /** One move of the exchange; one that throws has a programmer's mistake in it and must not stop the bus. */
  #make(move: () => Move<T>): void {
    if (this.#ended) return;
    let made: Move<T>;
    try {
      made = move();
    } catch (error) {
      this.#end({ failure: 'garbage', detail: `the decoder threw: ${String(error)}` });
      return;
    }
    switch (made.do) {
      case 'wait':
        return;
      case 'send':
        void this.#send(made);
        return;
      case 'done':
        this.#line.echo.answered();
        this.#end({ value: made.value }, made.wireBytes);
        return;
      case 'failed':
        this.#end({ failure: made.failure, detail: made.detail });
        return;
      default:
        made satisfies never;
    }
  }

  async #send(move: Move<T> & { do: 'send' }): Promise<void> {
    this.#disarm();
    this.#line.listen(undefined);
    await this.#line.untilQuiet(this.#timing.silenceMs);
    this.#line.echo.sent(move.bytes);
    this.#line.listen(this);
    this.#answerMs = move.answerMs;
    this.#gapMs = move.gapMs;
    this.#lastByteMs = undefined;
    this.#graced = false;
    this.#requestEndMs = this.#clock.monotonicMs() + wireMs(this.#line.settings, move.bytes.length);
    this.#line.quiet.sent(this.#requestEndMs);
    const problem = await this.#line.write(move.bytes);
    if (this.#ended) return;
    if (problem !== undefined) return this.#end(problem);
    this.#requestEndMs = Math.max(this.#requestEndMs, this.#clock.monotonicMs());
    this.#arm();
  }

  #deadlineMs(): number {
    const { settings } = this.#line;
    if (this.#answerMs === 0 && this.#lastByteMs === undefined) return this.#requestEndMs;
    const held = settings.target.kind === 'tcp' ? Math.max(FIFO_BYTES, this.#timing.answerBytes) : FIFO_BYTES;
    const firstMs = this.#requestEndMs + this.#answerMs + this.#timing.patienceMs + wireMs(settings, held);
    if (this.#lastByteMs === undefined) return firstMs;
    const nextMs = this.#lastByteMs + this.#gapMs + wireMs(settings, FIFO_BYTES);
    return Math.min(nextMs, firstMs + TRICKLE_MAX_MS + wireMs(settings, LONGEST_BYTES));
  }

  /** One timer that looks again: a byte moves the deadline without touching it. */
  #arm(): void {
    const waitMs = Math.max(0, this.#deadlineMs() - this.#clock.monotonicMs());
    this.#cancelTimer = this.#clock.after(this.#graced ? GRACE_MS : waitMs, () => {
      if (this.#clock.monotonicMs() < this.#deadlineMs()) return this.#arm();
      if (this.#graced || this.#answerMs === 0) return this.#expire();
      this.#graced = true;
      this.#arm();
    });
  }

  #disarm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #expire(): void {
    this.#cancelTimer = undefined;
    const held = this.#line.echo.held();
    if (held.length > 0) this.#make(() => onlyIfAnswer(this.#exchange.received(held)));
    this.#make(() => this.#exchange.timedOut());
  }

  #end(result: Outcome<T>['result'], wireBytes = 0): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#disarm();
    this.#line.listen(undefined);
    this.#resolve({ result, wireBytes, delayMs: this.#delayMs, heard: this.#heard });
  }
}

/** Our own request that came back is either the answer (a Modbus write) or nothing at all. */
function onlyIfAnswer<T>(move: Move<T>): Move<T> {
  if (move.do !== 'failed') return move;
  return { do: 'failed', failure: 'no-answer', detail: 'only our own request came back from the adapter' };
}
