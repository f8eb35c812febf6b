/** All detectors of homes with their frozen settings, in the order in which they are given a reading. */
import type { Detector } from '../detector.ts';
import { abnormalUse } from './abnormal-use.ts';
import { inactivity } from './inactivity/inactivity.ts';
import { leakage } from './leakage.ts';
import { lowBalance } from './low-balance.ts';
import { meterFault } from './meter-fault.ts';
import { nightResidence } from './night-residence.ts';
import { occupancy } from './occupancy.ts';
import { profile } from './profile.ts';
import { streetUse } from './street-use.ts';
import { tamper } from './tamper.ts';
import { tariffTier } from './tariff-tier.ts';

/** Their settings are one for all homes; a home differs only by what it has taught its own state. */
export const homeDetectors = (): Detector[] =>
  [
    inactivity(),
    occupancy(),
    nightResidence(),
    abnormalUse(),
    streetUse(),
    leakage(),
    meterFault(),
    tamper(),
    tariffTier(),
    lowBalance(),
    profile(),
  ] as Detector[];
