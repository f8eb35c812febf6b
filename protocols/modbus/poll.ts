/** A Modbus meter's read blocks: what is asked how often, and how the answers become a reading. */
import type { Block } from '../exchange.ts';
import type { Reading } from '../reading.ts';
import { exceptionFailure, ILLEGAL_ADDRESS, ILLEGAL_VALUE, isException } from './exception.ts';
import { type Conversation, converse, type Failed, type Timing, USUAL_TIMING, wireBytesOf } from './exchange.ts';
import type { ModbusRequest } from './frame.ts';
import { planReads, REQUEST_COST_BYTES, type Span, splitSpan } from './plan.ts';
import { profileNamed } from './profiles.ts';
import { FIELDS, type Field, feed, type Profile, type Ratios, readRow } from './row.ts';

export interface ModbusMeter extends Ratios {
  protocol: 'modbus';
  /** 1–247. */
  unit: number;
  /** Name of a register map. */
  profile: string;
  /** How long the meter may take to begin its answer. */
  answerMs?: number;
}

export interface ModbusPollOptions {
  /** Periods of power, current and voltage; of distortion; of energy. */
  fastMs?: number;
  distortionMs?: number;
  slowMs?: number;
  /** What one more request costs in bytes of wire time; see `planReads`. */
  requestCostBytes?: number;
}

const FIELD_NAMES = Object.keys(FIELDS) as Field[];
const PHASE_FIELDS = FIELD_NAMES.filter((field) => FIELDS[field].perPhase);
const SLOW: readonly Field[] = ['importWh', 'exportWh', 'temperatureC'];

/**
 * The blocks of `meter`: `power`, `distortion` and `energy`, as far as its profile has them.
 * @throws RangeError when there is no such profile
 */
export function modbusBlocks(meter: ModbusMeter, options: ModbusPollOptions = {}): Block<Reading>[] {
  const profile = profileNamed(meter.profile);
  if (!profile) throw new RangeError(`no register map is called ${meter.profile}`);
  const { fastMs = 10_000, distortionMs = 60_000, slowMs = 300_000, requestCostBytes = REQUEST_COST_BYTES } = options;
  const fast = FIELD_NAMES.filter((field) => !SLOW.includes(field) && field !== 'currentThd');
  const block = (name: string, fields: readonly Field[], periodMs: number, priority: 0 | 1): Block<Reading> =>
    readBlock(name, meter, profile, planFields(profile, fields, requestCostBytes), periodMs, priority);
  return [
    block('power', fast, fastMs, 1),
    block('distortion', ['currentThd'], distortionMs, 0),
    block('energy', SLOW, slowMs, 0),
  ].filter((it) => it.wireBytes > 0);
}

function planFields(profile: Profile, fields: readonly Field[], requestCostBytes: number): Span[] {
  const rows = profile.rows.filter((row) => row.feeds !== undefined && fields.includes(row.feeds));
  return planReads(profile, rows, requestCostBytes);
}

/** A span and the request for it, which stays the same. */
interface Asked extends Span {
  request: ModbusRequest;
}

/** What a block learnt of its meter: the spans that it answers. */
interface Memory {
  planned: readonly Asked[];
  spans: readonly Asked[];
  /** Reads in a row in which something was refused. */
  refusals: number;
  reads: number;
}

/** A refusal may be a whim of the meter: the plan is changed for good after as many in a row, and tried anew at times. */
const LEARN_AFTER = 3;
const FORGET_AFTER = 1000;

function readBlock(
  name: string,
  meter: ModbusMeter,
  profile: Profile,
  planned: readonly Span[],
  periodMs: number,
  priority: 0 | 1,
): Block<Reading> {
  const spans = planned.map((span) => asked(meter, span));
  const memory: Memory = { planned: spans, spans, refusals: 0, reads: 0 };
  const timing: Timing = { ...USUAL_TIMING, ...(meter.answerMs === undefined ? {} : { answerMs: meter.answerMs }) };
  // A register that tells the model is read with the slow block only: it costs a request of its own.
  const identify = name === 'energy' && profile.identity !== undefined;
  return {
    name,
    periodMs,
    priority,
    get wireBytes() {
      const identity = identify ? [wireBytesOf(identityRequest(meter, profile))] : [];
      const spans = memory.spans.map((span) => wireBytesOf(span.request));
      return [...identity, ...spans].reduce((sum, bytes) => sum + bytes, 0);
    },
    exchange: () => converse(readSpans(meter, profile, memory, identify), timing),
  };
}

