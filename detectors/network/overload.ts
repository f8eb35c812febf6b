/**
 * `overload`: more load than the fuse of a home, the rating of a feeder or of a transformer is made for.
 *
 * Intuition. A load over the rating for a moment is a kettle; held, it heats, and heat is what trips a breaker, ages
 * paper and burns a joint. So two questions are kept apart: *is it overloaded*, answered by the operating definition
 * that crews know (over a level, held for a time, with hysteresis), and *how urgent is it*, answered by physics: the
 * time that is left at this load. A home is judged by its breaker's curve (IEC 60898-1), a feeder by a thermal image
 * (IEC 60255-149), a transformer by its hot spot (IEC 60076-7).
 *
 * Rejected: severity from the ratio. 130 % on a cold transformer in January is a notice for hours; 105 % after a hot
 * day is urgent within minutes. Rejected too: alarming on the thermal model alone, because crews are measured by the
 * operating definition and because the constants of an old transformer are guesses; the model may only *hasten*.
 *
 * Thresholds. 80 % and 100 % for 2 h are the practice for 重载 and 过载; the levels fall 5 points lower, held half an
 * hour, wider than the noise of a 15-min mean. A home is over above its fuse's rating for 5 min: below that are
 * kettles, and the curve shortens the hold where the breaker would not wait (half its soonest trip). A hole longer
 * than `gapMs` starts every pending hold afresh, and an alert stays as it is while nothing is measured.
 */
import type { MeterInfo } from '../../protocols/reading.ts';
import { type MeterDetector, NOTHING } from '../detector.ts';
import { type FuseState, newFuseState, stepFuse } from './overload-fuse.ts';
import { newRatingState, type RatingState, stepRating } from './overload-rating.ts';
import { OVERLOAD_DEFAULTS, type OverloadSettings } from './overload-settings.ts';

export type OverloadState = FuseState | RatingState;

/** Watches every meter whose fuse, rated current or rated power is known. */
export function overload(settings: Partial<OverloadSettings> = {}): MeterDetector<OverloadState> {
  const rule = { ...OVERLOAD_DEFAULTS, ...settings };
  return {
    scope: 'meter',
    name: 'overload',
    start: (meter) => start(meter, rule),
    step(state, input, meter) {
      if (input.type !== 'reading') return NOTHING;
      // A site file that was corrected since the snapshot: what passed for a home is a transformer.
      if ((state.guard === 'rating') !== isShared(meter)) Object.assign(state, start(meter, rule));
      return state.guard === 'fuse' ? stepFuse(state, input, meter, rule) : stepRating(state, input, meter, rule);
    },
  };
}

const isShared = ({ premises }: MeterInfo): boolean => premises === 'transformer' || premises === 'feeder';

function start(meter: MeterInfo, rule: OverloadSettings): OverloadState | undefined {
  const limitA = meter.fuseA ?? meter.ratedCurrentA;
  if (isShared(meter))
    return meter.ratedKva === undefined && limitA === undefined ? undefined : newRatingState(meter, rule);
  return limitA === undefined ? undefined : newFuseState();
}
