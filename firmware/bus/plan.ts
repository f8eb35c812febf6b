/**
 * Whether what the site file asks for fits the bus, said before the first byte moves. A poll list longer than the bus
 * is the commonest silent fault of gateways: every value is then older than its stamp makes believe.
 */
import type { Block } from '../../protocols/exchange.ts';
import { type LineSettings, wireMs } from '../port.ts';

/** A meter's own response delay where it was never measured. DL/T 645 allows 20–500 ms; meters in the field take 20–100. */
export const USUAL_DELAY_MS = 60;

export type Protocol = 'dlt645' | 'modbus';

/**
 * How long the line must be silent before a request, in ms.
 * Modbus over serial line 2.5.1.1: 3.5 characters, and fixed 1.75 ms above 19200 baud. DL/T 645-2007 asks the master
 * for no silence: its frames start with wake-up bytes instead; one character lets the meter's driver release the line.
 */
export function silenceMs(settings: LineSettings, protocol: Protocol): number {
  if (protocol === 'dlt645') return wireMs(settings, 1);
  return settings.baud > 19_200 ? 1.75 : wireMs(settings, 3.5);
}

/** Bus time of one read of this block in ms: its bytes, the meter's usual delay and the silence before it. */
export function costMs(settings: LineSettings, protocol: Protocol, wireBytes: number): number {
  return wireMs(settings, wireBytes) + USUAL_DELAY_MS + silenceMs(settings, protocol);
}

export interface PlanLoad {
  /** Share of the bus that the plan needs: 1 is full. */
  load: number;
  /** By how much it is too long: 0.25 means that every period will stretch by a quarter. 0 where it fits. */
  overBy: number;
}

/**
 * The load of a plan: the blocks of every meter on one port.
 * @param protocol decides the silence between frames; where both share a bus, Modbus' longer one is the safe answer
 */
export function planLoad(
  settings: LineSettings,
  blocks: Iterable<Pick<Block<unknown>, 'wireBytes' | 'periodMs'>>,
  protocol: Protocol = 'modbus',
): PlanLoad {
  let load = 0;
  for (const block of blocks) {
    if (block.periodMs !== null) load += costMs(settings, protocol, block.wireBytes) / block.periodMs;
  }
  return { load, overBy: Math.max(0, load - 1) };
}
