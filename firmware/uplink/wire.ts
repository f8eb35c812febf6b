/**
 * Messages to bytes and back: a CBOR map with integer keys (an alert with a head of bits), or JSON with the same names. Garbage in is a named problem
 * out, never a throw. Pure, without Node, so that `watch`, tests and a platform can use it as it stands.
 */
import { decode as decodeCbor, encode as encodeCbor, Token, Type } from 'cborg';
import type { Alert, Evidence } from '../../detectors/alert.ts';
import type { CommandResult, Receipt, Step, Stored, Summary } from '../outbox.ts';
import { ALERT_HEAD, EVIDENCE, type Field, type Fields, type Figure, MESSAGES, WIRE_VERSION } from './wire-fields.ts';

export type Format = 'cbor' | 'json';

export interface Status {
  state: 'online' | 'offline';
  at: number;
  reason: string;
  version: string;
  store: string;
  boots: number;
  meters: number;
  waiting: number;
  dead: number;
  dropped: number;
  flags?: string[];
}

interface Envelope {
  sequence: number;
  /** `replayed`, `clock-unsynchronised`, `not-durable`. */
  flags: readonly string[];
}

export type Decoded =
  | (Envelope & { type: 'alert'; alert: Alert })
  | (Envelope & { type: 'step'; step: Step })
  | (Envelope & { type: 'result'; result: CommandResult })
  | (Envelope & { type: 'summary'; summary: Summary })
  | { type: 'status'; status: Status }
  | { type: 'receipt'; receipts: Receipt[] }
  | { type: 'problem'; problem: string };

type Plain = Record<string, unknown>;
const MAX_BYTES = 65_536;
/** A detector gives at most 16 figures; folding and escalation add theirs. */
const EVIDENCE_MAX = 20;
const TEXT = new TextDecoder('utf-8', { fatal: true });

/** The payload of a stored message. `cell` is the grid cell that its topic ends with. */
export function encodeStored(stored: Stored, format: Format, cell?: string): Uint8Array {
  const { message, sequence } = stored;
  const flags = [
    ...(stored.replayed ? ['replayed'] : []),
    ...(stored.clockOk ? [] : ['clock-unsynchronised']),
    ...(stored.durable ? [] : ['not-durable']),
  ];
  const envelope = { v: WIRE_VERSION, sequence, ...(flags.length > 0 && { flags }) };
  switch (message.type) {
    case 'alert': {
      const { grid, ...alert } = message.alert;
      const named = grid !== undefined && (format === 'json' || grid !== cell);
      return encodeFields(MESSAGES.alert, { ...envelope, ...alert, ...(named && { grid }) }, format);
    }
    case 'step':
      return encodeFields(MESSAGES.step, { ...envelope, ...message.step }, format);
    case 'result':
      return encodeFields(MESSAGES.result, { ...envelope, ...message.result }, format);
    case 'summary':
      return encodeFields(MESSAGES.summary, { ...envelope, ...message.summary }, format);
    default:
      return message satisfies never;
  }
}

export function encodeStatus(status: Status, format: Format): Uint8Array {
  return encodeFields(MESSAGES.status, { v: WIRE_VERSION, ...status }, format);
}

export function encodeReceipt(receipts: readonly Receipt[], format: Format): Uint8Array {
  const stored = receipts.map(({ sequence, id }) => [sequence, id]);
  return encodeFields(MESSAGES.receipt, { v: WIRE_VERSION, stored }, format);
}

/**
 * What a payload says, in either format. `topic` names the kind of message and an alert's grid cell.
 * The alert comes back exactly as it was decided, with the keys in the contract's order.
 */
export function decodeMessage(topic: string, payload: Uint8Array): Decoded {
  const { type, cell } = readTopic(topic);
  if (type === undefined) return { type: 'problem', problem: `topic ${topic.slice(0, 128)} is none of ours` };
  if (payload.length > MAX_BYTES) return { type: 'problem', problem: `${payload.length} bytes, at most ${MAX_BYTES}` };
  try {
    const plain = decodeFields(MESSAGES[type], payload);
    return shape(type, plain, cell);
  } catch (error) {
    return { type: 'problem', problem: error instanceof Error ? error.message : String(error) };
  }
}

type Kind = keyof typeof MESSAGES;

