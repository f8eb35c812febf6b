import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SerialPort } from 'serialport';
import { describe, expect, it } from 'vitest';
import { openPty } from '../../sim/pty.ts';
import { openTcp } from '../../sim/tcp.ts';

const opened = (port: SerialPort) =>
  new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
const said = (from: { once(event: 'data', heard: (bytes: Buffer) => void): unknown }) =>
  new Promise<number[]>((resolve) => from.once('data', (bytes) => resolve([...bytes])));

describe('ports of the simulator', () => {
  it('is a terminal that serialport opens, talks to, and finds again after the adapter was pulled', async () => {
    const heard: number[] = [];
    const link = join(tmpdir(), `sim-port-test-${process.pid}`);
    const sim = await openPty((bytes) => heard.push(...bytes), { link });
    const settings = { path: sim.url, baudRate: 2400, parity: 'even', autoOpen: false } as const;
    const first = new SerialPort(settings);
    await opened(first);
    expect(sim.masterBaud()).toBe(2400);
    first.write([0x68, 0x0a, 0x0d, 0x11, 0x13, 0x04, 0xff, 0x16]);
    await expect.poll(() => heard).toEqual([0x68, 0x0a, 0x0d, 0x11, 0x13, 0x04, 0xff, 0x16]);
    const answer = said(first);
    sim.write(Uint8Array.of(0xfe, 0x0d, 0x0a, 0x00, 0x16));
    expect(await answer).toEqual([0xfe, 0x0d, 0x0a, 0x00, 0x16]);
    // A hung-up terminal reads as nothing without end, which serialport takes for silence; only a write tells at once.
    const lost = new Promise((resolve) => {
      first.once('close', resolve);
      first.once('error', resolve);
    });
    await sim.unplug();
    first.write([0]);
    await lost;
    if (first.isOpen) await new Promise((resolve) => first.close(resolve));
    await sim.plug();
    const second = new SerialPort(settings);
    await opened(second);
    const again = said(second);
    sim.write(Uint8Array.of(1));
    expect(await again).toEqual([1]);
    await new Promise((resolve) => second.close(resolve));
    await sim.close();
  });

  it('is a TCP port, again the same one after it was pulled', async () => {
    const heard: number[] = [];
    const sim = await openTcp((bytes) => heard.push(...bytes));
    const port = Number(new URL(sim.url).port);
    const client = connect(port, '127.0.0.1');
    client.write(Uint8Array.of(1, 2, 3));
    await expect.poll(() => heard).toEqual([1, 2, 3]);
    const answer = said(client);
    sim.write(Uint8Array.of(4));
    expect(await answer).toEqual([4]);
    const closed = new Promise((resolve) => client.once('close', resolve));
    await sim.unplug();
    await closed;
    await sim.plug();
    const again = connect(port, '127.0.0.1');
    again.write(Uint8Array.of(5));
    await expect.poll(() => heard).toEqual([1, 2, 3, 5]);
    again.destroy();
    await sim.close();
  });
});
