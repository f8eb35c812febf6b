/**
 * The audit file: one JSON line for each command and refusal, each with the hash of the line before, so that a line
 * that was changed or taken out shows. Append-only, on disk before the command acts, and bounded by files of 4 MB of
 * which five are kept; the chain goes on from file to file.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface Audit {
  /** Resolves when the line is on disk. Rejects when it cannot be: then the command must not be obeyed. */
  record(entry: Readonly<Record<string, unknown>>): Promise<void>;
  close(): Promise<void>;
}

interface Line {
  n: number;
  at: number;
  entry: unknown;
  previous: string;
  hash: string;
}

const FILE_MAX_BYTES = 4 * 1024 * 1024;
const FILES = 5;
const FIRST = '0'.repeat(64);

/** Opens or makes the file; a last line torn by a power cut is cut off. @throws when it can be neither read nor made */
export async function openAudit(path: string, nowMs: () => number, maxBytes = FILE_MAX_BYTES): Promise<Audit> {
  await mkdir(dirname(path), { recursive: true });
  let { last, bytes } = await readEnd(path);
  let file: FileHandle | undefined = await open(path, 'a', 0o600);
  let queue: Promise<void> = Promise.resolve();

  async function write(entry: unknown): Promise<void> {
    if (bytes > maxBytes) await rotate();
    const unsigned = { n: (last?.n ?? 0) + 1, at: nowMs(), entry, previous: last?.hash ?? FIRST };
    const line: Line = { ...unsigned, hash: hashOf(unsigned) };
    const text = `${JSON.stringify(line)}\n`;
    file ??= await open(path, 'a', 0o600);
    try {
      await file.appendFile(text);
      await file.datasync();
    } catch (error) {
      // What was half written must not stand before the next line.
      await file.close().catch(() => {});
      file = undefined;
      await truncate(path, bytes).catch(() => {});
      throw error;
    }
    last = line;
    bytes += Buffer.byteLength(text);
  }

  async function rotate(): Promise<void> {
    await file?.close();
    file = undefined;
    for (let n = FILES - 1; n > 0; n--) {
      await rename(n === 1 ? path : `${path}.${n - 1}`, `${path}.${n}`).catch(() => {});
    }
    bytes = 0;
  }

  return {
    record(entry) {
      const mine = queue.then(() => write(entry));
      queue = mine.catch(() => {});
      return mine;
    },
    async close() {
      await queue;
      await file?.close();
    },
  };
}

/** The line number of the first line that does not follow from the one before, or undefined when all do. */
export async function verifyAudit(path: string): Promise<number | undefined> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  let previous: string | undefined;
  for (const [index, text] of lines.entries()) {
    const line = parseLine(text);
    if (line === undefined || (previous !== undefined && line.previous !== previous)) return index + 1;
    previous = line.hash;
  }
  return undefined;
}

function parseLine(text: string): Line | undefined {
  try {
    const { hash, ...unsigned } = JSON.parse(text) as Line;
    return hash === hashOf(unsigned) ? { ...unsigned, hash } : undefined;
  } catch {
    return undefined;
  }
}

function hashOf({ n, at, entry, previous }: Omit<Line, 'hash'>): string {
  return createHash('sha256')
    .update(JSON.stringify([n, at, entry, previous]))
    .digest('hex');
}

async function readEnd(path: string): Promise<{ last: Line | undefined; bytes: number }> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const bytes = Buffer.byteLength(whole);
  if (whole !== text) await truncate(path, bytes);
  const rotated = whole === '' ? await readFile(`${path}.1`, 'utf8').catch(() => '') : whole;
  const line = rotated.trimEnd().split('\n').at(-1);
  return { last: line === undefined || line === '' ? undefined : parseLine(line), bytes };
}
