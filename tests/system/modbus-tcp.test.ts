import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { ServerTCP } from 'modbus-serial';
import { afterEach, describe, expect, it } from 'vitest';
import { openModbusTcp } from '../../firmware/modbus-tcp.ts';
import { crc16 } from '../../protocols/modbus/crc.ts';
import { readCoils, readRegisters, writeRegisters } from '../../protocols/modbus/exchange.ts';
import { modbusBlocks } from '../../protocols/modbus/poll.ts';
import type { Reading } from '../../protocols/reading.ts';
import { modbusMeter, rowValue } from '../../sim/modbus-meter.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A Modbus-TCP meter by hand; `delayMs` tells how late each answer leaves. */
async function slowMeter(delayMs: (nth: number) => number): Promise<number> {
  const meter = modbusMeter({ unit: 1, profile: 'sdm630', value: (row) => rowValue(row, READING) });
  let nth = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      const body = bytes.subarray(6);
      const crc = crc16(body);
      const answer = meter.answer(Uint8Array.of(...body, crc & 0xff, crc >>> 8))!.subarray(0, -2);
      const header = Buffer.from(bytes.subarray(0, 6));
      header.writeUInt16BE(answer.length, 4);
      setTimeout(() => socket.write(Buffer.concat([header, answer])), delayMs(nth++));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const READING: Reading = {
  activePowerW: 1234.5,
  voltageV: [230.1, 229.5, 231.2],
  currentA: [5.25, 1.5, 0.25],
  powerFactor: [0.98, 0.9, 1],
  frequencyHz: 50.01,
  importWh: 1_234_500,
  exportWh: 0,
  currentThd: [0.1, 0.2, 0.3],
};

describe('Modbus-TCP', () => {
  it('reads the same blocks as a serial line', async () => {
    const client = await openModbusTcp('127.0.0.1', await slowMeter(() => 0));
    closing.push(() => client.close());
    const [power] = modbusBlocks({ protocol: 'modbus', unit: 1, profile: 'sdm630' });
    const answer = await client.run(power!.exchange());
    if ('failure' in answer) throw new Error(answer.detail);
    expect(answer.value.activePowerW).toBeCloseTo(1234.5, 2);
    expect(answer.value.voltageV?.[2]).toBeCloseTo(231.2, 4);
  });

  it('never takes a late answer for the next one', async () => {
    const client = await openModbusTcp('127.0.0.1', await slowMeter((nth) => (nth === 0 ? 700 : 0)));
    closing.push(() => client.close());
    const timing = { answerMs: 400, gapMs: 60 };
    const answers = [0x00, 0x02, 0x04].map((address) => client.run(readRegisters(1, 'input', address, 2, timing)));
    const [late, ...right] = await Promise.all(answers);
    expect(late).toMatchObject({ failure: 'no-answer' });
    const expected = [229.5, 231.2].map((volts) => {
      const view = new DataView(new ArrayBuffer(4));
      view.setFloat32(0, volts);
      return { value: [view.getUint16(0), view.getUint16(2)] };
    });
    expect(right).toEqual(expected);
  });

  it('talks with a foreign slave: bits, writes, exceptions', async () => {
    const written = new Map<number, number>();
    const vector = {
      getCoil: (address: number) => address % 3 === 0,
      getHoldingRegister: (address: number) => written.get(address) ?? 0,
      setRegister: (address: number, value: number) => void written.set(address, value),
    };
    const server = new ServerTCP(vector, { host: '127.0.0.1', port: 0, unitID: 5 });
    await new Promise((resolve) => server.on('initialized', resolve));
    closing.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
    const { port } = (server as unknown as { _server: Server })._server.address() as AddressInfo;
    const client = await openModbusTcp('127.0.0.1', port);
    closing.push(() => client.close());
    expect(await client.run(readCoils(5, 'coil', 0, 4))).toEqual({ value: [true, false, false, true] });
    expect(await client.run(writeRegisters(5, 7, [11, 12]))).toEqual({ value: true });
    expect(await client.run(readRegisters(5, 'holding', 7, 2))).toEqual({ value: [11, 12] });
    expect(await client.run(readRegisters(5, 'input', 7, 2))).toHaveProperty('failure');
  });

  it('says when the connection is gone, and when there is none', async () => {
    const port = await slowMeter(() => 0);
    const client = await openModbusTcp('127.0.0.1', port);
    await client.close();
    expect(await client.run(readRegisters(1, 'input', 0, 2))).toMatchObject({ failure: 'port-lost' });
    await expect(openModbusTcp('127.0.0.1', 1)).rejects.toThrow();
  });
});
