/** Runs seeds one after the other and says of each failure how to see it again. */
import { execFileSync } from 'node:child_process';
import type { WorldResult } from './simulate.ts';

/** A seed that nobody chose: this commit's own, or a fixed one where there is no repository. */
export function commitSeed(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'no-repository';
  }
}

export interface Tally {
  seeds: number;
  violations: number;
}

/** @param onDone told after each seed; what `simulate` throws counts as a violation and ends only its own seed */
export async function runSeeds(
  seeds: readonly string[],
  simulate: (seed: string) => Promise<WorldResult>,
  print: (line: string) => void,
  onDone: (tally: Tally, result: WorldResult | undefined) => void = () => {},
): Promise<Tally> {
  const tally: Tally = { seeds: 0, violations: 0 };
  for (const seed of seeds) {
    const result = await simulate(seed).catch((error) => {
      print(`seed ${seed}: threw ${error instanceof Error ? error.stack : String(error)}`);
      return undefined;
    });
    tally.seeds++;
    tally.violations += result?.violations.length ?? 1;
    for (const violation of result?.violations ?? []) print(`seed ${seed}: ${violation}`);
    if (result === undefined || result.violations.length > 0) print(again(seed));
    onDone(tally, result);
  }
  return tally;
}

/** The one command that shows a failure again. */
export const again = (seed: string): string => `seed ${seed}: see it again with npm run world -- --seed ${seed}`;

export const lastLine = ({ seeds, violations }: Tally): string => `seeds=${seeds} violations=${violations}`;
