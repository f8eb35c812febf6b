import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Alert } from '../../detectors/alert.ts';
import { allDetectors } from '../../detectors/catalogue.ts';
import { loadSite } from '../../firmware/config/load.ts';
import { type Gateway, startGateway } from '../../firmware/gateway.ts';
import { silentLog } from '../../firmware/log.ts';
import type { LineSettings } from '../../firmware/port.ts';
import { openStore } from '../../firmware/store/store.ts';
import { toHexReversed } from '../../protocols/bytes.ts';
import { encodeFrame } from '../../protocols/dlt645/frame.ts';
import { Framer } from '../../protocols/dlt645/framer.ts';
import type { MeterEvent } from '../../protocols/reading.ts';
import { Dlt645Meter } from '../../sim/dlt645-meter.ts';
import type { Occurrence } from '../../sim/meter-view.ts';
import { createRandom } from '../../sim/random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { VirtualStreet } from '../support/virtual-street.ts';
import { WorldBroker } from '../world/broker.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const ZONE_MS = 8 * HOUR_MS;
/** A quarter to one in the morning in Shanghai: the next window for clocks is ahead. */
const NIGHT = Date.UTC(2026, 2, 1, 0, 45) - ZONE_MS;
const LINE: LineSettings = {
  target: { kind: 'tty', path: '/dev/virtual' },
  baud: 2400,
  parity: 'even',
  stopBits: 1,
};

/** A meter whose clock, records and relay a test can turn. */
interface Home {
  address: string;
  clockOffMs: number;
  sets: number;
  silent: boolean;
  relayOpen: boolean;
  counts: Partial<Record<MeterEvent, number>>;
  powerOff: Occurrence[];
  /** Every identifier it was asked for. */
  asked: string[];
  /** The one that it says it does not have. */
  lacks: string;
}

class Street {
  readonly clock = new VirtualClock(NIGHT);
  readonly line = new VirtualStreet(this.clock, LINE);
  readonly homes: Home[];
  readonly events: string[] = [];
  readonly alerts: Alert[] = [];
  readonly stuck: string[] = [];
  readonly file = join(mkdtempSync(join(tmpdir(), 'rounds-')), 'outbox.db');
  readonly #standard: '2007' | '1997';
  synchronised = true;
  periodS = 60;
  gateway: Gateway | undefined;
  #stop = new AbortController();
  #close: () => Promise<void> = async () => {};

