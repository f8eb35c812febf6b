import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { untouchedMappings } from '../../firmware/give-back.ts';

const FILE = '/opt/gridwarden/bin/node';
const entry = (range: string, rights: string, file: string, anonymousKb = 0, dirtyKb = anonymousKb) =>
  [
    `${range} ${rights} 00000000 fe:00 5316818                            ${file}`,
    'Size:               3352 kB',
    'Rss:                2400 kB',
    `Private_Dirty:      ${String(dirtyKb).padStart(5)} kB`,
    `Anonymous:          ${String(anonymousKb).padStart(5)} kB`,
    'VmFlags: rd mr mw me sd',
  ].join('\n');

it('names only what can be read again from the program file', () => {
  const smaps = [
    entry('00400000-00746000', 'r--p', FILE),
    entry('0074a000-03044000', 'r-xp', FILE),
    entry('06b51000-06b60000', 'r--p', FILE, 60),
    entry('06b60000-06b80000', 'rw-p', FILE, 0),
    entry('06b80000-06b90000', 'r--p', FILE, 0, 8),
    entry('7f432fdc0000-7f432ffc5000', 'r-xp', '/usr/lib/x86_64-linux-gnu/libc.so.6'),
    entry('7f4400000000-7f4400200000', 'r--p', `${FILE} (deleted)`),
  ].join('\n');
  expect(untouchedMappings(smaps, FILE)).toEqual([
    { from: 0x00400000, to: 0x00746000 },
    { from: 0x0074a000, to: 0x03044000 },
  ]);
});

it.skipIf(process.platform !== 'linux')("finds this program's own code", () => {
  const found = untouchedMappings(readFileSync('/proc/self/smaps', 'utf8'), process.execPath);
  expect(found.reduce((bytes, { from, to }) => bytes + to - from, 0)).toBeGreaterThan(10_000_000);
});
