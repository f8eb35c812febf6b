/** Where the measured values come from: a recording or a scenario. Times are epoch milliseconds UTC of the street. */
import type { MeterEvent, MeterInfo, Reading, Waveform } from '../protocols/reading.ts';

export interface Source {
  timezone: string;
  startMs: number;
  endMs: number;
  meters: readonly MeterInfo[];
  /** What the meter shows at this moment; empty before it ever measured anything. Ask in the order of time. */
  readingAt(meter: string, atMs: number): Reading;
  /** Without voltage, or dead: it answers nothing. */
  isDark(meter: string, atMs: number): boolean;
  /** A snapshot of this moment, where there is one. */
  waveformAt(meter: string, atMs: number, phase: number): Waveform | undefined;
  /** What happened to the meter after `fromMs` and up to `toMs`, in the order of time. */
  eventsBetween(meter: string, fromMs: number, toMs: number): { atMs: number; event: MeterEvent }[];
}
