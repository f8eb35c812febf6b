/**
 * What travels between gateway and platform, as data: for each message its fields with the integer that names each in
 * CBOR. The codec (`wire.ts`), the JSON Schema, the CDDL and the AsyncAPI document all come from these tables.
 *
 * A link may cost by the byte, so what every alert has stands without keys in one string of bits, its head; the rest
 * stays a map, so that it can grow.
 *
 * Version 1. Keys and positions of words are for ever: new ones are added at the end, and a reader skips what it does
 * not know. JSON carries the same names and values.
 */
import { ALERT_KINDS, RECIPIENTS, SEVERITIES } from '../../detectors/alert.ts';

export const WIRE_VERSION = 1;

/** How a value looks in CBOR beside the plain value that JSON carries. */
export type FieldType =
  | { type: 'version' }
  | { type: 'uint' }
  /** Epoch milliseconds UTC. */
  | { type: 'time' }
  | { type: 'text'; max: number }
  | { type: 'texts'; max: number }
  /** An alert's id: twelve hex digits as six bytes, else text. */
  | { type: 'id' }
  /** A meter: twelve digits as six bytes of BCD, else text. */
  | { type: 'meter' }
  /** One of these words, by position. */
  | { type: 'word'; words: readonly string[] }
  /** Some of these words, bit n for word n. */
  | { type: 'words'; words: readonly string[] }
  /** 0 … 1 as thousandths. */
  | { type: 'permille' }
  /** A moment as milliseconds before another field's moment. */
  | { type: 'before'; of: string }
  | { type: 'evidence' }
  /** [sequence, id] pairs. */
  | { type: 'receipts'; max: number }
  | { type: 'number' }
  | { type: 'flag' }
  | { type: 'any' };

export type Field = FieldType & {
  /** In CBOR; a field without one always fits into the head. */
  key?: number;
  optional?: true;
  means: string;
};
export type Fields = Readonly<Record<string, Field>>;

const version = { key: 0, type: 'version', means: 'version of these tables; left out of CBOR while it is 1' } as const;
const sequence = { key: 1, type: 'uint', means: 'number of the message in the store of its gateway' } as const;
const flags = {
  key: 13,
  type: 'words',
  words: ['replayed', 'clock-unsynchronised', 'not-durable'],
  optional: true,
  means: 'sent later than decided; stamped by a clock that was not set; the disk of the gateway refused it',
} as const;
const meter = { key: 3, type: 'meter', means: 'the meter, by the name of the site file' } as const;

export const ALERT_FIELDS = {
  v: version,
  sequence,
  id: { key: 4, type: 'id', means: 'the same through the life of an alert, on every delivery' },
  meter,
  kind: { type: 'word', words: ALERT_KINDS, means: 'what was found' },
  state: { type: 'word', words: ['raised', 'updated', 'cleared'], means: 'where it is in its life' },
  severity: { type: 'word', words: SEVERITIES, means: 'how much it matters' },
  recipients: { type: 'words', words: RECIPIENTS, means: 'who should act' },
  at: { type: 'time', means: 'when it was decided' },
  since: { key: 9, type: 'before', of: 'at', means: 'when the condition began' },
  confidence: { type: 'permille', means: 'of ten at 0.9 nine are true' },
  evidence: { key: 11, type: 'evidence', means: 'the few figures to believe or dismiss it' },
  grid: {
    key: 12,
    type: 'text',
    max: 64,
    optional: true,
    means: 'the grid cell; left out of CBOR where the topic ends with it',
  },
  flags,
} as const satisfies Fields;

/**
 * The head of an alert in CBOR: these fields as unsigned numbers, the first in the highest bits, 21 bytes in all. An id
 * that is not twelve hex digits, or a meter that is not twelve digits, is 0 here and stands under its own key.
 */
export const ALERT_HEAD = {
  key: 2,
  bits: { id: 48, meter: 48, at: 48, kind: 6, confidence: 10, state: 2, severity: 2, recipients: 4 },
} as const satisfies { key: number; bits: Partial<Record<keyof typeof ALERT_FIELDS, number>> };

export const STATUS_FIELDS = {
  v: version,
  state: { key: 1, type: 'word', words: ['online', 'offline'], means: 'retained; offline also as the last will' },
  at: { key: 2, type: 'time', means: 'when it was said; in a last will, when the connection was made' },
  reason: { key: 3, type: 'text', max: 128, means: 'why the gateway started last, or why it is offline' },
  version: { key: 4, type: 'text', max: 32, means: 'of the firmware' },
  store: { key: 5, type: 'text', max: 16, means: 'names the store: sequences of another store begin again' },
  boots: { key: 6, type: 'uint', means: 'how often the firmware has started' },
  meters: { key: 7, type: 'uint', means: 'in the site file' },
  waiting: { key: 8, type: 'uint', means: 'messages without a receipt' },
  dead: { key: 9, type: 'uint', means: 'messages that the broker refused for good' },
  dropped: { key: 10, type: 'uint', means: 'messages that fell off at the bound of the store' },
  flags,
} as const satisfies Fields;

