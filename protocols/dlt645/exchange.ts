/**
 * DL/T 645 transactions as pure machines (`../exchange.ts`). An exchange is written as a conversation, a generator that
 * yields requests and is resumed with what came of each, so that a chain of frames reads from top to bottom.
 *
 * While an answer is awaited, every frame that is not it (our own echo, a neighbour's, a late one to another question)
 * is passed over: the right one may be behind it. Only when the deadline passes does the first of them name the failure.
 */
import { toHex } from '../bytes.ts';
import type { Exchange, Move } from '../exchange.ts';
import { decodeControl, type Standard } from './control.ts';
import { addressMatches, BROADCAST_ADDRESS, encodeFrame, FRAME_OVERHEAD, type Frame } from './frame.ts';
import { Framer } from './framer.ts';
import { findItem, type Item } from './items/catalogue.ts';
import { decodeItem, mostBytes, type Trouble, type Value } from './items/codec.ts';
import { encodeProfileRequest } from './load-profile.ts';
import { type Answer, decodeAnswer, encodeRequest, type Malformed, type Request } from './requests.ts';

export interface Timing {
  /** How long the answer may take to begin; the standard allows 500 ms (2007: 7.3), converters and old meters want more. */
  answerMs: number;
  /** How far apart its bytes may be. */
  gapMs: number;
}
export const USUAL_TIMING: Timing = { answerMs: 700, gapMs: 500 };

/** Whom to ask. `address`: 12 digits, A for wildcard. */
export interface Target {
  address: string;
  standard: Standard;
  answerMs?: number;
}

/** An answer and the address that stood on it. */
export type Heard = Answer & { from: string };

/** Yields requests, is resumed with the answer or why there is none, returns what it found out. */
export type Conversation<T> = Generator<Request, { value: T } | Trouble, Heard | Trouble>;

/** More than any chain of frames; beyond it a line only babbles. */
const MAX_BABBLE_BYTES = 4096;
/** 1,026 bytes, the longest record of the standard, are six frames; a day of load profile is some dozens. */
export const MAX_FRAMES = 64;

/** Runs a conversation as one exchange. */
export function converse<T>(target: Target, conversation: Conversation<T>): Exchange<T> {
  const timing = { ...USUAL_TIMING, ...(target.answerMs === undefined ? {} : { answerMs: target.answerMs }) };
  const framer = new Framer();
  let hearing: Hearing | undefined;
  let wireBytes = 0;

  const advance = (next: IteratorResult<Request, { value: T } | Trouble>): Move<T> => {
    hearing = undefined;
    if (next.done) {
      const outcome = next.value;
      return 'failure' in outcome ? { do: 'failed', ...outcome } : { do: 'done', value: outcome.value, wireBytes };
    }
    const bytes = encodeFrame(encodeRequest(target.address, next.value));
    framer.clear();
    framer.discardedBytes = 0;
    hearing = { request: next.value, heardBytes: 0, passedBytes: 0 };
    wireBytes += bytes.length;
    return { do: 'send', bytes, gapMs: timing.gapMs, answerMs: isSilent(target, next.value) ? 0 : timing.answerMs };
  };

  const look = (frames: readonly Frame[]): Move<T> | undefined => {
    for (const frame of frames) {
      if (hearing === undefined) return undefined;
      const answer = judge(target, hearing, frame);
      if (answer === undefined) continue;
      // With the meter's preamble, which had to move too.
      wireBytes += hearing.heardBytes - hearing.passedBytes - framer.discardedBytes - framer.pendingBytes;
      return advance(conversation.next({ ...answer, from: frame.address }));
    }
    return undefined;
  };

  return {
    start: () => advance(conversation.next()),
    received(chunk) {
      if (hearing === undefined) return { do: 'wait' };
      hearing.heardBytes += chunk.length;
      const move = look(framer.push(chunk));
      if (move !== undefined) return move;
      if (hearing.heardBytes <= MAX_BABBLE_BYTES) return { do: 'wait' };
      return advance(conversation.next({ failure: 'garbage', detail: 'bytes without end and no answer in them' }));
    },
    timedOut() {
      if (hearing === undefined) return { do: 'wait' };
      const { request } = hearing;
      if (isSilent(target, request)) return advance(conversation.next(acknowledgement(target, request)));
      return look(framer.flush()) ?? advance(conversation.next(blame(hearing, framer)));
    },
  };
}

interface Hearing {
  request: Request;
  heardBytes: number;
  /** Of those, the ones in frames that were passed over. */
  passedBytes: number;
  /** Why the first frame that was passed over was not the answer. */
  passedOver?: Trouble;
  echoes?: true;
}

/** The answer in this frame, or undefined when it is another's, ours, or to something else. */
function judge(target: Target, hearing: Hearing, frame: Frame): Answer | undefined {
  const answer = decodeAnswer(frame);
  const trouble = objection(target, hearing.request, frame, answer);
  if (trouble === undefined) return answer as Answer;
  hearing.passedBytes += FRAME_OVERHEAD + frame.data.length;
  if (trouble === 'echo') hearing.echoes = true;
  else hearing.passedOver ??= trouble;
  return undefined;
}

