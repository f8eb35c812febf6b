import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Outbox, StoreNotice } from '../../../firmware/outbox.ts';
import { sqliteDatabase } from '../../../firmware/store/database.ts';
import { type Disk, openStore, outboxOn, STORE_DEFAULTS, type StoreOptions } from '../../../firmware/store/store.ts';
import { openStoreWorker } from '../../../firmware/store/worker.ts';
import { listenAsPlatform } from '../../../firmware/uplink/platform.ts';
import { startBroker, startGateway, until } from '../uplink/rig.ts';
import { alertOf } from './alerts.ts';

let folder: string;
let notices: StoreNotice[];
const closing: (() => unknown)[] = [];
const limits = { messages: 1_000_000, reserveBytes: 0 };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faults-'));
  notices = [];
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** A real database behind a door that can be shut: `before` runs ahead of each write and may throw or wait. */
function guarded(before: () => Promise<void> | void, options: Partial<StoreOptions> = {}): Outbox {
  const database = sqliteDatabase(join(folder, 'store.db'), limits);
  const disk: Disk = {
    open: async () => database.open(),
    write: async (batch) => {
      await before();
      return database.write(batch);
    },
    pending: async (...args) => database.pending(...args),
    oldestAtMs: async () => database.oldestAtMs(),
    get: async (key) => database.get(key),
    entries: async (...args) => database.entries(...args),
    close: async () => database.close(),
  };
  const all = { ...STORE_DEFAULTS, stallMs: 50, retryMs: 50, limits, onNotice: noted, ...options };
  const outbox = outboxOn(disk, all);
  closing.push(() => outbox.close());
  return outbox;
}

const noted = (notice: StoreNotice) => void notices.push(notice);
const said = () => notices.map(({ notice }) => notice);

async function numbers(outbox: Outbox): Promise<number[]> {
  const rows = await outbox.pending(0, 100_000);
  return rows.map(({ message }) => (message.type === 'alert' ? Number.parseInt(message.alert.id, 16) : -1));
}

async function afterRestart(): Promise<number[]> {
  const again = openStore(join(folder, 'store.db'), { limits });
  closing.push(() => again.close());
  return numbers(again);
}

describe('a disk that', () => {
  it('freezes holds no alert back; they are on it when it thaws', async () => {
    let thaw = () => {};
    let frozen: Promise<void> | undefined;
    const outbox = guarded(() => frozen);
    await outbox.append([alertOf(1)]);
    frozen = new Promise((resolve) => {
      thaw = resolve;
    });
    const [second, third] = await Promise.all([outbox.append([alertOf(2)]), outbox.append([alertOf(3)])]);
    expect([second, third]).toEqual([{ durable: false }, { durable: false }]);
    expect(await numbers(outbox)).toEqual([2, 3]);
    expect(await outbox.receipt([{ sequence: 2, id: alertOf(2).id }])).toBe(1);
    frozen = undefined;
    thaw();
    await until(() => said().includes('recovered'));
    expect(said()).toEqual(['not-durable', 'recovered']);
    expect(await numbers(outbox)).toEqual([1, 3]);
    expect(await outbox.append([alertOf(4)])).toEqual({ durable: true });
    await outbox.close();
    expect(await afterRestart()).toEqual([1, 3, 4]);
  });

  it('fails a sync is closed, opened and checked again, and nothing is missing', async () => {
    let failures = 0;
    const outbox = guarded(() => {
      if (failures-- > 0) throw Object.assign(new Error('disk I/O error'), { errcode: 1034 });
    });
    await outbox.append([alertOf(1)]);
    failures = 3;
    expect(await outbox.append([alertOf(2)])).toEqual({ durable: false });
    expect(await outbox.append([alertOf(3)])).toEqual({ durable: false });
    expect(await numbers(outbox)).toEqual([1, 2, 3]);
    await until(() => said().includes('recovered'));
    await outbox.close();
    expect(await afterRestart()).toEqual([1, 2, 3]);
  });

  it('refuses for long is bounded in memory, and says what fell off', async () => {
    const outbox = guarded(() => Promise.reject(new Error('read-only')));
    for (let n = 0; n < 12; n++) await outbox.append(Array.from({ length: 1_000 }, (_, i) => alertOf(n * 1_000 + i)));
    const held = await numbers(outbox);
    expect(held).toHaveLength(10_000);
    expect(held.at(-1)).toBe(11_999);
    expect(notices.filter(({ notice }) => notice === 'dropped').reduce((sum, { count }) => sum + count, 0)).toBe(2_000);
  });

  it('refuses does not keep an alert from the platform, which is told that it is not durable', async () => {
    const broker = await startBroker();
    closing.push(() => broker.stop());
    const outbox = guarded(() => Promise.reject(new Error('read-only')));
    const made = startGateway(broker.url, outbox);
    closing.push(() => made.stop());
    const flags: (readonly string[])[] = [];
    const platform = await listenAsPlatform(
      { broker: broker.url },
      { onMessage: (_, message) => message.type === 'alert' && flags.push(message.flags) },
    );
    closing.push(() => platform.close());
    await until(() => made.uplink.up);
    await outbox.append([alertOf(1)]);
    await until(() => flags.length === 1);
    // On a busy machine it may also have waited long enough to count as replayed.
    expect(flags[0]).toContain('not-durable');
    await until(async () => (await outbox.depth()).alerts === 0);
  });
});

