/** What a simulated GE EPM 9650 adds to serve waveforms: its logs behind a window of 64 registers. */

import {
  GE_HEADER_REGISTERS,
  GE_LOG,
  GE_REGISTERS,
  GE_RELEASE,
  GE_SAMPLE_WINDOWS,
  GE_TRIGGER_WINDOWS,
  GE_WINDOW_REGISTERS,
} from '../protocols/waveform/ge-epm9650.ts';
import { encodeGeRecords, geStamp } from '../protocols/waveform/ge-record.ts';
import type { Snapshot } from '../protocols/waveform/snapshot.ts';
import type { RegisterBank } from './modbus-meter.ts';

/** What the meter samples now; undefined while it has nothing. */
export type TakeSnapshot = () => Snapshot | undefined;

/** The registers of a GE EPM 9650: log header, window configuration, index and window. Ten records, then over again. */
export function geBank(take: TakeSnapshot): RegisterBank {
  const log = {
    last: 0xffff,
    header: new Array<number>(GE_HEADER_REGISTERS).fill(0xffff),
    bytes: new Map<number, Uint8Array>(),
  };
  let config = 0;
  let index = GE_RELEASE;
  let paused = false;

  const record = (): void => {
    const snapshot = take();
    if (!snapshot) return;
    log.last = log.last === 0xffff ? 0 : (log.last + 1) % 10;
    const { samples, trigger } = encodeGeRecords(snapshot, log.last);
    log.bytes.set(GE_LOG.samples, samples);
    log.bytes.set(GE_LOG.triggers, trigger);
    log.header = headerRegisters(log.last, snapshot.localMs);
  };
  const windowRegister = (at: number): number => {
    const perRecord = (config & 0xff) === GE_LOG.samples ? GE_SAMPLE_WINDOWS : GE_TRIGGER_WINDOWS;
    const bytes = log.bytes.get(config & 0xff);
    const from = ((index - log.last * perRecord) * GE_WINDOW_REGISTERS + at) * 2;
    return bytes && from >= 0 && from + 1 < bytes.length ? (bytes[from]! << 8) | bytes[from + 1]! : 0;
  };

  return {
    read(table, address) {
      if (table !== 'holding') return undefined;
      const inHeader = address - GE_REGISTERS.header;
      if (inHeader >= 0 && inHeader < GE_HEADER_REGISTERS) {
        if (inHeader === 0 && !paused) record();
        return log.header[inHeader];
      }
      if (address === GE_REGISTERS.config) return config;
      if (address === GE_REGISTERS.index) {
        index = (index + 1) & 0xffff;
        return index;
      }
      const inWindow = address - GE_REGISTERS.window;
      return inWindow >= 0 && inWindow < GE_WINDOW_REGISTERS ? windowRegister(inWindow) : undefined;
    },
    write(address, value) {
      if (address === GE_REGISTERS.config) config = value;
      else if (address === GE_REGISTERS.index) {
        index = value;
        paused = value !== GE_RELEASE;
      } else return false;
      return true;
    },
  };
}

function headerRegisters(last: number, localMs: number): number[] {
  const stamp = geStamp(localMs);
  const stampRegisters = Array.from({ length: 4 }, (_, i) => (stamp[2 * i]! << 8) | stamp[2 * i + 1]!);
  const memory = 10 * GE_SAMPLE_WINDOWS * 128;
  const bitmap = [0, 0, 0, 0];
  return [
    memory >>> 16,
    memory & 0xffff,
    GE_SAMPLE_WINDOWS * 128,
    0,
    last,
    ...stampRegisters,
    ...stampRegisters,
    ...bitmap,
    10,
  ];
}
