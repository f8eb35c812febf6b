/** The seam to what survives a power cut: alerts until the platform's own receipt, snapshots, counters, audit. */
import type { Alert } from '../detectors/alert.ts';

/** An alert on disk. `sequence` grows by one per alert of this store and never repeats. */
export interface Stored {
  sequence: number;
  alert: Alert;
  /** It was stored before this run began, or the link was down when it was decided. */
  replayed: boolean;
}

export interface Outbox {
  /** Resolves when the alerts are on disk; only then may anybody count them as raised. */
  append(alerts: readonly Alert[]): Promise<void>;
  /** Alerts without a receipt, by sequence, after the given one. */
  pending(afterSequence: number, limit: number): Promise<Stored[]>;
  /** The platform has stored these: they leave. Unknown ones are ignored. Returns how many left. */
  receipt(sequences: readonly number[]): Promise<number>;
  depth(): Promise<{ alerts: number; oldestAtMs: number | null }>;
  /** Small named values that must survive a reboot: detector snapshots, command counters. */
  put(key: string, value: Uint8Array): Promise<void>;
  get(key: string): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}
