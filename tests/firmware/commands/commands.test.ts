import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../firmware/clock.ts';
import { type Audit, openAudit, verifyAudit } from '../../../firmware/commands/audit.ts';
import { type Commands, type Handlers, startCommands } from '../../../firmware/commands/commands.ts';
import { openDesk } from '../../../firmware/commands/desk.ts';
import type { Refusal } from '../../../firmware/commands/verify.ts';
import { UnknownOutcome } from '../../../firmware/control/order.ts';
import { silentLog } from '../../../firmware/log.ts';
import type { CommandResult, Outbox } from '../../../firmware/outbox.ts';
import { openStore } from '../../../firmware/store/store.ts';
import { alertOf } from '../store/alerts.ts';
import { issuerOf } from './keys.ts';

let folder: string;
let outbox: Outbox;
let audit: Audit;
let commands: Commands;
let called: string[];
let frequent: [number, Refusal][];
let clockOk: boolean;
let stop: AbortController;
let resultSequence: number;
const worker = issuerOf('worker-1', ['worker']);
const operator = issuerOf('operator-1', ['operator']);
const maintainer = issuerOf('maintainer-1', ['maintainer']);
const stranger = issuerOf('worker-1', ['worker', 'operator', 'maintainer']);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'commands-'));
  called = [];
  frequent = [];
  clockOk = true;
  resultSequence = 0;
  await start();
});
afterEach(async () => {
  await end();
  rmSync(folder, { recursive: true, force: true });
});

async function start(handlers: Partial<Handlers> = {}): Promise<void> {
  stop = new AbortController();
  outbox = openStore(join(folder, 'store.db'), { limits: { messages: 10_000, reserveBytes: 0 } });
  audit = await openAudit(join(folder, 'audit.ndjson'), Date.now);
  const parts = { outbox, clock: systemClock, log: silentLog, signal: stop.signal };
  const desk = await openDesk({ settings: { gateway: 'gw-1', routes: {} }, ...parts });
  const call = (name: string) => async (args: unknown) => {
    called.push(`${name} ${JSON.stringify(args)}`);
    return { name };
  };
  commands = await startCommands({
    settings: { gateway: 'gw-1', keys: [worker.key, operator.key, maintainer.key], deadlineMs: 200 },
    handlers: {
      'read-now': call('read-now'),
      capture: call('capture'),
      control: call('control'),
      'send-readings': call('send-readings'),
      reload: call('reload'),
      thresholds: call('thresholds'),
      maintenance: call('maintenance'),
      restart: call('restart'),
      update: call('update'),
      answer: async (meter, { result }) => void called.push(`answer ${meter} ${result}`),
      ...handlers,
    },
    desk,
    audit,
    clockSynchronised: () => clockOk,
    onFrequentRefusals: (count, last) => frequent.push([count, last]),
    ...parts,
  });
  await desk.outbox.append([alertOf(1), alertOf(2)]);
}

async function end(): Promise<void> {
  stop.abort();
  await commands.idle();
  await outbox.close();
  await audit.close();
}

/** Gives the bytes in and returns the answers that came of it. */
async function give(...payloads: Uint8Array[]): Promise<CommandResult[]> {
  for (const payload of payloads) commands.take(payload);
  await commands.idle();
  const stored = await outbox.pending(resultSequence, 1_000);
  resultSequence = stored.at(-1)?.sequence ?? resultSequence;
  return stored.flatMap(({ message }) => (message.type === 'result' ? [message.result] : []));
}

