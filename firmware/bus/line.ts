/**
 * The one owner of a port: opens it, keeps it open, and gives its bytes to whoever is speaking. What arrives while
 * nobody listens is counted, never kept.
 */
import { type Clock, sleep } from '../clock.ts';
import { type LineSettings, type OpenPort, type Port, wireMs } from '../port.ts';
import { EchoFilter } from './echo.ts';
import { Quiet } from './quiet.ts';

/** 2 s between tries and a 5 s limit to each: a plug that returns is seen within 10 s. */
const REOPEN_MIN_MS = 250;
const REOPEN_MAX_MS = 2_000;
/** Beyond its own time on the wire. */
const WRITE_DEADLINE_MS = 1_000;
const CLOSE_DEADLINE_MS = 2_000;
/** Bytes further apart than this are two late frames. */
const BURST_GAP_MS = 50;
/** Writes in a row that hung before the port is called stuck: then only a restart of the process is left. */
const HANGS_MAX = 3;

export type PortState =
  | { state: 'opening' }
  | { state: 'open' }
  | { state: 'lost'; reason: string }
  /** Three handles in a row took no bytes; the supervisor should restart the gateway. */
  | { state: 'stuck'; reason: string };

export interface Listener {
  onBytes(bytes: Uint8Array, nowMs: number): void;
  onLost(reason: string): void;
}

export interface LineCounts {
  /** Bytes and bursts after a deadline, dropped: they are never matched to a later request. */
  lateBytes: number;
  lateFrames: number;
  /** Bytes that nobody had asked for. */
  strayBytes: number;
  /** Times the port was opened again. */
  reopened: number;
  /** Times the silence before a request had to be waited for because somebody spoke. */
  silenceWaits: number;
}

export class Line {
  readonly settings: LineSettings;
  readonly quiet = new Quiet();
  readonly counts: LineCounts = { lateBytes: 0, lateFrames: 0, strayBytes: 0, reopened: 0, silenceWaits: 0 };
  echo = new EchoFilter();
  readonly #openPort: OpenPort;
  readonly #clock: Clock;
  readonly #onState: (state: PortState) => void;
  #port: Port | undefined;
  #listener: Listener | undefined;
  #drop: (reason: string | undefined) => void = () => {};
  #hangs = 0;
  #quarantined = false;
  #lastByteMs = Number.NEGATIVE_INFINITY;

  constructor(settings: LineSettings, openPort: OpenPort, clock: Clock, onState: (state: PortState) => void) {
    this.settings = settings;
    this.#openPort = openPort;
    this.#clock = clock;
    this.#onState = onState;
  }

  get isOpen(): boolean {
    return this.#port !== undefined;
  }

