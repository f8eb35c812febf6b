/**
 * `npm run world [-- --seeds N [--from N] [--commit] | --seed NAME]`: the seeded world; the last line is
 * `seeds=N violations=N`. `--commit` adds a seed that nobody chose: this commit's hash.
 */
import { optionsOf } from '../support/options.ts';
import { again, commitSeed, lastLine, runSeeds, type Tally } from './seeds.ts';
import { simulate } from './simulate.ts';

const values = optionsOf('world', {
  seeds: { type: 'string', default: '20' },
  seed: { type: 'string' },
  from: { type: 'string', default: '1' },
  commit: { type: 'boolean', default: false },
});
const count = Number(values.seeds);
const from = Number(values.from);
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(from)) {
  console.error(`world: --seeds ${values.seeds} --from ${values.from}: expected whole numbers above 0`);
  process.exit(2);
}
const numbered = Array.from({ length: count }, (_, i) => String(from + i));
const seeds = values.seed === undefined ? [...numbered, ...(values.commit ? [commitSeed()] : [])] : [values.seed];
let tally: Tally = { seeds: 0, violations: 0 };
let current = '';
let over = false;

/** A world that throws past its own promises, or waits for something that never comes, ends the run, but not silently. */
function ended(why: string): void {
  if (over) return;
  over = true;
  console.log(`seed ${current}: ${why}`);
  console.log(again(current));
  console.log(lastLine({ seeds: tally.seeds + 1, violations: tally.violations + 1 }));
  process.exit(1);
}
process.on('uncaughtException', (error) => ended(`threw ${error.stack}`));
process.on('exit', () => ended('never ended'));

const final = await runSeeds(
  seeds,
  (seed) => {
    current = seed;
    return simulate(seed);
  },
  console.log,
  (now, result) => {
    tally = { ...now };
    const { seeds: done, violations } = now;
    if (process.stderr.isTTY) process.stderr.write(`\r${done}/${seeds.length} seeds, ${violations} violations `);
    else if (values.seed !== undefined && result !== undefined) console.log(JSON.stringify(result));
  },
);
over = true;
if (process.stderr.isTTY) process.stderr.write('\n');
console.log(lastLine(final));
process.exit(final.violations > 0 ? 1 : 0);
