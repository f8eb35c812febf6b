/**
 * One RS-485 line as bytes in time: a master, stations that answer it, and everything that goes wrong between them.
 *
 * A byte takes its start, data, parity and stop bits at the line's baud rate. What a real bus punishes is counted,
 * not forgiven: a Modbus request within 3.5 characters of the last answer, a request on top of an answer, two stations
 * talking at once. Clock and chance are parameters, so the same line runs in real and in virtual time.
 */
import { START, WAKE } from '../protocols/dlt645/frame.ts';
import { Framer } from '../protocols/dlt645/framer.ts';
import type { SimClock } from './clock.ts';
import type { Random } from './random.ts';

export interface LineSettings {
  baud: number;
  parity: 'none' | 'even' | 'odd';
  stopBits: 1 | 2;
  /** A real adapter has a baud rate of its own: its bytes must not be delayed a second time. */
  paced?: boolean;
}

/** Probabilities; per byte where nothing else is said. */
export interface LineFaults {
  /** A byte becomes any other. */
  noise: number;
  /** One bit of a byte turns. */
  flip: number;
  drop: number;
  /** Per burst: its tail is lost. */
  truncate: number;
  /** Per burst: one to five bytes nobody sent stand before it. */
  extra: number;
  /** Per request: the adapter hears itself. */
  echo: number;
  /** Per answer: it leaves up to `lateMs` later than the meter meant (a converter that buffers). */
  late: number;
  lateMs: number;
}

export const NO_LINE_FAULTS: LineFaults = {
  noise: 0,
  flip: 0,
  drop: 0,
  truncate: 0,
  extra: 0,
  echo: 0,
  late: 0,
  lateMs: 0,
};

/** What a station says, `delayMs` after the last byte that it heard. */
export interface Talk {
  bytes: Uint8Array;
  delayMs: number;
}

/** A device on the line. It hears every request, also those for others; answers of its neighbours are not told to it. */
export interface Station {
  /** @param atMs when the last of these bytes had passed; bytes of one request may come in several calls */
  hear(bytes: Uint8Array, atMs: number): readonly Talk[];
}

export interface LineCounts {
  requestBytes: number;
  answerBytes: number;
  /** Modbus requests that began within 3.5 characters of the last answer's end; DL/T 645 has no such rule. */
  silenceViolations: number;
  /** Requests that began while a station was still talking. */
  requestsOnAnswers: number;
  /** Stations that talked on top of each other or of the master. */
  collisions: number;
  /** Bursts that a fault changed. */
  damaged: number;
}

interface Current {
  bytes: Uint8Array;
  startMs: number;
  /** Bytes the master has already been given. */
  given: number;
}

/** What a UART hands over at once: a 16550's FIFO. */
const FIFO_BYTES = 16;

export class Line {
  readonly counts: LineCounts = {
    requestBytes: 0,
    answerBytes: 0,
    silenceViolations: 0,
    requestsOnAnswers: 0,
    collisions: 0,
    damaged: 0,
  };
  readonly settings: LineSettings;
  /** Replaced as a whole when a scenario turns the weather on the line. */
  faults: LineFaults;
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #toMaster: (bytes: Uint8Array) => void;
  readonly #masterBaud: () => number | undefined;
  readonly #stations: Station[] = [];
  readonly #timers = new Set<() => void>();
  #masterFreeMs = Number.NEGATIVE_INFINITY;
  #answerEndMs = Number.NEGATIVE_INFINITY;
  #talk: Current | undefined;

  /** @param masterBaud what the master's side is set to, where the port can tell; another rate than ours gives garbage */
  constructor(
    settings: LineSettings,
    clock: SimClock,
    random: Random,
    toMaster: (bytes: Uint8Array) => void,
    options: { faults?: Partial<LineFaults>; masterBaud?: () => number | undefined } = {},
  ) {
    this.settings = settings;
    this.faults = { ...NO_LINE_FAULTS, ...options.faults };
    this.#clock = clock;
    this.#random = random;
    this.#toMaster = toMaster;
    this.#masterBaud = options.masterBaud ?? (() => undefined);
  }

  attach(station: Station): void {
    this.#stations.push(station);
  }

  detach(station: Station): void {
    const at = this.#stations.indexOf(station);
    if (at >= 0) this.#stations.splice(at, 1);
  }

  /** Milliseconds that this many bytes take on the wire. */
  wireMs(bytes: number, baud = this.settings.baud): number {
    const { parity, stopBits } = this.settings;
    if (this.settings.paced === false) return 0;
    return (bytes * (1 + 8 + (parity === 'none' ? 0 : 1) + stopBits) * 1000) / baud;
  }

