/** A recording as a source: each meter shows what it last said, for as long as it lived. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import type { MeterEvent, MeterInfo, Reading, Sample, Waveform } from '../protocols/reading.ts';
import { RecordingReader } from '../protocols/recording.ts';
import type { Source } from './source.ts';

interface Heard {
  at: number[];
  readings: Reading[];
  waves: { atMs: number; waveform: Waveform }[];
  events: { atMs: number; event: MeterEvent }[];
  /** Where the last question was answered: questions come in the order of time. */
  cursor: number;
}

/** Samples must come in the order of time, as a recording has them; all of them are kept in memory. */
export function recordingSource(
  header: { timezone: string; meters: readonly MeterInfo[] },
  samples: Iterable<Sample>,
): Source {
  const byMeter = new Map<string, Heard>();
  for (const { id } of header.meters) byMeter.set(id, { at: [], readings: [], waves: [], events: [], cursor: 0 });
  let startMs = Number.POSITIVE_INFINITY;
  let endMs = Number.NEGATIVE_INFINITY;
  for (const sample of samples) {
    startMs = Math.min(startMs, sample.atMs);
    endMs = Math.max(endMs, sample.atMs);
    const heard = byMeter.get(sample.meter);
    if (heard !== undefined) keep(heard, sample);
  }
  if (startMs > endMs) startMs = endMs = 0;
  return {
    timezone: header.timezone,
    startMs,
    endMs,
    meters: header.meters,
    readingAt(meter, atMs) {
      const heard = byMeter.get(meter);
      return heard === undefined ? {} : (heard.readings[seek(heard, atMs)] ?? {});
    },
    isDark(meter, atMs) {
      const heard = byMeter.get(meter);
      const last = heard?.events.findLast((it) => it.atMs <= atMs && DARK.has(it.event));
      if (heard === undefined || last === undefined || last.event === 'power-on') return false;
      return (heard.at[seek(heard, atMs)] ?? Number.NEGATIVE_INFINITY) <= last.atMs;
    },
    waveformAt(meter, atMs, phase) {
      const waves = byMeter.get(meter)?.waves ?? [];
      return waves.findLast((wave) => wave.atMs <= atMs && wave.waveform.phase === phase)?.waveform;
    },
    eventsBetween(meter, fromMs, toMs) {
      return (byMeter.get(meter)?.events ?? []).filter(({ atMs }) => atMs > fromMs && atMs <= toMs);
    },
  };
}

/** After these a meter is silent until it says something again. */
const DARK: ReadonlySet<MeterEvent> = new Set<MeterEvent>(['power-off', 'power-on', 'no-answer']);

/** A recording may say little at a time: what it does not say again still holds. */
function keep(heard: Heard, sample: Sample): void {
  if ('reading' in sample) {
    heard.at.push(sample.atMs);
    heard.readings.push({ ...heard.readings.at(-1), ...sample.reading });
  } else if ('waveform' in sample) heard.waves.push({ atMs: sample.atMs, waveform: sample.waveform });
  else heard.events.push({ atMs: sample.atMs, event: sample.event });
}

/** Index of the last reading at or before `atMs`, −1 before the first. */
function seek(heard: Heard, atMs: number): number {
  const { at } = heard;
  if ((at[heard.cursor] ?? Number.POSITIVE_INFINITY) > atMs) heard.cursor = 0;
  while ((at[heard.cursor + 1] ?? Number.POSITIVE_INFINITY) <= atMs) heard.cursor++;
  return (at[heard.cursor] ?? Number.POSITIVE_INFINITY) <= atMs ? heard.cursor : -1;
}

/**
 * Reads a recording file, plain or `.gz`.
 * @param warn told of broken lines and unknown keys
 * @throws Error when the file cannot be read or its first line is no header
 */
export async function readRecordingSource(path: string, warn: (warning: string) => void): Promise<Source> {
  const reader = new RecordingReader(warn);
  const file = createReadStream(path);
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  file.on('error', (error) => input.destroy(error));
  const samples: Sample[] = [];
  for await (const line of createInterface({ input })) {
    samples.push(...reader.take(line));
    if (reader.problem !== undefined) break;
  }
  if (reader.header === undefined) {
    throw new Error(reader.problem ?? 'empty: expected a header with "recording":1 in the first line');
  }
  // Meters look up what they say by time.
  samples.sort((a, b) => a.atMs - b.atMs);
  return recordingSource(reader.header, samples);
}
