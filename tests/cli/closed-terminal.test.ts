/** `sim` and `demo` when their terminal is closed: nothing of theirs stays behind. And `watch` beside a demo. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { gridwarden } from './run-cli.ts';

const BIN = fileURLToPath(new URL('../../firmware/cli/bin.js', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'closed-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const start = (...args: string[]) =>
  spawn(process.execPath, [BIN, ...args], {
    env: { ...process.env, NO_COLOR: '1', TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** The first line that matches; what comes after it is read and dropped. */
async function lineOf(stream: Readable, pattern: RegExp): Promise<RegExpExecArray> {
  const lines = createInterface({ input: stream });
  return new Promise((resolve) =>
    lines.on('line', (line) => {
      const found = pattern.exec(line);
      if (found !== null) resolve(found);
    }),
  );
}

it('leaves no terminal of a street behind', async () => {
  const child = start('sim', 'demo');
  await lineOf(child.stdout, /"ready":true/);
  expect(readdirSync(folder).length).toBeGreaterThan(0);
  child.kill('SIGHUP');
  // As from the terminal and from a starter above it.
  child.kill('SIGHUP');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(readdirSync(folder)).toEqual([]);
});

it('names the broker of the demo, for watch, and leaves nothing of it behind', async () => {
  const child = start('demo');
  child.stdout.resume();
  const [, broker = ''] = await lineOf(child.stderr, /the broker: (mqtt:\S+) .*gridwarden watch --broker/);
  const watched = await gridwarden(['watch', '--broker', broker, '--for', '3']);
  expect(watched.status, watched.stderr).toBe(0);
  expect(watched.stderr).toMatch(/gw-demo: online/);
  expect(watched.stderr.trim().split('\n').at(-1)).toMatch(
    /^[1-9]\d* messages? \(\d+ alerts?, [1-9]\d* states? of a gateway\), \d+ came again, 0 not to the schema$/,
  );
  child.kill('SIGHUP');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(readdirSync(folder)).toEqual([]);
});
