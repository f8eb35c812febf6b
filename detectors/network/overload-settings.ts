/** What `overload` judges by; the argument for each threshold is at the head of `overload.ts`. */
import type { ThermalConstants } from '../../protocols/reading.ts';
import { HOUR_MS, MINUTE_MS } from './figures.ts';
import type { TripClass } from './thermal/fuse-curve.ts';

export interface OverloadSettings {
  /** Homes. Of the fuse (else rated) current: over the first it rises, under the second it falls. */
  overRatio: number;
  underRatio: number;
  raiseHoldMs: number;
  clearHoldMs: number;
  tripClass: TripClass;
  /** Feeders and transformers: 重载 and 过载. */
  heavyRatio: number;
  overloadRatio: number;
  /** Points under the level at which it falls again. */
  hysteresisRatio: number;
  ratingHoldMs: number;
  ratingClearHoldMs: number;
  /** An overload whose limit comes before its hold would end is raised after this long. */
  urgentHoldMs: number;
  /** Longer between two readings, and a hold that waits starts afresh. */
  gapMs: number;
  /** Feeders: time constant of the cable, and the current it bears for ever over the rated one. */
  feederTauMin: number;
  feederK: number;
  /** Transformers: the surrounding air where no reading tells it; the yearly mean that IEC 60076-2 rates for. */
  ambientC: number;
  hotSpotLimitC: number;
  topOilLimitC: number;
  /** Constants of a transformer whose entry brings none. */
  thermal: Partial<ThermalConstants>;
}

export const OVERLOAD_DEFAULTS: OverloadSettings = {
  overRatio: 1,
  underRatio: 0.9,
  raiseHoldMs: 5 * MINUTE_MS,
  clearHoldMs: 5 * MINUTE_MS,
  tripClass: 'C',
  heavyRatio: 0.8,
  overloadRatio: 1,
  hysteresisRatio: 0.05,
  ratingHoldMs: 2 * HOUR_MS,
  ratingClearHoldMs: 30 * MINUTE_MS,
  urgentHoldMs: 10 * MINUTE_MS,
  gapMs: 65 * MINUTE_MS,
  feederTauMin: 30,
  feederK: 1.05,
  ambientC: 20,
  hotSpotLimitC: 120,
  topOilLimitC: 105,
  thermal: {},
};
