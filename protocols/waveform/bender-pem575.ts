/**
 * Waveform records of the Bender LINETRAXX PEM575: Modbus function 20, read general reference.
 *
 *   register of the record   content (register map v6.0, waveform recorder log)
 *   0                        trigger: 0 off, 1 manual, 2 set-point, 3 sag or swell
 *   1                        year (high byte, since 2000) and month
 *   2                        day and hour
 *   3                        minute and second
 *   4                        millisecond
 *   5 …                      N samples each of U1 U2 U3 I1 I2 I3, 16 bits, two's complement
 *
 * U is 10 × secondary volts, I is 1000 × secondary amps. Only the two channels of the wanted phase are read, the header
 * before and after them: a record that was replaced meanwhile is torn.
 */
import type { Exchange } from '../exchange.ts';
import { exceptionFailure, isException } from '../modbus/exception.ts';
import { type Conversation, converse, type Timing } from '../modbus/exchange.ts';
import type { ModbusAnswer, ModbusRequest } from '../modbus/frame.ts';
import type { Ratios } from '../modbus/row.ts';
import type { Waveform } from '../reading.ts';
import { type CaptureMemory, type Failed, judged, type Phase, rescale, type Snapshot } from './snapshot.ts';

export interface BenderOptions extends Ratios {
  unit: number;
  phase: Phase;
  /** The file that holds the newest record. */
  file?: number;
  /** How the recorder is set up in the meter. */
  samplesPerCycle?: number;
  cycles?: number;
  mainsHz?: number;
  memory?: CaptureMemory;
  timing?: Timing;
}

export const BENDER_DEFAULTS = { file: 4, samplesPerCycle: 32, cycles: 10, mainsHz: 50 } as const;
const HEADER = 5;
const CHANNELS = 6;
const VOLTAGE_SCALE = 0.1;
const CURRENT_SCALE = 0.001;
/** One answer holds 245 bytes: two of the record's own, then registers. */
const REGISTERS_PER_REQUEST = 121;

/** The registers of a record, as the meter keeps them. Phases that are not there are 0. */
export function encodeBenderRecord(snapshot: Snapshot, trigger = 1): number[] {
  const at = new Date(snapshot.localMs);
  const header = [
    trigger,
    ((at.getUTCFullYear() - 2000) << 8) | (at.getUTCMonth() + 1),
    (at.getUTCDate() << 8) | at.getUTCHours(),
    (at.getUTCMinutes() << 8) | at.getUTCSeconds(),
    at.getUTCMilliseconds(),
  ];
  const count = snapshot.phases[0]?.voltage.samples.length ?? 0;
  const none = new Int16Array(count);
  const channels = Array.from({ length: CHANNELS }, (_, channel) => {
    const phase = snapshot.phases[channel % 3];
    if (!phase) return none;
    return channel < 3 ? rescale(phase.voltage, VOLTAGE_SCALE) : rescale(phase.current, CURRENT_SCALE);
  });
  return [...header, ...channels.flatMap((samples) => Array.from(samples, (sample) => sample & 0xffff))];
}

/** Reads the newest record of one phase. Fails with `no-record`, `stale` (seen before), `torn` (replaced meanwhile). */
export function captureBender(options: BenderOptions): Exchange<Waveform> {
  return converse(readRecord(options), options.timing);
}

function* readRecord(options: BenderOptions): Conversation<Waveform> {
  const { samplesPerCycle, cycles, mainsHz } = { ...BENDER_DEFAULTS, ...options };
  const { phase, memory, currentRatio = 1, voltageRatio = 1 } = options;
  const count = samplesPerCycle * cycles;
  const before = yield* readRun(options, 0, HEADER);
  if ('failure' in before) return before;
  if (before.run[0] === 0) return { failure: 'no-record', detail: 'the recorder has nothing yet' };
  const stamp = before.run.join('.');
  if (memory && memory.last === stamp) return { failure: 'stale', detail: 'no new record since the last capture' };
  const voltage = yield* readRun(options, HEADER + (phase - 1) * count, count);
  if ('failure' in voltage) return voltage;
  const current = yield* readRun(options, HEADER + (phase + 2) * count, count);
  if ('failure' in current) return current;
  const after = yield* readRun(options, 0, HEADER);
  if ('failure' in after) return after;
  if (after.run.join('.') !== stamp) return { failure: 'torn', detail: 'the record was replaced while it was read' };
  if (memory) memory.last = stamp;
  return judged({
    rateHz: samplesPerCycle * mainsHz,
    phase,
    voltage: { scale: VOLTAGE_SCALE * voltageRatio, samples: Int16Array.from(voltage.run) },
    current: { scale: CURRENT_SCALE * currentRatio, samples: Int16Array.from(current.run) },
  });
}

function* readRun(
  { unit, file = BENDER_DEFAULTS.file }: BenderOptions,
  start: number,
  count: number,
): Generator<ModbusRequest, { run: number[] } | Failed, ModbusAnswer> {
  const run: number[] = [];
  while (run.length < count) {
    const step = Math.min(REGISTERS_PER_REQUEST, count - run.length);
    const answer = yield { unit, function: 20, spans: [{ file, record: start + run.length, count: step }] };
    if (isException(answer)) return exceptionFailure(answer);
    const record = 'records' in answer ? answer.records[0] : undefined;
    if (record?.length !== step)
      return { failure: 'wrong-item', detail: `a run of ${record?.length} registers, not ${step}` };
    run.push(...record);
  }
  return { run };
}
