/**
 * The current's harmonics from a meter that analyses them but gives no waveform: 020BppFF, percent of the fundamental,
 * orders 1 to 21. Current, voltage and power are read beside them, so that one reading holds the whole picture.
 */
import type { Block } from '../exchange.ts';
import type { Reading } from '../reading.ts';
import { type Conversation, converse, readValues, type Target } from './exchange.ts';
import { FRAME_OVERHEAD } from './frame.ts';
import { findItem } from './items/catalogue.ts';

/** Four FE, frame and identifier, both ways. */
const AROUND_BYTES = 2 * (4 + FRAME_OVERHEAD + 4);
const POWER_BYTES = 3;
/** Of one phase: current, voltage, 21 orders. */
const PHASE_BYTES = 3 + 2 + 42;

/** 2007 only. Null as `periodMs`: on demand. */
export function harmonicsBlock(meter: Target & { phases: 1 | 3 }, periodMs: number | null): Block<Reading> {
  return {
    name: 'harmonics',
    periodMs,
    priority: periodMs === null ? 2 : 0,
    wireBytes: (1 + 3 * meter.phases) * AROUND_BYTES + POWER_BYTES + meter.phases * PHASE_BYTES,
    exchange: () => converse(meter, readHarmonics(meter.phases)),
  };
}

function* readHarmonics(phases: 1 | 3): Conversation<Reading> {
  const power = yield* readNumbers('02030000');
  if ('failure' in power) return power;
  const reading = { activePowerW: power.value[0]! * 1000, voltageV: [], currentA: [], harmonicsA: [] } as Required<
    Pick<Reading, 'activePowerW' | 'voltageV' | 'currentA' | 'harmonicsA'>
  >;
  for (let phase = 1; phase <= phases; phase++) {
    const voltage = yield* readNumbers(`02010${phase}00`);
    if ('failure' in voltage) return voltage;
    const current = yield* readNumbers(`02020${phase}00`);
    if ('failure' in current) return current;
    const content = yield* readNumbers(`020B0${phase}FF`);
    if ('failure' in content) return content;
    reading.voltageV.push(voltage.value[0]!);
    reading.currentA.push(Math.abs(current.value[0]!));
    reading.harmonicsA.push(ampsOf(content.value, Math.abs(current.value[0]!)));
  }
  return { value: reading };
}

/** The root mean square is the fundamental and its harmonics together; what order 1 says of itself (100 % or 0) is not used. */
function ampsOf(percents: readonly number[], rmsA: number): number[] {
  const shares = percents.map((percent, i) => (i === 0 ? 1 : percent / 100));
  const fundamentalA = rmsA / Math.hypot(...shares);
  return shares.map((share) => fundamentalA * share);
}

function* readNumbers(di: string): Conversation<number[]> {
  const read = yield* readValues('2007', findItem('2007', di)!);
  if ('failure' in read) return read;
  const numbers = read.value.map(({ value }) => value).filter((value) => typeof value === 'number');
  if (numbers.length === read.value.length) return { value: numbers };
  return { failure: 'no-such-data', detail: `${di}: the meter has no value` };
}
