/** The parts that every detector of homes shares: a condition held for a time, and the finding it leads to. */
import type { AlertKind, Evidence, Finding, Recipient, Severity } from '../alert.ts';
import type { Output } from '../detector.ts';

/** A condition that must last before it counts, and be gone for a while before it is over. */
export interface Held {
  phase: 'idle' | 'pending' | 'raised' | 'ending';
  sinceMs: number;
  changedMs: number;
  seenMs: number;
}

export const notHeld = (): Held => ({ phase: 'idle', sinceMs: 0, changedMs: 0, seenMs: 0 });

/**
 * Takes what is seen now; says when the condition has begun or ended for good. After a gap of more than two hours a
 * condition that was not yet raised starts afresh, because nobody saw what lay between.
 */
export function hold(
  held: Held,
  wrong: boolean,
  atMs: number,
  raiseAfterMs: number,
  clearAfterMs: number,
): 'raised' | 'cleared' | undefined {
  const gap = atMs - held.seenMs > 7_200_000;
  held.seenMs = atMs;
  switch (held.phase) {
    case 'idle':
    case 'pending':
      if (!wrong) {
        held.phase = 'idle';
        return undefined;
      }
      if (held.phase === 'idle' || gap) {
        held.phase = 'pending';
        held.sinceMs = atMs;
      }
      if (atMs - held.sinceMs < raiseAfterMs) return undefined;
      held.phase = 'raised';
      return 'raised';
    case 'raised':
      if (wrong) return undefined;
      held.phase = 'ending';
      held.changedMs = atMs;
      return undefined;
    case 'ending':
      if (wrong) {
        held.phase = 'raised';
        return undefined;
      }
      if (atMs - held.changedMs < clearAfterMs) return undefined;
      held.phase = 'idle';
      return 'cleared';
    default:
      return held.phase satisfies never;
  }
}

export interface Say {
  meter: string;
  kind: AlertKind;
  key?: string;
  state: Finding['state'];
  severity: Severity;
  sinceMs: number;
  confidence: number;
  recipients: readonly Recipient[];
  evidence: Evidence;
}

/** A finding as a detector's output, its figures rounded to what a person reads. */
export function say(finding: Say): Output {
  const evidence: Evidence = {};
  for (const [name, value] of Object.entries(finding.evidence)) {
    evidence[name] = typeof value === 'number' ? round(value) : value;
  }
  return { type: 'finding', finding: { ...finding, evidence } };
}

/** Three significant digits below a thousand, whole numbers above. */
export function round(value: number): number {
  if (!Number.isFinite(value)) return 0;
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
}
