/** Who is told: the site file maps a meter to its grid cell (网格), and a cell to chains of up to three grid workers. */
import type { Alert } from '../../detectors/alert.ts';

export interface Cell {
  power: readonly { name: string }[];
  community: readonly { name: string }[];
}
export type Routes = Readonly<Record<string, Cell>>;

export const LEVELS = 3;

/** Names of those whom an alert concerns at this rung of the chain; a shorter chain stays at its end. */
export function workersOf(routes: Routes, alert: Pick<Alert, 'grid' | 'recipients'>, level: number): string[] {
  const cell = alert.grid === undefined ? undefined : routes[alert.grid];
  if (cell === undefined) return [];
  const names = alert.recipients.flatMap((recipient) => {
    if (recipient === 'dispatch') return [];
    const chain = cell[recipient];
    const worker = chain[Math.min(level, chain.length - 1)];
    return worker === undefined ? [] : [worker.name];
  });
  return [...new Set(names)];
}
