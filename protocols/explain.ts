/**
 * Explains any bytes from a meter line: DL/T 645 frames, Modbus RTU frames, what is neither; in order, nothing left out.
 * A DL/T 645 frame that is whole wins over a Modbus reading of the same bytes: it has two starts, a sum and an end.
 */
import { toHex } from './bytes.ts';
import { type ExplainedDlt645, explainBroken, explainFrame } from './dlt645/explain.ts';
import { checkFrame, decodeFrame, FRAME_OVERHEAD, START, WAKE } from './dlt645/frame.ts';
import { hidesAnother } from './dlt645/framer.ts';
import { crcProblem, type ExplainedModbus, explainModbus, findModbusFrame } from './modbus/explain.ts';
import { answerLength, requestLength } from './modbus/frame.ts';

export interface ExplainOptions {
  /** How Modbus bytes are read where request and answer look alike. */
  as?: 'request' | 'response';
  /** Register map for Modbus answers. */
  profile?: string;
}

export type Explained =
  | ExplainedDlt645
  | ExplainedModbus
  | { protocol: 'modbus-rtu'; valid: false; problem: string; bytes: string }
  | { discarded: string };

/** One object per frame and per run of bytes that is none, as the contract's `decode` prints them. */
export function explain(bytes: Uint8Array, options: ExplainOptions = {}): Explained[] {
  const found: Explained[] = [];
  /** The last Modbus request: an answer does not say its own address. */
  let answerTo: object | undefined;
  let runStart = 0;
  let at = 0;
  /** Behind the FE that stand here, if any do. */
  let wakeEnd = 0;
  const take = (explained: Explained, start: number, end: number): void => {
    if (start > runStart) found.push(...explainRun(bytes.subarray(runStart, start), options));
    found.push(explained);
    at = end;
    runStart = end;
  };
  while (at < bytes.length) {
    wakeEnd = Math.max(wakeEnd, at);
    while (bytes[wakeEnd] === WAKE) wakeEnd++;
    const start = wakeEnd;
    const frame = wholeFrame(bytes, start);
    if (frame > 0) {
      const preamble = start > at ? { preamble: start - at } : {};
      take({ ...explainFrame(decodeFrame(bytes, start)), ...preamble }, at, start + frame);
      continue;
    }
    const modbus = findModbusFrame(bytes, at, { ...options, answerTo });
    if (modbus !== undefined) {
      if (modbus.explained.direction === 'request') answerTo = modbus.explained;
      take(modbus.explained, at, at + modbus.length);
      continue;
    }
    const broken = brokenFrame(bytes, start);
    if (broken === 0) at++;
    else {
      const check = checkFrame(bytes, start, bytes.length);
      take(explainBroken(bytes.subarray(start, start + broken), check), at, start + broken);
    }
  }
  if (at > runStart) found.push(...explainRun(bytes.subarray(runStart), options));
  return found;
}

/** The length of the DL/T 645 frame that begins at `at`, 0 when none does. */
function wholeFrame(bytes: Uint8Array, at: number): number {
  if (checkFrame(bytes, at, bytes.length) !== 'frame' || hidesAnother(bytes, at)) return 0;
  return FRAME_OVERHEAD + bytes[at + 9]!;
}

/**
 * How many bytes belong to a broken frame at `at`: as many as it announces, but no further than to the next whole one.
 * 0 when nothing here looks like a frame. Two 68H at its start are a known fault of some senders.
 */
function brokenFrame(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== START) return 0;
  const check = checkFrame(bytes, at, bytes.length);
  if (check === 'start') return wholeFrame(bytes, at + 1) > 0 ? 1 : 0;
  const announced = check === 'incomplete' || check === 'length' ? bytes.length : at + FRAME_OVERHEAD + bytes[at + 9]!;
  for (let next = at + 1; next < announced; next++) {
    if (bytes[next] === START && wholeFrame(bytes, next) > 0) return withoutWake(bytes, at, next) - at;
  }
  return Math.min(announced, bytes.length) - at;
}

/** The FE before the next frame are its own. */
function withoutWake(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start + 1 && bytes[at - 1] === WAKE) at--;
  return at;
}

/** Bytes between frames: a Modbus frame that was damaged or has a function nobody knows, else noise. */
function explainRun(run: Uint8Array, options: ExplainOptions): Explained[] {
  if (run.length < 4) return [{ discarded: toHex(run) }];
  const unknown = explainModbus(run, options);
  if (unknown !== undefined) return [unknown];
  const isUnit = run[0]! >= 1 && run[0]! <= 247;
  const isFunction = requestLength(Uint8Array.of(run[0]!, run[1]! & 0x7f)) !== undefined;
  const lengths = [requestLength(run, 0), answerLength(run, 0)];
  if (!isUnit || !isFunction || !lengths.includes(run.length)) return [{ discarded: toHex(run) }];
  return [{ protocol: 'modbus-rtu', valid: false, problem: crcProblem(run), bytes: toHex(run) }];
}
