/** What the gateway does with an ordered update: leaves the order, and tells the platform what became of it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../firmware/log.ts';
import type { CommandResult, Outbox } from '../../firmware/outbox.ts';
import { openStore } from '../../firmware/store/store.ts';
import { type UpdateOrder, type UpdateOutcome, watchUpdates } from '../../firmware/update-order.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const ORDER: UpdateOrder = { id: 'u1', url: 'https://updates.example/b', version: '2.0.0', sha256: '0'.repeat(64) };
const HOUR = 3_600_000;

let folder: string;
let clock: VirtualClock;
let outbox: Outbox;
let power: AbortController;
const at = (name: string) => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'update-'));
  writeFileSync(at('image'), '1.0.0\n');
  clock = new VirtualClock();
  outbox = openStore(':memory:', { clock });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function watch() {
  power = new AbortController();
  const files = { orderFile: at('order.json'), outcomeFile: at('outcome.json'), imageFile: at('image') };
  return watchUpdates({ ...files, outbox, clock, log: silentLog, signal: power.signal });
}

const say = (outcome: Partial<UpdateOutcome>) =>
  writeFileSync(at('outcome.json'), JSON.stringify({ id: 'u1', version: '2.0.0', ...outcome }));

async function results(): Promise<CommandResult[]> {
  const stored = await outbox.pending(0, 100);
  return stored.flatMap(({ message }) => (message.type === 'result' ? [message.result] : []));
}

/** Reading the outcome is real I/O beside the virtual clock. */
async function pass(ms: number): Promise<void> {
  for (let left = 20; left > 0; left--) {
    await clock.runUntil(clock.monotonicMs() + ms / 20);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('an ordered update', () => {
  it('is left for who may install it, and answered when it is over, once', async () => {
    const updates = await watch();
    expect(await updates.order(ORDER)).toEqual({ version: '2.0.0', from: '1.0.0' });
    expect(JSON.parse(readFileSync(at('order.json'), 'utf8'))).toEqual(ORDER);
    await expect(updates.order({ ...ORDER, id: 'u2' })).rejects.toThrow('the update u1 is under way');
    say({ state: 'installing' });
    await pass(HOUR);
    expect(await results()).toEqual([]);
    say({ state: 'failed', reason: 'it is for another kind of board' });
    for (let n = 0; n < 20 && (await results()).length === 0; n++) await pass(HOUR);
    await pass(HOUR);
    expect(await results()).toMatchObject([
      { id: 'u1', op: 'update', status: 'failed', reason: 'it is for another kind of board' },
    ]);
    await updates.order({ ...ORDER, id: 'u2' });
  });

  it.each([
    ['kept', 'done', undefined],
    ['rolled-back', 'failed', 'rolled back: it did not work as before'],
  ] as const)('is answered by the program that starts after it: %s', async (state, status, reason) => {
    await (await watch()).order(ORDER);
    say({ state: 'installed' });
    await pass(60_000);
    power.abort();
    say({ state });
    await watch();
    for (let n = 0; n < 20 && (await results()).length === 0; n++) await pass(60_000);
    expect(await results()).toMatchObject([{ id: 'u1', status, ...(reason && { reason }) }]);
    await watch();
    await pass(60_000);
    expect(await results()).toHaveLength(1);
  });

  it('does not take the outcome of another order for its own, and gives up waiting', async () => {
    await (await watch()).order(ORDER);
    say({ id: 'u0', state: 'kept' });
    await pass(3 * HOUR);
    expect(await results()).toEqual([]);
    for (let hours = 3; hours < 24 && (await results()).length === 0; hours++) await pass(HOUR);
    expect(await results()).toMatchObject([{ status: 'unknown', reason: 'never begun after 4 h' }]);
  });

  it('is refused where there is no second slot or no place to leave it, and then nothing stands', async () => {
    rmSync(at('image'));
    const updates = await watch();
    await expect(updates.order(ORDER)).rejects.toThrow('no second slot');
    writeFileSync(at('image'), '1.0.0');
    const there = folder;
    folder = join(folder, 'missing');
    const lost = await watchUpdates({
      ...{ orderFile: at('order.json'), outcomeFile: at('outcome.json'), imageFile: join(there, 'image') },
      ...{ outbox, clock, log: silentLog, signal: power.signal },
    });
    await expect(lost.order(ORDER)).rejects.toThrow('ENOENT');
    folder = there;
    await updates.order(ORDER);
  });
});
