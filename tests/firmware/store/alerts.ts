import type { Alert } from '../../../detectors/alert.ts';

/** The nth alert of a test: a state of one of ten meters. */
export function alertOf(n: number, meter = String(n % 10).padStart(12, '0')): Alert {
  return {
    id: n.toString(16).padStart(12, '0'),
    meter,
    kind: 'illegal-charging',
    state: 'raised',
    severity: 'warning',
    at: 1_700_000_120_000 + n,
    since: 1_700_000_060_000,
    confidence: 0.93,
    evidence: { powerW: 182, stage: 'confirmed' },
    grid: 'tj-cn-0412',
    recipients: ['power', 'community'],
  };
}
