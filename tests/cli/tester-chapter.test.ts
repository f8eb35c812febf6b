/** The tester's chapter of both READMEs: a street, a gateway that records it, and the score of what it heard. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { commandsOf } from './readme.ts';

const BIN = fileURLToPath(new URL('../../firmware/cli/bin.js', import.meta.url));
const CHAPTER = commandsOf('README.md', '## In the test street');
const folder = mkdtempSync(join(tmpdir(), 'tester-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const shell = (command: string) => ['-c', command.replace('npx gridwarden', `exec '${process.execPath}' '${BIN}'`)];

it('has the same commands in both languages', () => {
  expect(CHAPTER).toHaveLength(4);
  expect(commandsOf('README.zh-CN.md', '## 测试街区')).toEqual(CHAPTER);
});

it('leads from a street to its score', async () => {
  const [sim = '', run = '', ...after] = CHAPTER;
  const street = spawn('sh', shell(sim), { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
  await once(createInterface({ input: street.stdout }), 'line');
  const ran = (command: string) => spawnSync('sh', shell(command), { cwd: folder, encoding: 'utf8' });
  const steps = [ran(`${run} --for 10`)];
  street.kill('SIGINT');
  await once(street, 'exit');
  steps.push(...after.map(ran));
  expect(steps.map(({ status, stderr }) => (status === 0 ? 0 : stderr))).toEqual([0, 0, 0]);
  expect(existsSync(join(folder, 'report.html'))).toBe(true);
});
