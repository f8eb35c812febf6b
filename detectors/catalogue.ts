/** Every detector of the house, by name, with the settings that a site file may change. */
import { charging } from './charging/charging.ts';
import type { Detector } from './detector.ts';
import { abnormalUse } from './homes/abnormal-use.ts';
import { inactivity } from './homes/inactivity/inactivity.ts';
import { leakage } from './homes/leakage.ts';
import { lowBalance } from './homes/low-balance.ts';
import { meterFault } from './homes/meter-fault.ts';
import { nightResidence } from './homes/night-residence.ts';
import { occupancy } from './homes/occupancy.ts';
import { profile } from './homes/profile.ts';
import { streetUse } from './homes/street-use.ts';
import { tamper } from './homes/tamper.ts';
import { tariffTier } from './homes/tariff-tier.ts';
import { imbalance } from './network/imbalance.ts';
import { lineLoss } from './network/line-loss.ts';
import { outage } from './network/outage.ts';
import { overload } from './network/overload.ts';
import { overloadForecast } from './network/overload-forecast.ts';
import { voltage } from './network/voltage.ts';

/** Settings by detector name; a detector that is not named runs with its own. */
export type DetectorSettings = Record<string, Record<string, number | string | boolean>>;

/** By the kind of alert that each mostly raises. */
const FACTORIES = {
  'illegal-charging': charging,
  inactivity,
  occupancy,
  'night-residence': nightResidence,
  'abnormal-use': abnormalUse,
  'street-use': streetUse,
  profile,
  leakage,
  'low-balance': lowBalance,
  'meter-fault': meterFault,
  tamper,
  'tariff-tier': tariffTier,
  imbalance,
  'line-loss': lineLoss,
  outage,
  overload,
  'overload-forecast': overloadForecast,
  voltage,
} satisfies Record<string, (settings: never) => Detector>;

export const DETECTOR_NAMES = Object.keys(FACTORIES);

/** All detectors, each with what `settings` says for it laid over its own defaults. */
export function allDetectors(settings: DetectorSettings = {}): Detector[] {
  return Object.entries(FACTORIES).map(([name, make]) => (make as (settings?: object) => Detector)(settings[name]));
}
