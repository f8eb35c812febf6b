import { describe, expect, it } from 'vitest';
import { policyOf } from '../../../detectors/charging/policy.ts';
import { addTo, emptyFit } from '../../../detectors/charging/presence.ts';
import type { Session } from '../../../detectors/charging/session.ts';
import { type Context, isConfirmed } from '../../../detectors/charging/verdict.ts';

const MINUTE_MS = 60_000;
const policy = policyOf({ id: 'm', premises: 'flat' }, 0)!;
const known: Context = { watchedMs: 10 * 86_400_000, times: 1, today: false, recurringMin: undefined };
const strange: Context = { ...known, times: 0 };

/** Half an hour of a load that its own harmonics show flat, in a home whose readings drift by so many watts in an hour. */
function session(powerW: number, sum: number, driftW = 0): Session {
  const looks = emptyFit();
  const fit = emptyFit();
  for (let minute = 3; minute <= 27; minute += 4) addTo(looks, minute / 60, powerW + (minute % 3) / 4);
  for (let minute = 1; minute < 28; minute++) addTo(fit, minute / 60, powerW + (driftW * minute) / 60 + (minute % 3));
  const own = { re: [60, 50, 40], im: [0, 0, 0] };
  return {
    ...{ sinceMs: 0, beganMs: 0, phase: 'on', stage: 'suspected', inputs: 'waveform', probability: 1, sign: 1 },
    ...{ onsetW: powerW, powerW, peakW: powerW, driftedW: powerW, owedW: 0, energyWh: powerW / 2 },
    ...{ onMs: 28 * MINUTE_MS, atMs: 28 * MINUTE_MS, fit },
    presence: { phase: 1, own, last: { ...own, atMs: 27 * MINUTE_MS, powerW: 200 }, lookW: powerW, sum, looks },
    shape: { a3: 0.9, a5: 0.8, a7: 0.6, displacementPf: 0.97, conductionDeg: 40, fall5: 0.88 },
  };
}

describe('what holds a charger’s power for half an hour', () => {
  it('is one, while nothing of it came or went', () => {
    expect(isConfirmed(session(84, 1), policy, known)).toBe(true);
    expect(isConfirmed(session(84, 1.3), policy, known)).toBe(false);
    expect(isConfirmed(session(84, 0.7), policy, known)).toBe(false);
  });

  it('is one whatever comes and goes, where two common loads have less', () => {
    expect(isConfirmed(session(160, 1.3), policy, known)).toBe(true);
  });

  it('is two notebooks where students come home together', () => {
    const room = policyOf({ id: 'm', premises: 'dormitory' }, 12 * 3_600_000)!;
    expect(isConfirmed(session(118, 1.02), room, known)).toBe(false);
    expect(isConfirmed(session(118, 1.02), policy, known)).toBe(true);
    expect(isConfirmed(session(150, 1.02), room, known)).toBe(true);
  });

  it('new to the home, is one unless the home’s own drift shows that it grows', () => {
    expect(isConfirmed(session(84, 1.3), policy, strange)).toBe(true);
    expect(isConfirmed(session(84, 1.3, 40), policy, strange)).toBe(false);
  });
});
