/** A simulated line in virtual time, as a port that the bus can open: real bytes at the line's own pace, no waiting. */
import type { Clock } from '../../firmware/clock.ts';
import type { LineSettings, OpenPort, PortEvents } from '../../firmware/port.ts';
import { crcFits, seal } from '../../protocols/modbus/crc.ts';
import { Line, type LineFaults, type Station, type Talk } from '../../sim/line.ts';
import { createRandom } from '../../sim/random.ts';

export const LINE_9600: LineSettings = {
  target: { kind: 'tty', path: '/dev/virtual' },
  baud: 9600,
  parity: 'none',
  stopBits: 1,
};

export class VirtualStreet {
  readonly line: Line;
  readonly settings: LineSettings;
  /** How often the port was opened. */
  opened = 0;
  /** A write never returns while this is set. */
  blocked = false;
  /** Every write is refused, as by a device that is gone. */
  failWrites = false;
  readonly #port: { events: PortEvents | undefined } = { events: undefined };
  readonly #clock: Clock;
  #plugged = true;

  constructor(clock: Clock, settings = LINE_9600, faults: Partial<LineFaults> = {}, seed = 'street') {
    const { baud, parity, stopBits } = settings;
    this.#clock = clock;
    this.settings = settings;
    const toMaster = (bytes: Uint8Array) => this.#port.events?.onBytes(bytes);
    this.line = new Line({ baud, parity, stopBits }, clock, createRandom(seed), toMaster, { faults });
  }

  readonly openPort: OpenPort = async (_, events) => {
    if (!this.#plugged) throw new Error('no such device');
    this.opened++;
    this.#port.events = events;
    return {
      write: (bytes) => {
        if (this.blocked) return new Promise(() => {});
        if (this.failWrites || this.#port.events !== events) return Promise.reject(new Error('the port is gone'));
        this.line.fromMaster(bytes);
        return Promise.resolve();
      },
      close: async () => {
        if (this.#port.events !== events) return;
        this.#port.events = undefined;
        events.onLost('closed');
      },
    };
  };

  /** Somebody else's byte, again and again. */
  babble(byte: number, everyMs: number, forMs: number): void {
    const untilMs = this.#clock.monotonicMs() + forMs;
    const say = () => {
      this.#port.events?.onBytes(Uint8Array.of(byte));
      if (this.#clock.monotonicMs() < untilMs) this.#clock.after(everyMs, say);
    };
    say();
  }

  get plugged(): boolean {
    return this.#plugged;
  }

  unplug(): void {
    this.#plugged = false;
    this.line.cut();
    const { events } = this.#port;
    this.#port.events = undefined;
    events?.onLost('unplugged');
  }

  plug(): void {
    this.#plugged = true;
  }
}

/** What register `address` of `unit` holds: different for every pair, so that a value tells whose it is. */
export const registerOf = (unit: number, address: number): number => (unit * 257 + address * 7) & 0xffff;

/** A Modbus meter that answers function 3 with `registerOf`, as late and as badly as `misbehave` says. */
export function modbusStation(
  unit: number,
  delayMs: () => number,
  misbehave: (answer: Talk) => readonly Talk[] = (answer) => [answer],
): Station {
  return {
    hear(bytes) {
      if (bytes[0] !== unit || bytes[1] !== 3 || bytes.length !== 8 || !crcFits(bytes)) return [];
      const address = bytes[2]! * 256 + bytes[3]!;
      const count = bytes[5]!;
      return misbehave({ bytes: registersAnswer(unit, address, count), delayMs: delayMs() });
    },
  };
}

/** The answer of `unit` to a read of `count` registers from `address`. */
export function registersAnswer(unit: number, address: number, count: number): Uint8Array {
  const bytes = new Uint8Array(5 + 2 * count);
  bytes.set([unit, 3, 2 * count]);
  for (let i = 0; i < count; i++) {
    bytes[3 + 2 * i] = registerOf(unit, address + i) >> 8;
    bytes[4 + 2 * i] = registerOf(unit, address + i) & 0xff;
  }
  return seal(bytes);
}
