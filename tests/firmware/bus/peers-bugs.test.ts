/** The bugs that every gateway in the open has had, each against the naive way where that is short to write. */
import { describe, expect, it } from 'vitest';
import { planLoad } from '../../../firmware/bus/plan.ts';
import { wireMs } from '../../../firmware/port.ts';
import { readRegisters } from '../../../protocols/modbus/exchange.ts';
import type { Talk } from '../../../sim/line.ts';
import { registerBlock, registerMeter, rightValue, virtualBus } from '../../support/virtual-bus.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { LINE_9600, modbusStation, registerOf, VirtualStreet } from '../../support/virtual-street.ts';

const TEN_MS = () => 10;
const units = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/** Asks one register after the other and takes whatever comes within the deadline for the answer. */
async function naiveMaster(clock: VirtualClock, street: VirtualStreet, asks: [number, number][], deadlineMs: number) {
  let heard: number[] = [];
  let arrived: () => void = () => {};
  const port = await street.openPort(street.settings, {
    onBytes(bytes) {
      heard.push(...bytes);
      if (heard.length >= 7) arrived();
    },
    onLost() {},
  });
  const values: (number | undefined)[] = [];
  for (const [unit, address] of asks) {
    heard = [];
    const request = readRegisters(unit, 'holding', address, 1).start();
    if (request.do !== 'send') throw new Error('expected a request');
    await new Promise<void>((resolve) => {
      arrived = resolve;
      clock.after(wireMs(street.settings, 8) + deadlineMs, resolve);
      void port.write(request.bytes, 1_000);
    });
    values.push(heard.length >= 7 ? heard[3]! * 256 + heard[4]! : undefined);
  }
  return values;
}

