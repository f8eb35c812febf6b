/** A property that a mutant breaks is broken by the first few examples already; each mutant pays for all of them. */
import fc from 'fast-check';

fc.configureGlobal({ numRuns: 30 });
