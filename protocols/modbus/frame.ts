/**
 * Modbus RTU frames: unit (1) · function (1) · data · CRC (2, low byte first); all other numbers high byte first.
 *
 *   function                 request data                                  answer data
 *   1 2   read bits          address, count                                bytes, packed bits (first bit lowest)
 *   3 4   read registers     address, count                                bytes, registers
 *   5     write bit          address, FF00 or 0000                         the same
 *   6     write register     address, value                                the same
 *   15    write bits         address, count, bytes, packed bits            address, count
 *   16    write registers    address, count, bytes, registers              address, count
 *   20    read file records  bytes, n × (6, file, record, count)           bytes, n × (bytes, 6, registers)
 *   23    write then read    address, count, address, count, bytes, regs   bytes, registers
 *   any + 80H                                                              exception code
 *
 * Modbus Application Protocol 1.1b3, section 6. A frame carries no time, no sequence and, in an answer, no address:
 * whoever asks must know what was asked.
 */
import { crcFits, seal } from './crc.ts';

/** A run of registers in a file of function 20. */
export interface FileSpan {
  file: number;
  record: number;
  count: number;
}

export type ModbusRequest =
  | { unit: number; function: 1 | 2 | 3 | 4; address: number; count: number }
  | { unit: number; function: 5; address: number; on: boolean }
  | { unit: number; function: 6; address: number; value: number }
  | { unit: number; function: 15; address: number; bits: boolean[] }
  | { unit: number; function: 16; address: number; registers: number[] }
  | { unit: number; function: 20; spans: FileSpan[] }
  | { unit: number; function: 23; address: number; count: number; writeAddress: number; registers: number[] };

export type ModbusAnswer =
  | { unit: number; function: 1 | 2; bits: boolean[] }
  | { unit: number; function: 3 | 4 | 23; registers: number[] }
  | { unit: number; function: 5; address: number; on: boolean }
  | { unit: number; function: 6; address: number; value: number }
  | { unit: number; function: 15 | 16; address: number; count: number }
  | { unit: number; function: 20; records: number[][] }
  | ModbusException;

/** `function` is the one that was asked for, without 80H. */
export interface ModbusException {
  unit: number;
  function: number;
  exception: number;
}

/** Why bytes are no such frame. */
export interface Malformed {
  problem: string;
}

/** Most registers one answer of functions 3, 4 and 23 may carry. */
export const MAX_REGISTERS = 125;

const word = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

function putWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

function words(bytes: Uint8Array, at: number, count: number): number[] {
  const registers = new Array<number>(count);
  for (let i = 0; i < count; i++) registers[i] = word(bytes, at + 2 * i);
  return registers;
}

function putWords(bytes: Uint8Array, at: number, registers: readonly number[]): void {
  for (let i = 0; i < registers.length; i++) putWord(bytes, at + 2 * i, registers[i]!);
}

function bits(bytes: Uint8Array, at: number, count: number): boolean[] {
  return Array.from({ length: count }, (_, i) => ((bytes[at + (i >> 3)]! >> (i & 7)) & 1) === 1);
}

function putBits(bytes: Uint8Array, at: number, values: readonly boolean[]): void {
  for (const [i, on] of values.entries()) if (on) bytes[at + (i >> 3)] = bytes[at + (i >> 3)]! | (1 << (i & 7));
}

function blank(unit: number, code: number, dataBytes: number): Uint8Array {
  const bytes = new Uint8Array(4 + dataBytes);
  bytes[0] = unit;
  bytes[1] = code;
  return bytes;
}

