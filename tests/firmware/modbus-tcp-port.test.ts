import { ServerTCP } from 'modbus-serial';
import { afterEach, describe, expect, it } from 'vitest';
import { startBus } from '../../firmware/bus/bus.ts';
import { systemClock } from '../../firmware/clock.ts';
import { openPort } from '../../firmware/open-port.ts';
import { parsePortAddress } from '../../firmware/port-address.ts';
import { modbusBlocks } from '../../protocols/modbus/poll.ts';
import type { Reading } from '../../protocols/reading.ts';

const PORT = 15_502;
let server: ServerTCP | undefined;
const serve = () =>
  new Promise<void>((resolve) => {
    // Every float32 of the map reads 230.5: 4366 8000.
    const vector = { getInputRegister: (address: number) => (address % 2 === 0 ? 0x4366 : 0x8000) };
    server = new ServerTCP(vector, { host: '127.0.0.1', port: PORT, unitID: 7 });
    server.on('initialized', () => resolve());
  });
const unserve = () =>
  new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
afterEach(unserve);

describe('a Modbus-TCP meter behind the bus', () => {
  it('is read like any other, and again after its connection was lost', { timeout: 30_000 }, async () => {
    await serve();
    const settings = parsePortAddress(`modbus-tcp://127.0.0.1:${PORT}`);
    if ('problem' in settings) throw new Error(settings.problem);
    const stop = new AbortController();
    const readings: Reading[] = [];
    const bus = startBus({
      settings,
      openPort,
      clock: systemClock,
      meters: [
        {
          id: 'm',
          protocol: 'modbus',
          blocks: modbusBlocks({ protocol: 'modbus', unit: 7, profile: 'sdm120' }, { fastMs: 200 }),
        },
      ],
      onReading: (_meter, _block, reading) => readings.push(reading),
      onMeterState: () => {},
      onPortState: () => {},
      log: { info: () => {}, warn: () => {} },
      signal: stop.signal,
    });
    await expect.poll(() => readings.length, { timeout: 5_000 }).toBeGreaterThan(3);
    expect(readings.find((reading) => reading.voltageV !== undefined)?.voltageV).toEqual([230.5]);
    await unserve();
    await expect.poll(() => bus.status().state.state, { timeout: 10_000 }).toBe('lost');
    await serve();
    const before = readings.length;
    await expect.poll(() => readings.length, { timeout: 10_000 }).toBeGreaterThan(before + 3);
    stop.abort();
    await bus.stopped;
  });
});
