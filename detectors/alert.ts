/** What a detector finds and what the platform is told: the alert of the stable contract. */

export const ALERT_KINDS = [
  'illegal-charging',
  'inactivity',
  'overload',
  'overload-forecast',
  'imbalance',
  'occupancy',
  'night-residence',
  'abnormal-use',
  'leakage',
  'tariff-tier',
  'low-balance',
  'outage',
  'voltage',
  'meter-fault',
  'tamper',
  'profile',
  'gateway',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

export const SEVERITIES = ['notice', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const RECIPIENTS = ['power', 'community', 'dispatch'] as const;
export type Recipient = (typeof RECIPIENTS)[number];

/** The few figures that let a grid worker believe or dismiss an alert; units stand in the names. At most 16 entries. */
export type Evidence = Record<string, number | string | boolean>;

/**
 * What a detector reports. `since` is the onset and stays the same through the finding's life: with meter, kind and
 * `key` it is its identity, so that a replay and a repeated delivery give the same alert.
 */
export interface Finding {
  meter: string;
  kind: AlertKind;
  /** Tells apart two findings of one kind that may begin together on one meter (`undervoltage`, `L2`, …). */
  key?: string;
  state: 'raised' | 'updated' | 'cleared';
  severity: Severity;
  sinceMs: number;
  /** 0 … 1, calibrated: of ten alerts at 0.9, nine are true. */
  confidence: number;
  evidence: Evidence;
  recipients: readonly Recipient[];
}

/** A finding with its identity, ready for the outbox: printed by `replay` and `watch` as it stands. */
export interface Alert {
  id: string;
  meter: string;
  kind: AlertKind;
  state: Finding['state'];
  severity: Severity;
  /** When it was decided, and when the condition began. Epoch milliseconds UTC. */
  at: number;
  since: number;
  confidence: number;
  evidence: Evidence;
  grid?: string;
  recipients: readonly Recipient[];
}

/** Twelve hex digits from meter, kind, onset and key: the same recording gives the same ids on every machine. */
export function alertId(finding: Pick<Finding, 'meter' | 'kind' | 'sinceMs' | 'key'>): string {
  return hash48(`${finding.meter}|${finding.kind}|${finding.sinceMs}|${finding.key ?? ''}`);
}

/** cyrb53's mixing (two 32-bit multiplicative lanes), cut to 48 bits; not for secrets, only for names. */
function hash48(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 2654435761);
    b = Math.imul(b ^ c, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (b >>> 0).toString(16).padStart(8, '0') + ((a >>> 16) & 0xffff).toString(16).padStart(4, '0');
}
