import { describe, expect, it } from 'vitest';
import { readItemExchange } from '../../../protocols/dlt645/exchange.ts';
import { readRegisters, writeRegister } from '../../../protocols/modbus/exchange.ts';
import { registerMeter, rightValue, virtualBus } from '../../support/virtual-bus.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { LINE_9600, modbusStation, VirtualStreet } from '../../support/virtual-street.ts';

const TEN_MS = () => 10;
const units = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/** Eight meters at 1 s, all attached. */
function eight(faults: ConstructorParameters<typeof VirtualStreet>[2] = {}) {
  const clock = new VirtualClock(0);
  const street = new VirtualStreet(clock, LINE_9600, faults);
  for (const unit of units(8)) street.line.attach(modbusStation(unit, TEN_MS));
  return virtualBus(
    units(8).map((unit) => registerMeter(unit, 1_000)),
    { clock, street },
  );
}

describe('faults on the line', () => {
  it('sees an unplugged port at once, keeps trying, and is back after the plug returns', async () => {
    const world = eight();
    await world.clock.run(10_500);
    world.street.unplug();
    await world.clock.run(1);
    expect(world.bus.status().state).toEqual({ state: 'lost', reason: 'unplugged' });
    const refused = world.bus.request('m1', () => readRegisters(1, 'holding', 0, 1));
    expect(await world.clock.settle(refused, 10)).toMatchObject({ failure: 'port-lost' });
    await world.clock.run(60_000);
    const before = world.reads.length;
    world.street.plug();
    await world.clock.run(4_000);
    expect(world.reads.length).toBeGreaterThan(before + 8);
    expect(world.states.filter((state) => !state.includes(' '))).toEqual(['opening', 'open', 'lost', 'open']);
    // The meters were never asked, so nothing is said against them.
    expect(world.states.filter((state) => state.endsWith('silent'))).toEqual([]);
  });

  it('drops a handle whose writes hang, and says when only a restart helps', async () => {
    const world = eight();
    await world.clock.run(5_000);
    world.street.blocked = true;
    await world.clock.run(20_000);
    expect(world.states).toContain('lost');
    expect(world.states).toContain('stuck');
    world.street.blocked = false;
    const before = world.reads.length;
    await world.clock.run(5_000);
    expect(world.reads.length).toBeGreaterThan(before + 16);
  });

  it('takes a bus on which nobody answers for one fault, reopens the port, and recovers at once', async () => {
    const world = eight();
    await world.clock.run(10_000);
    const { line } = world.street;
    line.faults = { ...line.faults, drop: 1 };
    await world.clock.run(300_000);
    expect(world.bus.status().state).toMatchObject({ state: 'silent' });
    expect(world.states.filter((state) => state.endsWith(' silent'))).toEqual([]);
    expect(world.states.filter((state) => state === 'silent')).toHaveLength(1);
    expect(world.street.opened).toBeGreaterThan(1);
    line.faults = { ...line.faults, drop: 0 };
    const before = world.reads.length;
    await world.clock.run(60_000);
    expect(world.reads.length - before).toBeGreaterThan(8 * 20);
    expect(world.bus.status().state).toEqual({ state: 'open' });
  });

  it('finds out that the adapter echoes, and writes through it', async () => {
    const world = eight({ echo: 1 });
    world.street.line.attach({ hear: (bytes) => (bytes[1] === 6 ? [{ bytes, delayMs: 10 }] : []) });
    // Before anything is known: the answer to a write is the same bytes as its echo.
    const first = world.bus.request('m1', () => writeRegister(1, 5, 7));
    expect(await world.clock.settle(first, 5_000)).toEqual({ value: true });
    await world.clock.run(10_000);
    expect(world.bus.status().echo).toBe('yes');
    expect(world.bus.status().failures).toEqual({});
  });

  it('knows an adapter that does not echo from a write that is answered by itself', async () => {
    const world = eight();
    world.street.line.attach({ hear: (bytes) => (bytes[1] === 6 ? [{ bytes, delayMs: 10 }] : []) });
    await world.clock.run(900);
    expect(world.bus.status().echo).toBe('no');
    const answer = world.bus.request('m1', () => writeRegister(1, 5, 7));
    expect(await world.clock.settle(answer, 100)).toEqual({ value: true });
  });

  it('takes its own echo for no answer', async () => {
    const clock = new VirtualClock(0);
    const street = new VirtualStreet(clock, LINE_9600, { echo: 1 });
    const world = virtualBus([], { clock, street });
    await clock.run(10);
    const answer = world.bus.request('m9', () => readRegisters(9, 'holding', 0, 1));
    expect(await clock.settle(answer, 5_000)).toMatchObject({ failure: 'no-answer' });
  });

  it('reads on through noise, lost tails and bytes nobody sent, and believes none of it', async () => {
    const world = eight({ noise: 0.002, truncate: 0.02, extra: 0.05 });
    await world.clock.run(600_000);
    expect(world.reads.length).toBeGreaterThan(1_000);
    for (const { meter, reading } of world.reads) expect(reading.importWh).toBe(rightValue(Number(meter.slice(1))));
  });

  it('is not stopped by a neighbour that never falls silent', async () => {
    const world = eight();
    await world.clock.run(1_000);
    world.street.babble(0x55, 3, 60_000);
    await world.clock.run(60_000);
    const during = world.reads.length;
    expect(world.bus.status().counts.silenceWaits).toBeGreaterThan(0);
    await world.clock.run(120_000);
    expect(world.reads.length).toBeGreaterThan(during + 8 * 50);
  });

  it('does not wait for ever for an answer that trickles in and never ends', async () => {
    const world = virtualBus([]);
    await world.clock.run(10);
    world.street.babble(0x55, 300, 3_600_000);
    const asked = { address: '000000000001', standard: '2007' } as const;
    const answer = world.bus.request('m1', () => readItemExchange(asked, '02010100'));
    expect(await world.clock.settle(answer, 20_000)).toMatchObject({ failure: 'garbage' });
  });

  it('goes on when a question cannot even be made', async () => {
    const world = eight();
    await world.clock.run(10);
    const bad = world.bus.request('m1', () => {
      throw new RangeError('planted');
    });
    expect(await world.clock.settle(bad, 1_000)).toEqual({ failure: 'refused', detail: 'RangeError: planted' });
    await world.clock.run(5_000);
    expect(world.reads.length).toBeGreaterThan(30);
  });

  it('does not take a port that went away in a write for one that hangs', async () => {
    const world = eight();
    await world.clock.run(5_000);
    for (let i = 0; i < 5; i++) {
      world.street.failWrites = true;
      await world.clock.run(5_000);
      world.street.failWrites = false;
      await world.clock.run(5_000);
    }
    expect(world.states).toContain('lost');
    expect(world.states).not.toContain('stuck');
    expect(world.bus.status().state).toEqual({ state: 'open' });
    expect(world.states.filter((state) => state.endsWith(' silent'))).toEqual([]);
  });

  it('goes on when a reading cannot be taken', async () => {
    let taken = 0;
    const clock = new VirtualClock(0);
    const street = new VirtualStreet(clock);
    street.line.attach(modbusStation(1, TEN_MS));
    const world = virtualBus([registerMeter(1, 1_000)], {
      clock,
      street,
      onReading() {
        taken++;
        throw new Error('planted');
      },
    });
    await clock.run(5_500);
    expect(taken).toBe(6);
    expect(world.lines.some((line) => line.includes('planted'))).toBe(true);
  });
});
