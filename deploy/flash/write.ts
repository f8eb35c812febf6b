/**
 * Writes an image to a disk so that a half-written one never boots, and reads it back.
 *
 * The first MiB, which holds the partition table, comes last. Until then a mark stands in its place that says which
 * image is being written and how far it got, so a card whose writing was interrupted goes on from there on any machine.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { run } from '../tools.ts';
import type { Source } from './source.ts';

const PIECE_BYTES = 4 * 1024 * 1024;
const HEAD_BYTES = 1024 * 1024;
/** How much may have to be written again after an interruption. */
const MARK_EVERY_BYTES = 64 * 1024 * 1024;
const MARK = 'gridwarden-flash';

export interface WriteOptions {
  signal: AbortSignal;
  /** Both passes count: `done` goes to twice the image's size. */
  onProgress(what: 'writing' | 'verifying', doneBytes: number, totalBytes: number): void;
  /** What the image must have, where it is known. */
  sha256?: string;
}

export interface Written {
  sha256: string;
  bytes: number;
  /** Bytes that an earlier run had already written. */
  resumedBytes: number;
}

/**
 * @param target a block device, or a file
 * @throws when the image is not the promised one, the target differs after writing, or `signal` aborts
 */
export async function writeImage(source: Source, target: string, options: WriteOptions): Promise<Written> {
  const disk = await open(target, 'r+');
  try {
    return await write(source, target, disk, options);
  } finally {
    await disk.close();
  }
}

async function write(source: Source, target: string, disk: FileHandle, options: WriteOptions): Promise<Written> {
  const { signal, onProgress } = options;
  const hash = createHash('sha256');
  const digests: string[] = [];
  let head: Buffer = Buffer.alloc(0);
  let resumedBytes = 0;
  let at = 0;
  let markedAt = 0;
  for await (const piece of source.pieces(PIECE_BYTES)) {
    signal.throwIfAborted();
    hash.update(piece);
    digests.push(digest(piece));
    if (at === 0) {
      head = Buffer.from(piece.subarray(0, HEAD_BYTES));
      resumedBytes = await readMark(disk, source);
      markedAt = resumedBytes;
      if (resumedBytes === 0) await writeMark(disk, source, 0);
    }
    const begin = at === 0 ? head.length : 0;
    if (at + piece.length > resumedBytes) await writeAll(disk, piece.subarray(begin), at + begin);
    at += piece.length;
    if (at - markedAt >= MARK_EVERY_BYTES) {
      await disk.datasync();
      await writeMark(disk, source, at);
      markedAt = at;
    }
    onProgress('writing', at, source.bytes);
  }
  const sha256 = hash.digest('hex');
  if (at !== source.bytes) throw new Error(`the image ends after ${at} bytes: expected ${source.bytes}`);
  if (options.sha256 !== undefined && options.sha256 !== sha256)
    throw new Error(`the image is damaged: its SHA-256 is ${sha256}, expected ${options.sha256}`);
  try {
    await verify(disk, target, digests, head, source.bytes, options);
  } catch (error) {
    // What is wrong may be what an earlier run wrote: the next begins anew.
    if (!signal.aborted) await writeMark(disk, source, 0);
    throw error;
  }
  return { sha256, bytes: at, resumedBytes };
}

/** Reads everything back from the medium itself, and only then makes it bootable. */
async function verify(
  disk: FileHandle,
  target: string,
  digests: readonly string[],
  head: Buffer,
  bytes: number,
  { signal, onProgress }: WriteOptions,
): Promise<void> {
  await disk.datasync();
  await dropCache(disk, target);
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  for (const [index, expected] of digests.entries()) {
    signal.throwIfAborted();
    const at = index * PIECE_BYTES;
    const view = piece.subarray(0, Math.min(PIECE_BYTES, bytes - at));
    await readAll(disk, view, at);
    // The image's own head is not there yet.
    if (index === 0) head.copy(view);
    if (digest(view) !== expected)
      throw new Error(`${target}: reads back differently at byte ${at}: the medium is worn or smaller than it says`);
    onProgress('verifying', at + view.length, bytes);
  }
  await writeAll(disk, head, 0);
  await disk.datasync();
  await dropCache(disk, target);
  const back = Buffer.allocUnsafe(head.length);
  await readAll(disk, back, 0);
  if (!back.equals(head)) throw new Error(`${target}: its first MiB reads back differently: the medium is worn`);
}

const digest = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('base64');

interface Mark {
  mark: typeof MARK;
  image: string;
  done: number;
}

async function writeMark(disk: FileHandle, { identity }: Source, done: number): Promise<void> {
  const block = Buffer.alloc(HEAD_BYTES);
  block.write(`${JSON.stringify({ mark: MARK, image: identity, done } satisfies Mark)}\n`);
  await writeAll(disk, block, 0);
  await disk.datasync();
}

/** How far the same image got before; 0 where something else stands there. */
async function readMark(disk: FileHandle, { identity }: Source): Promise<number> {
  const block = Buffer.alloc(512);
  await disk.read(block, 0, block.length, 0);
  const text = block.toString('latin1').split('\n')[0] ?? '';
  if (!text.startsWith(`{"mark":"${MARK}"`)) return 0;
  try {
    const found = JSON.parse(text) as Mark;
    return found.image === identity && Number.isSafeInteger(found.done) ? found.done : 0;
  } catch {
    return 0;
  }
}

async function writeAll(disk: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await disk.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

async function readAll(disk: FileHandle, into: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < into.length; ) {
    const { bytesRead } = await disk.read(into, at, into.length - at, position + at);
    if (bytesRead === 0) throw new Error(`the target ends at byte ${position + at}`);
    at += bytesRead;
  }
}

/** What is read back must come from the medium, not from this machine's memory. */
async function dropCache(disk: FileHandle, target: string): Promise<void> {
  if ((await disk.stat()).isBlockDevice()) await run('blockdev', ['--flushbufs', target]);
}
