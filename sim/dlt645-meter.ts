/**
 * The meter's side of DL/T 645-2007 and -1997: hears frames, answers as the standard says, or as a bad meter does.
 * Everything it may do wrong is a probability of its own in `MeterFaults`.
 */
import { ANY_ADDRESS, addressMatches, BROADCAST_ADDRESS, encodeFrame, type Frame } from '../protocols/dlt645/frame.ts';
import { Framer } from '../protocols/dlt645/framer.ts';
import { joined, parseTime } from './bcd.ts';
import { held1997, held2007, type MeterPlate } from './dlt645-items.ts';
import type { Station, Talk } from './line.ts';
import { type MeterFaults, type MeterView, NO_METER_FAULTS } from './meter-view.ts';
import type { Random } from './random.ts';

export interface Dlt645Options extends MeterPlate {
  standard: '2007' | '1997';
  /** Between the last byte of the request and the first of the answer: 20 … 500 ms (2007: 7.3). */
  turnaroundMs: number;
  /** FE bytes before the answer, 0 … 4. */
  preamble: number;
  /** Most data bytes behind the identifier in one frame; the rest follows by read-next. */
  frameBytes: number;
  /** Some meters know single items only. */
  blocks: boolean;
  /** Some append AA to a block. */
  blockTail: boolean;
  /** Some answer the wildcard with the wildcard. */
  echoesWildcard: boolean;
  /** Three bytes, as printed. */
  password: string;
}

export const DLT645_DEFAULTS: Omit<Dlt645Options, 'address'> = {
  standard: '2007',
  turnaroundMs: 30,
  preamble: 4,
  frameBytes: 190,
  blocks: true,
  blockTail: false,
  echoesWildcard: false,
  password: '000000',
  ratedCurrentA: 60,
  constant: 1200,
};

const ERR_OTHER = 0x01;
const ERR_NO_DATA = 0x02;
const ERR_PASSWORD = 0x04;

type Reply = { data: Uint8Array; more: boolean } | { error: number } | undefined;

export class Dlt645Meter implements Station {
  readonly options: Dlt645Options;
  /** Turned by a scenario or a tester at any time. */
  faults: MeterFaults;
  readonly view: MeterView;
  readonly #random: Random;
  readonly #framer = new Framer();
  #address: string;
  #heardMs = Number.NEGATIVE_INFINITY;
  /** What read-next has still to give. */
  #rest: { item: string; data: Uint8Array; sequence: number } | undefined;

  constructor(
    options: Partial<Dlt645Options> & { address: string },
    view: MeterView,
    random: Random,
    faults: Partial<MeterFaults> = {},
  ) {
    this.options = { ...DLT645_DEFAULTS, ...options };
    this.view = view;
    this.#random = random;
    this.faults = { ...NO_METER_FAULTS, ...faults };
    this.#address = options.address;
  }

  get address(): string {
    return this.#address;
  }

  hear(bytes: Uint8Array, atMs: number): readonly Talk[] {
    // A meter forgets half a frame when the line was quiet for longer than any gap within one (2007: 7.3, 500 ms).
    if (atMs - this.#heardMs > 500) this.#framer.clear();
    this.#heardMs = atMs;
    const talks: Talk[] = [];
    for (const frame of this.#framer.push(bytes)) {
      if (frame.control & 0x80) continue;
      const reply = this.#isForMe(frame) ? this.#reply(frame) : undefined;
      if (reply === undefined || frame.address === BROADCAST_ADDRESS) continue;
      const talk = this.#say(frame, reply);
      if (talk !== undefined) talks.push(talk);
    }
    return talks;
  }

  #isForMe(frame: Frame): boolean {
    if (frame.address === BROADCAST_ADDRESS) return true;
    const padded =
      this.options.standard === '1997' ? this.#address.replace(/^0+/, (zeros) => 'A'.repeat(zeros.length)) : '';
    return addressMatches(frame.address, this.#address) || frame.address === padded;
  }

  #reply(frame: Frame): Reply {
    const code = frame.control & 0x1f;
    if (frame.address === BROADCAST_ADDRESS && code !== 0x08 && code !== 0x16) return undefined;
    return this.options.standard === '2007' ? this.#reply2007(code, frame) : this.#reply1997(code, frame);
  }

