/**
 * Power cuts without cutting power: every write and sync of a store is recorded with strace; at random moments the
 * files are rebuilt as a disk may hold them then (what was not synced is dropped, or a part of it is there, torn at
 * 512 bytes), opened, and compared with what had been acknowledged by that moment.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { StoreNotice } from '../../firmware/outbox.ts';
import { openStore } from '../../firmware/store/store.ts';

export interface CutReport {
  images: number;
  /** Acknowledged before the cut and not in the image's store. */
  lost: number;
  /** Images whose store said it was broken, or did not open. */
  failedStarts: number;
}

type Event =
  | { type: 'write'; file: string; offset: number; data: Buffer }
  | { type: 'truncate'; file: string; size: number }
  | { type: 'sync'; file: string }
  | { type: 'unlink'; file: string }
  | { type: 'ack'; n: number }
  | { type: 'gone'; n: number };

const SECTOR = 512;

export function hasStrace(): boolean {
  return spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0;
}

export async function runPowerCuts(images: number, records: number, random: () => number): Promise<CutReport> {
  const folder = mkdtempSync(join(tmpdir(), 'power-cut-'));
  try {
    const events = record(folder, records);
    const report: CutReport = { images: 0, lost: 0, failedStarts: 0 };
    for (let n = 0; n < images; n++) {
      const cut = Math.floor(random() * events.length);
      const image = join(folder, `image-${n}`);
      mkdirSync(image);
      const expected = rebuild(events.slice(0, cut), image, n % 2 === 0 ? () => 0 : random);
      await judge(image, expected, report);
      rmSync(image, { recursive: true });
    }
    return report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the writer under strace and reads what it did to its files. */
function record(folder: string, records: number): Event[] {
  const store = join(folder, 'store');
  mkdirSync(store);
  const log = join(folder, 'trace');
  const calls = 'trace=pwrite64,write,ftruncate,fsync,fdatasync,unlink';
  const writer = new URL('./writer.ts', import.meta.url).pathname;
  const traced = ['-ff', '-y', '-xx', '-s', '200000', '-e', calls, '-o', log];
  execFileSync('strace', [...traced, process.execPath, writer, join(store, 'store.db'), String(records)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  // One file for each thread; the database's is the one that wrote to the WAL.
  const files = readdirSync(folder).filter((name) => name.startsWith('trace.'));
  const text = files.map((name) => readFileSync(join(folder, name), 'latin1')).find((one) => one.includes('pwrite64('));
  if (text === undefined) throw new Error('strace saw no write to the store');
  return text.split('\n').flatMap((line) => parse(line) ?? []);
}

const CALL = /^(\w+)\((?:\d+<([^>]*)>|"([^"]*)")(?:, (.*))?\) = (\d+)/;

function parse(line: string): Event | undefined {
  const [, call, fd, name, rest = '', result] = CALL.exec(line) ?? [];
  const file = basename(unhex(fd ?? name ?? '').toString('latin1'));
  if (call === 'write') {
    const [, word, n] = /^(ack|gone) (\d+)/.exec(unhex(rest.slice(1, rest.lastIndexOf('"'))).toString('latin1')) ?? [];
    return word === undefined ? undefined : { type: word as 'ack' | 'gone', n: Number(n) };
  }
  if (!/^store\.db(-wal)?$/.test(file)) return undefined;
  switch (call) {
    case 'pwrite64': {
      const [, hex = '', offset] = /^"([^"]*)", \d+, (\d+)$/.exec(rest) ?? [];
      return { type: 'write', file, offset: Number(offset), data: unhex(hex).subarray(0, Number(result)) };
    }
    case 'ftruncate':
      return { type: 'truncate', file, size: Number(rest) };
    case 'fsync':
    case 'fdatasync':
      return { type: 'sync', file };
    case 'unlink':
      return { type: 'unlink', file };
    default:
      return undefined;
  }
}

/** strace prints bytes as \x41, and paths likewise. */
function unhex(text: string): Buffer {
  return text.includes('\\x') ? Buffer.from(text.replaceAll('\\x', ''), 'hex') : Buffer.from(text, 'latin1');
}

interface FileState {
  /** What is on the disk for certain, in a buffer that may be longer than the file. */
  synced: Buffer;
  size: number;
  everSynced: boolean;
  pending: Extract<Event, { type: 'write' | 'truncate' }>[];
}

/** Writes the files as they may stand after the cut; `keep` gives the share of the unsynced that is there. Returns the
 * numbers that must be in the store. */
function rebuild(events: readonly Event[], folder: string, keep: () => number): Set<number> {
  const files = new Map<string, FileState>();
  const acknowledged = new Set<number>();
  for (const event of events) {
    if (event.type === 'ack') acknowledged.add(event.n);
    else if (event.type === 'gone') acknowledged.delete(event.n);
    else if (event.type === 'unlink') files.delete(event.file);
    else {
      const state = files.get(event.file) ?? { synced: Buffer.alloc(65_536), size: 0, everSynced: false, pending: [] };
      files.set(event.file, state);
      if (event.type === 'sync') {
        for (const one of state.pending.splice(0)) apply(state, one);
        state.everSynced = true;
      } else state.pending.push(event);
    }
  }
  for (const [name, state] of files) {
    const share = keep();
    if (!state.everSynced && share === 0) continue;
    for (const one of state.pending) for (const part of torn(one, share, keep)) apply(state, part);
    writeFileSync(join(folder, name), state.synced.subarray(0, state.size));
  }
  return acknowledged;
}

/** The sectors of a write that reached the disk. */
function torn(event: FileState['pending'][number], share: number, random: () => number): FileState['pending'] {
  if (share === 0) return [];
  if (event.type === 'truncate') return random() < share ? [event] : [];
  const parts: FileState['pending'] = [];
  for (let at = 0; at < event.data.length; at += SECTOR) {
    const data = event.data.subarray(at, at + SECTOR);
    if (random() < share) parts.push({ ...event, offset: event.offset + at, data });
  }
  return parts;
}

function apply(state: FileState, event: FileState['pending'][number]): void {
  if (event.type === 'truncate') {
    state.synced.fill(0, event.size);
    state.size = event.size;
    return;
  }
  const end = event.offset + event.data.length;
  if (state.synced.length < end) {
    const longer = Buffer.alloc(Math.max(end, 2 * state.synced.length));
    state.synced.copy(longer);
    state.synced = longer;
  }
  event.data.copy(state.synced, event.offset);
  state.size = Math.max(state.size, end);
}

async function judge(image: string, expected: ReadonlySet<number>, report: CutReport): Promise<void> {
  const notices: StoreNotice[] = [];
  const outbox = openStore(join(image, 'store.db'), {
    limits: { messages: 1_000_000, reserveBytes: 0 },
    onNotice: (notice) => notices.push(notice),
  });
  const found = new Set<number>();
  for (let after = 0; ; ) {
    const rows = await outbox.pending(after, 5_000);
    for (const { sequence, message } of rows) {
      after = sequence;
      if (message.type === 'alert') found.add(Number.parseInt(message.alert.id, 16));
    }
    if (rows.length === 0) break;
  }
  const { durable } = await outbox.append([]);
  await outbox.close();
  report.images++;
  report.lost += [...expected].filter((n) => !found.has(n)).length;
  if (!durable || notices.length > 0) report.failedStarts++;
}
