/** The register maps there are, by name. A new meter is a new row list in `profiles/` and one entry here. */
import { acurev1300, acurev2000 } from './profiles/accuenergy.ts';
import { acr10r, adl3000 } from './profiles/acrel.ts';
import { dtsu666, dtsu666Ct, dtsu666H } from './profiles/chint.ts';
import { sdm120, sdm230, sdm630 } from './profiles/eastron.ts';
import { b23 } from './profiles/janitza.ts';
import { me237 } from './profiles/meatrol.ts';
import { iem3155, pm1200 } from './profiles/schneider.ts';
import type { Profile } from './row.ts';

export const PROFILES: readonly Profile[] = [
  sdm630,
  sdm230,
  sdm120,
  dtsu666,
  dtsu666Ct,
  dtsu666H,
  adl3000,
  acr10r,
  iem3155,
  pm1200,
  acurev2000,
  acurev1300,
  b23,
  me237,
];

const BY_NAME = new Map(PROFILES.map((profile) => [profile.name, profile]));

/** The profile of that name, in any case; undefined when there is none. */
export function profileNamed(name: string): Profile | undefined {
  return BY_NAME.get(name.toLowerCase());
}
