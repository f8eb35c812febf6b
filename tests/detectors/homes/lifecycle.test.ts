/** What holds for every detector of homes, whatever life it is shown. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { homeDetectors } from '../../../detectors/homes/homes.ts';
import { METER_EVENTS, type Reading } from '../../../protocols/reading.ts';
import { DAY, empty, Flat, HOUR, livedIn, noise } from './support.ts';

/** What a stretch of hours or days may be like. */
const LIVES = {
  livedIn: livedIn,
  empty: empty,
  away: () => 30,
  dead: () => 0,
  frozen: () => 123.4,
  'all on': (at: number) => livedIn(at) + 2500,
  'a little more': (at: number) => livedIn(at) + 200,
  'a roof': (at: number) => livedIn(at) - 1500,
  unread: () => undefined,
} as const;
const MORE: Record<string, (at: number) => Reading> = {
  'as ever': (at) => ({ importWh: Math.floor(at / HOUR) * 300, balanceYuan: 300 - ((at / DAY) % 60) * 5 }),
  'no register': () => ({}),
  stuck: () => ({ importWh: 1000, balanceYuan: 2 }),
  bridged: () => ({ currentA: [1], neutralCurrentA: 9, voltageV: [3] }),
  astray: (at) => ({ residualCurrentA: noise(Math.floor(at / DAY)), voltageV: [9000 * noise(at)] }),
};
const stretch = fc.record({
  life: fc.constantFrom(...(Object.keys(LIVES) as (keyof typeof LIVES)[])),
  more: fc.constantFrom(...Object.keys(MORE)),
  hours: fc.oneof(
    fc.integer({ min: 1, max: 60 }),
    fc.integer({ min: 3, max: 20 }).map((days) => 24 * days),
  ),
  event: fc.option(fc.constantFrom(...METER_EVENTS)),
});

describe('every detector of homes', () => {
  it('raises once, updates while raised, clears once, and names an alert the same all its life', () => {
    fc.assert(
      fc.property(fc.array(stretch, { minLength: 1, maxLength: 8 }), (stretches) => {
        const home = new Flat(homeDetectors(), { tariff: { tiersKwhPerMonth: [100, 220] } }, HOUR / 2);
        home.live(15 * 24, livedIn);
        for (const { life, more, hours, event } of stretches) {
          home.live(hours, LIVES[life], MORE[more]);
          if (event !== null) home.event(event);
        }
        const standing = new Map<string, Alert>();
        for (const alert of home.told()) {
          const what = `${alert.state} ${alert.kind} ${JSON.stringify(alert.evidence)}`;
          // A profile is told anew each day; it has no end.
          if (alert.kind === 'profile') continue;
          expect(standing.has(alert.id), what).toBe(alert.state !== 'raised');
          expect(alert.since, what).toBeLessThanOrEqual(alert.at);
          if (alert.state === 'cleared') standing.delete(alert.id);
          else standing.set(alert.id, alert);
        }
      }),
      { numRuns: 10 },
    );
  });
});