function objection(
  target: Target,
  request: Request,
  frame: Frame,
  answer: Answer | Malformed,
): Trouble | 'echo' | undefined {
  if (decodeControl(frame.control).direction === 'request') return 'echo';
  if (!addressMatches(target.address, frame.address)) {
    return { failure: 'wrong-address', detail: `${frame.address} answered` };
  }
  return 'problem' in answer ? { failure: 'bad-value', detail: answer.problem } : mismatch(request, answer);
}

/** What makes this no answer to `request`. An error answer carries nothing but its function. */
function mismatch(request: Request, answer: Answer): Trouble | undefined {
  if (answer.function !== request.function || answer.standard !== request.standard) {
    return { failure: 'wrong-item', detail: `asked ${request.function}, answered ${answer.function}` };
  }
  if ('error' in answer) return undefined;
  if ('di' in answer && 'di' in request && answer.di !== request.di) {
    return { failure: 'wrong-item', detail: `asked ${request.di}, answered ${answer.di}` };
  }
  if (answer.function === 'read-next' && request.function === 'read-next' && answer.sequence !== request.sequence) {
    return { failure: 'wrong-sequence', detail: `asked frame ${request.sequence}, answered ${answer.sequence}` };
  }
  return undefined;
}

/** The deadline passed: the name of what was heard instead of an answer. */
function blame(hearing: Hearing, framer: Framer): Trouble {
  if (hearing.passedOver !== undefined) return hearing.passedOver;
  if (framer.problem === 'checksum') return { failure: 'checksum', detail: 'a frame came with a wrong checksum' };
  if (framer.problem === 'incomplete') return { failure: 'incomplete', detail: 'a frame began and did not end' };
  if (hearing.heardBytes > 0 && !hearing.echoes) {
    return { failure: 'garbage', detail: `${hearing.heardBytes} bytes came that are no frame` };
  }
  return { failure: 'no-answer', detail: hearing.echoes ? 'only our own request came back' : 'nothing came back' };
}

/** Nobody answers a broadcast, nor the time, to whomever it goes. */
function isSilent(target: Target, request: Request): boolean {
  return target.address === BROADCAST_ADDRESS || request.function === 'broadcast-time';
}

/** Stands for the answer that a silent request does not have. */
function acknowledgement(target: Target, request: Request): Heard {
  return { standard: request.standard, function: 'broadcast-time', done: true, from: target.address };
}

/** What an error answer means for the poller. The wrong password first: repeating it locks the meter. */
export function failureOf(errors: readonly string[]): Trouble {
  const detail = errors.length === 0 ? 'an error without a reason' : errors.join(', ');
  if (errors.includes('unauthorised') || errors.includes('authentication-failed')) {
    return { failure: 'unauthorised', detail };
  }
  return { failure: errors.includes('no-such-data') ? 'no-such-data' : 'refused', detail };
}

function refusal(answer: Answer | Trouble): Trouble | undefined {
  if ('failure' in answer) return answer;
  return 'error' in answer ? failureOf(answer.errors) : undefined;
}

/** One request, one answer: everything that is no read (write, freeze, relay, clear …). */
export function* ask(request: Request): Conversation<Heard> {
  const answer = yield request;
  return 'failure' in answer ? answer : (refusal(answer) ?? { value: answer });
}

/**
 * The data of an item with all of its follow-on frames. A chain that breaks is begun again once from its first frame: a
 * meter does not give a frame twice. Nothing is asked for beyond `mostBytes`: some meters say of every answer that there
 * is more.
 */
export function* readData(
  standard: Standard,
  di: string,
  extra?: Uint8Array,
  maxFrames = MAX_FRAMES,
  mostBytes = Number.POSITIVE_INFINITY,
): Conversation<Uint8Array> {
  const first: Request = { standard, function: 'read-data', di, ...(extra === undefined ? {} : { extra }) };
  for (let attempt = 0; ; attempt++) {
    const answer = yield first;
    const problem = refusal(answer);
    if (problem !== undefined) return problem;
    if (!('data' in answer)) return { failure: 'wrong-item', detail: 'no data in the answer' };
    if (!answer.more || answer.data.length >= mostBytes) return { value: answer.data };
    const rest = yield* readRest(standard, di, answer.data, maxFrames, mostBytes);
    if ('value' in rest || attempt > 0 || rest.failure === 'bad-value') return rest;
  }
}

