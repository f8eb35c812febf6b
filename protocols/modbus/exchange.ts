/**
 * Modbus transactions as pure machines (`../exchange.ts`): what to send, whether what came is the answer, what it says.
 * An exchange is written as a conversation, a generator that yields requests and is handed the answers, so that a chain
 * of requests (a split read, a waveform window) reads from top to bottom.
 */
import type { Exchange, Move } from '../exchange.ts';
import type { Failure } from '../failure.ts';
import { exceptionFailure, isException } from './exception.ts';
import {
  decodeSoundAnswer,
  encodeRequest,
  type FileSpan,
  type ModbusAnswer,
  type ModbusException,
  type ModbusRequest,
} from './frame.ts';
import { blame, expectAnswer, type Hearing, hear, takeChunk, takeRest } from './framer.ts';
import type { Table } from './row.ts';

/** How long the answer may take to begin, and how far apart its bytes may be. */
export interface Timing {
  answerMs: number;
  gapMs: number;
}

/** USB adapters and Ethernet converters hold bytes back for some ms, so the gap is wider than the standard's 1.5 characters. */
export const USUAL_TIMING: Timing = { answerMs: 500, gapMs: 60 };

export interface Failed {
  failure: Failure;
  detail: string;
}

/** Yields requests, is resumed with their answers (exceptions included), returns what it found out. */
export type Conversation<T> = Generator<ModbusRequest, { value: T } | Failed, ModbusAnswer>;

/** Runs a conversation as one exchange. A request without a right answer fails the whole of it, by name. */
export function converse<T>(conversation: Conversation<T>, timing: Timing = USUAL_TIMING): Exchange<T> {
  let hearing: Hearing | undefined;
  let request: ModbusRequest | undefined;
  let wireBytes = 0;

  const advance = (next: IteratorResult<ModbusRequest, { value: T } | Failed>): Move<T> => {
    hearing = undefined;
    if (next.done) {
      const outcome = next.value;
      if ('failure' in outcome) return { do: 'failed', failure: outcome.failure, detail: outcome.detail };
      return { do: 'done', value: outcome.value, wireBytes };
    }
    request = next.value;
    hearing = hear(expectAnswer(request));
    const bytes = hearing.expected.request;
    wireBytes += bytes.length;
    // Nobody answers a broadcast.
    if (request.unit === 0) return { do: 'send', bytes, answerMs: 0, gapMs: timing.gapMs };
    return { do: 'send', bytes, ...timing };
  };

  const take = (frame: Uint8Array): Move<T> => {
    const answer = decodeSoundAnswer(frame);
    if ('problem' in answer) return { do: 'failed', failure: 'garbage', detail: answer.problem };
    wireBytes += frame.length;
    return advance(conversation.next(answer));
  };

  return {
    start: () => advance(conversation.next()),
    received(chunk) {
      if (!hearing) return { do: 'wait' };
      const frame = takeChunk(hearing, chunk);
      if (frame === undefined) return { do: 'wait' };
      if (frame === 'babble')
        return { do: 'failed', failure: 'garbage', detail: 'bytes without end and no answer in them' };
      return take(frame);
    },
    timedOut() {
      if (request?.unit === 0) return advance(conversation.next(acknowledgement(request)));
      if (!hearing) return { do: 'wait' };
      const frame = takeRest(hearing);
      return frame === undefined ? { do: 'failed', ...blame(hearing) } : take(frame);
    },
  };
}

/** What a meter would answer to a broadcast write, so that conversations need not know of broadcasts. */
function acknowledgement(request: ModbusRequest): ModbusAnswer {
  switch (request.function) {
    case 5:
    case 6:
      return request;
    case 15:
      return { unit: 0, function: 15, address: request.address, count: request.bits.length };
    case 16:
      return { unit: 0, function: 16, address: request.address, count: request.registers.length };
    default:
      return { unit: 0, function: request.function, exception: 1 };
  }
}

/** One request, one answer. */
function ask<T>(
  request: ModbusRequest,
  timing: Timing | undefined,
  take: (answer: Sound) => T | undefined,
): Exchange<T> {
  return converse(once(request, take), timing);
}

type Sound = Exclude<ModbusAnswer, ModbusException>;

function* once<T>(request: ModbusRequest, take: (answer: Sound) => T | undefined): Conversation<T> {
  const answer = yield request;
  if (isException(answer)) return exceptionFailure(answer);
  const value = take(answer);
  return value === undefined ? { failure: 'wrong-item', detail: 'the answer is of another kind' } : { value };
}

const registersOf = (answer: Sound): number[] | undefined => ('registers' in answer ? answer.registers : undefined);
const acknowledged = (answer: Sound): true | undefined => ('address' in answer ? true : undefined);

/** Functions 3 and 4: `count` (1–125) registers of `table` from `address`. */
export function readRegisters(
  unit: number,
  table: Table,
  address: number,
  count: number,
  timing?: Timing,
): Exchange<number[]> {
  return ask({ unit, function: table === 'input' ? 4 : 3, address, count }, timing, registersOf);
}

/** Functions 1 and 2: `count` (1–2000) coils or discrete inputs. */
export function readCoils(
  unit: number,
  table: 'coil' | 'discrete',
  address: number,
  count: number,
  timing?: Timing,
): Exchange<boolean[]> {
  const take = (answer: Sound): boolean[] | undefined => ('bits' in answer ? answer.bits.slice(0, count) : undefined);
  return ask({ unit, function: table === 'coil' ? 1 : 2, address, count }, timing, take);
}

/** Function 5. Its answer repeats the request: on a line that echoes, only the bus can tell them apart. */
export function writeCoil(unit: number, address: number, on: boolean, timing?: Timing): Exchange<true> {
  return ask({ unit, function: 5, address, on }, timing, acknowledged);
}

/** Function 6; see `writeCoil` about echo, and prefer `writeRegisters` where the meter has it. */
export function writeRegister(unit: number, address: number, value: number, timing?: Timing): Exchange<true> {
  return ask({ unit, function: 6, address, value }, timing, acknowledged);
}

/** Function 15: 1–1968 coils. */
export function writeCoils(unit: number, address: number, bits: boolean[], timing?: Timing): Exchange<true> {
  return ask({ unit, function: 15, address, bits }, timing, acknowledged);
}

/** Function 16: 1–123 registers. */
export function writeRegisters(unit: number, address: number, registers: number[], timing?: Timing): Exchange<true> {
  return ask({ unit, function: 16, address, registers }, timing, acknowledged);
}

/** Function 20: runs of registers out of files, one array per span. All answers together must fit one frame: 245 bytes. */
export function readFileRecords(unit: number, spans: FileSpan[], timing?: Timing): Exchange<number[][]> {
  return ask({ unit, function: 20, spans }, timing, (answer) => ('records' in answer ? answer.records : undefined));
}

/** Function 23: writes `registers` at `writeAddress`, then reads `count` at `address`, in one transaction. */
export function readWriteRegisters(
  unit: number,
  read: { address: number; count: number },
  write: { address: number; registers: number[] },
  timing?: Timing,
): Exchange<number[]> {
  const { address: writeAddress, registers } = write;
  return ask({ unit, function: 23, ...read, writeAddress, registers }, timing, registersOf);
}

/** Any request; the answer may be an exception, which is a failure. */
export function transact(request: ModbusRequest, timing?: Timing): Exchange<Sound> {
  return ask(request, timing, (answer) => answer);
}

/** Bytes that `request` and its answer take on the wire. */
export function wireBytesOf(request: ModbusRequest): number {
  return encodeRequest(request).length + expectAnswer(request).length;
}
