/**
 * `npm run bench [-- --json] [-- --only NAME]`: every `*.bench.ts` beside this file, one after the other.
 * Each exports `name` and `run()`, which resolves to its figures; `--json` prints them all on the last line.
 */
import { readdir } from 'node:fs/promises';
import { optionsOf } from '../support/options.ts';

interface Bench {
  name: string;
  run(): Promise<Record<string, number>>;
}

const values = optionsOf('bench', { json: { type: 'boolean' }, only: { type: 'string' } });
const here = new URL('.', import.meta.url);
const files = (await readdir(here)).filter((file) => file.endsWith('.bench.ts')).sort();
const figures: Record<string, number> = {};
let ran = 0;
for (const file of files) {
  const bench = (await import(new URL(file, here).href)) as Bench;
  if (values.only !== undefined && values.only !== bench.name) continue;
  ran++;
  console.error(`${bench.name} …`);
  const result = await bench.run();
  for (const [key, value] of Object.entries(result)) {
    figures[key] = value;
    if (values.json !== true) console.log(`${key.padEnd(36)} ${format(value)}`);
  }
}
if (ran === 0) {
  console.error(
    `bench: no benchmark is called ${values.only}; there are ${files.map((f) => f.replace('.bench.ts', '')).join(', ')}`,
  );
  process.exit(2);
}
if (values.json === true) console.log(JSON.stringify(figures));
// Servers and workers that a benchmark started must not keep the run alive.
process.exit(0);

function format(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(4)));
}