function asked(meter: ModbusMeter, span: Span): Asked {
  const { table, address, count } = span;
  return { ...span, request: { unit: meter.unit, function: table === 'input' ? 4 : 3, address, count } };
}

function identityRequest(meter: ModbusMeter, profile: Profile): ModbusRequest {
  const { table, address } = profile.identity!;
  return { unit: meter.unit, function: table === 'input' ? 4 : 3, address, count: 1 };
}

function* readSpans(meter: ModbusMeter, profile: Profile, memory: Memory, identify: boolean): Conversation<Reading> {
  if (identify) {
    const stranger = yield* checkIdentity(meter, profile);
    if (stranger) return stranger;
  }
  const reading: Reading = {};
  const queue = [...memory.spans];
  const answered: Asked[] = [];
  let values = 0;
  let refused = false;
  for (let span = queue.shift(); span; span = queue.shift()) {
    const answer = yield span.request;
    if (isException(answer)) {
      if (answer.exception !== ILLEGAL_ADDRESS && answer.exception !== ILLEGAL_VALUE) return exceptionFailure(answer);
      // The meter lacks something inside: the parts are asked at once.
      refused = true;
      queue.unshift(...splitSpan(span).map((part) => asked(meter, part)));
      continue;
    }
    if (!('registers' in answer)) return { failure: 'wrong-item', detail: 'the answer holds no registers' };
    answered.push(span);
    values += feedSpan(reading, span, profile, answer.registers, meter);
  }
  if (answered.length === 0) return { failure: 'no-such-data', detail: `no register of ${profile.name} is there` };
  learn(memory, answered, refused);
  if (values === 0)
    return { failure: 'bad-value', detail: `no value of ${profile.name} is possible: word order or model` };
  return { value: withoutGaps(reading) };
}

function learn(memory: Memory, answered: readonly Asked[], refused: boolean): void {
  memory.reads++;
  memory.refusals = refused ? memory.refusals + 1 : 0;
  if (memory.refusals >= LEARN_AFTER) memory.spans = answered;
  else if (memory.reads % FORGET_AFTER === 0) memory.spans = memory.planned;
}

function feedSpan(
  reading: Reading,
  span: Span,
  profile: Profile,
  registers: readonly number[],
  ratios: Ratios,
): number {
  let values = 0;
  for (const row of span.rows) {
    const value = readRow(row, profile, registers, span.address);
    if (value === undefined) continue;
    feed(reading, row, profile, value, ratios);
    values++;
  }
  return values;
}

/** A phase that said nothing takes its field with it: half an array would pass for another phase. */
function withoutGaps(reading: Reading): Reading {
  const fields = reading as Record<string, unknown>;
  for (const field of PHASE_FIELDS) {
    const phases = fields[field];
    // `includes` sees holes, which `some` steps over.
    if (Array.isArray(phases) && phases.includes(undefined)) delete fields[field];
  }
  return reading;
}

function* checkIdentity(
  meter: ModbusMeter,
  profile: Profile,
): Generator<ModbusRequest, Failed | undefined, Parameters<typeof isException>[0]> {
  const answer = yield identityRequest(meter, profile);
  const { oneOf } = profile.identity!;
  if (isException(answer)) return exceptionFailure(answer);
  const got = 'registers' in answer ? answer.registers[0]! : Number.NaN;
  if (oneOf.includes(got)) return undefined;
  return { failure: 'wrong-address', detail: `unit ${meter.unit} is no ${profile.model}: it says ${got}` };
}
