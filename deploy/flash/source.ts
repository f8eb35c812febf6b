/** An image as a stream of equal pieces, whether it is compressed or not. */
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';

const SECTOR_BYTES = 512;
const HEAD_BYTES = 2 * SECTOR_BYTES;

export interface Source {
  /** Bytes once unpacked. */
  bytes: number;
  /** Another file, or the same one changed, has another. */
  identity: string;
  /** Pieces of `pieceBytes`, the last one shorter; a piece is only good until the next. */
  pieces(pieceBytes: number): AsyncGenerator<Uint8Array>;
}

/** @throws when the file is no image, or a `.zst` that does not say its size */
export async function openSource(file: string): Promise<Source> {
  const compressed = file.endsWith('.zst');
  const { size, mtimeMs } = await stat(file);
  const bytes = compressed ? await unpackedBytes(file) : size;
  const identity = `${size}@${mtimeMs}`;
  return { bytes, identity, pieces: (pieceBytes) => pieces(file, compressed, pieceBytes) };
}

/** Whether it is a disk with a partition table (GPT, UEFI 5.3.2), which is what every gateway's image is. */
export async function isDisk(source: Source): Promise<boolean> {
  for await (const head of source.pieces(HEAD_BYTES))
    return Buffer.from(head.subarray(SECTOR_BYTES)).toString('latin1').startsWith('EFI PART');
  return false;
}

async function* pieces(file: string, compressed: boolean, pieceBytes: number): AsyncGenerator<Uint8Array> {
  const raw = createReadStream(file, { highWaterMark: 1024 * 1024 });
  // A truncated file must end in an error, not in a short image.
  const stream = compressed ? pipeline(raw, createZstdDecompress(), () => {}) : raw;
  const piece = Buffer.allocUnsafe(pieceBytes);
  let filled = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let at = 0;
    while (at < chunk.length) {
      const taken = chunk.copy(piece, filled, at);
      filled += taken;
      at += taken;
      if (filled === pieceBytes) {
        yield piece;
        filled = 0;
      }
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

const ZSTD_MAGIC = 0xfd2fb528;

/** The size that stands in the head of a zstd frame (RFC 8878, 3.1.1.1). */
async function unpackedBytes(file: string): Promise<number> {
  const handle = await open(file);
  const head = Buffer.alloc(18);
  await handle.read(head, 0, head.length, 0);
  await handle.close();
  if (head.readUInt32LE(0) !== ZSTD_MAGIC) throw new Error(`${file}: expected a zstd file`);
  const descriptor = head.readUInt8(4);
  const sizeFlag = descriptor >> 6;
  const singleSegment = (descriptor >> 5) & 1;
  const at = 5 + (1 - singleSegment) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  if (sizeFlag === 0 && singleSegment === 0)
    throw new Error(`${file}: does not say how large it is unpacked: compress a file, not a pipe`);
  switch (sizeFlag) {
    case 0:
      return head.readUInt8(at);
    case 1:
      return head.readUInt16LE(at) + 256;
    case 2:
      return head.readUInt32LE(at);
    default:
      return Number(head.readBigUInt64LE(at));
  }
}
