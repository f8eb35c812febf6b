/** Waveforms as read blocks: on demand only, before everything else, and long. */
import type { Block, Exchange } from '../exchange.ts';
import type { Timing } from '../modbus/exchange.ts';
import type { Ratios } from '../modbus/row.ts';
import type { Waveform } from '../reading.ts';
import { BENDER_DEFAULTS, captureBender } from './bender-pem575.ts';
import { captureDlt645 } from './dlt645-item.ts';
import { captureGe, GE_DEFAULTS, GE_WINDOW_BYTES } from './ge-epm9650.ts';
import type { CaptureMemory, Phase } from './snapshot.ts';

export const MODBUS_WAVEFORMS = ['bender-pem575', 'ge-epm9650'] as const;
export type ModbusWaveform = (typeof MODBUS_WAVEFORMS)[number];

export interface ModbusWaveformMeter extends Ratios {
  unit: number;
  waveform: ModbusWaveform;
  answerMs?: number;
  /** How the meter's recorder is set up, where it is not as these sources expect. */
  samplesPerCycle?: number;
  cycles?: number;
  mainsHz?: number;
}

/** The capture of one phase. What was taken is remembered, so that it is `stale` the next time. */
export function modbusWaveformBlock(meter: ModbusWaveformMeter, phase: Phase): Block<Waveform> {
  const { waveform, answerMs, ...setup } = meter;
  const memory: CaptureMemory = {};
  const timing: { timing?: Timing } = answerMs === undefined ? {} : { timing: { answerMs, gapMs: 60 } };
  const options = { ...setup, ...timing, phase, memory };
  const wireBytes = modbusWaveformBytes(meter);
  const exchange = (): Exchange<Waveform> =>
    waveform === 'bender-pem575' ? captureBender(options) : captureGe(options);
  return { name: `waveform-${phase}`, periodMs: null, priority: 2, wireBytes, exchange };
}

/** What one capture moves over the wire, to say beforehand how long it takes. */
export function modbusWaveformBytes({ waveform, samplesPerCycle, cycles }: ModbusWaveformMeter): number {
  const defaults = waveform === 'bender-pem575' ? BENDER_DEFAULTS : GE_DEFAULTS;
  const samples = (samplesPerCycle ?? defaults.samplesPerCycle) * (cycles ?? defaults.cycles);
  switch (waveform) {
    case 'bender-pem575': {
      // Two channels in runs of 121 registers, and the header twice.
      const requests = 2 * Math.ceil(samples / 121) + 2;
      return 4 * samples + 2 * 10 + requests * (12 + 7);
    }
    case 'ge-epm9650': {
      const windows = Math.ceil((16 * samples) / GE_WINDOW_BYTES) + 2;
      // The first window of either log comes without its index.
      return windows * (8 + 5 + GE_WINDOW_BYTES + 2) - 2 * 2 + 2 * (8 + 41) + 2 * (13 + 8) + 16;
    }
    default:
      return waveform satisfies never;
  }
}

/**
 * The capture of one phase as a DL/T 645 item.
 * @param read makes the exchange that gives the item's bytes, follow-on frames joined
 * @param wireBytes what that moves, follow-on requests included
 */
export function dlt645WaveformBlock(
  read: () => Exchange<Uint8Array>,
  phase: Phase,
  wireBytes: number,
): Block<Waveform> {
  const memory: CaptureMemory = {};
  const exchange = (): Exchange<Waveform> => captureDlt645(read(), { phase, memory });
  return { name: `waveform-${phase}`, periodMs: null, priority: 2, wireBytes, exchange };
}
