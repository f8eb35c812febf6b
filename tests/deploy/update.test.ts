/** After an update: what makes a start stay, wait, or give way to the other slot. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeStart, PATIENCE_S, START_PATIENCE_S } from '../../deploy/update/confirm.ts';
import { isNewer } from '../../deploy/update/version.ts';
import type { Health } from '../../firmware/supervisor.ts';

const well: Health = { answering: 8, meters: 8, brokerReached: true };
const remembered = { image: '1', health: well };

describe('the start after an update', () => {
  it.each([
    { what: 'does what it did', health: well, uptimeS: 90, verdict: 'good' },
    { what: 'one meter is enough', health: { ...well, answering: 1 }, uptimeS: 90, verdict: 'good' },
    { what: 'no meter yet', health: { ...well, answering: 0 }, uptimeS: 90, verdict: 'wait' },
    { what: 'no meter at all', health: { ...well, answering: 0 }, uptimeS: PATIENCE_S, verdict: 'back' },
    { what: 'broker lost', health: { ...well, brokerReached: false }, uptimeS: PATIENCE_S, verdict: 'back' },
    { what: 'does not run yet', health: undefined, uptimeS: START_PATIENCE_S - 1, verdict: 'wait' },
    { what: 'does not run', health: undefined, uptimeS: START_PATIENCE_S, verdict: 'back' },
    { what: 'no broker yet', health: { ...well, brokerReached: false }, uptimeS: PATIENCE_S - 1, verdict: 'wait' },
  ])('$what: $verdict', ({ health, uptimeS, verdict }) => {
    expect(judgeStart({ image: '2', health, uptimeS, remembered })).toMatchObject({ verdict });
  });

  it('asks no more of an update than worked before', () => {
    const poor = { image: '1', health: { answering: 0, meters: 8, brokerReached: false } };
    expect(judgeStart({ image: '2', health: poor.health, uptimeS: 90, remembered: poor }).verdict).toBe('good');
    const none = { image: '1', health: undefined };
    expect(judgeStart({ image: '2', health: undefined, uptimeS: 90, remembered: none }).verdict).toBe('good');
  });

  it('never goes back from an image that was not just updated to, whatever fails', () => {
    const health = fc.option(fc.record({ answering: fc.nat(9), meters: fc.nat(9), brokerReached: fc.boolean() }), {
      nil: undefined,
    });
    fc.assert(
      fc.property(health, health, fc.nat(100_000), fc.boolean(), (now, before, uptimeS, known) => {
        const start = {
          image: '1',
          health: now,
          uptimeS,
          remembered: known ? { image: '1', health: before } : undefined,
        };
        expect(judgeStart(start).verdict).toBe('good');
      }),
    );
  });
});

describe('an image', () => {
  it.each([
    ['0.2.0+202611220035', '0.1.9+202612010000', true],
    ['0.1.0+202611220036', '0.1.0+202611220035', true],
    ['0.1.0+202611220035', '0.1.0+202611220035', false],
    ['0.1.0', '0.1.0+202611220035', false],
    ['0.10.0', '0.9.0', true],
  ])('%s is newer than %s: %s', (candidate, running, newer) => {
    expect(isNewer(candidate, running)).toBe(newer);
  });
});
