/**
 * The whole way over real ports: simulated meters answer bytes on a pseudo-terminal with a noisy line, the gateway on
 * real parts reads them, and the alerts arrive at a subscriber behind a broker that is away for a minute.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import { afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Alert } from '../../detectors/alert.ts';
import { writeRecording } from '../../firmware/cli/recording-file.ts';
import { siteOf } from '../../firmware/cli/sim-site.ts';
import { start } from '../../firmware/cli/start.ts';
import { loadSite } from '../../firmware/config/load.ts';
import { openLog } from '../../firmware/log.ts';
import { areaOf } from '../../firmware/meters.ts';
import { listenAsPlatform } from '../../firmware/uplink/platform.ts';
import { startSim } from '../../sim/street.ts';
import { gridwarden } from '../cli/run-cli.ts';

const SCENARIO = `
name: noisy
why: A street for a test of the whole way, with a line that changes a byte in five hundred.
start: 2025-01-13T19:30:00
days: 1
seed: 7
periodS: 10
transformer: { ratedKva: 50 }
groups:
  - name: flat
    count: 3
    wire: { baud: 9600, faults: { noise: 0.002, drop: 0.001, extra: 0.05 } }
  - name: shop
    like: shop
    count: 1
    wire: { protocol: modbus, profile: sdm630, baud: 9600, parity: none, faults: { flip: 0.002, truncate: 0.02 } }
happenings:
  - { what: overload, meter: flat/101, day: 0, at: "19:30", hours: 2, powerW: 11500 }
`;

/** A broker on a fixed port that can go away with everything it holds, and come back empty. */
class Broker {
  #aedes: Aedes | undefined;
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `mqtt://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    this.#aedes = await Aedes.createBroker();
    this.#server = createServer(this.#aedes.handle as (socket: Socket) => void);
    await new Promise<void>((resolve) => this.#server?.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => (this.#aedes === undefined ? resolve() : this.#aedes.close(() => resolve())));
    await new Promise<void>((resolve) =>
      this.#server === undefined ? resolve() : this.#server.close(() => resolve()),
    );
  }
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const seconds = (s: number) => new Promise((resolve) => setTimeout(resolve, s * 1000));

describe('the whole way over a real port with faults on the line', () => {
  it.each(['pty', 'tcp'] as const)('brings every alert to the platform once, with the broker away for a minute (%s)', {
    timeout: 180_000,
  }, async (ports) => {
    const directory = mkdtempSync(join(tmpdir(), 'whole-way-'));
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
    const scenario = join(directory, 'noisy.yaml');
    writeFileSync(scenario, SCENARIO);
    const sim = await startSim(scenario, { ports });
    cleanups.push(() => sim.stop());
    expect(sim.ports.every(({ port }) => port.startsWith('tcp://') === (ports === 'tcp'))).toBe(true);
    const broker = new Broker();
    await broker.start();
    cleanups.push(() => broker.stop());

    const arrived: Alert[] = [];
    const listen = () =>
      listenAsPlatform(
        { broker: broker.url },
        { onMessage: (_, message) => void (message.type === 'alert' && arrived.push(message.alert)) },
      );
    const platform = await listen();
    cleanups.push(() => platform.close());

    const detectors = { overload: { raiseHoldMs: 6_000, clearHoldMs: 6_000 } };
    const siteFile = join(directory, 'site.yaml');
    const written = { ...siteOf(sim, broker.url, 2), store: { directory: join(directory, 'state') }, detectors };
    Object.assign(written.uplink, { receiptDeadlineS: 5, reconnectMaxS: 5 });
    writeFileSync(siteFile, stringify(written));
    const { site, problems } = loadSite(stringify(written), siteFile);
    expect(problems).toEqual([]);
    if (site === undefined) throw new Error('the site file is wrong');

    const recorded = join(directory, 'recorded.ndjson.gz');
    const recording = writeRecording(recorded, areaOf(site));
    const stored: Alert[] = [];
    const stop = new AbortController();
    const { gateway, stopped } = await start({
      site,
      siteFile,
      signal: stop.signal,
      log: openLog('silent'),
      record: recording.write,
      onAlerts: (alerts) => stored.push(...alerts),
    });
    const ended = async () => {
      stop.abort();
      await stopped;
    };
    cleanups.push(ended);

    await expect.poll(() => arrived.some(({ kind }) => kind === 'overload'), { timeout: 60_000 }).toBe(true);
    await broker.stop();
    // Loads that come and go while nobody listens.
    const line = sim.line(sim.ports[0]?.name ?? '');
    await seconds(20);
    await line?.unplug();
    await seconds(10);
    await line?.plug();
    await seconds(30);
    const whileAway = stored.length;
    await broker.start();
    await expect.poll(async () => (await gateway.outbox.depth()).alerts, { timeout: 60_000, interval: 500 }).toBe(0);
    await ended();
    await recording.close();

    expect(whileAway).toBeGreaterThan(1);
    const keys = (alerts: Alert[]) => alerts.map((alert) => `${alert.id}/${alert.state}/${alert.at}`).sort();
    expect(keys(arrived)).toEqual(keys(stored));
    const states = gateway.buses.flatMap((bus) => bus.status().failures);
    expect(Object.keys(Object.assign({}, ...states)).length, 'the faults were felt').toBeGreaterThan(0);
    for (const bus of gateway.buses)
      for (const meter of bus.status().meters) expect(meter.reads, meter.id).toBeGreaterThan(10);

    const replayed = await gridwarden(['replay', recorded, '--config', siteFile]);
    expect(replayed.status).toBe(0);
    const decided = stored.filter(({ kind }) => kind !== 'gateway');
    expect(replayed.lines).toEqual(decided.map((alert) => JSON.parse(JSON.stringify(alert))));
  });
});
