/** What the outage detector remembers of an area: plain JSON. */

import type { MeterInfo } from '../../../protocols/reading.ts';
import { type Area, rejoin } from '../../detector.ts';
import { MINUTE_MS } from '../figures.ts';
import { newReliability, type Reliability } from './reliability.ts';
import type { Condition, Scope } from './scope.ts';

export interface OutageSettings {
  settleMs: number;
  restoreHoldMs: number;
  repeatCount: number;
  repeatDays: number;
}

export const OUTAGE_DEFAULTS: OutageSettings = {
  settleMs: 2 * MINUTE_MS,
  restoreHoldMs: 2 * MINUTE_MS,
  repeatCount: 3,
  repeatDays: 60,
};

/** One user's meter. */
export interface Seat {
  condition: Condition;
  /** When it was last heard, and what it drew then, W. */
  heardMs: number;
  powerW: number;
  /** When the present or last time without power or answer began and ended for this meter. */
  downMs: number;
  backMs: number;
  /** Whether all that is known of it was looked at and counted. */
  told: boolean;
  /** It was seen with voltage; since when every phase is without, 0 where one has it. */
  lit: boolean;
  darkMs: number;
  /** Its last absence was a mere silence that a record may yet explain, or that an incident has counted already. */
  silence: 'none' | 'open' | 'counted';
  /** Days since 1970 of its outages, at most eight, newest last. */
  days: number[];
}

export interface Incident {
  scope: Scope;
  where: string;
  meter: string;
  sinceMs: number;
  meters: string[];
  said: number;
  repeats: number;
  confidence: number;
  /** When so many were back that it counts as over; 0: not yet. */
  overMs: number;
}

export interface OutageState {
  seats: Record<string, Seat>;
  incidents: Incident[];
  /** A change of conditions that waits for its settling time; 0: none. */
  changedMs: number;
  /** Transformer's load over the last quarter of an hour, newest last: [time, W]. */
  load: [number, number][];
  /** Phases that a transformer or feeder meter sees without voltage: meter → phases. */
  dead: Record<string, number[]>;
  repeated: Record<string, { sinceMs: number; scope: Scope; where: string }>;
  reliability: Reliability;
}

/** @param before the state of before a restart: meters may have joined or left since */
export function newState(area: Area, before?: OutageState): OutageState {
  const seats: OutageState['seats'] = {};
  for (const meter of area.meters) {
    if (isUser(meter)) {
      seats[meter.id] = {
        condition: 'live',
        heardMs: 0,
        powerW: 0,
        downMs: 0,
        backMs: 0,
        told: true,
        lit: false,
        darkMs: 0,
        silence: 'none',
        days: [],
      };
    }
  }
  const heads = new Set(area.meters.filter((meter) => !isUser(meter)).map(({ id }) => id));
  return {
    ...{ incidents: [], changedMs: 0, load: [], repeated: {}, reliability: newReliability() },
    ...before,
    seats: rejoin(seats, before?.seats),
    dead: Object.fromEntries(Object.entries(before?.dead ?? {}).filter(([id]) => heads.has(id))),
  };
}

export function isUser(meter: MeterInfo): boolean {
  return meter.premises !== 'transformer' && meter.premises !== 'feeder';
}
