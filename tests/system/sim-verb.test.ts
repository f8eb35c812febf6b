/** `gridwarden sim` from outside: the ready line of the contract, ports that answer, the truth file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseTruth } from '../../sim/truth.ts';
import { gridwarden } from '../cli/run-cli.ts';

const PROGRAM = fileURLToPath(new URL('../../firmware/cli/bin.js', import.meta.url));
const start = (...args: string[]) =>
  spawn(process.execPath, [PROGRAM, 'sim', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });

describe('gridwarden sim', () => {
  it('says when it is ready, answers on every port, and writes the truth at the end', async () => {
    const truth = join(mkdtempSync(join(tmpdir(), 'sim-verb-')), 'truth.ndjson');
    const child = start('demo', '--tcp', '--truth', truth);
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const ready = JSON.parse(line);
    expect(ready.ready).toBe(true);
    expect(ready.ports.flatMap((port: { meters: unknown[] }) => port.meters)).toHaveLength(14);
    expect(ready.ports[0].meters[0]).toMatchObject({ protocol: 'dlt645', address: '000100000101' });
    const socket = connect(Number(new URL(ready.ports[0].port).port), '127.0.0.1');
    // Read address, C = 13H, to the wildcard of point-to-point lines, from the standard's text.
    const body = [0x68, 0x02, 0x01, 0xaa, 0xaa, 0xaa, 0xaa, 0x68, 0x13, 0x00];
    socket.write(Buffer.from([...body, body.reduce((sum, byte) => sum + byte, 0) % 256, 0x16]));
    const heard: number[] = [];
    socket.on('data', (bytes) => heard.push(...bytes));
    await expect.poll(() => heard.length, { timeout: 5000 }).toBe(4 + 12 + 6);
    expect(heard[4 + 8]).toBe(0x93);
    socket.destroy();
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    const { header, truths } = parseTruth(readFileSync(truth, 'utf8'));
    expect(header?.meters).toBe(14);
    expect(header!.to).toBeGreaterThan(header!.from);
    expect(truths.length).toBeLessThanOrEqual(2);
  });

  it('writes a site file that holds, for one street and for two', async () => {
    const site = join(mkdtempSync(join(tmpdir(), 'sim-site-')), 'site.yaml');
    for (const streets of [['street'], ['mixed-models', 'charging-allowed']]) {
      const child = start(...streets, '--tcp', '--site', site, '--broker', 'mqtt://10.0.0.7:1884');
      await once(createInterface({ input: child.stdout }), 'line');
      const checked = await gridwarden(['check', '--config', site]);
      expect(checked, checked.stderr).toMatchObject({ status: 0 });
      expect(readFileSync(site, 'utf8')).toContain('mqtt://10.0.0.7:1884');
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    const many = await gridwarden(['sim', 'whole-area', '--tcp', '--site', site]);
    expect(many.status).toBe(2);
    expect(many.stderr).toMatch(/expected at most 1024 on one gateway/);
  });

  it('ends in the truth file what still goes on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sim-truth-'));
    const [scenario, truth] = [join(folder, 'broke.yaml'), join(folder, 'truth.ndjson')];
    const why = 'A home whose money is gone before it begins, so that something goes on when the street is stopped.';
    const group = { name: 'flat', balanceYuan: 1 };
    writeFileSync(
      scenario,
      JSON.stringify({ name: 'broke', why, start: '2025-01-13T18:00:00', days: 1, groups: [group] }),
    );
    expect(
      (await gridwarden(['sim', scenario, '--tcp', '--speed', '100', '--truth', truth, '--for', '2'])).status,
    ).toBe(0);
    const { header, truths } = parseTruth(readFileSync(truth, 'utf8'));
    expect(truths).toContainEqual(expect.objectContaining({ kind: 'low-balance', to: header?.to }));
  });

  it('ends with 2 and one line where there is no such scenario', async () => {
    const child = start('no-such-street');
    let said = '';
    child.stderr.on('data', (bytes) => {
      said += bytes;
    });
    const [code] = await once(child, 'exit');
    expect(code).toBe(2);
    expect(said).toContain('no-such-street');
    expect(said.trim().split('\n')).toHaveLength(1);
  });
});
