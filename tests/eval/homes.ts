/** `npm run eval -- homes`: what the detectors of homes find, on recordings, by replay through the engine. */
import { inactivityTable } from './support/homes-inactivity.ts';

export async function run(options: { json: boolean }): Promise<void> {
  const report: Record<string, unknown> = {};
  report.inactivity = inactivityTable(options.json ? () => {} : (line) => console.log(line));
  if (options.json) console.log(JSON.stringify(report));
}