export const STEP_FIELDS = {
  v: version,
  sequence,
  alert: { key: 2, type: 'id', means: 'id of the alert' },
  meter,
  step: {
    key: 4,
    type: 'word',
    words: ['routed', 'acknowledged', 'dispatched', 'result', 'escalated', 'cleared'],
    means: 'what happened',
  },
  at: { key: 8, type: 'time', means: 'when' },
  by: { key: 5, type: 'text', max: 64, optional: true, means: 'key id of the command; absent: the gateway' },
  to: { key: 6, type: 'texts', max: 16, optional: true, means: 'grid workers whom it concerns now' },
  level: { key: 7, type: 'uint', optional: true, means: 'rung of the chain of grid workers, from 0' },
  note: { key: 9, type: 'text', max: 256, optional: true, means: 'result and free text' },
  flags,
} as const satisfies Fields;

export const RESULT_FIELDS = {
  v: version,
  sequence,
  id: { key: 2, type: 'text', max: 64, means: 'id of the command' },
  op: { key: 3, type: 'text', max: 32, means: 'what was asked' },
  status: {
    key: 4,
    type: 'word',
    words: ['done', 'failed', 'refused', 'unknown', 'started'],
    means: 'what became of it; after started a second answer follows',
  },
  at: { key: 8, type: 'time', means: 'when' },
  reason: { key: 5, type: 'text', max: 256, optional: true, means: 'why it failed or was refused' },
  data: { key: 6, type: 'any', optional: true, means: 'what was asked for, at most 32 kB' },
  flags,
} as const satisfies Fields;

export const SUMMARY_FIELDS = {
  v: version,
  sequence,
  cell: { key: 2, type: 'text', max: 64, means: 'the grid cell, never a household' },
  from: { key: 3, type: 'before', of: 'to', means: 'begin of the period' },
  to: { key: 4, type: 'time', means: 'end of the period' },
  meters: { key: 5, type: 'uint', means: 'meters in the sum, at least ten' },
  energyWh: { key: 6, type: 'number', means: 'sum of import' },
  maxPowerW: { key: 7, type: 'number', means: 'highest sum of power' },
  flags,
} as const satisfies Fields;

export const RECEIPT_FIELDS = {
  v: version,
  stored: { key: 1, type: 'receipts', max: 1_000, means: 'what the platform has stored: [sequence, id] of each' },
} as const satisfies Fields;

export const MESSAGES = {
  alert: ALERT_FIELDS,
  step: STEP_FIELDS,
  result: RESULT_FIELDS,
  summary: SUMMARY_FIELDS,
  status: STATUS_FIELDS,
  receipt: RECEIPT_FIELDS,
} as const satisfies Record<string, Fields>;

/** One figure of evidence. A value among `words` travels as its position; a number with `scale` as a whole multiple of
 * 1/scale where it is one. */
export interface Figure {
  name: string;
  words?: readonly string[];
  scale?: 10 | 100 | 1_000;
}

/**
 * Figures by position, the commonest first (below 24 the key is one byte); others travel under their names. Evidence
 * whose figures are the first of these, in this order, is an array of their values, with null for one that is absent.
 */
export const EVIDENCE: readonly Figure[] = [
  { name: 'stage', words: ['suspected', 'confirmed', 'ask', 'alarm'] },
  { name: 'inputs', words: ['power', 'harmonics', 'waveform'] },
  { name: 'powerW', scale: 10 },
  { name: 'peakW', scale: 10 },
  { name: 'harmonic3Share', scale: 100 },
  { name: 'harmonic5Share', scale: 100 },
  { name: 'harmonic7Share', scale: 100 },
  { name: 'displacementPf', scale: 100 },
  { name: 'conductionDeg' },
  { name: 'energyWh', scale: 10 },
  { name: 'durationMin', scale: 10 },
  { name: 'silentH', scale: 10 },
  { name: 'usualLongestH', scale: 10 },
  { name: 'level', words: ['heavy', 'overload'] },
  { name: 'loadPercent', scale: 10 },
  { name: 'limitPercent', scale: 10 },
  { name: 'phase' },
  { name: 'currentA', scale: 100 },
  { name: 'voltageV', scale: 10 },
  { name: 'scope', words: ['meter', 'phase', 'branch', 'area'] },
  { name: 'meters' },
  { name: 'repeats' },
  { name: 'class', words: ['vacant', 'suspected-vacant', 'low-activity'] },
  { name: 'fault' },
  { name: 'escalation' },
  { name: 'folded' },
  { name: 'sign' },
  { name: 'probability', scale: 1_000 },
  { name: 'horizonH' },
  { name: 'hotSpotC', scale: 10 },
  { name: 'topOilC', scale: 10 },
  { name: 'minutesToLimit' },
  { name: 'balanceYuan', scale: 100 },
  { name: 'heldMin', scale: 10 },
  { name: 'limitA', scale: 10 },
  { name: 'count' },
  { name: 'days' },
  { name: 'monthKwh', scale: 10 },
  { name: 'tier' },
  { name: 'detail' },
];
