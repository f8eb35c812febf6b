/**
 * Finding every meter of a bus. The wildcard is meant for a point-to-point line: when several meters answer it at once,
 * nothing readable comes back. Then the low byte is fixed to each of its hundred values, and where several still answer
 * the next byte, too (2007: 5.2.1.2: the digits that are known stand at the low end, the rest are AAH).
 */
import { ANY_ADDRESS } from './frame.ts';

/**
 * What came of asking one pattern: a meter, nobody, or no clear voice: a wrong checksum, noise, half a frame, and also a
 * meter that answers with the wildcard itself, which gives its address away only when all of it is asked for.
 */
export type Probe = { address: string } | 'silence' | 'collision';

/**
 * Yields patterns to ask (`findMeterExchange`), is resumed with what came of each, returns the addresses found.
 * `most` bounds the patterns: 100 for each byte that has to be fixed.
 */
export function* searchMeters(most = 1000): Generator<string, string[], Probe> {
  const found = new Set<string>();
  const open = [ANY_ADDRESS];
  for (let asked = 0; asked < most; asked++) {
    const pattern = open.shift();
    if (pattern === undefined) break;
    const probe = yield pattern;
    if (probe === 'silence') continue;
    // Deeper at once: whoever waits sees the first meters long before all hundred values are through.
    if (probe === 'collision') open.unshift(...narrower(pattern));
    else found.add(probe.address);
  }
  return [...found].sort();
}

/** The hundred patterns with one more byte fixed; none when all are. */
function narrower(pattern: string): string[] {
  const known = pattern.replaceAll('A', '');
  if (known.length === 12) return [];
  const wild = 'A'.repeat(10 - known.length);
  return Array.from({ length: 100 }, (_, pair) => wild + String(pair).padStart(2, '0') + known);
}