const mount = (...args: string[]) => execFileSync('mount', args, { stdio: 'ignore' });
const canMount = (() => {
  const probe = mkdtempSync(join(tmpdir(), 'mount-'));
  try {
    mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe);
    execFileSync('umount', [probe]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
})();

describe.skipIf(!canMount)('a real disk (needs the right to mount)', () => {
  function mounted(options: string): string {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    mount('-t', 'tmpfs', '-o', options, 'tmpfs', disk);
    closing.push(() => execFileSync('umount', ['-l', disk]));
    return disk;
  }

  it('that is full gives its reserve to alerts, then holds them in memory, and recovers without a restart', async () => {
    const disk = mounted('size=4m');
    const options = { limits: { messages: 1_000_000, reserveBytes: 512 * 1024 }, onNotice: noted, retryMs: 50 };
    const outbox = openStoreWorker(join(disk, 'store.db'), options);
    closing.push(() => outbox.close());
    await outbox.append([alertOf(0)]);
    writeFileSync(join(disk, 'readings'), new Uint8Array(3 * 1024 * 1024));
    let durable = 0;
    let refused = 0;
    for (let n = 1; refused < 50 && n < 5_000; n++) {
      if ((await outbox.append([alertOf(n)])).durable) durable++;
      else refused++;
    }
    expect(durable).toBeGreaterThan(50);
    expect(refused).toBe(50);
    expect(await numbers(outbox)).toHaveLength(1 + durable + refused);
    rmSync(join(disk, 'readings'));
    await until(() => said().at(-1) === 'recovered');
    expect(await outbox.append([alertOf(9_999)])).toEqual({ durable: true });
    expect((await outbox.pending(0, 100_000)).every((one) => one.durable)).toBe(true);
  });

  it('that is read-only lets the gateway start and alerts go out', async () => {
    const disk = mounted('size=1m,ro');
    const outbox = openStoreWorker(join(disk, 'state', 'store.db'), { limits, onNotice: noted });
    closing.push(() => outbox.close());
    expect(await outbox.append([alertOf(1)])).toEqual({ durable: false });
    expect(await numbers(outbox)).toEqual([1]);
    expect(said()).toEqual(['not-durable']);
  });
});

describe('a full outbox', () => {
  it('with damage in its middle is found out when it is read, and what can be read is kept', async () => {
    const path = join(folder, 'store.db');
    const first = openStore(path, { limits });
    for (let n = 0; n < 60; n++) await first.append(Array.from({ length: 1_000 }, (_, i) => alertOf(n * 1_000 + i)));
    await first.close();
    const bytes = readFileSync(path);
    expect(bytes.length).toBeGreaterThan(16 * 1024 * 1024);
    bytes.fill(0x5a, 9_000_000, 9_100_000);
    writeFileSync(path, bytes);
    const again = openStore(path, { limits, onNotice: noted, retryMs: 20 });
    closing.push(() => again.close());
    for (let after = 0; after < 60_000 && said().length === 0; after += 1_000) await again.pending(after, 1_000);
    await until(() => said().includes('recovered'));
    expect(said()).toEqual(['not-durable', 'corrupt', 'recovered']);
    expect((await again.depth()).alerts).toBeGreaterThan(10_000);
    expect(await again.append([alertOf(1)])).toEqual({ durable: true });
  });

  it('of 110,000 alerts costs neither memory nor time to open', async () => {
    const path = join(folder, 'store.db');
    const script = join(import.meta.dirname, 'backlog-process.ts');
    const said = execFileSync(process.execPath, ['--expose-gc', script, path], { encoding: 'utf8' });
    const { alerts, grownMb } = JSON.parse(said) as { alerts: number; grownMb: number };
    expect(alerts).toBe(110_000);
    expect(grownMb).toBeLessThan(20);
    const beginMs = performance.now();
    const again = openStore(path, { limits });
    closing.push(() => again.close());
    expect((await again.depth()).alerts).toBe(110_000);
    expect(await again.pending(109_990, 5)).toHaveLength(5);
    // Reading all of it would take a second and more.
    expect(performance.now() - beginMs).toBeLessThan(300);
  }, 60_000);
});