  #reply2007(code: number, frame: Frame): Reply {
    switch (code) {
      case 0x11:
        return this.#read(frame.data, 4);
      case 0x12:
        return this.#next(frame.data);
      case 0x13:
        return { data: reversed(this.#address), more: false };
      case 0x14:
        return this.#write(frame.data);
      case 0x15:
        return this.#takeAddress(frame);
      case 0x08:
        return this.#takeTime(frame);
      case 0x16:
        return { data: new Uint8Array(), more: false };
      case 0x17:
        return { data: frame.data.slice(0, 1), more: false };
      case 0x1c:
        return this.#relay(frame.data);
      default:
        return { error: ERR_OTHER };
    }
  }

  #reply1997(code: number, frame: Frame): Reply {
    switch (code) {
      case 0x01:
        return this.#read(frame.data, 2);
      case 0x02:
      case 0x03:
        return this.#next(frame.data);
      case 0x04:
        return { error: ERR_PASSWORD };
      case 0x08:
        return this.#takeTime(frame);
      case 0x0a:
        return this.#takeAddress(frame);
      default:
        return { error: ERR_OTHER };
    }
  }

  #read(data: Uint8Array, itemBytes: 2 | 4): Reply {
    if (data.length < itemBytes) return { error: ERR_OTHER };
    const head = data.subarray(0, itemBytes);
    const item = hex(head);
    const block = itemBytes === 4 ? /FF/.test(item.slice(4)) : item.endsWith('F');
    if (block && !this.options.blocks) return { error: ERR_NO_DATA };
    const { view, options } = this;
    let held = itemBytes === 4 ? held2007(item, view, options) : held1997(item, view, options);
    if (held === undefined) return { error: ERR_NO_DATA };
    if (block && options.blockTail) held = joined([held, Uint8Array.of(0xaa)]);
    const first = held.subarray(0, options.frameBytes);
    const more = held.length > first.length;
    this.#rest = more ? { item, data: held.subarray(first.length), sequence: 0 } : undefined;
    return { data: joined([head, first]), more };
  }

  /** 2007: the request carries the frame's number, the answer repeats it at its end. */
  #next(data: Uint8Array): Reply {
    const numbered = this.options.standard === '2007';
    const itemBytes = numbered ? 4 : 2;
    const rest = this.#rest;
    const head = data.subarray(0, itemBytes);
    if (rest === undefined || rest.item !== hex(head)) return { error: ERR_NO_DATA };
    const sequence = numbered ? (data[itemBytes] ?? 0) : rest.sequence + 1;
    if (sequence !== (rest.sequence % 255) + 1) return { error: ERR_OTHER };
    const part = rest.data.subarray(0, this.options.frameBytes);
    const more = rest.data.length > part.length;
    this.#rest = more ? { ...rest, data: rest.data.subarray(part.length), sequence } : undefined;
    return { data: joined([head, part, ...(numbered ? [Uint8Array.of(sequence)] : [])]), more };
  }

  /** DI, authority, password, operator, data; only the clock can be written. */
  #write(data: Uint8Array): Reply {
    if (data.length < 12) return { error: ERR_OTHER };
    if (hex(data.subarray(5, 8)) !== this.options.password) return { error: ERR_PASSWORD };
    const item = hex(data.subarray(0, 4));
    const value = data.subarray(12);
    const now = this.view.localMs();
    const at =
      item === '04000101'
        ? parseTime(value.subarray(1), 'DMY', now)
        : item === '04000102'
          ? parseTime(value, 'smh', now)
          : undefined;
    if (at === undefined) return { error: item === '04000101' || item === '04000102' ? ERR_OTHER : ERR_NO_DATA };
    this.view.setLocalMs(at);
    return { data: new Uint8Array(), more: false };
  }

  #takeAddress(frame: Frame): Reply {
    if (frame.address !== ANY_ADDRESS || frame.data.length !== 6) return undefined;
    this.#address = hex(frame.data);
    return { data: new Uint8Array(), more: false };
  }

  /** Only a clock that is less than five minutes off is set by broadcast (2007: 7.4.6). */
  #takeTime(frame: Frame): Reply {
    const now = this.view.localMs();
    const at = parseTime(frame.data, 'smhDMY', now);
    if (at !== undefined && Math.abs(at - now) <= 5 * 60_000) this.view.setLocalMs(at);
    return undefined;
  }

  /** Authority, password, operator, command, spare, expiry. */
  #relay(data: Uint8Array): Reply {
    if (data.length < 16) return { error: ERR_OTHER };
    if (hex(data.subarray(1, 4)) !== this.options.password) return { error: ERR_PASSWORD };
    const command = data[8];
    const expiry = parseTime(data.subarray(10, 16), 'smhDMY', this.view.localMs());
    if (expiry === undefined || expiry < this.view.localMs()) return { error: ERR_OTHER };
    if (command === 0x1a) this.view.relayOpen = true;
    else if (command === 0x1b || command === 0x1c) this.view.relayOpen = false;
    else if (command === undefined || ![0x2a, 0x2b, 0x3a, 0x3b].includes(command)) return { error: ERR_OTHER };
    return { data: new Uint8Array(), more: false };
  }

  /** Puts a reply on the wire, with whatever is wrong with this meter. */
  #say(frame: Frame, reply: Exclude<Reply, undefined>): Talk | undefined {
    const { faults, options } = this;
    const random = this.#random;
    if (random.chance(faults.silent)) return undefined;
    const busy = random.chance(faults.busy) ? ERR_OTHER : random.chance(faults.refuse) ? ERR_NO_DATA : undefined;
    const said = busy === undefined ? reply : { error: busy };
    const data = 'error' in said ? Uint8Array.of(said.error) : said.data.slice();
    const control = (frame.control & 0x1f) | ('error' in said ? 0xc0 : said.more ? 0xa0 : 0x80);
    if (random.chance(faults.wrongItem) && data.length > 0) data[0] = (data[0]! + 1) & 0xff;
    const own = options.echoesWildcard && frame.address.includes('A') ? frame.address : this.#address;
    const address = random.chance(faults.wrongAddress) ? own.slice(1) + ((Number(own.at(-1)) + 1) % 10 || 0) : own;
    let bytes = encodeFrame({ address, control, data }, options.preamble);
    if (random.chance(faults.checksum)) this.#spoil(bytes, data.length);
    if (random.chance(faults.half)) bytes = bytes.subarray(0, 1 + random.int(bytes.length - 1));
    const lateMs = random.chance(faults.late) ? faults.lateMs : 0;
    return { bytes, delayMs: options.turnaroundMs + faults.slowMs + lateMs };
  }

  /** The ways real meters get the check sum wrong: off by one, with the preamble in it, or a data byte changed after. */
  #spoil(bytes: Uint8Array, dataBytes: number): void {
    const at = bytes.length - 2;
    const way = this.#random.int(dataBytes > 0 ? 3 : 2);
    if (way === 0) bytes[at] = bytes[at]! + 1;
    else if (way === 1) bytes[at] = bytes[at]! + 0xfe * Math.max(1, this.options.preamble);
    else bytes[at - 1] = bytes[at - 1]! ^ 0x10;
  }
}

/** Low byte first to what is printed. */
function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text = byte.toString(16).toUpperCase().padStart(2, '0') + text;
  return text;
}

function reversed(address: string): Uint8Array {
  return Uint8Array.from({ length: 6 }, (_, i) => Number.parseInt(address.slice(10 - 2 * i, 12 - 2 * i), 16));
}
