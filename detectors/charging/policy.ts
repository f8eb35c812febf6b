/** Where charging is nobody's business, where it is a danger to a whole stairwell, and what that changes. */

import type { MeterInfo } from '../../protocols/reading.ts';
import type { Severity } from '../alert.ts';

export interface Policy {
  /** Least power of a charger that matters, and the probability from which it is suspected. */
  leastW: number;
  suspectAt: number;
  /** Least time a load must hold before it is confirmed. */
  confirmMin: number;
  /** From this power on, holding it is enough; below, it must rise or outlast a notebook's battery. */
  sureW: number;
  /** Only a battery's taper confirms. */
  profile: boolean;
  severity: Severity;
}

/**
 * 60 W: the smallest e-bike charger (48 V, 1.2 A); below lie phones, notebooks and lamps.
 * 0.8: a step is looked at hundreds of times a month, so four in five must be rectifiers before a person hears of it.
 * 25 min: longer than the running time of most compressors and of any kitchen machine, shorter than the half hour
 * within which a grid worker must know.
 * 76 W: above 75 W a notebook, a screen or a computer must be corrected (IEC 61000-3-2, GB 17625.1), a charger need not.
 */
const HOME: Policy = { leastW: 60, suspectAt: 0.8, confirmMin: 25, sureW: 76, profile: false, severity: 'warning' };

/** A common escape route, or a shop that is closed: nothing else of that kind should be running there. */
const STRICT: Policy = { leastW: 45, suspectAt: 0.6, confirmMin: 12, sureW: 76, profile: false, severity: 'critical' };

/** Two notebooks begin in one minute when a room of students comes home: together up to 130 W without correction. */
const SHARED_W = 140;

/** An open shop is full of signs, tills and screens on supplies without correction, flat for as long as it is open. */
const OPEN_SHOP: Policy = { ...HOME, profile: true };

/** Undefined where charging is allowed or the meter sums up a whole area. */
export function policyOf(meter: MeterInfo, localMs: number): Policy | undefined {
  if (meter.charging === 'allowed') return undefined;
  switch (meter.premises) {
    case 'charging-point':
    case 'transformer':
    case 'feeder':
      return undefined;
    case 'corridor':
      return STRICT;
    case 'shop':
      return isNight(localMs) ? STRICT : OPEN_SHOP;
    case 'warehouse':
      return isNight(localMs) ? STRICT : HOME;
    case 'dormitory':
      return { ...(isNight(localMs) ? STRICT : HOME), sureW: SHARED_W };
    case 'flat':
    case 'house':
    case 'office':
    case 'industrial':
    case undefined:
      return HOME;
    default:
      return meter.premises satisfies never;
  }
}

/** 22:00 to 06:00, when a fire finds people asleep. */
function isNight(localMs: number): boolean {
  const hour = new Date(localMs).getUTCHours();
  return hour >= 22 || hour < 6;
}
