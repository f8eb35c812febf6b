import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Outbox, StoreNotice } from '../../../firmware/outbox.ts';
import { openStore, type StoreOptions } from '../../../firmware/store/store.ts';
import { openStoreWorker } from '../../../firmware/store/worker.ts';
import { alertOf } from './alerts.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const limits = (messages: number) => ({ messages, reserveBytes: 0 });

describe.each([
  ['in this thread', openStore],
  ['in a thread of its own', openStoreWorker],
] as const)('the outbox %s', (_, open) => {
  let outbox: Outbox;
  let notices: StoreNotice[];
  const start = (options: Partial<StoreOptions> = {}) => {
    notices = [];
    outbox = open(join(folder, 'store.db'), {
      limits: limits(1_000),
      onNotice: (notice) => notices.push(notice),
      ...options,
    });
  };
  beforeEach(() => start());
  afterEach(() => outbox.close());

  it('keeps alerts in order until their receipt, over a restart', async () => {
    expect(await outbox.append([alertOf(1), alertOf(2)])).toEqual({ durable: true });
    await outbox.append([alertOf(3)]);
    await outbox.close();
    start();
    const stored = await outbox.pending(0, 10);
    expect(stored.map((one) => one.sequence)).toEqual([1, 2, 3]);
    expect(stored[0]).toMatchObject({ replayed: true, durable: true, message: { type: 'alert', alert: alertOf(1) } });
    expect(await outbox.receipt([{ sequence: 2, id: alertOf(2).id }])).toBe(1);
    await outbox.append([alertOf(4)]);
    const left = await outbox.pending(0, 10);
    expect(left.map((one) => [one.sequence, one.replayed])).toEqual([
      [1, true],
      [3, true],
      [4, false],
    ]);
  });

  it('ignores a receipt for another store or an unknown sequence', async () => {
    await outbox.append([alertOf(1)]);
    const gone = await outbox.receipt([
      { sequence: 1, id: 'ffffffffffff' },
      { sequence: 99, id: alertOf(1).id },
    ]);
    expect(gone).toBe(0);
    expect((await outbox.depth()).alerts).toBe(1);
  });

  it('never gives a sequence twice, also when all have left', async () => {
    await outbox.append([alertOf(1)]);
    await outbox.receipt([{ sequence: 1, id: alertOf(1).id }]);
    await outbox.close();
    start();
    await outbox.append([alertOf(2)]);
    expect((await outbox.pending(0, 10)).map((one) => one.sequence)).toEqual([2]);
  });

  it('reads one meter by itself', async () => {
    await outbox.append(Array.from({ length: 30 }, (_, n) => alertOf(n)));
    const stored = await outbox.pending(4, 100, alertOf(3).meter);
    expect(stored.map((one) => one.sequence)).toEqual([14, 24]);
  });

  it('drops summaries first and alerts loudly at the bound', async () => {
    await outbox.close();
    start({ limits: limits(5) });
    const summary = (from: number) =>
      ({ type: 'summary', summary: { cell: 'c', from, to: from, meters: 9, energyWh: 1, maxPowerW: 2 } }) as const;
    await outbox.commit({ messages: [summary(1), summary(2)] });
    await outbox.append([1, 2, 3, 4].map((n) => alertOf(n)));
    expect((await outbox.pending(0, 10)).map((one) => one.message.type)).toEqual([
      'summary',
      'alert',
      'alert',
      'alert',
      'alert',
    ]);
    await outbox.append([5, 6].map((n) => alertOf(n)));
    expect((await outbox.pending(0, 10)).map((one) => one.sequence)).toEqual([4, 5, 6, 7, 8]);
    expect(notices.map((one) => [one.notice, one.count])).toEqual([
      ['dropped', 1],
      ['dropped', 2],
    ]);
    expect((await outbox.depth()).dropped).toBe(3);
  });

  it('keeps named values and messages in one transaction', async () => {
    const value = new Uint8Array([1, 2, 3]);
    await outbox.commit({ messages: [{ type: 'alert', alert: alertOf(1) }], put: { 'k/1': value, 'k/2': value } });
    await outbox.put('l/1', value);
    await outbox.commit({ put: { 'k/1': null } });
    expect(await outbox.get('k/1')).toBeUndefined();
    expect(await outbox.get('k/2')).toEqual(value);
    expect((await outbox.entries('k/', '', 10)).map(([key]) => key)).toEqual(['k/2']);
    expect((await outbox.entries('', 'k/2', 10)).map(([key]) => key)).toEqual(['l/1']);
  });

  it('takes a dead letter out of the way and keeps it', async () => {
    await outbox.append([alertOf(1), alertOf(2)]);
    await outbox.bury(1, 'too big');
    expect((await outbox.pending(0, 10)).map((one) => one.sequence)).toEqual([2]);
    expect(await outbox.depth()).toMatchObject({ alerts: 1, dead: 1 });
  });

  it.each([
    ['nonsense', () => Buffer.from('this is no database, whatever its name says')],
    [
      'a page overwritten',
      (bytes: Buffer) => {
        bytes.fill(0xa5, 4096, 3 * 4096);
        return bytes;
      },
    ],
  ])('moves a broken file aside, says so and starts: %s', async (_name, spoil) => {
    await outbox.append(Array.from({ length: 200 }, (_, n) => alertOf(n)));
    await outbox.close();
    const path = join(folder, 'store.db');
    writeFileSync(path, spoil(readFileSync(path)));
    start();
    expect(await outbox.append([alertOf(1)])).toEqual({ durable: true });
    expect(notices[0]).toMatchObject({ notice: 'corrupt' });
    expect(readdirSync(folder)).toContain('store.db.corrupt-1');
  });

  it('goes on in memory where no file can be made, and says so', async () => {
    await outbox.close();
    writeFileSync(join(folder, 'file'), '');
    const other = open(join(folder, 'file', 'store.db'), { onNotice: (notice) => notices.push(notice) });
    expect(await other.append([alertOf(1)])).toEqual({ durable: false });
    const [stored] = await other.pending(0, 10);
    expect(stored).toMatchObject({ sequence: 1, durable: false });
    expect(notices.map((one) => one.notice)).toEqual(['not-durable']);
    expect(await other.receipt([{ sequence: 1, id: alertOf(1).id }])).toBe(1);
    expect(await other.pending(0, 10)).toEqual([]);
    await other.close();
  });
});
