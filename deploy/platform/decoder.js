/**
 * Decodes what a gateway sends, in Node or a browser, without any dependency: copy this file and `decoder-tables.js`.
 *
 *     import { decode } from './decoder.js';
 *     client.on('message', (topic, payload) => console.log(decode(topic, payload)));
 *
 * Gives the message as a plain object with `type` beside its fields, or throws an Error that says what is wrong.
 */
import { ALERT_HEAD, EVIDENCE, MESSAGES } from './decoder-tables.js';

const MAX_BYTES = 65_536;
const MAX_DEPTH = 16;

/**
 * @param {string} topic
 * @param {Uint8Array} payload
 * @returns {Record<string, unknown> & { type: string }}
 */
export function decode(topic, payload) {
  const [root, version, , way, type, cell] = topic.split('/');
  const fields = MESSAGES[type];
  if (root !== 'gw' || version !== '1' || !fields || way !== (type === 'receipt' ? 'down' : 'up')) {
    throw new Error(`${topic} is none of ours`);
  }
  if (payload.length > MAX_BYTES) throw new Error(`${payload.length} bytes`);
  const message = payload[0] === 0x7b ? JSON.parse(new TextDecoder().decode(payload)) : fromCbor(fields, payload);
  if (message.v !== 1) throw new Error(`version ${message.v}`);
  if (type === 'alert' && message.grid === undefined && cell !== '-') message.grid = cell;
  return { type, ...message };
}

function fromCbor(fields, payload) {
  const raw = readCbor(payload);
  const head = fields === MESSAGES.alert ? readHead(raw.get(ALERT_HEAD.key)) : {};
  const message = {};
  for (const [name, field] of Object.entries(fields)) {
    const value = raw.get(field.key) ?? head[name] ?? (field.type === 'version' ? 1 : undefined);
    if (value === undefined && !field.optional) throw new Error(`${name} is missing`);
    if (value !== undefined) message[name] = plain(field, value);
  }
  for (const [name, field] of Object.entries(fields)) {
    if (field.type === 'before') message[name] = message[field.of] - message[name];
  }
  return message;
}

/** An alert's head: unsigned numbers side by side, the first in the highest bits. */
function readHead(bytes) {
  if (!(bytes instanceof Uint8Array)) throw new Error('the head is missing');
  let rest = BigInt(`0x${text(bytes)}`);
  const head = {};
  for (const [name, bits] of Object.entries(ALERT_HEAD.bits).reverse()) {
    const value = rest & ((1n << BigInt(bits)) - 1n);
    rest >>= BigInt(bits);
    head[name] = bits === 48 && name !== 'at' ? value.toString(16).padStart(12, '0') : Number(value);
  }
  return head;
}

function plain(field, value) {
  switch (field.type) {
    case 'id':
    case 'meter':
      return text(value);
    case 'word':
      return field.words[value];
    case 'words':
      return field.words.filter((_, bit) => (value >> bit) & 1);
    case 'permille':
      return value / 1000;
    case 'evidence':
      return Object.fromEntries([...value.entries()].filter(([, one]) => one !== null).map(figure));
    case 'receipts':
      return value.map(([sequence, id]) => [sequence, text(id)]);
    case 'any':
      return objects(value);
    default:
      return value;
  }
}

function figure([key, value]) {
  if (typeof key === 'string') return [key, value];
  const { name = `evidence-${key}`, words, scale } = EVIDENCE[key] ?? {};
  if (typeof value !== 'number') return [name, value];
  if (words) return [name, words[value]];
  return [name, scale && Number.isInteger(value) ? value / scale : value];
}

const text = (value) =>
  value instanceof Uint8Array ? Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('') : value;

function objects(value) {
  if (Array.isArray(value)) return value.map(objects);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, one]) => [String(key), objects(one)]));
}

/** As much of CBOR (RFC 8949) as gateways use: definite lengths, tag 4. */
function readCbor(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const value = item(0);
  if (at !== bytes.length) throw new Error('bytes behind the message');
  if (!(value instanceof Map)) throw new Error('expected a map');
  return value;

  function take(size) {
    if (at + size > bytes.length) throw new Error('the message ends early');
    at += size;
    return at - size;
  }

  function argument(info) {
    if (info < 24) return info;
    if (info === 24) return view.getUint8(take(1));
    if (info === 25) return view.getUint16(take(2));
    if (info === 26) return view.getUint32(take(4));
    if (info === 27) return Number(view.getBigUint64(take(8)));
    throw new Error('indefinite lengths are not used');
  }

  function item(depth) {
    if (depth > MAX_DEPTH) throw new Error('nested too deep');
    const head = view.getUint8(take(1));
    const info = head & 31;
    const major = head >> 5;
    if (major === 7) return simple(info);
    const size = argument(info);
    switch (major) {
      case 0:
        return size;
      case 1:
        return -1 - size;
      case 2:
        return bytes.slice(take(size), at);
      case 3:
        return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(take(size), at));
      case 4:
        return many(size, () => item(depth + 1));
      case 5:
        return new Map(many(size, () => [item(depth + 1), item(depth + 1)]));
      default: {
        if (size !== 4) throw new Error(`tag ${size} is not used`);
        const [exponent, mantissa] = item(depth + 1);
        return Number(`${mantissa}e${exponent}`);
      }
    }
  }

  function many(size, one) {
    if (size > bytes.length) throw new Error('the message ends early');
    return Array.from({ length: size }, one);
  }

  function simple(info) {
    if (info === 20 || info === 21) return info === 21;
    if (info === 22) return null;
    if (info === 25) return half(view.getUint16(take(2)));
    if (info === 26) return view.getFloat32(take(4));
    if (info === 27) return view.getFloat64(take(8));
    throw new Error(`simple value ${info} is not used`);
  }
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