function readTopic(topic: string): { type: Kind | undefined; cell: string | undefined } {
  const [root, version, gateway, way, kind, cell] = topic.split('/');
  const known = root === 'gw' && version === '1' && gateway !== undefined && Object.hasOwn(MESSAGES, kind ?? '');
  if (!known || way !== (kind === 'receipt' ? 'down' : 'up')) return { type: undefined, cell: undefined };
  return { type: kind as Kind, cell: cell === '-' ? undefined : cell };
}

function shape(type: Kind, plain: Plain, cell: string | undefined): Decoded {
  const { v: _, sequence, flags = [], ...rest } = plain;
  const envelope = { sequence: sequence as number, flags: flags as string[] };
  switch (type) {
    case 'alert': {
      const { recipients, grid = cell, ...alert } = rest;
      return { type, ...envelope, alert: { ...alert, ...(grid !== undefined && { grid }), recipients } as Alert };
    }
    case 'step':
      return { type, ...envelope, step: rest as unknown as Step };
    case 'result':
      return { type, ...envelope, result: rest as unknown as CommandResult };
    case 'summary':
      return { type, ...envelope, summary: rest as unknown as Summary };
    case 'status':
      return { type, status: { ...rest, ...(flags !== undefined && { flags }) } as unknown as Status };
    case 'receipt':
      return { type, receipts: (rest.stored as [number, string][]).map(([n, id]) => ({ sequence: n, id })) };
    default:
      return type satisfies never;
  }
}

function encodeFields(fields: Fields, record: Plain, format: Format): Uint8Array {
  if (format === 'json') return new TextEncoder().encode(JSON.stringify(record));
  const map = new Map<number, unknown>();
  const alert = fields === MESSAGES.alert;
  for (const [name, field] of Object.entries(fields)) {
    const value = record[name];
    // The topic says version 1 already, and an alert is small because of such things.
    if (value === undefined || field.key === undefined || (field.type === 'version' && value === 1)) continue;
    if (alert && inHead(name, value)) continue;
    map.set(field.key, toCbor(field, value, record));
  }
  if (alert) map.set(ALERT_HEAD.key, headOf(record));
  // Keys stay in the order they were put in, so that evidence reads as the detector wrote it.
  return encodeCbor(map, { typeEncoders: { number: decimalTokens }, mapSorter: () => 0 });
}

/** Fields in the order of the table; unknown ones are skipped. @throws Error naming the field that is wrong */
function decodeFields(fields: Fields, payload: Uint8Array): Plain {
  const json = payload[0] === 0x7b;
  const raw: unknown = json ? JSON.parse(TEXT.decode(payload)) : decodeCbor(payload, CBOR_STRICT);
  if (!json && !(raw instanceof Map)) throw new Error('expected a map');
  const map = raw as Map<unknown, unknown>;
  const head = !json && fields === MESSAGES.alert ? readHead(map.get(ALERT_HEAD.key)) : {};
  const get = json
    ? (name: string) => (Object.hasOwn(raw as object, name) ? (raw as Plain)[name] : undefined)
    : (name: string) => map.get(fields[name]?.key) ?? head[name];
  const plain: Plain = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field.type === 'before') continue;
    read(plain, name, field);
  }
  for (const [name, field] of Object.entries(fields)) if (field.type === 'before') read(plain, name, field);
  return Object.fromEntries(Object.keys(fields).flatMap((name) => (name in plain ? [[name, plain[name]]] : [])));

  function read(into: Plain, name: string, field: Field): void {
    const value = get(name) ?? (field.type === 'version' && !json ? 1 : undefined);
    if (value === undefined) {
      if (field.optional) return;
      throw new Error(`${name} is missing`);
    }
    const decoded = json ? value : fromCbor(field, value, into);
    if (!fits(field, decoded)) throw new Error(`${name} is not what it should be`);
    into[name] = decoded;
  }
}

type HeadName = keyof typeof ALERT_HEAD.bits;
const HEAD = Object.entries(ALERT_HEAD.bits) as [HeadName, number][];
const HEAD_BYTES = HEAD.reduce((sum, [, bits]) => sum + bits, 0) / 8;
const HEX48 = /^[0-9a-f]{12}$/;
const DIGITS12 = /^\d{12}$/;

