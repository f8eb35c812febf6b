import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressMatches } from '../../../protocols/dlt645/frame.ts';
import { type Probe, searchMeters } from '../../../protocols/dlt645/search.ts';

/** A bus on which several answers at once are unreadable. */
function search(meters: readonly string[], most?: number): { found: string[]; asked: number } {
  const searching = searchMeters(most);
  let asked = 0;
  let next = searching.next();
  while (!next.done) {
    asked++;
    const pattern = next.value;
    const voices = meters.filter((address) => addressMatches(pattern, address));
    const probe: Probe = voices.length === 0 ? 'silence' : voices.length > 1 ? 'collision' : { address: voices[0]! };
    next = searching.next(probe);
  }
  return { found: next.value, asked };
}

describe('the search for meters', () => {
  it('needs one question for one meter', () => {
    expect(search(['000000000161'])).toEqual({ found: ['000000000161'], asked: 1 });
    expect(search([])).toEqual({ found: [], asked: 1 });
  });

  it('finds every meter of a bus, also those that differ in their high digits only', () => {
    const street = fc.uniqueArray(
      fc.integer({ min: 0, max: 9999 }).map((n) => String(n).padStart(12, '0')),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(street, (meters) => {
        expect(search(meters, 100_000).found).toEqual([...meters].sort());
      }),
      { numRuns: 30 },
    );
    expect(search(['110000000001', '220000000001'], 2000).found).toEqual(['110000000001', '220000000001']);
  });

  it('comes to an end when noise answers everything', () => {
    const searching = searchMeters(500);
    let asked = 0;
    for (let next = searching.next(); !next.done; next = searching.next('collision')) asked++;
    expect(asked).toBe(500);
  });
});
