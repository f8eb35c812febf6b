/**
 * Explains Modbus RTU bytes to a field engineer, in the shape that `gridwarden decode` prints.
 * Nothing in a frame says whether it asks or answers: the length decides, and where both fit, the frame before does; a
 * frame that stands alone is taken for a request.
 */
import { crc16, crcFits } from './crc.ts';
import { EXCEPTIONS, isException } from './exception.ts';
import {
  answerLength,
  decodeAnswer,
  decodeRequest,
  type Malformed,
  type ModbusAnswer,
  type ModbusRequest,
  requestLength,
} from './frame.ts';
import { profileNamed } from './profiles.ts';
import { readRow, rowsWithin } from './row.ts';

export interface ExplainOptions {
  as?: 'request' | 'response';
  /** Name of a register map; needs `answerTo` for an answer, which does not say its address itself. */
  profile?: string;
  /** The explained request that came before on the same line. */
  answerTo?: object | undefined;
}

export interface ExplainedModbus {
  protocol: 'modbus-rtu';
  valid: boolean;
  direction: 'request' | 'response';
  unit: number;
  function: number;
  [more: string]: unknown;
}

/** Explains whole `bytes`; undefined when they are no frame with a right CRC. */
export function explainModbus(bytes: Uint8Array, options: ExplainOptions = {}): ExplainedModbus | undefined {
  if (!crcFits(bytes)) return undefined;
  const asRequest = (): ExplainedModbus | undefined =>
    sound(decodeRequest(bytes), (request) => explainRequest(request));
  const asAnswer = (): ExplainedModbus | undefined =>
    sound(decodeAnswer(bytes), (answer) => explainAnswer(answer, options));
  if (options.as === 'request') return asRequest() ?? unknownFunction(bytes, 'request');
  if (options.as === 'response') return asAnswer() ?? unknownFunction(bytes, 'response');
  if (isAskedFor(bytes, options.answerTo)) return asAnswer() ?? asRequest() ?? unknownFunction(bytes, 'response');
  return asRequest() ?? asAnswer() ?? unknownFunction(bytes, bytes[1]! & 0x80 ? 'response' : 'request');
}

/** Whether the frame before was a request of the same unit and function: this one is then its answer, or it asks again. */
function isAskedFor(bytes: Uint8Array, before: object | undefined): boolean {
  if (!before || !('unit' in before && 'function' in before)) return false;
  return before.unit === bytes[0] && before.function === ((bytes[1] ?? 0) & 0x7f);
}

/** The frame that begins at `offset`, or undefined when none with a right CRC does. Longer readings go first. */
export function findModbusFrame(
  bytes: Uint8Array,
  offset: number,
  options: ExplainOptions = {},
): { length: number; explained: ExplainedModbus } | undefined {
  const lengths = [
    options.as === 'response' ? 0 : requestLength(bytes, offset),
    options.as === 'request' ? 0 : answerLength(bytes, offset),
  ];
  for (const length of lengths.sort((a, b) => (b ?? 0) - (a ?? 0))) {
    if (!length || !crcFits(bytes, offset, offset + length)) continue;
    const explained = explainModbus(bytes.subarray(offset, offset + length), options);
    if (explained?.valid) return { length, explained };
  }
  return undefined;
}

/** What a near miss would have been, for a frame that is whole but damaged: `checksum: expected 71CB, got 71CC`. */
export function crcProblem(bytes: Uint8Array): string {
  const show = (low: number, high: number): string =>
    [low, high]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('')
      .toUpperCase();
  const crc = crc16(bytes, 0, bytes.length - 2);
  const got = show(bytes[bytes.length - 2] ?? 0, bytes[bytes.length - 1] ?? 0);
  return `checksum: expected ${show(crc & 0xff, crc >>> 8)}, got ${got}`;
}

function sound<T extends object>(decoded: T | Malformed, explain: (value: T) => ExplainedModbus) {
  return 'problem' in decoded ? undefined : explain(decoded as T);
}

function unknownFunction(bytes: Uint8Array, direction: 'request' | 'response'): ExplainedModbus {
  const code = bytes[1]!;
  const data = [...bytes.subarray(2, -2)]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
  const problem = `function ${code} with ${bytes.length} bytes is no ${direction} known here`;
  return { protocol: 'modbus-rtu', valid: false, direction, unit: bytes[0]!, function: code, data, problem };
}

function explainRequest(request: ModbusRequest): ExplainedModbus {
  return { protocol: 'modbus-rtu', valid: true, direction: 'request', ...request };
}

/** An answer in the shape of `decode`. */
export function explainAnswer(answer: ModbusAnswer, options: ExplainOptions): ExplainedModbus {
  const frame = { protocol: 'modbus-rtu', valid: true, direction: 'response', ...answer } as const;
  if (isException(answer)) return { ...frame, error: [EXCEPTIONS[answer.exception]?.name ?? 'unknown-exception'] };
  if (!('registers' in answer)) return frame;
  const values = profileValues(answer, options);
  return { ...frame, ...(values ? { values } : { readAs: plainReadings(answer.registers) }) };
}

function profileValues(answer: { function: number; registers: number[] }, options: ExplainOptions) {
  const profile = options.profile === undefined ? undefined : profileNamed(options.profile);
  const asked = options.answerTo;
  if (!profile || !asked || !('address' in asked) || typeof asked.address !== 'number') return undefined;
  const start = asked.address;
  const table = answer.function === 4 ? 'input' : 'holding';
  const rows = rowsWithin(profile.rows, table, start, answer.registers.length);
  return rows.map((row) => {
    const value = readRow(row, profile, answer.registers, start) ?? null;
    return { name: row.name, value, unit: row.unit };
  });
}

/** What the registers would be as 32-bit numbers, high word first: most meters' answers are one of the two. */
function plainReadings(registers: readonly number[]): { uint32: number[]; float32: (number | null)[] } | undefined {
  if (registers.length === 0 || registers.length % 2) return undefined;
  const view = new DataView(new ArrayBuffer(2 * registers.length));
  for (const [i, register] of registers.entries()) view.setUint16(2 * i, register);
  const pairs = Array.from({ length: registers.length / 2 }, (_, i) => 4 * i);
  const asFloat = (at: number): number | null => {
    const value = Number(view.getFloat32(at).toPrecision(7));
    return Number.isFinite(value) ? Number(value.toPrecision(7)) : null;
  };
  return { uint32: pairs.map((at) => view.getUint32(at)), float32: pairs.map(asFloat) };
}
