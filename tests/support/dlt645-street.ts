/** Simulated DL/T 645-2007 meters and the blocks that read them, for benches and tests of the bus. */
import type { BusMeter } from '../../firmware/bus/bus.ts';
import { readItemExchange } from '../../protocols/dlt645/exchange.ts';
import type { Block, Exchange } from '../../protocols/exchange.ts';
import type { Reading } from '../../protocols/reading.ts';
import { Dlt645Meter } from '../../sim/dlt645-meter.ts';
import type { Line } from '../../sim/line.ts';
import { createRandom } from '../../sim/random.ts';

/** Voltage of phase A: an answer of two bytes, the shortest read there is and so the hardest on the bus's pauses. */
const VOLTAGE_A = '02010100';

export const addressOf = (number: number): string => String(number).padStart(12, '0');
/** What the meter of this number measures, different for each. */
export const voltageOf = (number: number): number => 200 + number / 10;

/** Hangs a meter on the line; told of each of its answers and their delay. */
export function attachMeter(
  line: Line,
  number: number,
  turnaroundMs: number,
  onAnswer: (delayMs: number) => void,
): void {
  const view = {
    phases: 1,
    reading: () => ({ voltageV: [voltageOf(number)], currentA: [1], activePowerW: 100 }),
    localMs: () => Date.UTC(2026, 0, 1),
    setLocalMs() {},
    waveform: () => undefined,
    record: () => [],
    count: () => 0,
    relayOpen: false,
  } as const;
  const meter = new Dlt645Meter({ address: addressOf(number), turnaroundMs }, view, createRandom(number));
  line.attach({
    hear(bytes, atMs) {
      const talks = meter.hear(bytes, atMs);
      for (const { delayMs } of talks) onAnswer(delayMs);
      return talks;
    },
  });
}

/** Reads one voltage each period. */
export function dlt645Meter(number: number, periodMs: number, priority: 0 | 1 | 2 = 1): BusMeter {
  const block: Block<Reading> = {
    name: 'voltage',
    periodMs,
    priority,
    wireBytes: 20 + 22,
    exchange: () => voltageExchange(addressOf(number)),
  };
  return { id: addressOf(number), protocol: 'dlt645', blocks: [block] };
}

function voltageExchange(address: string): Exchange<Reading> {
  const inner = readItemExchange({ address, standard: '2007' }, VOLTAGE_A);
  const outer = (move: ReturnType<typeof inner.start>) =>
    move.do === 'done' ? { ...move, value: { voltageV: [Number(move.value.values[0]?.value)] } } : move;
  return {
    start: () => outer(inner.start()),
    received: (chunk) => outer(inner.received(chunk)),
    timedOut: () => outer(inner.timedOut()),
  };
}