  /** Keeps the port open until the signal; resolves when it is closed. */
  async keepOpen(signal: AbortSignal): Promise<void> {
    let delayMs = REOPEN_MIN_MS;
    this.#onState({ state: 'opening' });
    while (!signal.aborted) {
      const reason = await this.#session(signal, () => {
        delayMs = REOPEN_MIN_MS;
      });
      if (signal.aborted) break;
      if (reason === undefined) this.#onState({ state: 'opening' });
      else this.#onState({ state: this.#hangs >= HANGS_MAX ? 'stuck' : 'lost', reason });
      await sleep(this.#clock, delayMs, signal);
      delayMs = Math.min(REOPEN_MAX_MS, delayMs * 2);
    }
  }

  /** Bytes go to this listener until another call; undefined: nobody listens. */
  listen(listener: Listener | undefined): void {
    this.#listener = listener;
  }

  /** Closes a handle that is suspected dead and opens a new one; nobody is told that the port is lost. */
  reopen(): void {
    this.#drop(undefined);
  }

  /** Resolves to what went wrong, or to undefined when the port took the bytes. */
  async write(bytes: Uint8Array): Promise<{ failure: 'port-lost' | 'deadline'; detail: string } | undefined> {
    const port = this.#port;
    if (port === undefined) return { failure: 'port-lost', detail: 'the port is not open' };
    const deadlineMs = Math.ceil(wireMs(this.settings, bytes.length) + WRITE_DEADLINE_MS);
    const startMs = this.#clock.monotonicMs();
    try {
      const leaving = port.write(bytes, deadlineMs);
      if (leaving !== undefined) await within(this.#clock, leaving, deadlineMs + 100);
      this.#hangs = 0;
      return undefined;
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      const hung = this.#clock.monotonicMs() - startMs >= deadlineMs;
      if (hung) this.#hangs++;
      if (this.#port === port) this.#drop(detail);
      return { failure: hung ? 'deadline' : 'port-lost', detail };
    }
  }

  /** Waits until the line has been silent for `silenceMs`, or the port is gone. */
  async untilQuiet(silenceMs: number): Promise<void> {
    const { lateBytes, strayBytes } = this.counts;
    for (;;) {
      const waitMs = this.quiet.waitMs(this.#clock.monotonicMs(), silenceMs);
      if (waitMs <= 0 || !this.isOpen) break;
      // Timers have a grain of 1 ms: a fraction would fire early and cost a second one.
      await sleep(this.#clock, Math.ceil(waitMs));
    }
    if (this.counts.lateBytes + this.counts.strayBytes > lateBytes + strayBytes) this.counts.silenceWaits++;
  }

  /** Lets late answers run out; resolves to whether there were any. */
  async quarantine(signal: AbortSignal): Promise<boolean> {
    const before = this.counts.lateBytes;
    this.#quarantined = true;
    await sleep(this.#clock, this.quiet.quarantineMs(), signal);
    this.#quarantined = false;
    return this.counts.lateBytes > before;
  }

  /** From opening to losing the port; resolves to why it was lost, or undefined when it was given up by `reopen`. */
  async #session(signal: AbortSignal, onAlive: () => void): Promise<string | undefined> {
    const lost = Promise.withResolvers<string | undefined>();
    let current = true;
    // At once, not when the promise is awaited: nobody may speak on a port that is known to be gone.
    const lose = (reason: string | undefined) => {
      if (!current) return;
      this.#port = undefined;
      lost.resolve(reason);
    };
    this.#drop = lose;
    const onAbort = () => lose('stopping');
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const port = await this.#openPort(this.settings, {
        onBytes: (bytes) => {
          if (!current) return;
          onAlive();
          this.#received(bytes);
        },
        onLost: lose,
      });
      this.#port = port;
      this.echo = new EchoFilter();
      this.#onState({ state: 'open' });
      const reason = await lost.promise;
      this.#port = undefined;
      this.counts.reopened++;
      this.#listener?.onLost(reason ?? 'the port is opened again');
      await within(this.#clock, port.close(), CLOSE_DEADLINE_MS).catch(() => {});
      return reason;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      current = false;
      this.#port = undefined;
      signal.removeEventListener('abort', onAbort);
    }
  }

  #received(bytes: Uint8Array): void {
    const nowMs = this.#clock.monotonicMs();
    const newBurst = nowMs - this.#lastByteMs > BURST_GAP_MS;
    this.#lastByteMs = nowMs;
    this.quiet.heard(nowMs);
    if (this.#listener !== undefined) this.#listener.onBytes(bytes, nowMs);
    else if (this.#quarantined) this.#late(bytes, nowMs, newBurst);
    else this.counts.strayBytes += bytes.length;
  }

  #late(bytes: Uint8Array, nowMs: number, newBurst: boolean): void {
    this.counts.lateBytes += bytes.length;
    if (!newBurst) return;
    this.counts.lateFrames++;
    this.quiet.learn(nowMs);
  }
}

/** Rejects when `promise` has not settled within `deadlineMs`; the promise itself is let go. */
function within<T>(clock: Clock, promise: Promise<T>, deadlineMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(deadlineMs, () => reject(new Error(`not done within ${deadlineMs} ms`)));
    promise.then(resolve, reject).finally(cancel);
  });
}
