/** `gridwarden replay`: the detectors over recordings in virtual time; the same recording gives the same alerts. */
import { ALERT_KINDS, type Alert } from '../../detectors/alert.ts';
import { allDetectors } from '../../detectors/catalogue.ts';
import { Engine } from '../../detectors/engine.ts';
import { BadInput, print, readSite, say } from './io.ts';
import { openRecording } from './recording-file.ts';

export interface ReplayOptions {
  config?: string;
  kind?: string[];
}

export async function replay(recordings: string[], options: ReplayOptions): Promise<void> {
  const settings = options.config === undefined ? {} : (await readSite(options.config)).detectors;
  const wanted = options.kind === undefined ? undefined : new Set(options.kind);
  const strange = options.kind?.find((kind) => !ALERT_KINDS.some((name) => name === kind));
  if (strange !== undefined) throw new BadInput(`--kind ${strange}: expected ${ALERT_KINDS.join(', ')}`);
  let readable = 0;
  for (const file of recordings) {
    const recording = await openRecording(file);
    const faults = new Set<string>();
    const engine = new Engine(recording.area, allDetectors(settings), undefined, (detector, meter, error) => {
      const line = `${file}: detector ${detector} failed on ${meter ?? 'the area'}: ${String(error)}`;
      if (!faults.has(line)) say(line);
      faults.add(line);
    });
    const show = (alerts: readonly Alert[]) => {
      for (const alert of alerts) if (wanted === undefined || wanted.has(alert.kind)) print(alert);
    };
    for await (const sample of recording.samples) show(engine.take(sample).alerts);
    const { records, broken } = recording.counts;
    if (records > 0) readable++;
    if (broken > 0) say(`${file}: ${broken} of ${records + broken} records could not be read and were skipped`);
  }
  if (readable === 0)
    throw new BadInput(
      `${recordings.join(', ')}: no record could be read: expected a recording (NDJSON, header first)`,
    );
}
