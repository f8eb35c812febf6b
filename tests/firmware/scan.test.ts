import { describe, expect, it } from 'vitest';
import type { LineSettings } from '../../firmware/port.ts';
import { type Found, type ScanOptions, type ScanProgress, scan, scanBus } from '../../firmware/scan.ts';
import type { Reading } from '../../protocols/reading.ts';
import { Dlt645Meter } from '../../sim/dlt645-meter.ts';
import type { Talk } from '../../sim/line.ts';
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

/** What the command tries where nothing is said. */
const USUAL = (['even', 'none'] as const).flatMap((parity) => [2400, 9600, 1200, 4800].map((baud) => at(baud, parity)));

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

  it('tells the register map of a three-phase meter with one phase connected', async () => {
    const world = streetAt(9600);
    const onePhase = { ...view, phases: 1, reading: () => ({ ...reading, voltageV: [230], currentA: [3] }) } as const;
    const plate = { unit: 1, profile: 'dtsu666', turnaroundMs: 20 };
    world.street.line.attach(new ModbusSimMeter(plate, onePhase, createRandom('one')));
    expect(await scanAll(world)).toMatchObject([{ unit: 1, profile: 'dtsu666' }]);
  });

  it('finds nothing on an empty bus, and says what it does and how far that is', async () => {
    const told: ScanProgress[] = [];
    expect(await scanAll(streetAt(4800), { onProgress: (progress) => told.push(progress) })).toEqual([]);
    expect(told).toHaveLength(3 * (2 + 10));
    expect(told[0]).toEqual({ doing: 'DL/T 645, first round, 2400 even', asked: 1, most: 6 });
    expect(told.at(-1)).toEqual({ doing: 'Modbus, first round, 1200 even', asked: 30, most: 30 });
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

describe('a scan as it is without being told anything', () => {
  /** Scans the usual settings; when each meter was found, how long it took and how many questions. */
  async function scanned(world: ReturnType<typeof streetAt>, options: Partial<ScanOptions> = {}) {
    let questions = 0;
    const foundMs: number[] = [];
    const { clock } = world;
    const own = { clock, openPort: world.openPort, protocols: ['dlt645', 'modbus'] as const, lines: USUAL };
    const onProgress = () => questions++;
    async function* timed() {
      for await (const one of scan({ ...own, onProgress, signal: new AbortController().signal, ...options })) {
        foundMs.push(clock.monotonicMs());
        yield one;
      }
      endMs = clock.monotonicMs();
    }
    let endMs = 0;
    const found = await collect(clock, timed());
    return { found, foundMs, endMs, questions };
  }

  const station = (unit: number, profile = 'sdm630') =>
    new ModbusSimMeter({ unit, profile, turnaroundMs: 20 }, view, createRandom(unit));

  it('has one meter at once, and is done in seconds', async () => {
    const world = streetAt(2400);
    attachMeter(world.street.line, 161, 40, () => {});
    const { found, foundMs, endMs } = await scanned(world);
    expect(found).toHaveLength(1);
    expect(foundMs[0]).toBeLessThan(500);
    expect(endMs).toBeLessThan(10_000);
  });

  // The street hears every parity of its rate, as a pseudo-terminal and many a meter does.
  it('has two DL/T 645 meters at 2400 even once each, within two minutes', async () => {
    const world = streetAt(2400);
    for (const number of [161, 7_318]) attachMeter(world.street.line, number, 40, () => {});
    const { found, foundMs, endMs, questions } = await scanned(world);
    expect(found.map((meter) => 'address' in meter && [meter.address, meter.baud, meter.parity])).toEqual([
      ['000000007318', 2400, 'even'],
      ['000000000161', 2400, 'even'],
    ]);
    expect(foundMs[0]).toBeLessThan(45_000);
    expect(endMs).toBeLessThan(120_000);
    expect(questions).toBeLessThan(150);
  });

  it('shows the first of many meters long before it has them all', async () => {
    const world = streetAt(2400);
    for (const number of [101, 201, 301, 102, 202, 302]) attachMeter(world.street.line, number, 40, () => {});
    const { found, foundMs } = await scanned(world);
    expect(found).toHaveLength(6);
    expect(foundMs[0]).toBeLessThan(20_000);
  });

  it('hears a meter whose answer stands clear of a quicker one', async () => {
    const world = streetAt(2400);
    attachMeter(world.street.line, 1, 20, () => {});
    attachMeter(world.street.line, 2, 400, () => {});
    expect((await scanned(world)).found).toHaveLength(2);
  });

  it('finds two meters of 1997 beside one of 2007', async () => {
    const world = streetAt(2400);
    attachMeter(world.street.line, 5, 40, () => {});
    for (const address of ['000000000001', '000000000002'])
      world.street.line.attach(
        new Dlt645Meter({ address, standard: '1997', turnaroundMs: 40 }, view, createRandom(address)),
      );
    const { found } = await scanned(world);
    expect(found.map((meter) => 'standard' in meter && meter.standard).sort()).toEqual(['1997', '1997', '2007']);
  });

  it('finds Modbus unit 37 beside unit 1, the first within a quarter of a minute, all within two', async () => {
    const world = streetAt(9600);
    for (const unit of [1, 37]) world.street.line.attach(station(unit));
    const { found, foundMs, endMs, questions } = await scanned(world);
    expect(found.map((meter) => 'unit' in meter && [meter.unit, meter.baud, meter.parity])).toEqual([
      [1, 9600, 'none'],
      [37, 9600, 'none'],
    ]);
    expect(foundMs[0]).toBeLessThan(20_000);
    expect(endMs).toBeLessThan(120_000);
    expect(questions).toBeLessThan(350);
  });

  it.each([
    ['does not look at the number', (unit: number) => unit, [255]],
    ['has a number', (unit: number) => (unit === 4 ? 4 : 0), [4]],
    ['is a converter with a meter behind it', (unit: number) => (unit === 255 || unit === 12 ? unit : 0), [255, 12]],
  ])('finds a meter of Modbus TCP that %s once', async (_, answering, expected) => {
    const line: LineSettings = { ...at(921_600, 'none'), target: { kind: 'modbus-tcp', host: 'x', port: 502 } };
    const world = streetAt(921_600);
    world.street.line.attach({
      hear: (bytes, atMs) => modbusStation(answering(bytes[0]!), () => 20).hear(bytes, atMs),
    });
    const found = await scanAll(world, { lines: [line], protocols: ['modbus'] });
    expect(found.map((meter) => 'unit' in meter && meter.unit)).toEqual(expected);
  });

  it('leaves Modbus unit 37 that is alone to a thorough scan', async () => {
    const world = streetAt(9600);
    world.street.line.attach(station(37));
    const quick = await scanned(world);
    expect([quick.found, quick.questions]).toEqual([[], 8 * (2 + 10)]);
    expect(quick.endMs).toBeLessThan(60_000);
    const thorough = await scanned(world, { thorough: true });
    expect(thorough.found).toEqual([{ protocol: 'modbus', unit: 37, profile: 'sdm630', baud: 9600, parity: 'none' }]);
    expect(thorough.endMs - quick.endMs).toBeLessThan(20 * 60_000);
  });

  it('searches the rest of the units where two meters have the same number, and tells of voices without a meter', async () => {
    const world = streetAt(9600);
    // Both answer at once, and what comes is neither's frame.
    const spoilt = (answer: Talk) => [{ ...answer, bytes: answer.bytes.map((byte) => byte ^ 0x2a) }];
    world.street.line.attach(modbusStation(1, () => 20, spoilt));
    const voices: number[] = [];
    const onVoices = ({ baud }: LineSettings) => voices.push(baud);
    expect((await scanned(world, { onVoices })).found).toEqual([]);
    expect(voices).toContain(9600);
    world.street.line.attach(station(100));
    expect((await scanned(world)).found).toHaveLength(1);
  });

  it('searches no noise for meters', async () => {
    const world = streetAt(2400);
    // Whatever is asked, something answers that is no frame.
    world.street.line.attach({ hear: () => [{ bytes: Uint8Array.of(0x55, 0x13, 0x68), delayMs: 30 }] });
    const { found, questions } = await scanned(world);
    expect(found).toEqual([]);
    expect(questions).toBeLessThan(110);
  });
});
