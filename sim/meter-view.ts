/** What a simulated meter measures and remembers, whatever protocol it speaks. */
import type { MeterEvent, Reading, Waveform } from '../protocols/reading.ts';

/** One thing that happened to the meter, in the civil time of its own clock (as though it were UTC). */
export interface Occurrence {
  startMs: number;
  endMs: number;
}

export interface MeterView {
  /** 1 or 3. */
  phases: 1 | 3;
  /** The values of this moment. */
  reading(): Reading;
  /** The meter's own clock, civil time as though it were UTC. */
  localMs(): number;
  /** Sets the meter's clock. */
  setLocalMs(localMs: number): void;
  /** A snapshot sampled now, where the meter can sample. */
  waveform(phase: number): Waveform | undefined;
  /** Last first, at most ten each. */
  record(event: MeterEvent): readonly Occurrence[];
  /** How often it happened in all. */
  count(event: MeterEvent): number;
  relayOpen: boolean;
}

/** What can be wrong with a meter. Probabilities hold per request. */
export interface MeterFaults {
  /** Hears and never answers. */
  silent: number;
  /** Answers later than its turnaround by this. */
  slowMs: number;
  /** Answers after the master gave up. */
  late: number;
  lateMs: number;
  /** Says that it is busy (Modbus 06; DL/T 645 has only "other error"). */
  busy: number;
  /** Says that it does not have what it has. */
  refuse: number;
  /** Answers with another address, or another item or function, than it was asked. */
  wrongAddress: number;
  wrongItem: number;
  /** A wrong check sum or CRC. */
  checksum: number;
  /** Stops in the middle of its answer. */
  half: number;
  /** Values stand still, though the meter answers. */
  stuck: boolean;
  /** The register shows this much less than it counted. */
  rolledBackWh: number;
  /** The meter's clock against the true one. */
  clockOffMs: number;
  clockDriftPpm: number;
}

export const NO_METER_FAULTS: MeterFaults = {
  silent: 0,
  slowMs: 0,
  late: 0,
  lateMs: 0,
  busy: 0,
  refuse: 0,
  wrongAddress: 0,
  wrongItem: 0,
  checksum: 0,
  half: 0,
  stuck: false,
  rolledBackWh: 0,
  clockOffMs: 0,
  clockDriftPpm: 0,
};
