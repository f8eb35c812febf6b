import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gridwarden } from './run-cli.ts';

const directory = mkdtempSync(join(tmpdir(), 'usage-'));

function siteWith(store: string): string {
  const path = join(directory, 'site.yaml');
  writeFileSync(
    path,
    `gateway: { id: gw-1 }
buses:
  - { port: 'tcp://127.0.0.1:1', meters: [{ protocol: modbus, unit: 1, profile: sdm630 }] }
uplink: { brokers: [mqtt://127.0.0.1:1] }
store: { directory: ${store} }
`,
  );
  return path;
}

describe('bad usage', () => {
  it('names the scenarios where there is none of that name', async () => {
    const ran = await gridwarden(['sim', 'strete']);
    expect(ran.status).toBe(2);
    expect(ran.stderr.trim()).toMatch(/^gridwarden: strete: no such scenario: expected a file, or .*street/);
  });

  it('does not run for hours where the recording cannot be written', async () => {
    const site = siteWith(join(directory, 'state'));
    const ran = await gridwarden(['run', '--config', site, '--record', join(directory, 'none/x.ndjson'), '--for', '1']);
    expect(ran.status).toBe(2);
    expect(ran.stderr.trim()).toMatch(/x\.ndjson: ENOENT: expected a file that can be written$/);
  });

  it.each(['/proc/nowhere/state', '/dev/null/state'])('ends when its state cannot be kept in %s', async (store) => {
    const ran = await gridwarden(['run', '--config', siteWith(store), '--for', '1']);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('expected a directory that can be made and written');
  });
});
