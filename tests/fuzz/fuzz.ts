/**
 * `npm run fuzz [-- --seconds N] [-- --only NAME] [-- --seed N]`: throws bytes at everything that reads a wire.
 * Every file beside this one exports `targets`. Without `--seconds` each target gets ten million bytes (those that do
 * not count bytes: 20,000 inputs). A failure names its target and seed; `--only` with `--seed` runs that input alone.
 * Last line `inputs=N failures=N`; exit status 1 on a failure.
 */
import { readdir } from 'node:fs/promises';
import { optionsOf } from '../support/options.ts';

export interface Target {
  name: string;
  /** One input. Throws when it broke a rule; may return how many bytes it was. */
  run(random: () => number): unknown;
}

const BYTES = 10_000_000;
const UNCOUNTED_INPUTS = 20_000;
const SHOWN = 20;
/** What a run may leave behind: all that is fed is dropped again. */
const GROWTH_BYTES = 128 * 1024 * 1024;

const values = optionsOf('fuzz', { seconds: { type: 'string' }, only: { type: 'string' }, seed: { type: 'string' } });
const targets = (await loadTargets()).filter(({ name }) => values.only === undefined || values.only === name);
const forMs = values.seconds === undefined ? undefined : (Number(values.seconds) * 1000) / targets.length;
if (targets.length === 0 || Number.isNaN(forMs)) {
  console.error('fuzz: expected --seconds NUMBER and --only NAME of a target');
  process.exit(2);
}

let inputs = 0;
let failures = 0;
for (const target of targets) {
  if (values.seed === undefined) fuzz(target);
  else attempt(target, Number(values.seed));
}
console.log(`inputs=${inputs} failures=${failures}`);
process.exit(failures > 0 ? 1 : 0);

function fuzz(target: Target): void {
  const startedMs = performance.now();
  const heapBefore = process.memoryUsage().heapUsed;
  let bytes = 0;
  let count = 0;
  const base = Math.floor(Math.random() * 2 ** 31);
  const isEnough = () => {
    if (forMs !== undefined) return count % 64 === 0 && performance.now() - startedMs >= forMs;
    return bytes === 0 ? count >= UNCOUNTED_INPUTS : bytes >= BYTES;
  };
  while (count === 0 || !isEnough()) bytes += attempt(target, base + count++);
  const grown = process.memoryUsage().heapUsed - heapBefore;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${target.name}: ${count} inputs, ${bytes} bytes, ${seconds} s`);
  if (grown > GROWTH_BYTES) fail(target, base, `the heap grew by ${Math.round(grown / 2 ** 20)} MB`);
}

function attempt(target: Target, seed: number): number {
  inputs++;
  try {
    const bytes = target.run(randomFrom(seed));
    return typeof bytes === 'number' ? bytes : 0;
  } catch (error) {
    fail(target, seed, error instanceof Error ? (error.stack ?? error.message) : String(error));
    return 0;
  }
}

function fail(target: Target, seed: number, reason: string): void {
  failures++;
  if (failures <= SHOWN) console.log(`${target.name} --seed ${seed}: ${reason}`);
}

async function loadTargets(): Promise<Target[]> {
  const here = new URL('.', import.meta.url);
  const files = (await readdir(here)).filter((file) => file.endsWith('.ts') && file !== 'fuzz.ts').sort();
  const loaded: Target[] = [];
  for (const file of files) {
    const { targets = [] } = (await import(new URL(file, here).href)) as { targets?: readonly Target[] };
    loaded.push(...targets);
  }
  return loaded;
}

/** Mulberry32: small, and the same on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
