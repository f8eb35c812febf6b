import { type AddressInfo, createServer } from 'node:net';
import { ServerTCP } from 'modbus-serial';
import { afterEach, describe, expect, it } from 'vitest';
import { startBus } from '../../firmware/bus/bus.ts';
import { sleep, systemClock } from '../../firmware/clock.ts';
import { openPort } from '../../firmware/open-port.ts';
import { parsePortAddress } from '../../firmware/port-address.ts';
import { encodeRequest } from '../../protocols/modbus/frame.ts';
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

  it('neither waits for an answer that the bus gave up on, nor takes it for the next one', async () => {
    // Unit 1, behind a converter, takes its time; unit 2 is quick.
    const slow = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        const [unit = 0, code = 0, , register = 0] = bytes.subarray(6);
        const answer = Buffer.concat([bytes.subarray(0, 4), Buffer.from([0, 5, unit, code, 2, 0, register])]);
        setTimeout(() => socket.write(answer), unit === 1 ? 400 : 0);
      });
    });
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    const { port: number } = slow.address() as AddressInfo;
    const settings = parsePortAddress(`modbus-tcp://127.0.0.1:${number}`);
    if ('problem' in settings) throw new Error(settings.problem);
    const heard: { afterMs: number; unit: number; register: number }[] = [];
    const startMs = Date.now();
    const onBytes = (bytes: Uint8Array) =>
      heard.push({ afterMs: Date.now() - startMs, unit: bytes[0]!, register: bytes[4]! });
    const port = await openPort(settings, { onBytes, onLost: () => {} });
    const ask = (unit: number, address: number) =>
      port.write(encodeRequest({ unit, function: 3, address, count: 1 }), 1_000);
    await ask(1, 11);
    await sleep(systemClock, 100);
    await ask(2, 22);
    await sleep(systemClock, 500);
    expect(heard).toMatchObject([{ unit: 2, register: 22 }]);
    expect(heard[0]?.afterMs).toBeLessThan(350);
    await port.close();
    slow.close();
  });
});
