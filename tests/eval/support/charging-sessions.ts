/** Charging sessions as powers over time: modelled constant current then constant voltage, and the two measured ones. */
import type { Draw } from '../../../sim/currents/seeded.ts';
import { loadBoschSessions } from './charging-data.ts';

export type SessionKind = 'full' | 'partial' | 'interrupted' | 'measured';

export interface ChargingSession {
  kind: SessionKind;
  /** Watts every `stepS` seconds, from the plug-in to the end. */
  stepS: number;
  powerW: Float64Array;
}

const STEP_S = 12;
const KINDS = ['full', 'full', 'partial', 'interrupted', 'measured'] as const;

/** One session; chargers of 60 to 400 W, most of them 80 to 250 W. */
export function drawSession(draw: Draw): ChargingSession {
  const kind = draw.pick(KINDS);
  if (kind === 'measured') return measuredSession(draw);
  const modelled = chargeProfile(draw, kind === 'partial' ? draw.between(0.4, 0.9) : draw.between(0, 0.3));
  if (kind !== 'interrupted') return { kind, stepS: STEP_S, powerW: modelled };
  // Somebody moves the plug once, for less than a quarter of an hour.
  const at = Math.floor(modelled.length * draw.between(0.2, 0.7));
  const pause = new Float64Array(Math.round((draw.between(2, 14) * 60) / STEP_S));
  return {
    kind,
    stepS: STEP_S,
    powerW: Float64Array.from([...modelled.subarray(0, at), ...pause, ...modelled.subarray(at)]),
  };
}

/** @param charged how full the battery is at the start */
function chargeProfile(draw: Draw, charged: number): Float64Array {
  const startW = draw.betweenLog(62, 350);
  const rise = draw.between(0.1, 0.2);
  // A battery takes two to seven hours at constant current, whatever its charger.
  const currentH = draw.between(2, 7);
  const taperMin = draw.between(10, 60);
  const floatW = draw.between(0, 4);
  const profile: number[] = [];
  const kneeH = currentH * (1 - charged);
  for (let s = 0; s / 3600 < kneeH; s += STEP_S) profile.push(startW * (1 + rise * (charged + s / 3600 / currentH)));
  const kneeW = profile.at(-1) ?? startW;
  for (let s = 0; ; s += STEP_S) {
    const powerW = kneeW * Math.exp((-2.5 * s) / 60 / taperMin);
    if (powerW < 0.08 * kneeW) break;
    profile.push(powerW);
  }
  const floating = draw.unit() < 0.5 ? draw.between(10, 60) : 0;
  for (let s = 0; s < floating * 60; s += STEP_S) profile.push(floatW);
  return Float64Array.from(profile);
}

/** A measured session from its first watt to its last, at a charger's scale. */
function measuredSession(draw: Draw): ChargingSession {
  const { stepS, powerW } = draw.pick(loadBoschSessions());
  const first = powerW.findIndex((value) => value > 20);
  const last = powerW.findLastIndex((value) => value > 20);
  const scale = draw.between(0.5, 1.2);
  return {
    kind: 'measured',
    stepS,
    powerW: Float64Array.from(powerW.slice(first, last + 1), (value) => value * scale),
  };
}
