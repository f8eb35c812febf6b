import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { gridwarden } from './run-cli.ts';

const HEADER = {
  recording: 1,
  timezone: 'Asia/Shanghai',
  meters: [{ id: 'm1', premises: 'flat', phases: 1, fuseA: 40, grid: 'g7' }],
};
const T0 = Date.UTC(2024, 4, 1);

/** An hour of one meter, a reading every ten seconds; from minute 10 to 20 it draws 60 A over a 40 A fuse. */
function recording(): string[] {
  const lines = [JSON.stringify(HEADER)];
  for (let s = 0; s < 3600; s += 10) {
    const currentA = s >= 600 && s < 1200 ? 60 : 5;
    lines.push(
      JSON.stringify({
        t: T0 + s * 1000,
        m: 'm1',
        r: { voltageV: [230], currentA: [currentA], activePowerW: 230 * currentA },
      }),
    );
  }
  return lines;
}

const directory = mkdtempSync(join(tmpdir(), 'replay-'));
function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

describe('replay', () => {
  it('prints the same alerts on every run, plain or gzip, one id from raised to cleared', async () => {
    const text = recording().join('\n');
    const plain = await gridwarden(['replay', file('a.ndjson', text), '--kind', 'overload']);
    const packed = await gridwarden(['replay', file('a.ndjson.gz', gzipSync(text)), '--kind', 'overload']);
    expect(plain.status).toBe(0);
    expect(packed.stdout).toBe(plain.stdout);
    expect(plain.lines.map((alert) => alert.state)).toContain('raised');
    expect(plain.lines.at(-1)).toMatchObject({ state: 'cleared', kind: 'overload', meter: 'm1', grid: 'g7' });
    expect(new Set(plain.lines.map((alert) => alert.id)).size).toBe(1);
  });

  it('skips a broken line with its number and goes on', async () => {
    const lines = recording();
    lines.splice(5, 0, '{"t":17', '{"t":1,"m":"m1","r":{"activePowerW":"much"}}');
    const ran = await gridwarden(['replay', file('broken.ndjson', lines.join('\n'))]);
    expect(ran.status).toBe(0);
    expect(ran.stderr).toMatch(/line 6/);
    expect(ran.stderr).toMatch(/2 of \d+ records could not be read/);
    expect(ran.lines.length).toBeGreaterThan(0);
  });

  it.each([
    [['replay', '/nowhere/x.ndjson'], 'no such file'],
    [['replay', file('empty.ndjson', '')], 'empty: expected a header'],
    [['replay', file('only-header.ndjson', JSON.stringify(HEADER))], 'no record could be read'],
    [['replay', file('bad.ndjson.gz', 'not gzip')], 'expected a recording'],
    [
      ['replay', file('zone.ndjson', '{"recording":1,"timezone":"Mars/X","meters":[]}\n{}')],
      'zone.ndjson: line 1: timezone',
    ],
    [['replay', file('kind.ndjson', recording().join('\n')), '--kind', 'overlaod'], '--kind overlaod: expected'],
    [['replay'], 'recording'],
    [['replay', 'x', '--nonsense'], 'unknown option'],
    [['nonsense'], 'unknown command'],
  ])('says in one line what is wrong with %j', async (args, what) => {
    const ran = await gridwarden(args);
    expect(ran.status).toBe(2);
    expect(ran.stdout).toBe('');
    expect(ran.stderr.trim().split('\n').at(-1)).toContain(what);
  });
});

describe('help', () => {
  it('quotes in its examples what a shell would take for itself', async () => {
    const source = readFileSync(fileURLToPath(new URL('../../firmware/cli/gridwarden.ts', import.meta.url)), 'utf8');
    const verbs = [...source.matchAll(/\.command\('(\w+)'\)/g)].map(([, verb]) => verb ?? '');
    expect(verbs.length).toBeGreaterThan(12);
    for (const verb of verbs) {
      const { stdout } = await gridwarden([verb, '--help']);
      const examples = stdout.split('\n').filter((line) => line.startsWith('  $ '));
      expect(examples.length, verb).toBeGreaterThan(0);
      for (const example of examples) expect(example.replace(/'[^']*'/g, '')).not.toMatch(/[?&*;()[\]]/);
    }
  });

  it.each([
    'demo',
    'run',
    'check',
    'scan',
    'read',
    'doctor',
    'decode',
    'sim',
    'replay',
    'score',
    'watch',
  ])('%s explains itself with examples', async (verb) => {
    const ran = await gridwarden([verb, '--help']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(/Examples:\n {2}\$ gridwarden/);
  });
});
