/** Civil time as the meters say it: `2026-11-21T23:15:00`, and back; as numbers it is counted as though it were UTC. */

/** To the nearest second. */
export function civilText(localMs: number): string {
  return new Date(Math.round(localMs / 1000) * 1000).toISOString().slice(0, 19);
}

/** NaN where the text is no time. */
export function parseCivil(text: string): number {
  return Date.parse(`${text}Z`);
}
