/**
 * `npm run eval -- homes`: what the detectors of homes find, on recordings, by replay through the engine, with one
 * frozen setting. Leaves a picture of every home under `tests/artifacts/eval-homes`.
 */
import { inactivityTable } from './support/homes-inactivity.ts';
import { nightTable } from './support/homes-night.ts';
import { occupancyTable } from './support/homes-occupancy.ts';
import { drawHomes } from './support/homes-picture.ts';

export async function run(options: { json: boolean }): Promise<void> {
  const print = options.json ? () => {} : (line: string) => console.log(line);
  const inactivity = inactivityTable(print);
  const occupancy = occupancyTable(print);
  const night = nightTable(print);
  const pictures = drawHomes();
  print(`${pictures} pictures under tests/artifacts/eval-homes`);
  if (options.json) console.log(JSON.stringify({ inactivity, occupancy, night: night ?? null }));
}
