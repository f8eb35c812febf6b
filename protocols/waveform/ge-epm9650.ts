/**
 * Waveform records of the GE EPM 9650 / 9800 (Nexus family): logs behind a window of 64 registers.
 *
 *   92C0H  18 registers: header of the waveform samples log: memory (4 bytes), record size, first index, last index
 *          (FFFFH: empty), first and last time stamp (8 bytes each), bitmap (8), most records
 *   99FEH  which log the window shows: 000BH samples, 0009H triggers; the log stands still meanwhile, for 30 s at most
 *   99FFH  index of the window; reading it moves on by one first; FFFFH lets the log go on
 *   9A00H  64 registers: 128 bytes of the log from 128 × index
 *
 * A time stamp is century, year, month, day, hour, minute, second, centisecond. A sample record is 16384 bytes: 1024 sets
 * of 16 (IA IB IC IAUX VAN VBN VCN, low byte first, then inputs). A trigger record is 256 bytes and ends, as laid out
 * here, in capture counter (1), time stamp (8), millisecond (1), unused (1), timing sample (2), and eight gain factors
 * (4 each, 16 bits of fraction: VAN VBN VCN VAUX IA IB IC IAUX), a unit of full scale in percent.
 *
 * One read of 65 registers from 99FFH brings the next window together with its index, so a lost or repeated step shows.
 */
import type { Exchange } from '../exchange.ts';
import { exceptionFailure, isException } from '../modbus/exception.ts';
import { type Conversation, converse, type Timing } from '../modbus/exchange.ts';
import type { ModbusAnswer, ModbusRequest } from '../modbus/frame.ts';
import type { Ratios } from '../modbus/row.ts';
import type { Waveform } from '../reading.ts';
import { decodeGeCurrent, decodeGeVoltage, type GeGains, readGeGains } from './ge-record.ts';
import { type CaptureMemory, type Failed, judged, type Phase } from './snapshot.ts';

export const GE_REGISTERS = { header: 0x92c0, config: 0x99fe, index: 0x99ff, window: 0x9a00 } as const;
export const GE_LOG = { samples: 0x000b, triggers: 0x0009 } as const;
export const GE_HEADER_REGISTERS = 18;
export const GE_WINDOW_REGISTERS = 64;
export const GE_WINDOW_BYTES = 128;
export const GE_RELEASE = 0xffff;
/** Windows of one record of each log. */
export const GE_SAMPLE_WINDOWS = 128;
export const GE_TRIGGER_WINDOWS = 2;

/** Every window carries all seven channels, so few cycles: five take 4 s at 9600 baud, during which nobody else is read. */
export const GE_DEFAULTS = { samplesPerCycle: 32, cycles: 5, mainsHz: 50 } as const;

export interface GeOptions extends Ratios {
  unit: number;
  phase: Phase;
  /** How the recorder is set up in the meter; at most 1024 samples in all. */
  samplesPerCycle?: number;
  cycles?: number;
  mainsHz?: number;
  memory?: CaptureMemory;
  timing?: Timing;
}

/** Reads the newest record of one phase. Fails with `no-record`, `stale`, `torn`, or `wrong-sequence` (a window skipped). */
export function captureGe(options: GeOptions): Exchange<Waveform> {
  return converse(readRecord(options), options.timing);
}

type Step<T> = Generator<ModbusRequest, T | Failed, ModbusAnswer>;

function* readRecord(options: GeOptions): Conversation<Waveform> {
  const before = yield* readHeader(options.unit);
  if ('failure' in before) return before;
  if (before.lastIndex === 0xffff) return { failure: 'no-record', detail: 'the log is empty' };
  if (options.memory && options.memory.last === before.stamp) {
    return { failure: 'stale', detail: 'no new record since the last capture' };
  }
  const gainWindows = yield* readWindows(
    options.unit,
    GE_LOG.triggers,
    before.lastIndex * GE_TRIGGER_WINDOWS,
    GE_TRIGGER_WINDOWS,
  );
  if ('failure' in gainWindows) return gainWindows;
  const { samplesPerCycle, cycles } = { ...GE_DEFAULTS, ...options };
  const windows = Math.ceil((samplesPerCycle * cycles * 16) / GE_WINDOW_BYTES);
  const samples = yield* readWindows(options.unit, GE_LOG.samples, before.lastIndex * GE_SAMPLE_WINDOWS, windows);
  if ('failure' in samples) return samples;
  const after = yield* readHeader(options.unit);
  if ('failure' in after) return after;
  // The log stood still, so a changed header means that the pause ran out and the record may be half another's.
  if (after.stamp !== before.stamp) return { failure: 'torn', detail: 'the log went on while it was read' };
  const released = yield { unit: options.unit, function: 6, address: GE_REGISTERS.index, value: GE_RELEASE };
  if (isException(released)) return exceptionFailure(released);
  if (options.memory) options.memory.last = before.stamp;
  return judged(waveformOf(samples.bytes, readGeGains(gainWindows.bytes), options));
}

function waveformOf(bytes: Uint8Array, gains: GeGains, options: GeOptions): Waveform {
  const { samplesPerCycle, cycles, mainsHz } = { ...GE_DEFAULTS, ...options };
  const { phase, currentRatio = 1, voltageRatio = 1 } = options;
  const count = samplesPerCycle * cycles;
  return {
    rateHz: samplesPerCycle * mainsHz,
    phase,
    voltage: { scale: gains.voltage[phase - 1]! * voltageRatio, samples: decodeGeVoltage(bytes, phase, count) },
    current: { scale: gains.current[phase - 1]! * currentRatio, samples: decodeGeCurrent(bytes, phase, count) },
  };
}

function* readHeader(unit: number): Step<{ lastIndex: number; stamp: string }> {
  const answer = yield { unit, function: 3, address: GE_REGISTERS.header, count: GE_HEADER_REGISTERS };
  if (isException(answer)) return exceptionFailure(answer);
  if (!('registers' in answer)) return { failure: 'wrong-item', detail: 'no log header' };
  const [lastIndex, ...rest] = answer.registers.slice(4);
  return { lastIndex: lastIndex ?? 0xffff, stamp: [lastIndex, ...rest.slice(4, 8)].join('.') };
}

/** The bytes of `count` windows of a log, from window `start`. */
function* readWindows(unit: number, log: number, start: number, count: number): Step<{ bytes: Uint8Array }> {
  const bytes = new Uint8Array(count * GE_WINDOW_BYTES);
  const chosen = yield { unit, function: 16, address: GE_REGISTERS.config, registers: [log, start] };
  if (isException(chosen)) return exceptionFailure(chosen);
  for (let i = 0; i < count; i++) {
    // The first window is there already; each further read of the index moves on by itself.
    const head = i === 0 ? 0 : 1;
    const address = GE_REGISTERS.window - head;
    const answer = yield { unit, function: 3, address, count: GE_WINDOW_REGISTERS + head };
    if (isException(answer)) return exceptionFailure(answer);
    if (!('registers' in answer)) return { failure: 'wrong-item', detail: 'no window' };
    if (head === 1 && answer.registers[0] !== ((start + i) & 0xffff)) {
      return { failure: 'wrong-sequence', detail: `window ${answer.registers[0]} came, not ${start + i}` };
    }
    for (let r = 0; r < GE_WINDOW_REGISTERS; r++) {
      bytes[i * GE_WINDOW_BYTES + 2 * r] = answer.registers[head + r]! >>> 8;
      bytes[i * GE_WINDOW_BYTES + 2 * r + 1] = answer.registers[head + r]!;
    }
  }
  return { bytes };
}
