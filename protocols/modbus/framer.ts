/**
 * Finds the answer to one known request in whatever the line says, and names what was there when it did not come.
 *
 * The request tells how the answer must begin and how long it is, so it is complete with its last byte and no silence
 * has to be waited for. Everything else (our own echo, a neighbour's answer, noise) is stepped over byte by byte:
 * a frame counts only with the right unit, function, length and CRC.
 */
import type { Failure } from '../failure.ts';
import { crcFits } from './crc.ts';
import { answerLength, encodeRequest, type ModbusRequest } from './frame.ts';

/** A babbling line is given up after this many bytes without an answer: several of the longest frames. */
const MAX_HELD = 1024;
const NOTHING = new Uint8Array(0);

export interface Expected {
  request: Uint8Array;
  unit: number;
  function: number;
  /** Of the whole answer, CRC included. */
  length: number;
  /** Bytes 2 and following that the answer must begin with. */
  head: readonly number[];
  /** Whether the answer has the same bytes as the request (functions 5 and 6), so that an echo cannot be told from it. */
  mirrored: boolean;
}

/** A block asks the same question all day: what is expected of its answer is worked out once. */
const known = new WeakMap<ModbusRequest, Expected>();

/** What the answer to `request` must look like. The request must not be changed afterwards. */
export function expectAnswer(request: ModbusRequest): Expected {
  const before = known.get(request);
  if (before) return before;
  const expected = workOut(request);
  known.set(request, expected);
  return expected;
}

function workOut(request: ModbusRequest): Expected {
  const bytes = encodeRequest(request);
  const base = { request: bytes, unit: request.unit, function: request.function, mirrored: false };
  switch (request.function) {
    case 1:
    case 2: {
      const packed = Math.ceil(request.count / 8);
      return { ...base, length: 5 + packed, head: [packed] };
    }
    case 3:
    case 4:
    case 23:
      return { ...base, length: 5 + 2 * request.count, head: [2 * request.count] };
    case 5:
    case 6:
      return { ...base, length: 8, head: [...bytes.subarray(2, 6)], mirrored: true };
    case 15:
    case 16:
      return { ...base, length: 8, head: [...bytes.subarray(2, 6)] };
    case 20: {
      const total = request.spans.reduce((sum, span) => sum + 2 + 2 * span.count, 0);
      return { ...base, length: 5 + total, head: [total] };
    }
    default:
      return request satisfies never;
  }
}

/** What the line said so far while one answer is awaited. */
export interface Hearing {
  expected: Expected;
  held: Uint8Array;
  used: number;
  /** Starts below this were judged for good. */
  from: number;
}

export function hear(expected: Expected): Hearing {
  return { expected, held: NOTHING, used: 0, from: 0 };
}

/** Takes a chunk; the whole frame (answer or exception) as soon as it is there, `'babble'` when the line never stops. */
export function takeChunk(hearing: Hearing, chunk: Uint8Array): Uint8Array | 'babble' | undefined {
  const { expected } = hearing;
  // The ordinary case is one chunk that is the answer: it is judged where it lies, nothing is copied.
  if (hearing.used === 0 && chunk.length === expected.length && isAnswer(chunk, 0, expected)) return chunk;
  const room = Math.min(chunk.length, MAX_HELD - hearing.used);
  append(hearing, chunk.subarray(0, room));
  const isFull = hearing.used >= MAX_HELD;
  return search(hearing, isFull) ?? (isFull ? 'babble' : undefined);
}

/** Nothing more will come: a frame behind a start that waits for its rest in vain. */
export function takeRest(hearing: Hearing): Uint8Array | undefined {
  return search(hearing, true);
}

function append(hearing: Hearing, chunk: Uint8Array): void {
  if (hearing.held.length < hearing.used + chunk.length) {
    const wider = new Uint8Array(
      Math.min(MAX_HELD, Math.max(2 * (hearing.used + chunk.length), hearing.expected.length)),
    );
    wider.set(hearing.held.subarray(0, hearing.used));
    hearing.held = wider;
  }
  hearing.held.set(chunk, hearing.used);
  hearing.used += chunk.length;
}

