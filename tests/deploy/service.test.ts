/** The service: what systemd is told, over its real socket; and how well the unit is boxed in. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { formatHealth, parseHealth, supervise } from '../../firmware/supervisor.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const UNIT = join(ROOT, 'deploy/service/gridwarden.service');
const has = (program: string) => spawnSync('which', [program]).status === 0;

describe('health in words', () => {
  it.each([
    { answering: 7, meters: 8, brokerReached: true },
    { answering: 0, meters: 0, brokerReached: false },
  ])('reads back what it wrote: %o', (health) => {
    expect(parseHealth(`StatusText=${formatHealth(health)}`)).toEqual(health);
  });

  it('does not take other text for health', () => {
    expect(parseHealth('starting')).toBeUndefined();
  });
});

describe.skipIf(!has('socat'))('a supervisor on its socket (needs socat)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'supervisor-'));
  let listener: ChildProcess | undefined;
  afterEach(() => {
    listener?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  async function listen(address: string): Promise<() => string> {
    let heard = '';
    listener = spawn('socat', ['-u', address, 'STDOUT'], { stdio: ['ignore', 'pipe', 'ignore'] });
    listener.stdout?.on('data', (bytes) => {
      heard += String(bytes);
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    return () => heard;
  }

  it.each([
    'path',
    'abstract',
  ])('hears ready, beats while the loop turns, silence while it stands, and the end: %s', async (kind) => {
    const name = kind === 'path' ? join(mkdtempSync(join(tmpdir(), 'notify-')), 's') : `gridwarden-${process.pid}`;
    const heard = await listen(kind === 'path' ? `UNIX-RECVFROM:${name},fork` : `ABSTRACT-RECVFROM:${name},fork`);
    const stop = new AbortController();
    const warn = vi.fn();
    const health = () => ({ answering: 1, meters: 2, brokerReached: true });
    const environment = { NOTIFY_SOCKET: kind === 'path' ? name : `@${name}`, WATCHDOG_USEC: '600000' };
    await supervise({ signal: stop.signal, log: { warn }, health }, environment);
    await vi.waitFor(() => expect(heard().split('WATCHDOG=1').length).toBeGreaterThan(3), { timeout: 5_000 });
    // The listener forks for each datagram, so their order in its output is not theirs on the socket.
    await vi.waitFor(() => expect(heard()).toContain('READY=1'), { timeout: 5_000 });
    await vi.waitFor(() => expect(heard()).toContain('STATUS=meters=1/2 broker=reached'), { timeout: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const before = heard().split('WATCHDOG=1').length;
    const until = performance.now() + 1_500;
    while (performance.now() < until);
    expect(heard().split('WATCHDOG=1').length).toBe(before);
    await vi.waitFor(() => expect(warn).toHaveBeenCalledWith(expect.anything(), 'the event loop stood still'), {
      timeout: 3_000,
    });
    stop.abort();
    await vi.waitFor(() => expect(heard()).toContain('STOPPING=1'), { timeout: 3_000 });
  });

  it('says once when nobody hears, and lives on', async () => {
    const stop = new AbortController();
    const warn = vi.fn();
    const health = () => ({ answering: 0, meters: 0, brokerReached: false });
    await supervise({ signal: stop.signal, log: { warn }, health }, { NOTIFY_SOCKET: '/nowhere/at/all' });
    expect(warn).toHaveBeenCalledTimes(1);
    stop.abort();
  });
});

describe.skipIf(!has('systemd-analyze'))('the unit (needs systemd-analyze)', () => {
  it('is exposed by at most 2.0 of 10', () => {
    const said = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', UNIT], {
      encoding: 'utf8',
      env: { ...process.env, SYSTEMD_COLORS: '0' },
    });
    const score = Number(/exposure level for gridwarden\.service: ([\d.]+)/.exec(said)?.[1]);
    expect(score).toBeGreaterThan(0);
    expect(score).toBeLessThanOrEqual(2.0);
  });

  it('names files of ours that exist', () => {
    const unit = readFileSync(UNIT, 'utf8');
    const program = /\/opt\/gridwarden\/(firmware\S+)/.exec(unit)?.[1] ?? '';
    expect(existsSync(join(ROOT, program))).toBe(true);
    expect(unit).toContain('--disable-sigusr1');
  });
});