function inHead(name: string, value: unknown): boolean {
  if (name === 'id') return HEX48.test(value as string);
  return name === 'meter' && DIGITS12.test(value as string);
}

function headOf(record: Plain): Uint8Array {
  let head = 0n;
  for (const [name, bits] of HEAD) head = (head << BigInt(bits)) | headNumber(name, record);
  const hex = head.toString(16).padStart(2 * HEAD_BYTES, '0');
  return bytesOfHex(hex);
}

function headNumber(name: HeadName, record: Plain): bigint {
  const value = record[name];
  const field: Field = MESSAGES.alert[name];
  if (field.type === 'id' || field.type === 'meter') return inHead(name, value) ? BigInt(`0x${value}`) : 0n;
  return BigInt(toCbor(field, value, record) as number);
}

/** What stands in the head, each as it would stand under a key of its own. @throws Error when there is no head */
function readHead(bytes: unknown): Plain {
  if (!(bytes instanceof Uint8Array) || bytes.length !== HEAD_BYTES) throw new Error('the head is missing');
  let rest = BigInt(`0x${textOf(bytes)}`);
  const head: Plain = {};
  for (const [name, bits] of HEAD.toReversed()) {
    const value = rest & ((1n << BigInt(bits)) - 1n);
    rest >>= BigInt(bits);
    const { type }: Field = MESSAGES.alert[name];
    head[name] = type === 'id' || type === 'meter' ? value.toString(16).padStart(12, '0') : Number(value);
  }
  return head;
}

const CBOR_STRICT = {
  useMaps: true,
  rejectDuplicateMapKeys: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  allowBigInt: false,
  tags: { 4: (content: () => unknown) => decimalOf(content()) },
};

function toCbor(field: Field, value: unknown, record: Plain): unknown {
  switch (field.type) {
    case 'id':
      return hexBytes(value as string, HEX48);
    case 'meter':
      return hexBytes(value as string, DIGITS12);
    case 'word':
      return field.words.indexOf(value as string);
    case 'words':
      return (value as string[]).reduce((bits, word) => bits | (1 << field.words.indexOf(word)), 0);
    case 'permille':
      return Math.round((value as number) * 1_000);
    case 'before':
      return (record[field.of] as number) - (value as number);
    case 'evidence':
      return evidenceToCbor(value as Evidence);
    case 'receipts':
      return (value as [number, string][]).map(([n, id]) => [n, hexBytes(id, HEX48)]);
    default:
      return value;
  }
}

function fromCbor(field: Field, value: unknown, record: Plain): unknown {
  switch (field.type) {
    case 'id':
    case 'meter':
      return textOf(value);
    case 'word':
      return field.words[value as number];
    case 'words':
      return field.words.filter((_, bit) => ((value as number) >> bit) & 1);
    case 'permille':
      return (value as number) / 1_000;
    case 'before':
      return (record[field.of] as number) - (value as number);
    case 'evidence':
      return evidenceFromCbor(value);
    case 'receipts':
      return Array.isArray(value) ? value.map((pair: unknown[]) => [pair?.[0], textOf(pair?.[1])]) : undefined;
    case 'any':
      return plainOf(value);
    default:
      return value;
  }
}

const isUint = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown, max: number) => typeof value === 'string' && value.length <= max;

function fits(field: Field, value: unknown): boolean {
  switch (field.type) {
    case 'version':
      return value === WIRE_VERSION;
    case 'uint':
    case 'time':
      return isUint(value);
    case 'text':
      return isText(value, field.max);
    case 'texts':
      return Array.isArray(value) && value.length <= field.max && value.every((one) => isText(one, 64));
    case 'id':
    case 'meter':
      return isText(value, 64) && value !== '';
    case 'word':
      return field.words.includes(value as string);
    case 'words':
      return Array.isArray(value) && value.length <= 8 && value.every((one) => field.words.includes(one));
    case 'permille':
      return typeof value === 'number' && value >= 0 && value <= 1;
    case 'before':
      return Number.isSafeInteger(value);
    case 'evidence':
      return isEvidence(value);
    case 'receipts':
      return (
        Array.isArray(value) && value.length <= field.max && value.every(([n, id]) => isUint(n) && isText(id, 128))
      );
    case 'number':
      return Number.isFinite(value);
    case 'flag':
      return typeof value === 'boolean';
    case 'any':
      return true;
    default:
      return field satisfies never;
  }
}

