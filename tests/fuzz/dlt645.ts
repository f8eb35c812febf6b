/** Random and mutated bytes through the DL/T 645 framer, decoders, exchange, and through `explain`. */
import { concat } from '../../protocols/bytes.ts';
import { readItemExchange } from '../../protocols/dlt645/exchange.ts';
import { decodeFrame, encodeFrame, type Frame, MAX_FRAME } from '../../protocols/dlt645/frame.ts';
import { Framer } from '../../protocols/dlt645/framer.ts';
import { allItems, findItem } from '../../protocols/dlt645/items/catalogue.ts';
import { decodeItem, encodeItem } from '../../protocols/dlt645/items/codec.ts';
import { decodeAnswer, decodeRequest } from '../../protocols/dlt645/requests.ts';
import { explain } from '../../protocols/explain.ts';
import type { Target } from './fuzz.ts';

type Random = () => number;

const below = (random: Random, limit: number): number => Math.floor(random() * limit);
const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)]!;

/** One item in forty, of every group: enough shapes, little time to make them. */
const ITEMS = [...allItems('2007'), ...allItems('1997')].filter((_, i) => i % 40 === 0);
const CONTROLS = [0x03, 0x08, 0x11, 0x12, 0x13, 0x14, 0x1c, 0x81, 0x91, 0xb1, 0x92, 0xb2, 0xd1, 0xc3, 0x80, 0x01];
/** Bytes that mean something to one of the protocols. */
const TELLING = [0x68, 0x16, 0xfe, 0xaa, 0xdd, 0x00, 0xff, 0xa0, 0xe5, 0x33, 0x99];

function garbage(random: Random, most: number): Uint8Array {
  const telling = random() < 0.5;
  return Uint8Array.from({ length: below(random, most) }, () =>
    telling && random() < 0.5 ? pick(random, TELLING) : below(random, 256),
  );
}

function anyFrame(random: Random): Frame {
  const address = random() < 0.1 ? 'AAAAAAAAAAAA' : String(below(random, 10 ** 12)).padStart(12, '0');
  const item = pick(random, ITEMS);
  const di = Uint8Array.from(item.di.match(/../g)!, (digits) => Number.parseInt(digits, 16)).reverse();
  const data = concat(di, garbage(random, random() < 0.9 ? 40 : 196)).subarray(0, 200);
  return { address, control: pick(random, CONTROLS), data };
}

function mutated(random: Random, bytes: Uint8Array): Uint8Array {
  const out = [...bytes];
  for (let n = below(random, 4); n > 0 && out.length > 0; n--) {
    const at = below(random, out.length);
    const way = random();
    if (way < 0.6) out[at] = below(random, 256);
    else if (way < 0.8) out.splice(at, 1 + below(random, 8));
    else out.splice(at, 0, ...garbage(random, 8));
  }
  return Uint8Array.from(out);
}

/** A stretch of a noisy line. */
function line(random: Random): Uint8Array {
  const parts = Array.from({ length: 1 + below(random, 12) }, () => {
    const way = random();
    if (way < 0.2) return garbage(random, 400);
    const frame = encodeFrame(anyFrame(random), below(random, 5));
    return way < 0.6 ? frame : mutated(random, frame);
  });
  return concat(...parts);
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(wanted[0]!, from); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

export const targets: readonly Target[] = [
  {
    name: 'dlt645 framer',
    run(random) {
      const bytes = line(random);
      const framer = new Framer();
      const frames: Frame[] = [];
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + below(random, 200);
        frames.push(...framer.push(bytes.subarray(at, at + size)));
        check(framer.pendingBytes < MAX_FRAME, 'the buffer grew');
        at += size;
      }
      frames.push(...framer.flush());
      check(framer.pendingBytes === 0, 'bytes left after the end');
      let at = 0;
      for (const frame of frames) {
        const wire = encodeFrame(frame, 0);
        at = indexOf(bytes, wire, at);
        check(at >= 0, 'a frame that was never on the line');
        check(decodeFrame(wire).control === frame.control, 'a frame that does not round-trip');
        at += wire.length;
        decodeRequest(frame);
        decodeAnswer(frame);
      }
      return bytes.length;
    },
  },
  {
    name: 'dlt645 items',
    run(random) {
      const item = pick(random, ITEMS);
      const bytes = garbage(random, 220);
      const decoded = decodeItem(item, bytes);
      findItem(item.standard, item.di);
      if ('values' in decoded && item.parts === undefined) {
        const again = encodeItem(
          item,
          decoded.values.map(({ value }) => value),
        );
        check(
          'bytes' in again || decoded.values.some(({ value }) => String(value).includes('\ufffd')),
          `${item.di} does not encode again`,
        );
      }
      return bytes.length;
    },
  },
  {
    name: 'dlt645 exchange',
    run(random) {
      const exchange = readItemExchange({ address: '000000000161', standard: '2007' }, pick(random, ITEMS).di);
      let bytes = 0;
      let move = exchange.start();
      for (let turn = 0; turn < 200 && move.do !== 'done' && move.do !== 'failed'; turn++) {
        const chunk = line(random);
        bytes += chunk.length;
        move = random() < 0.5 ? exchange.received(chunk) : exchange.timedOut();
      }
      check(move.do === 'done' || move.do === 'failed', 'an exchange without end');
      return bytes;
    },
  },
  {
    name: 'explain',
    run(random) {
      const bytes = random() < 0.5 ? line(random) : garbage(random, 600);
      for (const found of explain(bytes)) JSON.stringify(found);
      return bytes.length;
    },
  },
];
