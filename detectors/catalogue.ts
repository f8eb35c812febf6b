/** Every detector of the house, by name, with the settings that a site file may change. */
import type { Detector } from './detector.ts';
import { overload } from './network/overload.ts';

/** Settings by detector name; a detector that is not named runs with its own. */
export type DetectorSettings = Record<string, Record<string, number | string | boolean>>;

const FACTORIES = {
  overload,
} satisfies Record<string, (settings: never) => Detector>;

export const DETECTOR_NAMES = Object.keys(FACTORIES);

/** All detectors, each with what `settings` says for it laid over its own defaults. */
export function allDetectors(settings: DetectorSettings = {}): Detector[] {
  return Object.entries(FACTORIES).map(([name, make]) =>
    (make as (settings: object) => Detector)(settings[name] ?? {}),
  );
}
