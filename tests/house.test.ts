/** The rules of the house, as an ordinary test: who may import whom, what is pure, and how large things grow. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Source {
  path: string;
  text: string;
}

/** What each layer may import of ours. The command line is the composition root. */
const MAY_IMPORT: { layer: RegExp; ours: RegExp }[] = [
  { layer: /^protocols\//, ours: /^protocols\// },
  { layer: /^detectors\//, ours: /^(detectors\/|protocols\/reading\.ts$)/ },
  { layer: /^sim\//, ours: /^(sim|protocols)\// },
  { layer: /^firmware\/cli\//, ours: /./ },
  { layer: /^firmware\//, ours: /^(firmware\/(?!cli\/)|protocols\/|detectors\/)/ },
  { layer: /^deploy\//, ours: /^(deploy|protocols|detectors|firmware)\// },
  { layer: /^tests\//, ours: /./ },
];

const PURE = /^(protocols|detectors)\//;
const IMPURE = [
  { what: 'a clock', pattern: /\bDate\.now\(|\bnew Date\(\s*\)|\bperformance\.now\(|\bprocess\.hrtime/ },
  { what: 'a timer', pattern: /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\(/ },
  { what: 'randomness', pattern: /\bMath\.random\(|\bcrypto\./ },
  { what: 'the process', pattern: /\bprocess\.(env|argv|stdout|stderr|exit)/ },
  { what: 'Buffer', pattern: /\bBuffer\.(from|alloc|concat)/ },
];

/** Everything wrong with one source file, in words. */
function faults({ path, text }: Source): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
  const found: string[] = [];
  const rule = MAY_IMPORT.find(({ layer }) => layer.test(path));
  for (const target of importsOf(code)) {
    if (target.startsWith('.')) {
      const resolved = normalize(join(dirname(path), target));
      if (rule !== undefined && !rule.ours.test(resolved)) found.push(`${path} imports ${resolved}`);
      if (/(^|\/)index\.ts$/.test(resolved)) found.push(`${path} imports the barrel ${resolved}`);
    } else if (PURE.test(path)) {
      found.push(`${path} imports ${target}`);
    }
  }
  if (PURE.test(path)) {
    for (const { what, pattern } of IMPURE) if (pattern.test(code)) found.push(`${path} uses ${what}`);
  }
  if (!path.startsWith('tests/') && /(:\s*any\b|\bas any\b|<any>)/.test(code)) found.push(`${path} uses any`);
  return found;
}

function importsOf(code: string): string[] {
  const pattern =
    /(?:import|export)\s[^'"]*?from\s*['"]([^'"]+)['"]|import\s*\(\s*['"]([^'"]+)['"]\s*\)|import\s*['"]([^'"]+)['"]/g;
  return [...code.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

/** Data, not logic: rows of a catalogue may be as many as the standard has. */
const DATA = /^(protocols\/(dlt645\/items|modbus\/profiles)\/|detectors\/.*\/model[^/]*\.ts$|tests\/)/;

function sources(): Source[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .filter((path) => path !== '' && existsSync(join(ROOT, path)))
    .map((path) => ({ path: relative('.', path), text: readFileSync(join(ROOT, path), 'utf8') }));
}

describe('the house', () => {
  const all = sources();

  it('keeps its layers', () => {
    expect(all.length).toBeGreaterThan(10);
    expect(all.flatMap(faults)).toEqual([]);
  });

  it.each([
    ['protocols/x.ts', "import { a } from '../firmware/gateway.ts';"],
    ['protocols/x.ts', "import { readFileSync } from 'node:fs';"],
    ['protocols/x.ts', 'const now = Date.now();'],
    ['detectors/x.ts', "import { f } from '../protocols/dlt645/frame.ts';"],
    ['detectors/x.ts', 'setTimeout(() => {}, 1);'],
    ['detectors/x.ts', 'const r = Math.random();'],
    ['sim/x.ts', "import type { Site } from '../firmware/config/site.ts';"],
    ['firmware/x.ts', "const sim = await import('../sim/street.ts');"],
    ['firmware/bus/x.ts', "import { print } from '../cli/io.ts';"],
    ['firmware/x.ts', 'const x = y as any;'],
  ])('sees a planted violation in %s: %s', (path, text) => {
    expect(faults({ path, text })).toHaveLength(1);
  });

  it('keeps files and functions small', () => {
    const lengths = all
      .filter(({ path }) => !DATA.test(path))
      .map(({ path, text }) => ({ path, lines: text.split('\n').length }));
    expect(lengths.filter(({ lines }) => lines > 500)).toEqual([]);
    const sorted = lengths.map(({ lines }) => lines).sort((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length * 0.9)]).toBeLessThanOrEqual(430);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThanOrEqual(200);
  });

  it('leaves no unfinished marks', () => {
    const marks = all.filter(({ path, text }) => path !== 'tests/house.test.ts' && /\b(TODO|FIXME|XXX)\b/.test(text));
    expect(marks.map(({ path }) => path)).toEqual([]);
  });

  it('has only the rooms that were agreed at the top', () => {
    const tracked = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).split('\n');
    const top = new Set(
      tracked.map((path) => path.split('/')[0] ?? '').filter((name) => name !== '' && !name.startsWith('.')),
    );
    const agreed = [
      'firmware',
      'protocols',
      'detectors',
      'sim',
      'deploy',
      'tests',
      'package.json',
      'package-lock.json',
      'tsconfig.json',
    ];
    const papers = ['README.md', 'README.zh-CN.md', 'LICENSE'];
    expect([...top].filter((name) => ![...agreed, ...papers].includes(name))).toEqual([]);
  });
});
