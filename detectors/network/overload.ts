/**
 * `overload`: more current than the fuse of a home, the rating of a feeder or of a transformer is made for.
 *
 * A load over the rating for a moment is a kettle; held, it heats. The alert is raised when the current stays over
 * `overRatio` of the fuse (or rated) current for `raiseHoldMs`, and cleared when it stays under `underRatio` for
 * `clearHoldMs`: between the two it keeps its state, so it never flaps.
 */
import type { MeterInfo } from '../../protocols/reading.ts';
import type { Finding } from '../alert.ts';
import { type Input, type MeterDetector, NOTHING, type Output } from '../detector.ts';
import { type Hold, newHold, stepHold } from './hold.ts';
import { highestCurrentA } from './load.ts';

export interface OverloadSettings {
  /** Of the fuse current; over the first it rises, under the second it falls. */
  overRatio: number;
  underRatio: number;
  raiseHoldMs: number;
  clearHoldMs: number;
  /** Longer between two readings, and a hold that waits starts afresh. */
  gapMs: number;
}

const MINUTE_MS = 60_000;

export const OVERLOAD_DEFAULTS: OverloadSettings = {
  overRatio: 1,
  underRatio: 0.9,
  raiseHoldMs: 5 * MINUTE_MS,
  clearHoldMs: 5 * MINUTE_MS,
  gapMs: 35 * MINUTE_MS,
};

export interface OverloadState {
  hold: Hold;
  peakA: number;
}

/** Watches every meter whose fuse or rated current is known. */
export function overload(settings: Partial<OverloadSettings> = {}): MeterDetector<OverloadState> {
  const rule = { ...OVERLOAD_DEFAULTS, ...settings };
  return {
    scope: 'meter',
    name: 'overload',
    start: (meter) => (limitA(meter) === undefined ? undefined : { hold: newHold(), peakA: 0 }),
    step: (state, input, meter) => step(state, input, meter, rule),
  };
}

function limitA(meter: MeterInfo): number | undefined {
  return meter.fuseA ?? meter.ratedCurrentA;
}

function step(state: OverloadState, input: Input, meter: MeterInfo, rule: OverloadSettings): readonly Output[] {
  if (input.type !== 'reading') return NOTHING;
  const limit = limitA(meter);
  const currentA = highestCurrentA(input.reading, meter);
  if (limit === undefined || currentA === undefined) return NOTHING;
  const ratio = currentA / limit;
  const { hold } = state;
  const change = stepHold(hold, ratio > rule.overRatio, ratio < rule.underRatio, input.atMs, rule);
  state.peakA = hold.phase === 'quiet' && change === undefined ? 0 : Math.max(state.peakA, currentA);
  if (change === undefined) return NOTHING;
  const finding: Finding = {
    meter: meter.id,
    kind: 'overload',
    state: change,
    severity: ratio > 1.45 ? 'critical' : 'warning',
    sinceMs: hold.onsetMs,
    confidence: 0.95,
    evidence: {
      level: 'overload',
      currentA: round(currentA, 1),
      limitA: limit,
      loadPercent: round(100 * ratio, 0),
      peakA: round(state.peakA, 1),
      heldMin: round((input.atMs - hold.onsetMs) / MINUTE_MS, 1),
    },
    recipients: ['power'],
  };
  return [{ type: 'finding', finding }];
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