describe('what every gateway got wrong', () => {
  it('1: dead meters do not starve the bus', async () => {
    const world = virtualBus(units(30).map((unit) => registerMeter(unit, 5_000)));
    for (const unit of units(27)) world.street.line.attach(modbusStation(unit, TEN_MS));
    await world.clock.run(600_000);
    for (const unit of units(27)) {
      const times = world.reads
        .filter(({ meter, atMs }) => meter === `m${unit}` && atMs > 20_000)
        .map(({ atMs }) => atMs);
      expect(times.length).toBeGreaterThan(110);
      for (const [i, atMs] of times.slice(1).entries()) expect(Math.abs(atMs - times[i]! - 5_000)).toBeLessThan(250);
    }
    // Each is told once, with a reason.
    expect(world.states.filter((state) => state.endsWith('silent'))).toEqual([
      'm28 silent',
      'm29 silent',
      'm30 silent',
    ]);
    expect(world.lines.filter((line) => line.includes('"m30"')).length).toBeLessThan(3);
  });

  it('2: the port is the lock, not the meter', async () => {
    const world = virtualBus(units(8).map((unit) => registerMeter(unit, 1_000)));
    for (const unit of units(8)) world.street.line.attach(modbusStation(unit, TEN_MS));
    await world.clock.run(100);
    const all = units(30).map((i) =>
      world.bus.request(`m${1 + (i % 8)}`, () => readRegisters(1 + (i % 8), 'holding', i, 1)),
    );
    const answers = await world.clock.settle(Promise.all(all), 60_000);
    expect(answers).toEqual(units(30).map((i) => ({ value: [registerOf(1 + (i % 8), i)] })));
    expect(world.street.line.counts).toMatchObject({ collisions: 0, requestsOnAnswers: 0, silenceViolations: 0 });
  });

  it('3: the silence of 3.5 characters is kept, and the naive way is counted', async () => {
    const world = virtualBus(units(30).map((unit) => registerMeter(unit, 1_000)));
    for (const unit of units(30)) world.street.line.attach(modbusStation(unit, TEN_MS));
    await world.clock.run(30_000);
    expect(world.reads.length).toBeGreaterThan(350);
    expect(world.street.line.counts.silenceViolations).toBe(0);

    const clock = new VirtualClock(0);
    const street = new VirtualStreet(clock);
    street.line.attach(modbusStation(1, TEN_MS));
    await clock.settle(
      naiveMaster(
        clock,
        street,
        units(20).map((address) => [1, address]),
        300,
      ),
    );
    expect(street.line.counts.silenceViolations).toBe(19);
  });

  it('3: a meter that drops back-to-back requests gets the quiet that it needs', async () => {
    const quiet = { ...registerMeter(1, 200), quietMs: 50 };
    const clock = new VirtualClock(0);
    const street = new VirtualStreet(clock);
    let lastMs = Number.NEGATIVE_INFINITY;
    const station = modbusStation(1, TEN_MS);
    street.line.attach({
      hear(bytes, atMs) {
        const talks = atMs - lastMs < 50 ? [] : station.hear(bytes, atMs);
        lastMs = atMs;
        return talks;
      },
    });
    const world = virtualBus([quiet], { clock, street });
    await clock.run(10_000);
    expect(world.bus.status().failures).toEqual({});
  });

  it('5: a plan longer than the bus is said, with by how much', () => {
    const blocks = units(100).map((unit) => registerBlock(unit, 5_000));
    const { load, overBy } = planLoad(LINE_9600, blocks);
    // 100 × (53 bytes, the usual delay, 3.5 characters) of 5 s.
    expect(load).toBeCloseTo((100 * (55.2 + 60 + 3.65)) / 5_000, 2);
    expect(overBy).toBeCloseTo(load - 1, 10);
    expect(planLoad(LINE_9600, blocks.slice(0, 10)).overBy).toBe(0);
    expect(virtualBus([{ id: 'a', protocol: 'modbus', blocks }]).bus.status().plan.overBy).toBeGreaterThan(1);
  });

  it('6: one item that a meter does not have costs that item only, and is said', async () => {
    const meter = {
      ...registerMeter(1, 1_000),
      blocks: [registerBlock(1, 1_000), registerBlock(1, 1_000, { address: 900 })],
    };
    const clock = new VirtualClock(0);
    const street = new VirtualStreet(clock);
    const good = modbusStation(1, TEN_MS);
    street.line.attach({
      hear: (bytes, atMs) =>
        bytes[2] === 900 >> 8
          ? [{ bytes: Uint8Array.of(1, 0x83, 2, 0xc0, 0xf1), delayMs: 10 }]
          : good.hear(bytes, atMs),
    });
    const world = virtualBus([meter], { clock, street });
    await clock.run(10_000);
    const [status] = world.bus.status().meters;
    expect(status).toMatchObject({
      state: 'answering',
      reads: 10,
      dropped: ['from-900'],
      failures: { 'no-such-data': 1 },
    });
  });

  it('asks again for what a meter refused while it started, at growing distances', async () => {
    const clock = new VirtualClock(0);
    const street = new VirtualStreet(clock);
    const refusals: number[] = [];
    const good = modbusStation(1, TEN_MS);
    street.line.attach({
      hear(bytes, atMs) {
        if (atMs > 5_000_000) return good.hear(bytes, atMs);
        refusals.push(atMs);
        return [{ bytes: Uint8Array.of(1, 0x83, 2, 0xc0, 0xf1), delayMs: 10 }];
      },
    });
    const world = virtualBus([registerMeter(1, 1_000)], { clock, street });
    await clock.run(5_000_000);
    expect(world.bus.status().meters[0]?.dropped).toEqual(['from-0']);
    expect(refusals.map((atMs) => Math.round(atMs / 60_000))).toEqual([0, 10, 30, 70]);
    expect(world.lines.filter((line) => line.includes('does not have'))).toHaveLength(1);
    await clock.run(5_000_000);
    expect(world.reads.length).toBeGreaterThan(500);
    expect(world.bus.status().meters[0]?.dropped).toEqual([]);
  });

  it('a late answer is never taken for the next one; the naive way takes it for ever', async () => {
    /** A meter whose first answer is late; the ones behind it queue up in it, as behind a slow converter. */
    const slowStart = () => {
      const clock = new VirtualClock(0);
      const street = new VirtualStreet(clock);
      let first = true;
      const late = (answer: Talk): Talk[] => {
        const delayMs = first ? 450 : answer.delayMs;
        first = false;
        return [{ ...answer, delayMs }];
      };
      street.line.attach(modbusStation(1, () => 250, late));
      return { clock, street };
    };
    const asks: [number, number][] = units(10).map((address) => [1, 10 * address]);
    const peer = slowStart();
    const naive = await peer.clock.settle(naiveMaster(peer.clock, peer.street, asks, 300));
    const wrong = naive.filter((value, i) => value !== undefined && value !== registerOf(1, asks[i]![1]));
    expect(wrong.length).toBeGreaterThan(5);

    const { clock, street } = slowStart();
    const world = virtualBus(
      [
        {
          id: 'm1',
          protocol: 'modbus',
          blocks: units(10).map((i) => registerBlock(1, 10_000, { address: 10 * i, count: 1 })),
        },
      ],
      { clock, street },
    );
    await clock.run(60_000);
    expect(world.reads.length).toBeGreaterThan(50);
    for (const { block, reading } of world.reads) {
      expect(reading.importWh).toBe(rightValue(1, Number(block.slice(5)), 1));
    }
    expect(world.bus.status().failures).toEqual({ 'late-answer': 1 });
    expect(world.bus.status().counts.lateFrames).toBe(1);
  });
});
