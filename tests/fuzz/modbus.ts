/** Random and mutated bytes for Modbus: what is no answer must never be a value, and nothing throws or grows. */

import { readRegisters } from '../../protocols/modbus/exchange.ts';
import { explainModbus, findModbusFrame } from '../../protocols/modbus/explain.ts';
import { decodeAnswer, decodeRequest, encodeAnswer, encodeRequest } from '../../protocols/modbus/frame.ts';
import { modbusBlocks } from '../../protocols/modbus/poll.ts';
import { decodeDlt645Waveform } from '../../protocols/waveform/dlt645-item.ts';
import { BLOCK_BYTES, blockCutter, cutBlocks, encodeBlock } from '../../protocols/waveform/front-end.ts';
import { modbusMeter } from '../../sim/modbus-meter.ts';
import type { Target } from './fuzz.ts';

type Random = () => number;

const upTo = (random: Random, below: number): number => Math.floor(random() * below);

function noise(random: Random, most: number): Uint8Array {
  return Uint8Array.from({ length: upTo(random, most) }, () => upTo(random, 256));
}

/** A frame with some bytes changed, lost or doubled, among noise. */
function mutated(random: Random, frame: Uint8Array): Uint8Array {
  const bytes = [...frame];
  for (let n = upTo(random, 4); n > 0; n--) {
    const at = upTo(random, bytes.length);
    const how = upTo(random, 3);
    if (how === 0) bytes[at] = upTo(random, 256);
    else if (how === 1) bytes.splice(at, 1);
    else bytes.splice(at, 0, upTo(random, 256));
  }
  return Uint8Array.of(...noise(random, 30), ...bytes, ...noise(random, 30));
}

function feed(random: Random, line: Uint8Array, received: (chunk: Uint8Array) => boolean): void {
  for (let at = 0; at < line.length; ) {
    const end = at + 1 + upTo(random, 64);
    if (received(line.subarray(at, end))) return;
    at = end;
  }
}

/** A CRC of 16 bits lets one wrong frame in 65,536 through that has the right head: only these may be other values. */
let tries = 0;
let wrong = 0;

export const targets: readonly Target[] = [
  {
    name: 'modbus-exchange',
    run(random) {
      const registers = Array.from({ length: 1 + upTo(random, 60) }, () => upTo(random, 0x1_0000));
      const exchange = readRegisters(7, 'input', 0, registers.length);
      exchange.start();
      const line = mutated(random, encodeAnswer({ unit: 7, function: 4, registers }));
      let over = false;
      feed(random, line, (chunk) => {
        const move = exchange.received(chunk);
        over = move.do !== 'wait';
        tries++;
        if (move.do === 'done' && move.value.join() !== registers.join()) wrong++;
        return over;
      });
      if (!over && exchange.timedOut().do !== 'failed') throw new Error('a silent exchange does not end');
      if (wrong > 5 + tries / 10_000) throw new Error(`${wrong} of ${tries} chunks gave a wrong value`);
      return line.length;
    },
  },
  {
    name: 'modbus-poll',
    run(random) {
      const [block] = modbusBlocks({ protocol: 'modbus', unit: 7, profile: 'sdm630' });
      const exchange = block!.exchange();
      exchange.start();
      let bytes = 0;
      for (let round = 0; round < 4; round++) {
        const registers = Array.from({ length: 72 }, () => upTo(random, 0x1_0000));
        const answer = random() < 0.2 ? { exception: upTo(random, 12) } : { registers };
        const line = mutated(random, encodeAnswer({ unit: 7, function: 4, ...answer }));
        bytes += line.length;
        let over = false;
        feed(random, line, (chunk) => {
          over = ['done', 'failed'].includes(exchange.received(chunk).do);
          return over;
        });
        if (over) break;
      }
      exchange.timedOut();
      return bytes;
    },
  },
  {
    name: 'modbus-decoders',
    run(random) {
      const request = encodeRequest({ unit: 1, function: 16, address: 3, registers: [1, 2, 3] });
      const bytes = random() < 0.5 ? noise(random, 300) : mutated(random, request);
      decodeRequest(bytes);
      decodeAnswer(bytes);
      explainModbus(bytes, { profile: 'sdm630', answerTo: { unit: bytes[0], function: bytes[1], address: 0 } });
      for (let at = 0; at < bytes.length; at++) findModbusFrame(bytes, at);
      decodeDlt645Waveform(bytes);
      return bytes.length;
    },
  },
  {
    name: 'modbus-meter',
    run(random) {
      const span = { file: upTo(random, 10), record: upTo(random, 100), count: upTo(random, 200) };
      const request = encodeRequest({ unit: 7, function: 20, spans: [span] });
      const bytes = random() < 0.3 ? noise(random, 300) : mutated(random, request);
      meter.answer(bytes);
      return bytes.length;
    },
  },
  {
    name: 'front-end',
    run(random) {
      const cutter = blockCutter();
      const line = mutated(random, random() < 0.5 ? block : noise(random, 2000));
      feed(random, line, (chunk) => {
        cutBlocks(cutter, chunk);
        if (cutter.held.length >= BLOCK_BYTES) throw new Error(`${cutter.held.length} bytes are held`);
        return false;
      });
      return line.length;
    },
  },
];

const meter = modbusMeter({
  unit: 7,
  profile: 'sdm630',
  value: () => 1,
  file: (_, __, count) => new Array<number>(count).fill(1),
});
const samples = new Int16Array(32);
const settings = { sequence: 1, rateHz: 6400, phase: 1, bits: 16, microVolt: 20_000, microAmp: 1000 };
const block = encodeBlock({ ...settings, voltage: samples, current: samples });