describe('commands', () => {
  it('answers with the same id, once for each', async () => {
    const [read] = await give(operator.command({ id: 'r1', op: 'read-now', args: { meter: '000000000001' } }));
    expect(read).toMatchObject({ id: 'r1', op: 'read-now', status: 'done', data: { name: 'read-now' } });
    expect(called).toEqual(['read-now {"meter":"000000000001","items":[]}']);
  });

  it('gives the alert to the first who acknowledges, and tells the second whose it is', async () => {
    const args = { alert: alertOf(1).id };
    const [first, second] = await give(
      worker.command({ op: 'acknowledge', args }),
      operator.command({ op: 'acknowledge', args }),
    );
    expect(first?.data).toEqual({ first: true, owner: 'worker-1' });
    expect(second?.data).toEqual({ first: false, owner: 'worker-1' });
    const [timeline] = await give(worker.command({ op: 'timeline', args }));
    expect(timeline?.data).toMatchObject({ owner: 'worker-1', steps: [{ step: 'acknowledged', by: 'worker-1' }] });
  });

  it('hands what was found to the detectors', async () => {
    const args = { alert: alertOf(2).id, result: 'false-alarm', note: 'rice cooker' };
    const [result] = await give(worker.command({ op: 'result', args }));
    expect(result?.status).toBe('done');
    expect(called).toEqual([`answer ${alertOf(2).meter} false-alarm`]);
  });

  it('obeys at most once: the same bytes get the same answer, also after a restart nothing is done again', async () => {
    const bytes = operator.command({ id: 'm1', op: 'maintenance', args: { minutes: 10 } });
    const answers = await give(bytes, bytes, bytes);
    expect(answers.map(({ id, status }) => [id, status])).toEqual(Array(3).fill(['m1', 'done']));
    await end();
    await start();
    expect(await give(bytes)).toMatchObject([{ id: 'm1', status: 'refused', reason: 'replayed' }]);
    expect(called).toHaveLength(1);
    expect(commands.refused).toEqual({ replayed: 1 });
  });

  it('answers unknown to what a power cut interrupted, and does not do it again', async () => {
    await end();
    let begun = () => {};
    const started = new Promise<void>((resolve) => {
      begun = resolve;
    });
    await start({ reload: () => new Promise(begun) });
    commands.take(operator.command({ id: 'l1', op: 'reload', args: {} }));
    await started;
    // The file as a power cut leaves it: intent written, outcome not.
    const cut = join(folder, 'cut.db');
    for (const part of ['', '-wal']) writeFileSync(cut + part, readFileSync(join(folder, 'store.db') + part));
    await end();
    for (const part of ['', '-wal']) writeFileSync(join(folder, 'store.db') + part, readFileSync(cut + part));
    await start();
    expect(await give()).toMatchObject([{ id: 'l1', op: 'reload', status: 'unknown' }]);
    expect(called).toEqual([]);
  });

  it.each<[string, () => Uint8Array, Refusal]>([
    ['another key under a known name', () => stranger.command({}), 'forged'],
    ['an unknown key', () => issuerOf('nobody', ['worker']).command({}), 'unknown-key'],
    ['another gateway', () => worker.command({ gateway: 'gw-2' }), 'wrong-gateway'],
    ['an old command', () => worker.command({ notBefore: 1_000_000, notAfter: 1_060_000 }), 'stale'],
    [
      'one from the future',
      () => worker.command({ notBefore: Date.now() + 9e6, notAfter: Date.now() + 9.1e6 }),
      'stale',
    ],
    ['one that lives for days', () => worker.command({ notAfter: Date.now() + 9e9 }), 'stale'],
    ['a right its key has not', () => worker.command({ op: 'restart', args: {} }), 'no-right'],
    [
      'arguments it should not have',
      () => operator.command({ op: 'reload', args: { shell: 'rm -rf /' } }),
      'bad-arguments',
    ],
    ['an operation there is none of', () => operator.command({ op: 'shell' as 'reload', args: {} }), 'malformed'],
    ['no signature', () => Buffer.from('eyJhbGciOiJub25lIn0.e30.'), 'unsigned'],
    ['no form at all', () => Buffer.from('{"op":"restart"}'), 'malformed'],
    ['a megabyte', () => new Uint8Array(1_000_000).fill(0x2e), 'oversized'],
  ])('refuses, counts and writes down %s', async (_, bytes, refusal) => {
    await give(bytes());
    expect(commands.refused).toEqual({ [refusal]: 1 });
    expect(called).toEqual([]);
    await end();
    const lines = readFileSync(join(folder, 'audit.ndjson'), 'utf8');
    expect(lines).toContain(`"refused":"${refusal}"`);
    await start();
  });

  it('says when refusals are frequent', async () => {
    await give(...Array.from({ length: 6 }, () => stranger.command({})));
    expect(frequent).toEqual([
      [5, 'forged'],
      [6, 'forged'],
    ]);
  });

  it('refuses a flood and stays bounded', async () => {
    await give(...Array.from({ length: 500 }, () => worker.command({})));
    expect(commands.refused.busy).toBeGreaterThan(400);
  });

  it('answers an update as started: its end is answered later', async () => {
    const args = { url: 'https://updates.example/b', version: '2.0.0', sha256: 'a'.repeat(64) };
    const [result] = await give(maintainer.command({ id: 'u1', op: 'update', args }));
    expect(result).toMatchObject({ id: 'u1', op: 'update', status: 'started', data: { name: 'update' } });
    expect(called).toEqual([`update ${JSON.stringify({ id: 'u1', ...args })}`]);
  });

  it('refuses restart and update while the clock is not set, and takes the rest by counter', async () => {
    clockOk = false;
    const old = { notBefore: 1_000_000, notAfter: 1_060_000 };
    const answers = await give(
      maintainer.command({ op: 'restart', args: {}, ...old }),
      operator.command({ op: 'reload', args: {}, ...old }),
    );
    expect(answers.map(({ status }) => status)).toEqual(['refused', 'done']);
    expect(commands.refused).toEqual({ 'clock-not-set': 1 });
  });

  it('answers failed when a handler fails or takes too long', async () => {
    await end();
    await start({ capture: () => Promise.reject(new Error('no waveform')), reload: () => new Promise(() => {}) });
    const answers = await give(
      operator.command({ op: 'capture', args: { meter: 'm' } }),
      operator.command({ op: 'reload', args: {} }),
    );
    expect(answers).toMatchObject([
      { status: 'failed', reason: 'no waveform' },
      { status: 'failed', reason: 'not done within its deadline' },
    ]);
  });

  it('answers unknown where nobody can say whether a meter obeyed', async () => {
    await end();
    const unanswered = () => Promise.reject(new UnknownOutcome('no-answer: nothing came back'));
    await start({ control: ({ meter }) => (meter === 'silent' ? unanswered() : new Promise(() => {})) });
    const trip = (meter: string) => operator.command({ op: 'control', args: { meter, action: 'trip' } });
    expect(await give(trip('silent'), trip('slow'))).toMatchObject([
      { status: 'unknown', reason: 'no-answer: nothing came back' },
      { status: 'unknown', reason: 'not done within its deadline' },
    ]);
  });

  it('obeys nothing when the audit cannot be written', async () => {
    // The file is taken away from under it.
    await audit.close();
    const [answer] = await give(operator.command({ op: 'maintenance', args: { minutes: 1 } }));
    expect(answer).toMatchObject({ status: 'refused', reason: 'no-audit' });
    expect(called).toEqual([]);
  });
});

describe('the audit file', () => {
  it('shows a line that was changed, goes on after a torn one, and rotates', async () => {
    const path = join(folder, 'a.ndjson');
    let log = await openAudit(path, () => 5, 1_000);
    for (let n = 0; n < 4; n++) await log.record({ n });
    await log.close();
    expect(await verifyAudit(path)).toBeUndefined();
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, `${text}{"n":5,"torn`);
    log = await openAudit(path, () => 5, 1_000);
    await log.record({ after: 'the cut' });
    expect(await verifyAudit(path)).toBeUndefined();
    writeFileSync(path, readFileSync(path, 'utf8').replace('{"n":2}', '{"n":9}'));
    expect(await verifyAudit(path)).toBe(3);
    for (let n = 0; n < 20; n++) await log.record({ n });
    await log.close();
    expect(await verifyAudit(`${path}.1`)).toBeUndefined();
    expect(readFileSync(path).length).toBeLessThan(1_500);
  });
});