/** The bytes of a request. Numbers out of a field's range are the caller's mistake and are cut to it. */
export function encodeRequest(request: ModbusRequest): Uint8Array {
  switch (request.function) {
    case 1:
    case 2:
    case 3:
    case 4: {
      const bytes = blank(request.unit, request.function, 4);
      putWord(bytes, 2, request.address);
      putWord(bytes, 4, request.count);
      return seal(bytes);
    }
    case 5:
    case 6: {
      const bytes = blank(request.unit, request.function, 4);
      putWord(bytes, 2, request.address);
      putWord(bytes, 4, request.function === 6 ? request.value : request.on ? 0xff00 : 0);
      return seal(bytes);
    }
    case 15: {
      const packed = Math.ceil(request.bits.length / 8);
      const bytes = blank(request.unit, 15, 5 + packed);
      putWord(bytes, 2, request.address);
      putWord(bytes, 4, request.bits.length);
      bytes[6] = packed;
      putBits(bytes, 7, request.bits);
      return seal(bytes);
    }
    case 16: {
      const bytes = blank(request.unit, 16, 5 + 2 * request.registers.length);
      putWord(bytes, 2, request.address);
      putWord(bytes, 4, request.registers.length);
      bytes[6] = 2 * request.registers.length;
      putWords(bytes, 7, request.registers);
      return seal(bytes);
    }
    case 20: {
      const bytes = blank(request.unit, 20, 1 + 7 * request.spans.length);
      bytes[2] = 7 * request.spans.length;
      for (const [i, span] of request.spans.entries()) {
        bytes[3 + 7 * i] = 6;
        putWords(bytes, 4 + 7 * i, [span.file, span.record, span.count]);
      }
      return seal(bytes);
    }
    case 23: {
      const bytes = blank(request.unit, 23, 9 + 2 * request.registers.length);
      putWords(bytes, 2, [request.address, request.count, request.writeAddress, request.registers.length]);
      bytes[10] = 2 * request.registers.length;
      putWords(bytes, 11, request.registers);
      return seal(bytes);
    }
    default:
      return request satisfies never;
  }
}

/** What whole `bytes` ask for, or why they are no request. */
export function decodeRequest(bytes: Uint8Array): ModbusRequest | Malformed {
  const length = requestLength(bytes);
  if (length !== bytes.length) return { problem: wrongLength(bytes, length, 'request') };
  if (!crcFits(bytes)) return { problem: 'CRC does not fit' };
  const unit = bytes[0]!;
  const code = bytes[1] as ModbusRequest['function'];
  const address = word(bytes, 2);
  switch (code) {
    case 1:
    case 2:
    case 3:
    case 4:
      return { unit, function: code, address, count: word(bytes, 4) };
    case 5: {
      const value = word(bytes, 4);
      if (value !== 0 && value !== 0xff00) return { problem: `a bit is written as FF00 or 0000, not ${hex(value)}` };
      return { unit, function: 5, address, on: value !== 0 };
    }
    case 6:
      return { unit, function: 6, address, value: word(bytes, 4) };
    case 15: {
      const count = word(bytes, 4);
      if (bytes[6] !== Math.ceil(count / 8)) return { problem: 'bit count and byte count disagree' };
      return { unit, function: 15, address, bits: bits(bytes, 7, count) };
    }
    case 16: {
      const count = word(bytes, 4);
      if (bytes[6] !== 2 * count) return { problem: 'register count and byte count disagree' };
      return { unit, function: 16, address, registers: words(bytes, 7, count) };
    }
    case 20:
      return decodeSpans(bytes);
    case 23: {
      const count = word(bytes, 8);
      if (bytes[10] !== 2 * count) return { problem: 'register count and byte count disagree' };
      const registers = words(bytes, 11, count);
      return { unit, function: 23, address, count: word(bytes, 4), writeAddress: word(bytes, 6), registers };
    }
    default:
      code satisfies never;
      return { problem: `function ${code} is not known` };
  }
}

function decodeSpans(bytes: Uint8Array): ModbusRequest | Malformed {
  const total = bytes[2]!;
  if (total === 0 || total % 7 !== 0) return { problem: `file spans are 7 bytes each, got ${total}` };
  const spans: FileSpan[] = [];
  for (let at = 3; at < 3 + total; at += 7) {
    if (bytes[at] !== 6) return { problem: `reference type must be 6, got ${bytes[at]}` };
    spans.push({ file: word(bytes, at + 1), record: word(bytes, at + 3), count: word(bytes, at + 5) });
  }
  return { unit: bytes[0]!, function: 20, spans };
}

/** The bytes of an answer. */
export function encodeAnswer(answer: ModbusAnswer): Uint8Array {
  if ('exception' in answer) {
    const bytes = blank(answer.unit, answer.function | 0x80, 1);
    bytes[2] = answer.exception;
    return seal(bytes);
  }
  switch (answer.function) {
    case 1:
    case 2: {
      const packed = Math.ceil(answer.bits.length / 8);
      const bytes = blank(answer.unit, answer.function, 1 + packed);
      bytes[2] = packed;
      putBits(bytes, 3, answer.bits);
      return seal(bytes);
    }
    case 3:
    case 4:
    case 23: {
      const bytes = blank(answer.unit, answer.function, 1 + 2 * answer.registers.length);
      bytes[2] = 2 * answer.registers.length;
      putWords(bytes, 3, answer.registers);
      return seal(bytes);
    }
    case 5:
    case 6:
      return encodeRequest(answer);
    case 15:
    case 16: {
      const bytes = blank(answer.unit, answer.function, 4);
      putWords(bytes, 2, [answer.address, answer.count]);
      return seal(bytes);
    }
    case 20: {
      const total = answer.records.reduce((sum, record) => sum + 2 + 2 * record.length, 0);
      const bytes = blank(answer.unit, 20, 1 + total);
      bytes[2] = total;
      let at = 3;
      for (const record of answer.records) {
        bytes[at] = 1 + 2 * record.length;
        bytes[at + 1] = 6;
        putWords(bytes, at + 2, record);
        at += 2 + 2 * record.length;
      }
      return seal(bytes);
    }
    default:
      return answer satisfies never;
  }
}

