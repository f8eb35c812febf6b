/** `gridwarden score`: alerts held against what really happened. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type ScoredAlert, score as scoreAlerts } from '../../sim/score.ts';
import { scoreHtml, scoreText } from '../../sim/score-report.ts';
import { parseTruth, type Told, within } from '../../sim/truth.ts';
import { BadInput, expectWritable, print, readInput, say } from './io.ts';
import { openRecording } from './recording-file.ts';

export interface ScoreOptions {
  truth: string;
  json?: boolean;
  html?: string;
  recording?: string;
}

export async function score(files: string[], options: ScoreOptions): Promise<void> {
  expectWritable(options.html);
  const told = readTruth(await readInput(options.truth, 'a truth file as written by sim'), options.truth);
  const { header, truths } = options.recording === undefined ? told : await heardIn(options.recording, told);
  const alerts = files.flatMap((file) => readAlerts(file));
  const result = scoreAlerts(truths, alerts, header);
  if (options.html !== undefined) {
    writeFileSync(options.html, scoreHtml(result));
    say(`the report: ${options.html}`);
  }
  if (options.json === true) print(result);
  else process.stdout.write(scoreText(result));
}

/** Nobody can find what happened behind other meters, or while nobody listened. */
async function heardIn(file: string, told: Told): Promise<Told> {
  const { area, samples } = await openRecording(file);
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for await (const { atMs } of samples) [from, to] = [Math.min(from, atMs), Math.max(to, atMs)];
  if (from > to) throw new BadInput(`${file}: no record could be read: expected a recording (NDJSON, header first)`);
  return within(told, { meters: area.meters.map(({ id }) => id), from, to });
}

function readTruth(text: string, file: string): Told {
  try {
    const truth = parseTruth(text);
    if (truth.header === undefined && truth.truths.length === 0)
      throw new Error('nothing in it: expected a truth file as written by sim');
    return truth;
  } catch (error) {
    throw new BadInput(`${file}: ${(error as Error).message}`);
  }
}

/** Lines that are no alerts, such as a demo's summary, are passed over; broken ones are said. */
function readAlerts(file: string): ScoredAlert[] {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new BadInput(`${file}: ${(error as NodeJS.ErrnoException).code}: expected alerts as printed by replay`);
  }
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      const alert = JSON.parse(line) as Partial<ScoredAlert>;
      return alert.id !== undefined && alert.kind !== undefined && alert.at !== undefined ? [alert as ScoredAlert] : [];
    } catch {
      say(`${file}:${index + 1}: not JSON; skipped`);
      return [];
    }
  });
}
