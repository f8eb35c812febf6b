/** Recordings as files: plain or gzip, read as a stream, written as the meters speak. */
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { Area } from '../../detectors/detector.ts';
import type { Sample } from '../../protocols/reading.ts';
import { encodeHeader, encodeRecord, type RecordingCount, RecordingReader } from '../../protocols/recording.ts';
import { BadInput, expectWritable, say } from './io.ts';

export interface Recording {
  area: Area;
  samples: AsyncIterable<Sample>;
  /** Grows while `samples` is read. */
  counts: RecordingCount;
}

/**
 * Opens a recording and reads its header; warnings about single lines go to stderr, each once.
 * @throws BadInput when there is no such file or its first line is no header
 */
export async function openRecording(file: string): Promise<Recording> {
  if (!existsSync(file)) throw new BadInput(`${file}: no such file: expected a recording (NDJSON, .gz is unpacked)`);
  const reader = new RecordingReader((warning) => say(`${file}: ${warning}`));
  const samples = readSamples(file, reader);
  // The header is read on the way to the first sample.
  const first = await samples.next();
  if (reader.header === undefined)
    throw new BadInput(`${file}: ${reader.problem ?? 'empty: expected a header with "recording":1 in the first line'}`);
  const area = { timezone: reader.header.timezone, meters: reader.header.meters };
  return { area, samples: chain(first, samples), counts: reader.count };
}

async function* readSamples(file: string, reader: RecordingReader): AsyncGenerator<Sample> {
  const raw = createReadStream(file);
  const bytes = file.endsWith('.gz') ? raw.pipe(createGunzip()) : raw;
  raw.on('error', (error) => bytes.destroy(error));
  try {
    for await (const line of createInterface({ input: bytes, crlfDelay: Number.POSITIVE_INFINITY })) {
      yield* reader.take(line);
      if (reader.problem !== undefined) return;
    }
  } catch (error) {
    // A recording cut by a power failure ends in the middle of a gzip block: what came before it is good.
    if (reader.header === undefined) throw new BadInput(`${file}: ${(error as Error).message}: expected a recording`);
    say(`${file}: the file ends early: ${(error as Error).message}`);
  } finally {
    raw.destroy();
  }
}

async function* chain(first: IteratorResult<Sample>, rest: AsyncGenerator<Sample>): AsyncGenerator<Sample> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}

/** Writes samples as they come; `close` resolves when the file is complete. Backlog is bounded: beyond it samples are dropped and counted. */
export function writeRecording(
  file: string,
  area: Area,
): { write(sample: Sample): void; close(): Promise<{ dropped: number }> } {
  const BACKLOG_MAX_BYTES = 16 * 1024 * 1024;
  const source = new Readable({ read() {} });
  expectWritable(file);
  const target = createWriteStream(file);
  const done = file.endsWith('.gz') ? pipeline(source, createGzip(), target) : pipeline(source, target);
  let failure: unknown;
  let dropped = 0;
  done.catch((error) => {
    failure = error;
    say(`${file}: recording stopped: ${(error as Error).message}`);
  });
  source.push(`${encodeHeader({ timezone: area.timezone, meters: [...area.meters] })}\n`);
  return {
    write(sample) {
      if (failure !== undefined || source.readableLength > BACKLOG_MAX_BYTES) dropped++;
      else source.push(`${encodeRecord(sample)}\n`);
    },
    async close() {
      source.push(null);
      await done.catch(() => {});
      return { dropped };
    },
  };
}
