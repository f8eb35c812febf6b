/** What a field engineer may ask of a Modbus meter by hand: registers by address, or a row of the profile by name. */
import type { Exchange } from '../exchange.ts';
import { exceptionFailure, isException } from './exception.ts';
import { type Conversation, converse, type Timing } from './exchange.ts';
import { type ExplainedModbus, explainAnswer } from './explain.ts';
import { MAX_REGISTERS, type ModbusRequest } from './frame.ts';
import { profileNamed } from './profiles.ts';
import { tableOf, WIDTH } from './row.ts';

export interface ModbusItem {
  /** As it was written. */
  item: string;
  table: 'holding' | 'input' | 'coil' | 'discrete';
  address: number;
  count: number;
}

const WRITTEN = /^(holding|input|coil|discrete):(0x[0-9a-f]{1,4}|\d{1,5})(?:\/(\d{1,4}))?$/i;
const MAX_COUNT = { holding: MAX_REGISTERS, input: MAX_REGISTERS, coil: 2000, discrete: 2000 } as const;
const FUNCTION = { coil: 1, discrete: 2, holding: 3, input: 4 } as const;

/** `holding:0x2012/2`, `input:342/4`, `coil:16`, or the name of a row of `profile`; undefined when it is none of these. */
export function parseModbusItem(text: string, profile?: string): ModbusItem | undefined {
  const written = WRITTEN.exec(text);
  if (written) {
    const table = written[1]!.toLowerCase() as ModbusItem['table'];
    const address = Number(written[2]);
    const count = Number(written[3] ?? 1);
    const fits = count >= 1 && count <= MAX_COUNT[table] && address + count <= 0x1_0000;
    return fits ? { item: text, table, address, count } : undefined;
  }
  const map = profile === undefined ? undefined : profileNamed(profile);
  const row = map?.rows.find(({ name }) => name === text.toLowerCase());
  if (!map || !row) return undefined;
  return { item: text, table: tableOf(row, map), address: row.address, count: WIDTH[row.type] };
}

/** Reads one item; the value is the answer as `decode` explains it, with the profile's values where one is given. */
export function readModbusItem(
  unit: number,
  item: ModbusItem,
  options: { profile?: string; timing?: Timing } = {},
): Exchange<ExplainedModbus> {
  const { address, count } = item;
  return converse(readItem({ unit, function: FUNCTION[item.table], address, count }, options.profile), options.timing);
}

function* readItem(
  request: Extract<ModbusRequest, { count: number; function: 1 | 2 | 3 | 4 }>,
  profile: string | undefined,
): Conversation<ExplainedModbus> {
  const answer = yield request;
  if (isException(answer)) return exceptionFailure(answer);
  const exact = 'bits' in answer ? { ...answer, bits: answer.bits.slice(0, request.count) } : answer;
  return { value: explainAnswer(exact, { answerTo: request, ...(profile === undefined ? {} : { profile }) }) };
}