  constructor(meters: number, standard: '2007' | '1997' = '2007') {
    this.#standard = standard;
    this.homes = Array.from({ length: meters }, (_, i) => this.#home(String(161 + i).padStart(12, '0')));
  }

  #home(address: string): Home {
    const home: Home = {
      address,
      clockOffMs: 0,
      sets: 0,
      silent: false,
      relayOpen: false,
      counts: {},
      powerOff: [],
      asked: [],
      lacks: '',
    };
    const { clock } = this;
    const view = {
      phases: 1,
      reading: () => ({ voltageV: [230], currentA: [1], activePowerW: 230, importWh: clock.monotonicMs() / 15_000 }),
      localMs: () => clock.nowMs() + ZONE_MS + home.clockOffMs,
      setLocalMs(localMs: number) {
        home.clockOffMs = localMs - clock.nowMs() - ZONE_MS;
        home.sets++;
      },
      waveform: () => undefined,
      record: (event: MeterEvent) => (event === 'power-off' ? home.powerOff : []),
      count: (event: MeterEvent) => home.counts[event] ?? 0,
      get relayOpen() {
        return home.relayOpen;
      },
      set relayOpen(open: boolean) {
        home.relayOpen = open;
      },
    } as const;
    const meter = new Dlt645Meter({ address, standard: this.#standard }, view, createRandom(address));
    this.line.line.attach({
      hear: (bytes, atMs) => {
        const framer = new Framer();
        for (const frame of framer.push(bytes)) {
          if (frame.address !== address || frame.data.length < 4) continue;
          const di = toHexReversed(frame.data, 0, 4);
          home.asked.push(di);
          const refusal = { address, control: 0xd1, data: Uint8Array.of(0x02) };
          if (di === home.lacks) return [{ bytes: encodeFrame(refusal), delayMs: 50 }];
        }
        return home.silent ? [] : meter.hear(bytes, atMs);
      },
    });
    return home;
  }

  async start(extra = ''): Promise<void> {
    const meters = this.homes.map(
      ({ address }) => `      - { protocol: dlt645, address: "${address}", standard: "${this.#standard}" }`,
    );
    const text = `gateway: { id: gw }\nbuses:\n  - port: /dev/virtual?baud=2400&parity=even\n    periodS: ${this.periodS}\n    meters:\n${meters.join('\n')}\nuplink: { brokers: ["mqtt://x:1883"] }\n${extra}`;
    const { site, problems } = loadSite(text, 'site.yaml');
    if (site === undefined) throw new Error(JSON.stringify(problems));
    const outbox = openStore(this.file);
    this.#stop = new AbortController();
    this.gateway = await startGateway({
      site,
      detectors: allDetectors,
      clock: this.clock,
      clockSynchronised: () => this.synchronised,
      openPort: this.line.openPort,
      outbox,
      openLink: new WorldBroker(this.clock, createRandom('broker'), {
        loseAck: 0,
        loseMessage: 0,
        loseReceipt: 0,
        latencyMs: 5,
      }).openLink,
      version: 'test',
      log: silentLog,
      signal: this.#stop.signal,
      onSample: (sample) => {
        if ('event' in sample) this.events.push(`${sample.meter.slice(-3)} ${sample.event}`);
      },
      onAlerts: (alerts) => this.alerts.push(...alerts),
      onStuck: (port) => this.stuck.push(port),
    });
    this.#close = async () => {
      this.#stop.abort();
      await this.clock.settle(this.gateway!.stopped);
      await outbox.close();
    };
  }

  stop(): Promise<void> {
    const close = this.#close;
    this.#close = async () => {};
    return close();
  }

  /** Civil time of the street, as its meters should have it. */
  get localMs(): number {
    return this.clock.nowMs() + ZONE_MS;
  }
}

let street: Street;
afterEach(() => street.stop());

describe('rounds by night', () => {
  it('set what is off by a little in one broadcast, and tell what is off by much', async () => {
    street = new Street(4);
    street.periodS = 600;
    const [right, little, much] = street.homes as [Home, Home, Home, Home];
    right.clockOffMs = 2_000;
    little.clockOffMs = -90_000;
    much.clockOffMs = 20 * MINUTE_MS;
    await street.start();
    await street.clock.run(4 * HOUR_MS + 20 * MINUTE_MS);
    expect(Math.abs(little.clockOffMs)).toBeLessThan(1_000);
    expect(much.clockOffMs).toBe(20 * MINUTE_MS);
    expect(street.homes.map(({ sets }) => sets)).toEqual([1, 1, 0, 1]);
    expect(street.events).toEqual(['163 clock-fault']);
    expect(street.alerts.filter(({ kind }) => kind === 'meter-fault')).toMatchObject([
      { meter: much.address, state: 'raised', evidence: { fault: 'clock' } },
    ]);
  });

  it('leave clocks alone while the own one is not believed, and broadcast nothing where all are right', async () => {
    street = new Street(2);
    street.periodS = 600;
    street.homes[0]!.clockOffMs = 60_000;
    street.synchronised = false;
    await street.start();
    await street.clock.run(5 * HOUR_MS);
    expect(street.homes.map(({ sets }) => sets)).toEqual([0, 0]);
    expect(street.events).toEqual([]);
    street.homes[0]!.clockOffMs = 0;
    street.synchronised = true;
    await street.clock.run(24 * HOUR_MS);
    expect(street.homes.map(({ sets }) => sets)).toEqual([0, 0]);
  });

  it('take the band from the site file, and broadcast once a day also across a restart', async () => {
    street = new Street(2);
    street.homes[0]!.clockOffMs = 8_000;
    street.homes[1]!.clockOffMs = 45_000;
    await street.start('clock: { syncWithinS: 3, alarmBeyondS: 30 }\n');
    await street.clock.run(3 * HOUR_MS + 46 * MINUTE_MS);
    expect(street.homes[0]!.sets).toBe(1);
    expect(street.events).toEqual(['162 clock-fault']);
    await street.stop();
    street.homes[0]!.clockOffMs = 8_000;
    await street.start('clock: { syncWithinS: 3, alarmBeyondS: 30 }\n');
    await street.clock.run(HOUR_MS);
    expect(street.homes[0]!.sets).toBe(1);
  });

  it('read the clocks of 1997, too', async () => {
    street = new Street(2, '1997');
    street.homes[0]!.clockOffMs = 30 * MINUTE_MS;
    street.homes[1]!.clockOffMs = -30_000;
    await street.start();
    await street.clock.run(4 * HOUR_MS + 20 * MINUTE_MS);
    expect(street.events).toEqual(['161 clock-fault']);
    expect(Math.abs(street.homes[1]!.clockOffMs)).toBeLessThan(1_000);
  });
});

describe('rounds after a silence', () => {
  it('tell power-off where the record covers it, so that it is an outage', async () => {
    street = new Street(3);
    await street.start();
    await street.clock.run(20 * MINUTE_MS);
    const dark = street.homes[0]!;
    const startMs = street.localMs;
    dark.silent = true;
    await street.clock.run(10 * MINUTE_MS);
    // Our own clock steps while it is dark.
    street.clock.stepWall(-HOUR_MS);
    await street.clock.run(10 * MINUTE_MS);
    street.clock.stepWall(HOUR_MS);
    dark.powerOff = [{ startMs, endMs: street.localMs }];
    dark.silent = false;
    await street.clock.run(20 * MINUTE_MS);
    expect(street.events).toEqual(['161 no-answer', '161 power-off', '161 power-on']);
    expect(street.alerts.filter(({ kind }) => kind === 'outage')).toMatchObject([
      { meter: dark.address, state: 'raised' },
      { meter: dark.address, state: 'cleared' },
    ]);
  });

  it('tell nothing where the wire was cut: the last record is of another time', async () => {
    street = new Street(3);
    const cut = street.homes[0]!;
    cut.powerOff = [{ startMs: street.localMs - 48 * HOUR_MS, endMs: street.localMs - 47 * HOUR_MS }];
    await street.start();
    await street.clock.run(10 * MINUTE_MS);
    // Too short to be seen from here, and long over when the wire is cut.
    cut.powerOff.unshift({ startMs: street.localMs, endMs: street.localMs + 3_000 });
    await street.clock.run(30 * MINUTE_MS);
    cut.silent = true;
    await street.clock.run(20 * MINUTE_MS);
    cut.silent = false;
    await street.clock.run(20 * MINUTE_MS);
    expect(street.events).toEqual(['161 no-answer']);
    // Once after the start, once after the silence.
    expect(cut.asked.filter((di) => di === '03110001')).toHaveLength(2);
  });

  it('ask all meters of a bus that was silent as a whole', async () => {
    street = new Street(3);
    await street.start();
    await street.clock.run(20 * MINUTE_MS);
    const startMs = street.localMs;
    for (const home of street.homes) home.silent = true;
    await street.clock.run(30 * MINUTE_MS);
    for (const home of street.homes) {
      home.powerOff = [{ startMs, endMs: street.localMs }];
      home.silent = false;
    }
    await street.clock.run(20 * MINUTE_MS);
    const told = street.events.filter((event) => event.endsWith('power-off'));
    expect(told.sort()).toEqual(['161 power-off', '162 power-off', '163 power-off']);
    expect(street.alerts.some(({ kind }) => kind === 'outage')).toBe(true);
  });

  it('ask after a restart, and tell a failure that was not known before', async () => {
    street = new Street(2);
    const old = { startMs: street.localMs - 48 * HOUR_MS, endMs: street.localMs - 47 * HOUR_MS };
    street.homes[0]!.powerOff = [old];
    await street.start();
    await street.clock.run(10 * MINUTE_MS);
    await street.stop();
    expect(street.events).toEqual([]);
    street.homes[0]!.powerOff = [{ startMs: street.localMs, endMs: street.localMs + 5_000 }, old];
    await street.clock.run(5 * MINUTE_MS);
    await street.start();
    await street.clock.run(10 * MINUTE_MS);
    expect(street.events).toEqual(['161 power-off', '161 power-on']);
    await street.stop();
    await street.start();
    await street.clock.run(10 * MINUTE_MS);
    expect(street.events).toHaveLength(2);
  });
});

describe('rounds by the hour', () => {
  it('turn a count that grew and a relay that moved into events, once each', async () => {
    street = new Street(2);
    const home = street.homes[0]!;
    home.counts = { 'cover-open': 4, 'terminal-open': 1 };
    await street.start();
    await street.clock.run(70 * MINUTE_MS);
    expect(street.events).toEqual([]);
    home.counts['cover-open'] = 5;
    home.relayOpen = true;
    await street.clock.run(2 * HOUR_MS);
    expect(street.events).toEqual(['161 cover-open', '161 relay-open']);
    // This home goes on drawing power through its open relay.
    const tampers = street.alerts.filter(({ kind }) => kind === 'tamper');
    expect(tampers.map(({ evidence }) => evidence.sign)).toEqual(['cover-open', 'relay-bridged']);
    await street.stop();
    // While the gateway is away: the count is kept on disk.
    home.counts = { 'cover-open': 5, 'terminal-open': 2 };
    home.relayOpen = false;
    await street.start();
    await street.clock.run(70 * MINUTE_MS);
    expect(street.events.slice(2)).toEqual(['161 terminal-open', '161 relay-closed']);
    home.counts = {};
    await street.clock.run(70 * MINUTE_MS);
    expect(street.events).toHaveLength(4);
  });

  it('ask a day later again for what a meter refused: a whim must not end the watch over its cover', async () => {
    street = new Street(1);
    street.periodS = 600;
    const home = street.homes[0]!;
    home.lacks = '03300D00';
    home.counts = { 'cover-open': 4 };
    await street.start();
    await street.clock.run(6 * HOUR_MS);
    expect(home.asked.filter((di) => di === home.lacks)).toHaveLength(1);
    home.lacks = '';
    await street.clock.run(20 * HOUR_MS);
    home.counts['cover-open'] = 5;
    await street.clock.run(2 * HOUR_MS);
    expect(street.events).toEqual(['161 cover-open']);
  });

  it('cost the polling next to nothing', async () => {
    street = new Street(16);
    await street.start();
    await street.clock.run(10 * MINUTE_MS);
    for (const home of street.homes) home.asked = [];
    await street.clock.run(60 * MINUTE_MS);
    for (const { asked } of street.homes) {
      const beside = asked.filter((di) => di.startsWith('03') || di.startsWith('04'));
      // Two counts, the relay, and at night date and time.
      expect(beside.filter((di) => !di.startsWith('040001')).sort()).toEqual(['03300D00', '03300E00', '04000503']);
      expect(beside.length).toBeLessThanOrEqual(5);
    }
    const { meters } = street.gateway!.buses[0]!.status();
    for (const meter of meters) expect(street.clock.nowMs() - (meter.lastReadMs ?? 0)).toBeLessThan(61_000);
  });
});

describe('a port that hangs for good', () => {
  it('is told as stuck, so that the process can end', async () => {
    street = new Street(2);
    await street.start();
    await street.clock.run(MINUTE_MS);
    street.line.blocked = true;
    await street.clock.run(5 * MINUTE_MS);
    expect(street.stuck[0]).toBe('/dev/virtual?baud=2400&parity=even');
  });
});
