import { describe, expect, it } from 'vitest';
import { familiarity, type Lookalike, remember } from '../../../detectors/charging/lookalikes.ts';
import { emptyFit, type Presence } from '../../../detectors/charging/presence.ts';
import type { Session } from '../../../detectors/charging/session.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Harmonics of a load that has tapered off. */
const gone: Presence = {
  phase: 1,
  own: { re: [60, 50, 40], im: [0, 0, 0] },
  last: { re: [10, 8, 7], im: [0, 0, 0], atMs: 0, powerW: 120 },
  lookW: 20,
  sum: 0.17,
  looks: emptyFit(),
};

/** A confirmed load of 120 W for five hours. */
function session(sinceMs: number, change: Partial<Session> = {}): Session {
  return {
    sinceMs,
    beganMs: sinceMs,
    phase: 'ended',
    stage: 'confirmed',
    inputs: 'waveform',
    probability: 1,
    sign: 1,
    onsetW: 120,
    powerW: 120,
    peakW: 120,
    driftedW: 120,
    owedW: 0,
    energyWh: 600,
    onMs: 5 * HOUR_MS,
    atMs: sinceMs + 5 * HOUR_MS,
    fit: { n: 0, t: 0, p: 0, tt: 0, tp: 0, pp: 0 },
    shape: { a3: 0.9, a5: 0.8, a7: 0.6, displacementPf: 0.97, conductionDeg: 40, fall5: 0.88 },
    ...change,
  };
}

function remembered(days: readonly number[], change: Partial<Session> = {}): Lookalike[] {
  const memory: Lookalike[] = [];
  for (const day of days) remember(memory, session(day * DAY_MS, change), day * DAY_MS + 5 * HOUR_MS);
  return memory;
}

describe('look-alikes', () => {
  it('are what a clock switches off at full power, at its own minute only', () => {
    const memory = remembered([0, 1]);
    expect(familiarity(memory, session(2 * DAY_MS), 2 * DAY_MS).recurringMin).toBe(300);
    const later = 2 * DAY_MS + 2 * HOUR_MS;
    expect(familiarity(memory, session(later), later).recurringMin).toBeUndefined();
  });

  it('are not what tapered off like a battery, however punctual', () => {
    const memory = remembered([0, 1, 2], { powerW: 20, presence: gone });
    expect(memory).toEqual([]);
  });

  it('are known by what they drew when they began, whatever drifted meanwhile', () => {
    const memory = [62, 84, 79].flatMap((peakW, day) =>
      remembered([day], { stage: 'watched', onsetW: 62, peakW, energyWh: 40 }),
    );
    const notebook = session(3 * DAY_MS, { onsetW: 62, peakW: 64 });
    expect(familiarity(memory, notebook, 3 * DAY_MS).recurringMin).toBe(300);
    const charger = session(3 * DAY_MS, { onsetW: 78, peakW: 80 });
    expect(familiarity(memory, charger, 3 * DAY_MS).times).toBe(0);
  });

  it('are two notebooks that fell to two fifths together, not what fell to nothing', () => {
    const full = {
      onsetW: 120,
      peakW: 126,
      powerW: 60,
      presence: { ...gone, sum: 0.5, looks: { ...emptyFit(), n: 8 } },
    };
    expect(remembered([0], full)).toHaveLength(1);
    expect(remembered([0], { ...full, powerW: 20 })).toHaveLength(1);
    const empty = { ...full.presence, sum: 0.17 };
    expect(remembered([0], { ...full, powerW: 20, presence: empty })).toEqual([]);
    expect(remembered([0], { ...full, onsetW: 200, peakW: 210, powerW: 100 })).toEqual([]);
  });

  it('stay as many as there is room for', () => {
    const memory = remembered(
      Array.from({ length: 100 }, (_, day) => day),
      { stage: 'watched', energyWh: 40 },
    );
    expect(memory.length).toBeLessThanOrEqual(24);
  });
});
