import { describe, expect, it } from 'vitest';
import type { BusMeter } from '../../../firmware/bus/record.ts';
import type { Reading } from '../../../protocols/reading.ts';
import type { Talk } from '../../../sim/line.ts';
import { createRandom } from '../../../sim/random.ts';
import { addressOf, attachMeter, dlt645Meter, truthOf } from '../../support/dlt645-street.ts';
import { registerBlock, rightValue, virtualBus } from '../../support/virtual-bus.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { LINE_9600, modbusStation, registersAnswer, VirtualStreet } from '../../support/virtual-street.ts';

const EXCHANGES = 100_000;
const NUMBERS = [1, 2, 3, 4];
const PERIOD_MS = 1_000;

/** 5 % late, 5 % lost, 2 % corrupt and 1 % foreign answers, of which it keeps count. */
function weather(answerMs: number, foreign: (number: number) => Uint8Array) {
  const random = createRandom('late');
  const asked = { total: 0 };
  const misbehave =
    (number: number) =>
    (answer: Talk): Talk[] => {
      asked.total++;
      const chance = random.next();
      if (chance < 0.05) return [{ ...answer, delayMs: answerMs + random.between(50, 1_200) }];
      if (chance < 0.1) return [];
      if (chance < 0.12) return [{ ...answer, bytes: corrupt(answer.bytes, random.int(answer.bytes.length)) }];
      if (chance < 0.13) return [{ ...answer, bytes: foreign(number) }];
      return [answer];
    };
  return { asked, misbehave, random };
}

function corrupt(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at]! ^= 0x10;
  return copy;
}

/** Runs the bus until enough was asked; gives back how much was read right, and what was not. */
async function judge(
  meters: readonly BusMeter[],
  world: { clock: VirtualClock; street: VirtualStreet; asked: { total: number } },
  isRight: (meter: string, block: string, reading: Reading) => boolean,
): Promise<{ right: number; wrong: string[] }> {
  let right = 0;
  const wrong: string[] = [];
  const { clock, street, asked } = world;
  const { bus, stop } = virtualBus(meters, {
    clock,
    street,
    onReading(meter, block, reading) {
      if (isRight(meter, block, reading)) right++;
      else wrong.push(`${meter} ${block} ${JSON.stringify(reading)}`);
    },
  });
  await clock.run(60 * 24 * 3_600_000, () => asked.total >= EXCHANGES || wrong.length > 0);
  const status = bus.status();
  stop();
  expect(status.counts.lateFrames).toBeGreaterThan(0);
  // The meters are all alive, and are all said to be.
  expect(status.meters.map(({ state }) => state)).toEqual(meters.map(() => 'answering'));
  return { right, wrong };
}

describe('a line with 5 % late, 5 % lost, 2 % corrupt and 1 % foreign answers', () => {
  it(`gives no wrong value in ${EXCHANGES} Modbus exchanges`, async () => {
    const clock = new VirtualClock(0);
    const street = new VirtualStreet(clock, LINE_9600);
    const answerMs = 300;
    const { asked, misbehave, random } = weather(answerMs, (unit) => registersAnswer(unit + 100, 0, 2));
    for (const unit of NUMBERS) {
      street.line.attach(modbusStation(unit, () => random.between(5, 60), misbehave(unit)));
    }
    // Blocks of one shape, so that nothing but the waiting keeps a late answer from passing for the next one's.
    const meters = NUMBERS.map(
      (unit): BusMeter => ({
        id: `m${unit}`,
        protocol: 'modbus',
        blocks: [0, 10, 20].map((address) => registerBlock(unit, PERIOD_MS, { address, count: 2, answerMs })),
      }),
    );
    const { right, wrong } = await judge(meters, { clock, street, asked }, (meter, block, reading) => {
      return reading.importWh === rightValue(Number(meter.slice(1)), Number(block.slice(5)), 2);
    });
    expect(wrong).toEqual([]);
    expect(right).toBeGreaterThan(0.85 * EXCHANGES);
  }, 120_000);

  it(`gives no wrong value in ${EXCHANGES} DL/T 645 exchanges`, async () => {
    const clock = new VirtualClock(0);
    const street = new VirtualStreet(clock, { ...LINE_9600, parity: 'even' });
    const last = new Map<number, Uint8Array>();
    // Foreign is a neighbour's own last answer, which may be to the very same item.
    const { asked, misbehave, random } = weather(700, (number) => last.get((number % 4) + 1) ?? new Uint8Array(4));
    for (const number of NUMBERS) {
      const change = misbehave(number);
      const delayMs = random.between(20, 60);
      const keep = (answer: Talk) => {
        last.set(number, answer.bytes);
        return change(answer);
      };
      attachMeter(street.line, number, delayMs, () => {}, keep);
    }
    const meters = NUMBERS.map((number) => dlt645Meter(number, PERIOD_MS, ['voltage', 'current']));
    const { right, wrong } = await judge(meters, { clock, street, asked }, (meter, block, { voltageV, currentA }) => {
      const number = NUMBERS.find((candidate) => addressOf(candidate) === meter)!;
      const [value] = voltageV ?? currentA ?? [];
      return value === truthOf(number, block as 'voltage' | 'current');
    });
    expect(wrong).toEqual([]);
    expect(right).toBeGreaterThan(0.85 * EXCHANGES);
  }, 120_000);
});