  /** The master wrote these bytes now; they leave one after the other behind what it wrote before. */
  fromMaster(bytes: Uint8Array): void {
    const now = this.#clock.monotonicMs();
    const baud = this.#masterBaud() ?? this.settings.baud;
    this.counts.requestBytes += bytes.length;
    const startMs = Math.max(now, this.#masterFreeMs);
    const endMs = startMs + this.wireMs(bytes.length, baud);
    let heard = bytes;
    if (now >= this.#masterFreeMs) heard = this.#beginRequest(bytes, now);
    this.#masterFreeMs = endMs;
    if (this.#random.chance(this.faults.echo)) this.#at(endMs, () => this.#toMaster(bytes));
    const passed = this.#damage(this.#asHeard(heard, baud, this.settings.baud));
    this.#at(endMs, () => this.#hear(passed, endMs));
  }

  /** Nothing that is on its way arrives any more: the adapter was pulled, or the line ends. */
  cut(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#talk = undefined;
    this.#masterFreeMs = Number.NEGATIVE_INFINITY;
    this.#answerEndMs = Number.NEGATIVE_INFINITY;
  }

  /** Judges the moment a request begins; on top of an answer both are spoilt. */
  #beginRequest(bytes: Uint8Array, now: number): Uint8Array {
    if (this.settings.paced === false) return bytes;
    const talk = this.#talk;
    if (talk !== undefined) {
      this.counts.requestsOnAnswers++;
      talk.bytes = this.#collide(talk, bytes, false);
      return this.#mangle(bytes, bytes);
    }
    // Above 19,200 baud Modbus fixes the silence at 1.75 ms; half a millisecond is the timers' own grain.
    const silenceMs = this.settings.baud > 19_200 ? 1.75 : this.wireMs(3.5);
    const early = now - this.#answerEndMs < silenceMs - 0.5;
    if (early && !isDlt645(bytes)) this.counts.silenceViolations++;
    return bytes;
  }

  /** Times are those the wire would have, not those at which a timer came round: lateness must not add up. */
  #hear(bytes: Uint8Array, atMs: number): void {
    if (bytes.length === 0) return;
    for (const station of [...this.#stations]) {
      for (const talk of station.hear(bytes, atMs)) {
        const lateMs = this.#random.chance(this.faults.late) ? this.#random.between(0, this.faults.lateMs) : 0;
        const startMs = atMs + talk.delayMs + lateMs;
        this.#at(startMs, () => this.#begin(talk.bytes, startMs));
      }
    }
  }

  /** A station drives the line, whether or not it is free. */
  #begin(said: Uint8Array, startMs: number): void {
    if (said.length === 0) return;
    let bytes = this.#damage(this.#asHeard(said, this.settings.baud, this.#masterBaud() ?? this.settings.baud));
    this.counts.answerBytes += said.length;
    if (this.#talk !== undefined) {
      this.counts.collisions++;
      this.#talk.bytes = this.#collide(this.#talk, bytes, true);
      return;
    }
    if (startMs < this.#masterFreeMs) {
      this.counts.collisions++;
      bytes = this.#mangle(bytes, bytes);
    }
    if (bytes.length === 0) return;
    this.#talk = { bytes, startMs, given: 0 };
    this.#give(this.#talk);
  }

  /** Hands the master one FIFO after the other, each when its last byte has passed. */
  #give(talk: Current): void {
    const size = this.settings.paced === false ? talk.bytes.length : FIFO_BYTES;
    const upTo = Math.min(talk.bytes.length, talk.given + size);
    this.#at(talk.startMs + this.wireMs(upTo), () => {
      const end = Math.min(upTo, talk.bytes.length);
      const slice = talk.bytes.subarray(talk.given, end);
      talk.given = end;
      const last = end >= talk.bytes.length;
      if (last) {
        this.#talk = undefined;
        this.#answerEndMs = this.#clock.monotonicMs();
      }
      this.#toMaster(slice);
      if (!last) this.#give(talk);
    });
  }

  /** What is left of `talk` with `other` on top of it; with `keepTail` the longer one is heard to its end. */
  #collide(talk: Current, other: Uint8Array, keepTail: boolean): Uint8Array {
    const left = talk.bytes.subarray(talk.given);
    const mangled = this.#mangle(left, other);
    const tail = keepTail && other.length > left.length ? other.subarray(left.length) : new Uint8Array();
    return joined([talk.bytes.subarray(0, talk.given), mangled, tail]);
  }

  /** Two drivers against each other: which one wins changes from bit to bit. */
  #mangle(bytes: Uint8Array, other: Uint8Array): Uint8Array {
    return bytes.map((byte, i) => (i < other.length ? byte & other[i]! & 0xff & ~(1 << this.#random.int(8)) : byte));
  }

  /** At another rate than it was sent, a byte is cut into wrong pieces. */
  #asHeard(bytes: Uint8Array, sentBaud: number, heardBaud: number): Uint8Array {
    if (sentBaud === heardBaud || this.settings.paced === false) return bytes;
    const length = Math.max(1, Math.round((bytes.length * heardBaud) / sentBaud));
    return Uint8Array.from({ length: Math.min(length, 4 * bytes.length) }, () => this.#random.int(256));
  }

  #damage(bytes: Uint8Array): Uint8Array {
    const { noise, flip, drop, truncate, extra } = this.faults;
    if (noise + flip + drop + truncate + extra === 0) return bytes;
    const random = this.#random;
    const out: number[] = [];
    let changed = false;
    if (random.chance(extra)) for (let n = 1 + random.int(5); n > 0; n--) changed = out.push(random.int(256)) > 0;
    const end = random.chance(truncate) ? random.int(bytes.length) : bytes.length;
    changed ||= end < bytes.length;
    for (const byte of bytes.subarray(0, end)) {
      const kept = random.chance(noise) ? random.int(256) : random.chance(flip) ? byte ^ (1 << random.int(8)) : byte;
      const lost = random.chance(drop);
      changed ||= lost || kept !== byte;
      if (!lost) out.push(kept);
    }
    if (!changed) return bytes;
    this.counts.damaged++;
    return Uint8Array.from(out);
  }

  #at(atMs: number, callback: () => void): void {
    const cancel = this.#clock.after(Math.max(0, atMs - this.#clock.monotonicMs()), () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }
}

/** FE or 68 can also be a Modbus unit: only a whole frame behind them tells. */
function isDlt645(bytes: Uint8Array): boolean {
  return (bytes[0] === WAKE || bytes[0] === START) && new Framer().push(bytes).length > 0;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
