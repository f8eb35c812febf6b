/** The seam to what survives a power cut: alerts until the platform's own receipt, snapshots, counters, audit. */
import type { Alert } from '../detectors/alert.ts';

/** One thing that happened to an alert: its own timeline, published and kept on the device for 30 days. */
export interface Step {
  /** Id of the alert. */
  alert: string;
  meter: string;
  at: number;
  step: 'routed' | 'acknowledged' | 'dispatched' | 'result' | 'escalated' | 'cleared';
  /** Who did it: the key id of the command; absent when the gateway did. */
  by?: string;
  /** Whom it concerns now: ids of grid workers. */
  to?: readonly string[];
  /** 0 … 2, the rung of the chain of grid workers. */
  level?: number;
  note?: string;
}

/** The answer to a command, with the command's own id. `data` is plain JSON, at most 32 kB. */
export interface CommandResult {
  id: string;
  op: string;
  at: number;
  /** After `started` a second answer follows. */
  status: 'done' | 'failed' | 'refused' | 'unknown' | 'started';
  reason?: string;
  data?: unknown;
}

/** What a grid cell used in one period, without any household in it. Off by default. */
export interface Summary {
  cell: string;
  from: number;
  to: number;
  meters: number;
  energyWh: number;
  maxPowerW: number;
}

/** Whatever leaves the gateway through the outbox. At the bound summaries go first, alerts last and loudly. */
export type Message =
  | { type: 'alert'; alert: Alert }
  | { type: 'step'; step: Step }
  | { type: 'result'; result: CommandResult }
  | { type: 'summary'; summary: Summary };

/** A message on disk. `sequence` grows by one per message of this store and never repeats. */
export interface Stored {
  sequence: number;
  message: Message;
  /** It was stored before this run began. */
  replayed: boolean;
  /** Whether the wall clock was synchronised when it was stored. */
  clockOk: boolean;
  /** False while the disk refuses: it lives in memory only, and would not survive a power cut. */
  durable: boolean;
}

/** What a receipt names. The id beside the sequence keeps a receipt for a lost store from deleting another's alert. */
export interface Receipt {
  sequence: number;
  id: string;
}

/** One transaction. A value of null deletes its key. */
export interface Change {
  messages?: readonly Message[];
  put?: Readonly<Record<string, Uint8Array | null>>;
}

export interface Outbox {
  /** Resolves when the alerts are on disk; only then may anybody count them as raised. `durable: false` says that the
   * disk refused and they are held in memory: they still go out, marked. Never rejects. */
  append(alerts: readonly Alert[]): Promise<{ durable: boolean }>;
  /** The same for any messages and named values, all or nothing. */
  commit(change: Change): Promise<{ durable: boolean }>;
  /** Messages without a receipt, by sequence, after the given one; of one meter if named. */
  pending(afterSequence: number, limit: number, meter?: string): Promise<Stored[]>;
  /** The platform has stored these: they leave. Unknown ones are ignored. Returns how many left. */
  receipt(receipts: readonly Receipt[]): Promise<number>;
  /** Takes a message that is refused for ever out of the way; it is kept, with the reason, among the last thousand. */
  bury(sequence: number, reason: string): Promise<void>;
  depth(): Promise<Depth>;
  /** Small named values that must survive a reboot: detector snapshots, command counters. */
  put(key: string, value: Uint8Array): Promise<void>;
  get(key: string): Promise<Uint8Array | undefined>;
  /** Named values whose key begins with `prefix`, in the order of keys, after the given key. */
  entries(prefix: string, afterKey: string, limit: number): Promise<[string, Uint8Array][]>;
  /** The one listener that is told after each append; `recovered` when the disk takes reads and writes again, so that
   * what it holds may have been passed over meanwhile. */
  onStored(listener: (event: 'stored' | 'recovered') => void): void;
  close(): Promise<void>;
}

export interface Depth {
  /** Messages without a receipt, of all kinds. */
  alerts: number;
  oldestAtMs: number | null;
  /** The newest sequence that `pending` shows. */
  lastSequence: number;
  /** Names this store: a fresh file after a loss has another. */
  store: string;
  dead: number;
  /** Messages that fell off at the bound since the store was made. */
  dropped: number;
  durable: boolean;
}

/** What the store has to say; the gateway makes alerts of kind `gateway` of it. */
export interface StoreNotice {
  notice: 'corrupt' | 'not-durable' | 'recovered' | 'dropped';
  detail: string;
  count: number;
}

/** The identity of a message in a receipt. */
export function messageId(message: Message): string {
  switch (message.type) {
    case 'alert':
      return message.alert.id;
    case 'step':
      return message.step.alert;
    case 'result':
      return message.result.id;
    case 'summary':
      return `${message.summary.cell}@${message.summary.from}`;
    default:
      return message satisfies never;
  }
}

/** What the order of delivery is kept for: the meter, or the command or cell where there is none. */
export function messageMeter(message: Message): string {
  switch (message.type) {
    case 'alert':
      return message.alert.meter;
    case 'step':
      return message.step.meter;
    case 'result':
      return '#results';
    case 'summary':
      return '#summaries';
    default:
      return message satisfies never;
  }
}

/** When it happened. */
export function messageAtMs(message: Message): number {
  switch (message.type) {
    case 'alert':
      return message.alert.at;
    case 'step':
      return message.step.at;
    case 'result':
      return message.result.at;
    case 'summary':
      return message.summary.to;
    default:
      return message satisfies never;
  }
}
