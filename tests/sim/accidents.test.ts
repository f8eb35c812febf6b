import { describe, expect, it } from 'vitest';
import type { Reading, Sample } from '../../protocols/reading.ts';
import { Accidents, happenedUntil } from '../../sim/accidents.ts';
import { parseScenario } from '../../sim/scenario.ts';
import { makeStreet } from '../../sim/simulate.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const meters = [{ id: 'a', fuseA: 40, tariff: { tiersKwhPerMonth: [100, 200] } }];

const SAGS = `name: sags
why: One feeder's voltage is turned down three times, of which one is within the limits, for the truth to tell apart.
start: 2024-12-02T00:00:00
days: 5
groups: [{ name: house, count: 2 }]
happenings:
  - { what: voltage, feeder: F1, factor: 0.9, day: 1, at: "18:00", hours: 2 }
  - { what: voltage, feeder: F1, factor: 0.8, day: 2, at: "18:00", hours: 2 }
  - { what: voltage, feeder: F1, factor: 0.8, day: 3, at: "18:00", hours: 2 }
`;

function watch(of: (minute: number) => Reading, minutes: number, stepMs = MINUTE) {
  const accidents = new Accidents(meters, 0);
  for (let i = 0; i < minutes; i++) accidents.take({ atMs: i * stepMs, meter: 'a', reading: of(i) } satisfies Sample);
  return accidents;
}

describe('accidents', () => {
  it('calls ten minutes above the fuse an overload, over a short pause, and three minutes none', () => {
    const amps = (minute: number) => (minute < 3 || (minute >= 100 && minute < 120 && minute !== 110) ? 45 : 10);
    const truths = watch((minute) => ({ currentA: [amps(minute)] }), 200).truths([]);
    expect(truths).toEqual([
      { meter: 'a', kind: 'overload', from: 100 * MINUTE, to: 119 * MINUTE, what: '113 % of its fuse, by chance' },
    ]);
  });

  it('does not tell again what was planned', () => {
    const accidents = watch(() => ({ currentA: [45] }), 60);
    const planned = [{ meter: 'a', kind: 'overload', from: 5 * MINUTE, to: 9 * MINUTE, what: '' }];
    expect(accidents.truths(planned)).toEqual(planned);
  });

  it('sees the tiers of each month, and a balance that runs out once', () => {
    const reading = (hour: number) => ({ importWh: hour * 400, balanceYuan: 100 - hour / 4 });
    const truths = watch(reading, 24 * 40, 3_600_000).truths([]);
    expect(truths.map(({ kind, what }) => `${kind} ${what}`)).toEqual([
      'tariff-tier 100 kWh this month',
      'low-balance less than 10 yuan left',
      'tariff-tier 200 kWh this month',
    ]);
    expect(truths[0]!.to).toBe(250 * 3_600_000 + DAY);
  });

  it('tells of a street that is running what its quantities were, and leaves it as it is', () => {
    const { area, truths: planned } = makeStreet(parseScenario(SAGS, 'sags'));
    const untilMs = area.startMs + 3 * DAY;
    const last = area.meters.at(-1)!.id;
    const before = area.readingAt(last, untilMs);
    const truths = happenedUntil(area, planned, untilMs);
    expect(area.readingAt(last, untilMs)).toEqual(before);
    const daysOf = (some: typeof truths) => [
      ...new Set(
        some.flatMap(({ kind, from }) => (kind === 'voltage' ? [Math.floor((from - area.startMs) / DAY)] : [])),
      ),
    ];
    // 90 % of what this street has is still inside the limits, 80 % is not, and the last is yet to come.
    expect(daysOf(planned)).toEqual([1, 2, 3]);
    expect(daysOf(truths)).toEqual([2]);
    expect(truths.every(({ from }) => from <= untilMs)).toBe(true);
  });
});
