import { describe, expect, it } from 'vitest';
import type { LineSettings } from '../../firmware/port.ts';
import { type Found, type ScanOptions, scan, scanBus } from '../../firmware/scan.ts';
import type { Reading } from '../../protocols/reading.ts';
import type { MeterView } from '../../sim/meter-view.ts';
import { ModbusSimMeter } from '../../sim/modbus-station.ts';
import { createRandom } from '../../sim/random.ts';
import { attachMeter } from '../support/dlt645-street.ts';
import { registerMeter, virtualBus } from '../support/virtual-bus.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { modbusStation, VirtualStreet } from '../support/virtual-street.ts';

const at = (baud: number, parity: LineSettings['parity'] = 'even'): LineSettings => ({
  target: { kind: 'tty', path: '/dev/virtual' },
  baud,
  parity,
  stopBits: 1,
});

const reading: Reading = {
  activePowerW: 690,
  voltageV: [229.9, 230.1, 230.3],
  currentA: [1, 1, 1],
  powerFactor: [1, 1, 1],
  frequencyHz: 50,
  importWh: 1_000,
};
const view: MeterView = {
  phases: 3,
  reading: () => reading,
  localMs: () => 0,
  setLocalMs() {},
  waveform: () => undefined,
  record: () => [],
  count: () => 0,
  relayOpen: false,
};

/** Meters that hear only their own baud rate; every other setting finds the line silent. */
function streetAt(baud: number) {
  const clock = new VirtualClock(0);
  const street = new VirtualStreet(clock, at(baud));
  const silent = new VirtualStreet(clock, at(300));
  const openPort: ScanOptions['openPort'] = (settings, events) =>
    (settings.baud === baud ? street : silent).openPort(settings, events);
  return { clock, street, openPort };
}

async function collect(clock: VirtualClock, found: AsyncIterable<Found>): Promise<Found[]> {
  const all: Found[] = [];
  const run = async () => {
    for await (const one of found) all.push(one);
  };
  await clock.settle(run(), 48 * 3_600_000);
  return all;
}

const scanAll = (world: ReturnType<typeof streetAt>, options: Partial<ScanOptions> = {}) =>
  collect(
    world.clock,
    scan({
      lines: [at(2400), at(9600), at(1200)],
      openPort: world.openPort,
      clock: world.clock,
      protocols: ['dlt645', 'modbus'],
      units: [1, 2, 3, 4, 5, 6, 7, 8],
      signal: new AbortController().signal,
      ...options,
    }),
  );

describe('scan', () => {
  it('finds one meter, its baud rate and its parity', async () => {
    const world = streetAt(9600);
    attachMeter(world.street.line, 161, 40, () => {});
    const meter = { protocol: 'dlt645', standard: '2007', address: '000000000161', baud: 9600, parity: 'even' };
    expect(await scanAll(world)).toEqual([meter]);
  });

  it('finds several that answer the wildcard at once, by their digits', async () => {
    const world = streetAt(2400);
    for (const number of [161, 162, 261, 90_161]) attachMeter(world.street.line, number, 40, () => {});
    const found = await scanAll(world);
    const addresses = found.map((meter) => 'address' in meter && meter.address).sort();
    expect(addresses).toEqual(['000000000161', '000000000162', '000000000261', '000000090161']);
  });

  it('finds Modbus units, also those that refuse, and the register map that makes sense', async () => {
    const world = streetAt(9600);
    const options = { profile: 'sdm630', turnaroundMs: 20 };
    world.street.line.attach(new ModbusSimMeter({ unit: 3, ...options }, view, createRandom('m')));
    world.street.line.attach(modbusStation(7, () => 20));
    const found = await scanAll(world);
    expect(found).toEqual([
      { protocol: 'modbus', unit: 3, profile: 'sdm630', baud: 9600, parity: 'even' },
      { protocol: 'modbus', unit: 7, baud: 9600, parity: 'even' },
    ]);
  });

  it('finds nothing on an empty bus, and says how far it is', async () => {
    let asked = 0;
    let most = 0;
    const onProgress = (so: number, far: number) => {
      asked = so;
      most = far;
    };
    expect(await scanAll(streetAt(4800), { onProgress })).toEqual([]);
    expect(asked).toBe(most);
    expect(most).toBe(3 * (2 + 8));
  });

  it('ends quietly when it is stopped', async () => {
    const stop = new AbortController();
    const world = streetAt(9600);
    world.clock.after(3_000, () => stop.abort());
    expect(await scanAll(world, { signal: stop.signal })).toEqual([]);
    expect(world.clock.monotonicMs()).toBeLessThan(3_500);
  });

  it('throws when the port goes away', async () => {
    const world = streetAt(9600);
    world.clock.after(1_000, () => world.street.unplug());
    await expect(scanAll(world, { lines: [at(9600)] })).rejects.toThrow('unplugged');
  });

  it('throws when the port does not open', async () => {
    const world = streetAt(9600);
    world.street.unplug();
    await expect(scanAll(world, { lines: [at(9600)] })).rejects.toThrow('no such device');
  });

  it('scans a bus at work without taking it from its meters', async () => {
    const world = virtualBus([registerMeter(1, 5_000)]);
    world.street.line.attach(modbusStation(1, () => 20));
    world.street.line.attach(modbusStation(2, () => 20));
    await world.clock.run(1_000);
    const found = await collect(world.clock, scanBus(world.bus, new AbortController().signal));
    expect(found.map((meter) => 'unit' in meter && meter.unit)).toEqual([1, 2]);
    const times = world.reads.map(({ atMs }) => atMs);
    for (const [i, atMs] of times.slice(1).entries()) expect(Math.abs(atMs - times[i]! - 5_000)).toBeLessThan(5_000);
  });
});
