/** Every detector of the house, by name, with the settings that a site file may change. */
import { CHARGING_DEFAULTS, charging } from './charging/charging.ts';
import type { Detector } from './detector.ts';
import { ABNORMAL_USE_DEFAULTS, abnormalUse } from './homes/abnormal-use.ts';
import { INACTIVITY_DEFAULTS, inactivity } from './homes/inactivity/inactivity.ts';
import { LEAKAGE_DEFAULTS, leakage } from './homes/leakage.ts';
import { LOW_BALANCE_DEFAULTS, lowBalance } from './homes/low-balance.ts';
import { METER_FAULT_DEFAULTS, meterFault } from './homes/meter-fault.ts';
import { NIGHT_RESIDENCE_DEFAULTS, nightResidence } from './homes/night-residence.ts';
import { OCCUPANCY_DEFAULTS, occupancy } from './homes/occupancy.ts';
import { PROFILE_DEFAULTS, profile } from './homes/profile.ts';
import { STREET_USE_DEFAULTS, streetUse } from './homes/street-use.ts';
import { TAMPER_DEFAULTS, tamper } from './homes/tamper.ts';
import { TARIFF_TIER_DEFAULTS, tariffTier } from './homes/tariff-tier.ts';
import { IMBALANCE_DEFAULTS, imbalance } from './network/imbalance.ts';
import { LINE_LOSS_DEFAULTS, lineLoss } from './network/line-loss.ts';
import { OUTAGE_DEFAULTS } from './network/outage/state.ts';
import { outage } from './network/outage.ts';
import { overload } from './network/overload.ts';
import { FORECAST_DEFAULTS, overloadForecast } from './network/overload-forecast.ts';
import { OVERLOAD_DEFAULTS } from './network/overload-settings.ts';
import { RELAY_DEFAULTS, relay } from './network/relay.ts';
import { VOLTAGE_DEFAULTS, voltage } from './network/voltage.ts';

/** Settings by detector name; a detector that is not named runs with its own. */
export type DetectorSettings = Record<string, Record<string, number | string | boolean>>;

/** What makes each, and its settings as they stand where the site file says nothing; by the kind it mostly raises. */
const DETECTORS = {
  'illegal-charging': [charging, CHARGING_DEFAULTS],
  inactivity: [inactivity, INACTIVITY_DEFAULTS],
  occupancy: [occupancy, OCCUPANCY_DEFAULTS],
  'night-residence': [nightResidence, NIGHT_RESIDENCE_DEFAULTS],
  'abnormal-use': [abnormalUse, ABNORMAL_USE_DEFAULTS],
  'street-use': [streetUse, STREET_USE_DEFAULTS],
  profile: [profile, PROFILE_DEFAULTS],
  leakage: [leakage, LEAKAGE_DEFAULTS],
  'low-balance': [lowBalance, LOW_BALANCE_DEFAULTS],
  'meter-fault': [meterFault, METER_FAULT_DEFAULTS],
  tamper: [tamper, TAMPER_DEFAULTS],
  'tariff-tier': [tariffTier, TARIFF_TIER_DEFAULTS],
  imbalance: [imbalance, IMBALANCE_DEFAULTS],
  'line-loss': [lineLoss, LINE_LOSS_DEFAULTS],
  outage: [outage, OUTAGE_DEFAULTS],
  overload: [overload, OVERLOAD_DEFAULTS],
  'overload-forecast': [overloadForecast, FORECAST_DEFAULTS],
  relay: [relay, RELAY_DEFAULTS],
  voltage: [voltage, VOLTAGE_DEFAULTS],
} satisfies Record<string, readonly [make: (settings: never) => Detector, defaults: object]>;

/** All detectors, each with what `settings` says for it laid over its own defaults. */
export function allDetectors(settings: DetectorSettings = {}): Detector[] {
  return Object.entries(DETECTORS).map(([name, [make]]) => (make as (settings?: object) => Detector)(settings[name]));
}

/**
 * What is wrong with one setting, or undefined when it is good.
 * @param key undefined asks only whether there is such a detector
 */
export function settingProblem(name: string, key?: string, value?: unknown): string | undefined {
  if (!Object.hasOwn(DETECTORS, name)) {
    return `unknown detector: expected one of ${Object.keys(DETECTORS).join(', ')}`;
  }
  if (key === undefined) return undefined;
  // A table within a setting is set by the meter's own entry, never for all of them at once.
  const defaults = Object.entries(DETECTORS[name as keyof typeof DETECTORS][1]).filter(
    ([, is]) => typeof is !== 'object',
  );
  const [, usual] = defaults.find(([known]) => known === key) ?? [];
  if (usual === undefined) return `unknown setting: expected one of ${defaults.map(([known]) => known).join(', ')}`;
  return typeof usual === typeof value ? undefined : `expected a ${typeof usual}, such as ${String(usual)}`;
}
