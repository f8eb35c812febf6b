/** The real bus on a simulated line in virtual time, with Modbus meters that each read a few registers. */
import { type Bus, type BusOptions, startBus } from '../../firmware/bus/bus.ts';
import type { BusMeter } from '../../firmware/bus/record.ts';
import type { Block } from '../../protocols/exchange.ts';
import { readRegisters } from '../../protocols/modbus/exchange.ts';
import type { Reading } from '../../protocols/reading.ts';
import { VirtualClock } from './virtual-clock.ts';
import { registerOf, VirtualStreet } from './virtual-street.ts';

export interface Read {
  meter: string;
  block: string;
  reading: Reading;
  atMs: number;
}

export const SILENT_LOG = { info() {}, warn() {} };

export function virtualBus(
  meters: readonly BusMeter[],
  options: Partial<BusOptions> & { street?: VirtualStreet; clock?: VirtualClock } = {},
) {
  const clock = options.clock ?? new VirtualClock(0);
  const street = options.street ?? new VirtualStreet(clock);
  const stop = new AbortController();
  const reads: Read[] = [];
  const states: string[] = [];
  const lines: string[] = [];
  const bus: Bus = startBus({
    settings: street.settings,
    openPort: street.openPort,
    clock,
    meters,
    onReading: (meter, block, reading, atMs) => reads.push({ meter, block, reading, atMs }),
    onMeterState: (meter, { state }) => states.push(`${meter} ${state}`),
    onPortState: ({ state }) => states.push(state),
    log: {
      info: (fields, text) => lines.push(`${JSON.stringify(fields)} ${text}`),
      warn: (fields, text) => lines.push(`${JSON.stringify(fields)} ${text}`),
    },
    signal: stop.signal,
    ...options,
  });
  return { bus, clock, street, reads, states, lines, stop: () => stop.abort() };
}

/** A block of `count` registers from `address`; the sum of what it read stands in `importWh`, so that a foreign value shows. */
export function registerBlock(
  unit: number,
  periodMs: number | null,
  options: { address?: number; count?: number; priority?: 0 | 1 | 2; answerMs?: number } = {},
): Block<Reading> {
  const { address = 0, count = 20, priority = 1, answerMs = 300 } = options;
  return {
    name: `from-${address}`,
    periodMs,
    priority,
    wireBytes: 8 + 5 + 2 * count,
    exchange() {
      const inner = readRegisters(unit, 'holding', address, count, { answerMs, gapMs: 60 });
      const outer = (move: ReturnType<typeof inner.start>) =>
        move.do === 'done' ? { ...move, value: { importWh: sum(move.value) } } : move;
      return {
        start: () => outer(inner.start()),
        received: (chunk) => outer(inner.received(chunk)),
        timedOut: () => outer(inner.timedOut()),
      };
    },
  };
}

/** What `registerBlock` must read. */
export const rightValue = (unit: number, address = 0, count = 20): number =>
  sum(Array.from({ length: count }, (_, i) => registerOf(unit, address + i)));

export const registerMeter = (
  unit: number,
  periodMs: number,
  options?: Parameters<typeof registerBlock>[2],
): BusMeter => ({
  id: `m${unit}`,
  protocol: 'modbus',
  blocks: [registerBlock(unit, periodMs, options)],
});

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
