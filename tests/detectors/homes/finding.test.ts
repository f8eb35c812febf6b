import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hold, notHeld, round, say } from '../../../detectors/homes/finding.ts';

const MINUTE = 60_000;

describe('a condition that is held', () => {
  /** What is said minute by minute of a condition: 10 minutes raise it, 20 clear it. */
  function live(seen: string): string[] {
    const held = notHeld();
    const said: string[] = [];
    [...seen].forEach((is, minute) => {
      if (is === ' ') return;
      const change = hold(held, is === '#', (1 + minute) * MINUTE, 10 * MINUTE, 20 * MINUTE);
      if (change !== undefined) said.push(`${change} ${minute} since ${held.sinceMs / MINUTE - 1}`);
    });
    return said;
  }

  it('counts after its time without a break, and is over after its time without a relapse', () => {
    expect(live(`..${'#'.repeat(10)}...`)).toEqual([]);
    expect(live(`..${'#'.repeat(11)}...`)).toEqual(['raised 12 since 2']);
    expect(live(`..#####.${'#'.repeat(11)}`)).toEqual(['raised 18 since 8']);
    expect(live(`${'#'.repeat(11)}${'.'.repeat(20)}#${'.'.repeat(20)}`)).toEqual(['raised 10 since 0']);
    expect(live(`${'#'.repeat(11)}${'.'.repeat(21)}`)).toEqual(['raised 10 since 0', 'cleared 31 since 0']);
    expect(live(`${'#'.repeat(11)}${'.'.repeat(21)}${'#'.repeat(11)}`).at(-1)).toBe('raised 42 since 32');
  });

  it('starts afresh after more than two hours of which nobody knows', () => {
    expect(live(`#${' '.repeat(119)}#`)).toEqual(['raised 120 since 0']);
    expect(live(`#${' '.repeat(120)}#`)).toEqual([]);
    // What was raised stays raised meanwhile.
    expect(live(`${'#'.repeat(11)}${' '.repeat(300)}#`)).toHaveLength(1);
    expect(live('#'.repeat(11) + ' '.repeat(300) + '.'.repeat(21))).toHaveLength(2);
  });
});

describe('a figure as a person reads it', () => {
  it('has three digits below a thousand and none behind the point above', () => {
    expect([0.123456, -12.3456, 999.4, 1000.4, -1234.5678, 0].map(round)).toEqual([0.123, -12.3, 999, 1000, -1235, 0]);
    expect([Number.NaN, Number.POSITIVE_INFINITY].map(round)).toEqual([0, 0]);
    fc.assert(
      fc.property(fc.double({ min: -1e9, max: 1e9, noNaN: true }), (value) => {
        expect(Math.abs(round(value) - value)).toBeLessThanOrEqual(Math.max(0.5, 0.0051 * Math.abs(value)));
      }),
    );
  });

  it('is rounded in evidence; words and answers are left as they are', () => {
    const finding = { meter: 'm', kind: 'tamper', state: 'raised', severity: 'notice', sinceMs: 1 } as const;
    const said = say({
      ...finding,
      confidence: 0.98765,
      recipients: ['power'],
      evidence: { a: 1.2345, b: 'b', c: true },
    });
    const evidence = { a: 1.23, b: 'b', c: true };
    expect(said).toEqual({
      type: 'finding',
      finding: { ...finding, confidence: 0.98765, recipients: ['power'], evidence },
    });
  });
});
