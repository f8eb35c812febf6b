/** The bus over real ports: a pseudo-terminal through `serialport`, and TCP, both pulled and plugged in again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startBus } from '../../../firmware/bus/bus.ts';
import { systemClock } from '../../../firmware/clock.ts';
import { parsePortAddress } from '../../../firmware/port-address.ts';
import { openSerialPort } from '../../../firmware/serial-port.ts';
import { openTcpPort } from '../../../firmware/tcp-port.ts';
import { systemSimClock } from '../../../sim/clock.ts';
import { Line } from '../../../sim/line.ts';
import { openPty } from '../../../sim/pty.ts';
import { createRandom } from '../../../sim/random.ts';
import type { SimPort } from '../../../sim/sim-port.ts';
import { openTcp } from '../../../sim/tcp.ts';
import { registerMeter, rightValue, SILENT_LOG } from '../../support/virtual-bus.ts';
import { modbusStation } from '../../support/virtual-street.ts';

const SETTINGS = { baud: 19_200, parity: 'none', stopBits: 1 } as const;

async function realBus(open: (onBytes: (bytes: Uint8Array) => void) => Promise<SimPort>, periodMs: number) {
  const line = new Line(SETTINGS, systemSimClock, createRandom('real'), (bytes) => sim.write(bytes));
  const sim = await open((bytes) => line.fromMaster(bytes));
  for (const unit of [1, 2, 3]) line.attach(modbusStation(unit, () => 10));
  const settings = parsePortAddress(`${sim.url}?baud=19200&parity=none`);
  if ('problem' in settings) throw new Error(settings.problem);
  const stop = new AbortController();
  const reads: { meter: string; importWh: number | undefined }[] = [];
  const states: { state: string; atMs: number }[] = [];
  const bus = startBus({
    settings,
    openPort: settings.target.kind === 'tty' ? openSerialPort : openTcpPort,
    clock: systemClock,
    meters: [1, 2, 3].map((unit) => registerMeter(unit, periodMs)),
    onReading: (meter, _, { importWh }) => reads.push({ meter, importWh }),
    onMeterState() {},
    onPortState: ({ state }) => states.push({ state, atMs: performance.now() }),
    log: SILENT_LOG,
    signal: stop.signal,
  });
  const end = async () => {
    stop.abort();
    await bus.stopped;
    line.cut();
    await sim.close();
  };
  return { bus, sim, line, reads, states, end };
}

const pty = async (onBytes: (bytes: Uint8Array) => void) => {
  const folder = mkdtempSync(join(tmpdir(), 'gridwarden-pty-'));
  const sim = await openPty(onBytes, { link: join(folder, 'tty') });
  return {
    ...sim,
    close: async () => {
      await sim.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

describe.each([
  ['a pseudo-terminal', pty],
  ['TCP', openTcp],
] as const)('the bus over %s', (_, open) => {
  it('reads meters, sees the unplug within 5 s although nothing is due, and is back within 10 s', async () => {
    const world = await realBus(open, 7_000);
    await expect.poll(() => world.reads.length, { timeout: 5_000 }).toBe(3);
    for (const { meter, importWh } of world.reads) expect(importWh).toBe(rightValue(Number(meter.slice(1))));
    const pulledMs = performance.now();
    await world.sim.unplug();
    await expect.poll(() => world.states.at(-1)?.state, { timeout: 6_000 }).toBe('lost');
    expect(world.states.at(-1)!.atMs - pulledMs).toBeLessThan(5_000);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const pluggedMs = performance.now();
    await world.sim.plug();
    await expect.poll(() => world.states.at(-1)?.state, { timeout: 11_000 }).toBe('open');
    expect(world.states.at(-1)!.atMs - pluggedMs).toBeLessThan(10_000);
    await expect.poll(() => world.reads.length, { timeout: 16_000 }).toBe(6);
    await world.end();
    expect(world.line.counts.silenceViolations).toBe(0);
  }, 45_000);

  it('keeps its pace and the silence between frames', async () => {
    const world = await realBus(open, 200);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await world.end();
    expect(world.reads.length).toBeGreaterThanOrEqual(3 * 7);
    expect(world.line.counts).toMatchObject({ silenceViolations: 0, collisions: 0, requestsOnAnswers: 0 });
  });
});

describe('ports that are not there', () => {
  it('say so, and are tried again', async () => {
    const events = { onBytes() {}, onLost() {} };
    const tty = { target: { kind: 'tty', path: '/dev/no-such-port' }, ...SETTINGS } as const;
    await expect(openSerialPort(tty, events)).rejects.toThrow(/^no such port: expected/);
    const tcp = { target: { kind: 'tcp', host: '127.0.0.1', port: 1 }, ...SETTINGS } as const;
    await expect(openTcpPort(tcp, events)).rejects.toThrow(/ECONNREFUSED/);
    await expect(openTcpPort(tty, events)).rejects.toThrow(TypeError);
    await expect(openSerialPort(tcp, events)).rejects.toThrow(TypeError);
  });
});
