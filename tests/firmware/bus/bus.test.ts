import { describe, expect, it } from 'vitest';
import { wireMs } from '../../../firmware/port.ts';
import { readRegisters } from '../../../protocols/modbus/exchange.ts';
import { attachMeter, dlt645Meter } from '../../support/dlt645-street.ts';
import { registerBlock, registerMeter, rightValue, virtualBus } from '../../support/virtual-bus.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { LINE_9600, modbusStation, registerOf, VirtualStreet } from '../../support/virtual-street.ts';

const TWENTY_MS = () => 20;

describe('bus', () => {
  it('reads every block at its period and says what was read', async () => {
    const world = virtualBus([registerMeter(1, 1_000), registerMeter(2, 1_000)]);
    for (const unit of [1, 2]) world.street.line.attach(modbusStation(unit, TWENTY_MS));
    await world.clock.run(10_000);
    const times = world.reads.filter(({ meter }) => meter === 'm2').map(({ atMs }) => atMs);
    expect(times.length).toBe(10);
    for (const [i, atMs] of times.entries()) expect(Math.abs(atMs - times[0]! - i * 1_000)).toBeLessThanOrEqual(1);
    expect(world.reads[0]?.reading.importWh).toBe(rightValue(1));
    expect(world.states).toEqual(['opening', 'open', 'm1 answering', 'm2 answering']);
    expect(world.street.line.counts.silenceViolations).toBe(0);
  });

  it('serves a request at once and out of turn', async () => {
    const world = virtualBus([registerMeter(1, 1_000)]);
    world.street.line.attach(modbusStation(1, TWENTY_MS));
    await world.clock.run(500);
    const answer = world.bus.request('m1', () => readRegisters(1, 'holding', 40, 2));
    expect(await world.clock.settle(answer, 200)).toEqual({ value: [registerOf(1, 40), registerOf(1, 41)] });
  });

  it('reads a meter under suspicion more often, for a while', async () => {
    const units = [1, 2, 3, 4];
    const world = virtualBus(units.map((unit) => registerMeter(unit, 10_000)));
    for (const unit of units) world.street.line.attach(modbusStation(unit, TWENTY_MS));
    await world.clock.run(1_000);
    expect(world.bus.attend('m3', 500, 5_000)).toBe(true);
    expect(world.bus.attend('nobody', 500, 5_000)).toBe(false);
    await world.clock.run(29_000);
    const reads = units.map((unit) => world.reads.filter(({ meter }) => meter === `m${unit}`).length);
    expect(reads).toEqual([3, 3, 3 + 10, 3]);
  });

  it('says how busy the line is as the line itself counts it', async () => {
    const clock = new VirtualClock(0);
    const street = new VirtualStreet(clock, { ...LINE_9600, baud: 2400, parity: 'even' });
    const numbers = [1, 2, 3, 4];
    let delaysMs = 0;
    for (const number of numbers) {
      attachMeter(street.line, number, 40, (delayMs) => {
        delaysMs += delayMs;
      });
    }
    const world = virtualBus(
      numbers.map((number) => dlt645Meter(number, 500)),
      { clock, street },
    );
    await clock.run(140_000);
    const { requestBytes, answerBytes } = street.line.counts;
    const useful = (wireMs(street.settings, requestBytes + answerBytes) + delaysMs) / 140_000;
    expect(useful).toBeGreaterThan(0.97);
    expect(world.bus.status().utilisation).toBeCloseTo(useful, 1.9);
  });

  it('ends every request and the port when it is stopped', async () => {
    const world = virtualBus([]);
    await world.clock.run(10);
    const answer = world.bus.request('m1', () => readRegisters(1, 'holding', 40, 2));
    world.stop();
    expect(await world.clock.settle(answer, 5_000)).toMatchObject({ failure: 'cancelled' });
    await world.clock.settle(world.bus.stopped, 5_000);
    const after = await world.bus.request('m1', () => readRegisters(1, 'holding', 40, 2));
    expect(after).toMatchObject({ failure: 'cancelled' });
  });

  it('says of every meter how it is and why', async () => {
    const meter = { ...registerMeter(1, 1_000), blocks: [registerBlock(1, 1_000), registerBlock(1, null)] };
    const world = virtualBus([meter, registerMeter(2, 1_000)]);
    world.street.line.attach(modbusStation(1, TWENTY_MS));
    expect(world.bus.status().meters.map(({ state }) => state)).toEqual(['unasked', 'unasked']);
    await world.clock.run(60_000);
    const [first, second] = world.bus.status().meters;
    expect(first).toMatchObject({ state: 'answering', failures: {} });
    expect(first!.reads).toBeGreaterThan(50);
    expect(second).toMatchObject({ state: 'silent', reads: 0, lastReadMs: null });
    expect(second!.reason).toMatch(/said nothing/);
  });
});