function isEvidence(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const entries = Object.entries(value);
  const plain = (one: unknown) => Number.isFinite(one) || typeof one === 'boolean' || isText(one, 128);
  return entries.length <= EVIDENCE_MAX && entries.every(([name, one]) => name.length <= 64 && plain(one));
}

const EVIDENCE_KEY = new Map(EVIDENCE.map((figure, key) => [figure.name, { key, ...figure }]));

function evidenceToCbor(evidence: Evidence): Map<number | string, unknown> | unknown[] {
  const map = figuresToCbor(evidence);
  const keys = [...map.keys()];
  const last = keys.at(-1);
  const ascending = keys.every((key, n) => typeof key === 'number' && (n === 0 || key > (keys[n - 1] as number)));
  // An absent figure costs the byte that a key would.
  if (!ascending || typeof last !== 'number' || last + 1 > 2 * keys.length) return map;
  return Array.from({ length: last + 1 }, (_, key) => map.get(key) ?? null);
}

function figuresToCbor(evidence: Evidence): Map<number | string, unknown> {
  return new Map(
    Object.entries(evidence).map(([name, value]): [number | string, unknown] => {
      const known = EVIDENCE_KEY.get(name);
      if (known === undefined) return [name, value];
      if (typeof value === 'string') {
        const word = known.words?.indexOf(value) ?? -1;
        return [known.key, word >= 0 ? word : value];
      }
      if (typeof value === 'boolean') return [known.key, value];
      // What a reader would take for a word or for a multiple travels under its name instead.
      if (known.words !== undefined) return [name, value];
      if (known.scale === undefined) return [known.key, value];
      const multiple = Math.round(value * known.scale);
      if (Number.isSafeInteger(multiple) && multiple / known.scale === value) return [known.key, multiple];
      return [Number.isInteger(value) ? name : known.key, value];
    }),
  );
}

function evidenceFromCbor(raw: unknown): Plain | undefined {
  const given: [unknown, unknown][] | undefined = Array.isArray(raw)
    ? [...raw.entries()].filter(([, value]) => value !== null)
    : raw instanceof Map
      ? [...raw]
      : undefined;
  const entries = given?.map(([key, value]): [string, unknown] => {
    if (typeof key !== 'number') return [String(key), value];
    const { name, words, scale }: Partial<Figure> = EVIDENCE[key] ?? {};
    const named = name ?? `evidence-${key}`;
    if (typeof value !== 'number') return [named, value];
    if (words !== undefined) return [named, words[value]];
    return [named, scale !== undefined && Number.isInteger(value) ? value / scale : value];
  });
  return entries === undefined ? undefined : Object.fromEntries(entries);
}

/** Twelve digits as six bytes; anything else stays text. */
function hexBytes(text: string, form: RegExp): Uint8Array | string {
  return form.test(text) ? bytesOfHex(text) : text;
}

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, n) => Number.parseInt(hex.slice(2 * n, 2 * n + 2), 16));
}

function textOf(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  return Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Maps to objects, all the way down; keys that are no text become text. */
function plainOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainOf);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, one]) => [String(key), plainOf(one)]));
}

/** A fraction with few decimals as RFC 8949's decimal fraction, tag 4 [exponent, mantissa]: 182.4 in six bytes. */
function decimalTokens(value: number): Token[] | null {
  if (Number.isInteger(value)) return null;
  const [whole = '', digits = ''] = String(value).split('.');
  const mantissa = Number(whole + digits);
  if (
    digits === '' ||
    digits.length > 8 ||
    !Number.isSafeInteger(mantissa) ||
    whole.includes('e') ||
    digits.includes('e')
  ) {
    return null;
  }
  return [
    new Token(Type.tag, 4),
    new Token(Type.array, 2),
    new Token(Type.negint, -digits.length),
    new Token(mantissa < 0 ? Type.negint : Type.uint, mantissa),
  ];
}

function decimalOf(content: unknown): number {
  const [exponent, mantissa] = Array.isArray(content) ? (content as unknown[]) : [];
  if (!Number.isSafeInteger(mantissa) || !Number.isSafeInteger(exponent)) throw new Error('not a decimal fraction');
  return Number(`${mantissa}e${exponent}`);
}
