/** The scripts of tests/ that take options, given one that they do not know. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it.each([
  ['fuzz', 'fuzz/fuzz.ts'],
  ['soak', 'soak/soak.ts'],
  ['chaos', 'chaos/chaos.ts'],
  ['world', 'world/world.ts'],
  ['bench', 'bench/bench.ts'],
  ['scores', 'sim/scenario-scores.ts'],
  ['eval', 'eval/eval.ts', 'homes'],
])('%s says in one line which options there are', (script, file, ...before) => {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...before, '--nonsense'], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(new RegExp(`^${script}: Unknown option '--nonsense': expected --\\w+.*\\n$`));
});