function search(hearing: Hearing, final: boolean): Uint8Array | undefined {
  const { expected } = hearing;
  const bytes = hearing.held.subarray(0, hearing.used);
  let settled = true;
  for (let at = skipEcho(hearing, bytes); at < bytes.length; at++) {
    const length = lengthOfOurs(bytes, at, expected);
    if (length === undefined) {
      if (settled) hearing.from = at + 1;
      continue;
    }
    if (at + length > bytes.length) {
      // What looks like a frame inside of an answer that is still coming is its data.
      if (!final) return undefined;
      settled = false;
    } else if (crcFits(bytes, at, at + length)) return bytes.slice(at, at + length);
    else if (settled) hearing.from = at + 1;
  }
  return undefined;
}

/** Adapters without echo suppression give our own bytes back first: they are not the meter's. */
function skipEcho(hearing: Hearing, bytes: Uint8Array): number {
  const { request, mirrored } = hearing.expected;
  if (hearing.from === 0 && !mirrored && startsWith(bytes, request)) hearing.from = request.length;
  return hearing.from;
}

function startsWith(bytes: Uint8Array, head: Uint8Array): boolean {
  if (bytes.length < head.length) return false;
  for (let i = 0; i < head.length; i++) if (bytes[i] !== head[i]) return false;
  return true;
}

function isAnswer(bytes: Uint8Array, at: number, expected: Expected): boolean {
  return lengthOfOurs(bytes, at, expected) === expected.length && crcFits(bytes, at, at + expected.length);
}

/** The length of our answer or exception if one may begin at `at`, judged by as many bytes as there are. */
function lengthOfOurs(bytes: Uint8Array, at: number, expected: Expected): number | undefined {
  if (bytes[at] !== expected.unit) return undefined;
  if (at + 1 >= bytes.length) return expected.length;
  if (bytes[at + 1] === (expected.function | 0x80)) return 5;
  if (bytes[at + 1] !== expected.function) return undefined;
  for (let i = 0; i < expected.head.length && at + 2 + i < bytes.length; i++) {
    if (bytes[at + 2 + i] !== expected.head[i]) return undefined;
  }
  return expected.length;
}

/** Why there is no answer although the deadline passed: what the bytes on the line were instead. */
export function blame(hearing: Hearing): { failure: Failure; detail: string } {
  const { expected } = hearing;
  const all = hearing.held.subarray(0, hearing.used);
  const echoed = !expected.mirrored && startsWith(all, expected.request);
  const bytes = echoed ? all.subarray(expected.request.length) : all;
  if (bytes.length === 0) {
    return { failure: 'no-answer', detail: echoed ? 'only our own echo came back' : 'nothing came' };
  }
  return foreignFrame(bytes, expected) ?? damaged(bytes, expected);
}

function foreignFrame(bytes: Uint8Array, expected: Expected): { failure: Failure; detail: string } | undefined {
  for (let at = 0; at + 4 < bytes.length; at++) {
    const length = answerLength(bytes, at);
    if (!length || !crcFits(bytes, at, at + length)) continue;
    const unit = bytes[at]!;
    if (unit !== expected.unit)
      return { failure: 'wrong-address', detail: `unit ${unit} answered, not ${expected.unit}` };
    const code = bytes[at + 1]!;
    const what = code === expected.function ? `${length} bytes` : `function ${code}`;
    const wanted = code === expected.function ? `${expected.length} bytes` : `function ${expected.function}`;
    return { failure: 'wrong-item', detail: `the answer has ${what}, asked for ${wanted}` };
  }
  return undefined;
}

function damaged(bytes: Uint8Array, expected: Expected): { failure: Failure; detail: string } {
  for (let at = 0; at < bytes.length; at++) {
    const length = lengthOfOurs(bytes, at, expected);
    if (length === undefined || bytes.length - at < 2) continue;
    const got = bytes.length - at;
    if (got >= length) return { failure: 'checksum', detail: 'the answer came whole but its CRC does not fit' };
    return { failure: 'incomplete', detail: `${got} of ${length} bytes came` };
  }
  if (bytes.length < 4) return { failure: 'incomplete', detail: `${bytes.length} of ${expected.length} bytes came` };
  return { failure: 'garbage', detail: `${bytes.length} bytes that are no answer` };
}
