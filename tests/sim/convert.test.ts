import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { convertTable } from '../../sim/convert.ts';
import { readRecordingSource } from '../../sim/recording-source.ts';

const directory = mkdtempSync(join(tmpdir(), 'convert-'));
const HOUSEHOLDS = fileURLToPath(new URL('../../../shared/data/households/', import.meta.url));

describe('converter', () => {
  const convert = async (name: string, rows: string[], options = {}) => {
    const input = join(directory, name);
    const output = join(directory, `${name}.ndjson.gz`);
    writeFileSync(input, rows.join('\n'));
    const count = await convertTable(input, output, options);
    return { count, source: await readRecordingSource(output, (warning) => expect.unreachable(warning)) };
  };

  it('makes one meter a column, with energy that adds up', async () => {
    const rows = [
      'Time,Aggregate,Kettle',
      '2014-01-01 00:00:00,600,0',
      '2014-01-01 00:30:00,1200,',
      '2014-01-01 01:00:00,900,5',
    ];
    const { count, source } = await convert('watts.csv', rows);
    expect(count).toBe(5);
    expect(source.meters.map(({ id }) => id)).toEqual(['000000000001', '000000000002']);
    expect(source.startMs).toBe(Date.UTC(2014, 0, 1));
    expect(source.readingAt('000000000001', source.endMs)).toMatchObject({ activePowerW: 900, importWh: 1050 });
  });

  it('reads kWh per interval as power, and offsets as they stand', async () => {
    const rows = ['when,a', '2016-01-01 00:00:00+01:00,0.1', '2016-01-01 00:15:00+01:00,0.25'];
    const { source } = await convert('kwh.csv', rows);
    expect(source.startMs).toBe(Date.UTC(2015, 11, 31, 23));
    expect(source.readingAt('000000000001', source.endMs).activePowerW).toBe(1000);
  });

  it('leaves out what was filled in: hours of one value', async () => {
    const minutes = Array.from({ length: 600 }, (_, i) => {
      const at = new Date(Date.UTC(2014, 0, 1) + i * 60_000).toISOString().slice(0, 19);
      return `${at},${i < 60 ? 100 + (i % 7) : 0}`;
    });
    const { count } = await convert('gap.csv', ['Time,w', ...minutes]);
    expect(count).toBe(60 + 181);
  });

  it('names a column that is not there', async () => {
    await expect(convert('none.csv', ['Time,w', '2014-01-01 00:00:00,1'], { columns: ['x'] })).rejects.toThrow(
      'no column x',
    );
  });
});

describe.skipIf(!existsSync(HOUSEHOLDS))('converter on measured homes (needs ../shared/data/households)', () => {
  it('takes a week of a one-minute home', async () => {
    const file = readdirSync(HOUSEHOLDS).find((name) => name.startsWith('min1_'))!;
    const output = join(directory, 'week.ndjson.gz');
    const count = await convertTable(join(HOUSEHOLDS, file), output, { columns: ['Aggregate'], days: 7 });
    expect(count).toBeGreaterThan(7 * 1440 * 0.8);
    const source = await readRecordingSource(output, (warning) => expect.unreachable(warning));
    expect(source.readingAt('000000000001', source.endMs).importWh).toBeGreaterThan(10_000);
  });
});