function* readRest(
  standard: Standard,
  di: string,
  first: Uint8Array,
  maxFrames: number,
  mostBytes: number,
): Conversation<Uint8Array> {
  const parts = [...first];
  for (let frame = 1; frame < maxFrames; frame++) {
    // After 255 comes 1 (2007: 7.1.2).
    const sequence = ((frame - 1) % 255) + 1;
    const request = { standard, function: 'read-next', di } as const;
    const answer = yield standard === '2007' ? { ...request, sequence } : request;
    const problem = refusal(answer);
    // That nothing follows after all: what came is the item, or its decoder will say what is missing.
    if (problem?.failure === 'no-such-data') return { value: Uint8Array.from(parts) };
    if (problem !== undefined) return problem;
    if (!('data' in answer)) return { failure: 'wrong-item', detail: 'no data in the answer' };
    parts.push(...answer.data);
    if (!answer.more || parts.length >= mostBytes) return { value: Uint8Array.from(parts) };
  }
  return { failure: 'bad-value', detail: `${di}: more than ${maxFrames} frames` };
}

/** What a read found. Of an item that is not in the catalogue the data stand as hex, as they came. */
export interface ReadItem {
  /** Who answered: the meter's own address where a wildcard was asked. */
  from: string;
  di: string;
  name?: string;
  nameZh?: string;
  values: Value[];
}

/** Reads and decodes one item. */
export function* readValues(standard: Standard, item: Item, extra?: Uint8Array): Conversation<Value[]> {
  const read = yield* readData(standard, item.di, extra, MAX_FRAMES, mostBytes(item));
  if ('failure' in read) return isProfile(item.di) ? noRecord(read) : read;
  const decoded = decodeItem(item, read.value);
  return 'failure' in decoded ? decoded : { value: decoded.values };
}

/** "No such data" to a load profile is "no record of that time": the meter is not to be called incapable (Clou). */
function noRecord(trouble: Trouble): Trouble {
  return trouble.failure === 'no-such-data' ? { ...trouble, failure: 'no-record' } : trouble;
}

function isProfile(di: string): boolean {
  return di.length === 8 && di.startsWith('06');
}

/** Sends one request and checks its answer; fails by the name of what the meter said against it. */
export function commandExchange(target: Target, request: Request): Exchange<Heard> {
  return converse(target, ask(request));
}

/** Reads an item by its identifier, known or not. */
export function readItemExchange(target: Target, di: string): Exchange<ReadItem> {
  return converse(target, readFrom(target, di.toUpperCase()));
}

function* readFrom({ address, standard }: Target, di: string): Conversation<ReadItem> {
  const reading = readAnyItem(standard, di);
  let from = address;
  let next = reading.next();
  while (!next.done) {
    const heard = yield next.value;
    if ('from' in heard) from = heard.from;
    next = reading.next(heard);
  }
  const read = next.value;
  return 'failure' in read ? read : { value: { from, ...read.value } };
}

function* readAnyItem(standard: Standard, di: string): Conversation<Omit<ReadItem, 'from'>> {
  const item = findItem(standard, di);
  if (item !== undefined) {
    const extra = isProfile(di) && di.slice(6) !== '01' ? encodeProfileRequest(1) : undefined;
    const read = yield* readValues(standard, item, extra);
    if ('failure' in read) return read;
    return { value: { di, name: item.nameEn, nameZh: item.nameZh, values: read.value } };
  }
  const read = yield* readData(standard, di);
  if ('failure' in read) return read;
  return { value: { di, values: [{ name: 'data', value: toHex(read.value), unit: '' }] } };
}

/** Records of a load profile (`06CC00TT`), at most `records` of them, `from` a time on where TT is 01. */
export function readProfileExchange(target: Target, di: string, records: number, from?: string): Exchange<Value[]> {
  const item = findItem('2007', di);
  if (item === undefined) throw new RangeError(`no load profile: ${di}`);
  return converse(target, readValues('2007', item, encodeProfileRequest(records, from)));
}

/**
 * Who answers to an address that may hold wildcards: 2007 by asking for the address (13H), 1997, which has no such
 * question, by reading energy. `bad-value` when the meter says the wildcard again: that is never learnt.
 */
export function findMeterExchange(target: Target): Exchange<MeterThere> {
  return converse(target, findMeter(target));
}

function isShort1997(address: string): boolean {
  return /^(AA){1,5}\d+$/.test(address);
}

export interface MeterThere {
  address: string;
  /** It is there and does not take the question: most likely a meter of the other standard. */
  refused: boolean;
}

function* findMeter({ address: asked, standard }: Target): Conversation<MeterThere> {
  const answer = yield standard === '2007'
    ? { standard, function: 'read-address' }
    : { standard, function: 'read-data', di: '9010' };
  if ('failure' in answer) return answer;
  // A refusal, too, says who is there.
  const address = 'address' in answer ? answer.address : answer.from;
  // 1997: AAH fills up a short address (6.1.2); what is more than was asked for is no echo of the wildcard.
  const isWhole = /^\d{12}$/.test(address) || (standard === '1997' && address !== asked && isShort1997(address));
  if (!isWhole) return { failure: 'bad-value', detail: `${address} is no address` };
  return { value: { address, refused: 'errors' in answer } };
}
