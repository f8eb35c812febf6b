/** Overload of one home: current over its fuse, and how long the breaker will bear it (IEC 60898-1). */
import type { MeterInfo } from '../../protocols/reading.ts';
import type { Finding, Severity } from '../alert.ts';
import { type Input, NOTHING, type Output } from '../detector.ts';
import { MINUTE_MS, round } from './figures.ts';
import { type Hold, isActive, newHold, stepHold } from './hold.ts';
import { highestCurrentA } from './load.ts';
import type { OverloadSettings } from './overload-settings.ts';
import { type TripBand, tripBand } from './thermal/fuse-curve.ts';

export interface FuseState {
  guard: 'fuse';
  hold: Hold;
  /** Highest since the load rose over the fuse. */
  peakA: number;
  /** What was last told; it only goes up while the alert lives, so that it cannot flap. */
  severity: Severity;
}

export function newFuseState(): FuseState {
  return { guard: 'fuse', hold: newHold(), peakA: 0, severity: 'notice' };
}

const RANK = { notice: 0, warning: 1, critical: 2 } as const satisfies Record<Severity, number>;

/** One reading of a home's meter. */
export function stepFuse(
  state: FuseState,
  input: Input & { type: 'reading' },
  meter: MeterInfo,
  rule: OverloadSettings,
): readonly Output[] {
  const limitA = meter.fuseA ?? meter.ratedCurrentA;
  const currentA = highestCurrentA(input.reading, meter);
  if (limitA === undefined || currentA === undefined) return NOTHING;
  const ratio = currentA / limitA;
  const { hold } = state;
  if (hold.phase === 'quiet') {
    state.peakA = 0;
    // The common reading: far under the fuse, nothing pending.
    if (ratio <= rule.overRatio) {
      hold.lastMs = input.atMs;
      return NOTHING;
    }
  }
  state.peakA = Math.max(state.peakA, currentA);
  const band = tripBand(ratio, rule.tripClass, limitA);
  const change = stepHold(hold, ratio > rule.overRatio, ratio < rule.underRatio, input.atMs, {
    raiseHoldMs: Math.min(rule.raiseHoldMs, 500 * band.soonestS),
    clearHoldMs: rule.clearHoldMs,
    gapMs: rule.gapMs,
  });
  const severity = severityOf(band);
  if (change === 'cleared') return [finding('cleared', state, input.atMs, meter.id, currentA, limitA, band)];
  if (change === 'raised') {
    state.severity = severity;
    return [finding('raised', state, input.atMs, meter.id, currentA, limitA, band)];
  }
  if (!isActive(hold) || RANK[severity] <= RANK[state.severity]) return NOTHING;
  state.severity = severity;
  return [finding('updated', state, input.atMs, meter.id, currentA, limitA, band)];
}

/** By what the breaker will do at this current: nothing ever, perhaps trip, surely trip within its hour. */
function severityOf(band: TripBand): Severity {
  if (Number.isFinite(band.latestS)) return 'critical';
  return Number.isFinite(band.soonestS) ? 'warning' : 'notice';
}

function finding(
  change: Finding['state'],
  state: FuseState,
  atMs: number,
  meter: string,
  currentA: number,
  limitA: number,
  band: TripBand,
): Output {
  const told: Finding = {
    meter,
    kind: 'overload',
    state: change,
    severity: state.severity,
    sinceMs: state.hold.onsetMs,
    confidence: 0.95,
    evidence: {
      level: 'overload',
      currentA: round(currentA, 1),
      limitA,
      loadPercent: round((100 * currentA) / limitA, 0),
      peakA: round(state.peakA, 1),
      heldMin: round((atMs - state.hold.onsetMs) / MINUTE_MS, 1),
    },
    recipients: ['power'],
  };
  if (Number.isFinite(band.soonestS)) told.evidence.mayTripInMin = round(band.soonestS / 60, 1);
  if (Number.isFinite(band.latestS)) told.evidence.mustTripInMin = round(band.latestS / 60, 1);
  return { type: 'finding', finding: told };
}
