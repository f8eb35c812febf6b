/** Simulated DL/T 645-2007 meters and the blocks that read them, for benches and tests of the bus. */
import type { BusMeter } from '../../firmware/bus/record.ts';
import { readItemExchange } from '../../protocols/dlt645/exchange.ts';
import type { Block, Exchange } from '../../protocols/exchange.ts';
import type { Reading } from '../../protocols/reading.ts';
import { Dlt645Meter } from '../../sim/dlt645-meter.ts';
import type { Line, Talk } from '../../sim/line.ts';
import { createRandom } from '../../sim/random.ts';

/** Of phase A: answers of two and three bytes, the shortest there are and so the hardest on the bus's pauses. */
const ITEMS = { voltage: '02010100', current: '02020100' } as const;
type Name = keyof typeof ITEMS;

export const addressOf = (number: number): string => String(number).padStart(12, '0');
/** What the meter of this number measures, different for each. */
export const truthOf = (number: number, name: Name): number => (name === 'voltage' ? 200 + number / 10 : number / 10);

/**
 * Hangs a meter on the line; told of each of its answers and their delay.
 * @param misbehave what becomes of an answer
 */
export function attachMeter(
  line: Line,
  number: number,
  turnaroundMs: number,
  onAnswer: (delayMs: number) => void,
  misbehave: (answer: Talk) => readonly Talk[] = (answer) => [answer],
): void {
  const view = {
    phases: 1,
    reading: () => ({
      voltageV: [truthOf(number, 'voltage')],
      currentA: [truthOf(number, 'current')],
      activePowerW: 100,
    }),
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
      return talks.flatMap(misbehave);
    },
  });
}

/** Reads one voltage each period, or what else is named. */
export function dlt645Meter(number: number, periodMs: number, names: readonly Name[] = ['voltage']): BusMeter {
  const blocks = names.map(
    (name): Block<Reading> => ({
      name,
      periodMs,
      priority: 1,
      wireBytes: 20 + 22,
      exchange: () => itemExchange(addressOf(number), name),
    }),
  );
  return { id: addressOf(number), protocol: 'dlt645', blocks };
}

function itemExchange(address: string, name: Name): Exchange<Reading> {
  const inner = readItemExchange({ address, standard: '2007' }, ITEMS[name]);
  const outer = (move: ReturnType<typeof inner.start>) => {
    if (move.do !== 'done') return move;
    const value = Number(move.value.values[0]?.value);
    return { ...move, value: name === 'voltage' ? { voltageV: [value] } : { currentA: [value] } };
  };
  return {
    start: () => outer(inner.start()),
    received: (chunk) => outer(inner.received(chunk)),
    timedOut: () => outer(inner.timedOut()),
  };
}
