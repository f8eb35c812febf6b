import { describe, expect, it } from 'vitest';
import { playShare, playShared } from '../support/sim-shard.ts';

describe('a simulated street through the detectors', () => {
  const street = { scenario: 'demo', fromDay: 0, days: 0.5, warmDays: 0 };

  it('gives the same alerts on every run, on one core and on two', async () => {
    const one = playShare({ ...street, index: 0, of: 1 }).alerts;
    const again = playShare({ ...street, index: 0, of: 1 }).alerts;
    expect(JSON.stringify(again)).toBe(JSON.stringify(one));
    const two = await playShared({ ...street, of: 2 });
    const inOrder = [...one].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
    expect(JSON.stringify(two.alerts)).toBe(JSON.stringify(inOrder));
    expect(one.some(({ kind, meter }) => kind === 'overload' && meter === '000100000102')).toBe(true);
  }, 60_000);
});
