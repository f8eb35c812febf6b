/** `npm run world [-- --seeds N | --seed NAME]`: the seeded world; the last line is `seeds=N violations=N`. */
import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
  },
});
const count = Number(values.seeds);
const from = Number(values.from);
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(from)) {
  console.error(`world: --seeds ${values.seeds} --from ${values.from}: expected whole numbers above 0`);
  process.exit(2);
}
const seeds = values.seed === undefined ? Array.from({ length: count }, (_, i) => String(from + i)) : [values.seed];
let violations = 0;
let done = 0;
for (const seed of seeds) {
  const result = await simulate(seed);
  done++;
  violations += result.violations.length;
  for (const violation of result.violations) console.log(`seed ${seed}: ${violation}`);
  if (result.violations.length > 0) console.log(`seed ${seed}: see it again with npm run world -- --seed ${seed}`);
  if (process.stderr.isTTY) process.stderr.write(`\r${done}/${seeds.length} seeds, ${violations} violations `);
  else if (values.seed !== undefined) console.log(JSON.stringify(result));
}
if (process.stderr.isTTY) process.stderr.write('\n');
console.log(`seeds=${done} violations=${violations}`);
process.exit(violations > 0 ? 1 : 0);