/** What whole `bytes` answer, or why they are no answer. Bits come in whole bytes: the asker knows how many it wanted. */
export function decodeAnswer(bytes: Uint8Array): ModbusAnswer | Malformed {
  const length = answerLength(bytes);
  if (length !== bytes.length) return { problem: wrongLength(bytes, length, 'answer') };
  return crcFits(bytes) ? decodeSoundAnswer(bytes) : { problem: 'CRC does not fit' };
}

/** `decodeAnswer` for a frame whose length and CRC were judged by the framer. */
export function decodeSoundAnswer(bytes: Uint8Array): ModbusAnswer | Malformed {
  const unit = bytes[0]!;
  const third = bytes[2]!;
  if (bytes[1]! & 0x80) return { unit, function: bytes[1]! & 0x7f, exception: third };
  const code = bytes[1] as Exclude<ModbusAnswer, ModbusException>['function'];
  switch (code) {
    case 1:
    case 2:
      return { unit, function: code, bits: bits(bytes, 3, 8 * third) };
    case 3:
    case 4:
    case 23:
      return third % 2
        ? { problem: 'odd byte count' }
        : { unit, function: code, registers: words(bytes, 3, third / 2) };
    case 5: {
      const value = word(bytes, 4);
      if (value !== 0 && value !== 0xff00) return { problem: `a bit is written as FF00 or 0000, not ${hex(value)}` };
      return { unit, function: 5, address: word(bytes, 2), on: value !== 0 };
    }
    case 6:
      return { unit, function: 6, address: word(bytes, 2), value: word(bytes, 4) };
    case 15:
    case 16:
      return { unit, function: code, address: word(bytes, 2), count: word(bytes, 4) };
    case 20:
      return decodeRecords(bytes);
    default:
      code satisfies never;
      return { problem: `function ${code} is not known` };
  }
}

function decodeRecords(bytes: Uint8Array): ModbusAnswer | Malformed {
  const end = 3 + bytes[2]!;
  const records: number[][] = [];
  for (let at = 3; at < end; ) {
    const size = bytes[at]!;
    if (size % 2 === 0 || at + 1 + size > end) return { problem: `record of ${size} bytes does not fit` };
    if (bytes[at + 1] !== 6) return { problem: `reference type must be 6, got ${bytes[at + 1]}` };
    records.push(words(bytes, at + 2, (size - 1) / 2));
    at += 1 + size;
  }
  return { unit: bytes[0]!, function: 20, records };
}

/** How long the request at `from` must be: undefined when its function is unknown, 0 when more bytes are needed to say. */
export function requestLength(bytes: Uint8Array, from = 0): number | undefined {
  const left = bytes.length - from;
  if (left < 2) return 0;
  switch (bytes[from + 1]) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
      return 8;
    case 15:
    case 16:
      return left < 7 ? 0 : 9 + bytes[from + 6]!;
    case 20:
      return left < 3 ? 0 : 5 + bytes[from + 2]!;
    case 23:
      return left < 11 ? 0 : 13 + bytes[from + 10]!;
    default:
      return undefined;
  }
}

/** How long the answer at `from` must be, by what it says itself; see `requestLength`. */
export function answerLength(bytes: Uint8Array, from = 0): number | undefined {
  const left = bytes.length - from;
  if (left < 2) return 0;
  const code = bytes[from + 1]!;
  if (code & 0x80) return 5;
  switch (code) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 20:
    case 23:
      return left < 3 ? 0 : 5 + bytes[from + 2]!;
    case 5:
    case 6:
    case 15:
    case 16:
      return 8;
    default:
      return undefined;
  }
}

function wrongLength(bytes: Uint8Array, length: number | undefined, what: string): string {
  if (length === undefined) return `function ${bytes[1]} is not known`;
  return length === 0
    ? `the ${what} is too short`
    : `${what} of function ${bytes[1]} is ${length} bytes, got ${bytes.length}`;
}

const hex = (value: number): string => value.toString(16).toUpperCase().padStart(4, '0');
