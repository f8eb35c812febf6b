/** What the page shows, and what it may ask for. The gateway implements it; the page knows nothing else of the gateway. */
import type { Alert } from '../../detectors/alert.ts';
import type { Reading, Waveform } from '../../protocols/reading.ts';
import type { Case } from '../commands/desk.ts';

export interface MeterView {
  id: string;
  protocol: string;
  premises: string;
  grid: string;
  /** `answering`, `silent`, `faulty` or `unasked`, and the reason in words. */
  state: string;
  reason: string;
  /** When it was last heard, epoch ms; null: never. */
  heardAtMs: number | null;
  reading: Reading;
}

export interface BusView {
  port: string;
  open: boolean;
  reason: string;
  /** Share of the line in use, 0 … 1, and what the plan asks for (1 is full). */
  utilisation: number;
  planLoad: number;
  meters: MeterView[];
}

export interface StatusView {
  gateway: string;
  version: string;
  nowMs: number;
  startedAtMs: number;
  lastRestart: string;
  clockSynchronised: boolean;
  readings: number;
  alerts: number;
  uplink: {
    up: boolean;
    broker: string;
    reason: string;
    waiting: number;
    oldestWaitingMs: number | null;
    /** Whole days until the gateway's certificate ends; null where it has none. */
    certificateDays: number | null;
  };
  buses: BusView[];
}

/** The last snapshot of one meter, and the difference that a switched-on load made. */
export interface WaveView {
  meter: string;
  atMs: number;
  waveform: Waveform;
  /** One cycle from the voltage's rising zero crossing: the snapshot after the switching less what ran before it. */
  differentialA?: readonly number[];
}

export interface PageSource {
  status(): Promise<StatusView>;
  /** The newest first, at most `limit`. */
  alerts(limit: number): Promise<Alert[]>;
  /** Power of one meter over the last hours, oldest first: pairs of epoch ms and watts. */
  curve(meter: string): [atMs: number, powerW: number][];
  /** The difference is that of the load which this alert is about, else that of the last two snapshots. */
  wave(meter: string, alert?: string): WaveView | undefined;
  /** Who was told of an alert, who took it, what came of it. */
  timeline(alert: string): Promise<Case | undefined>;
  /** Reads one item now; resolves to what `gridwarden read` prints. */
  read(meter: string, item: string): Promise<object>;
  /** Looks for meters on one of the site's ports; each find is told as it comes. */
  scan(port: string, onFound: (found: object) => void, signal: AbortSignal): Promise<void>;
  siteFile(): Promise<string>;
  /** Problems, one line each; none: the file was written and is in force after a restart. */
  saveSiteFile(text: string): Promise<string[]>;
  logs(): readonly string[];
  /** Called with every change that the page shows live; the returned function ends it. */
  subscribe(listener: (event: PageEvent) => void): () => void;
}

export type PageEvent =
  | { type: 'alert'; alert: Alert }
  | { type: 'reading'; meter: string; atMs: number; reading: Reading };
