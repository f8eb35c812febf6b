/**
 * One seed of the world: the whole gateway on simulated lines, with its disk and its broker, in virtual time. Lines are
 * noisy, adapters get pulled, meters fall silent, the disk refuses, the broker forgets, the clock steps, and the gateway
 * is killed in the middle of all that. What must hold is checked while it runs and once everything is quiet again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Alert } from '../../detectors/alert.ts';
import { allDetectors } from '../../detectors/catalogue.ts';
import { loadSite } from '../../firmware/config/load.ts';
import type { Site } from '../../firmware/config/site.ts';
import { type Gateway, startGateway } from '../../firmware/gateway.ts';
import { silentLog } from '../../firmware/log.ts';
import type { OpenPort } from '../../firmware/port.ts';
import { sqliteDatabase } from '../../firmware/store/database.ts';
import { type Disk, inThisThread, outboxOn, STORE_DEFAULTS } from '../../firmware/store/store.ts';
import { createRandom, type Random } from '../../sim/random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { VirtualStreet } from '../support/virtual-street.ts';
import { WorldBroker } from './broker.ts';
import { type Household, newHousehold, stationOf } from './households.ts';
import { beginLife, type Life } from './mortal.ts';

const MINUTE_MS = 60_000;
const RUN_MINUTES = 20;
/** After the last fault: every receipt, back-off and probe has come round by then. */
const QUIET_MINUTES = 20;
/** Then nothing changes any more, so that no alert is on its way when the books are closed. */
const CALM_MINUTES = 5;
/** A meter on a line that works, if noisily, is read at least this often: twice the longest distance of probes. */
const STARVED_MS = 7 * MINUTE_MS;
const BACKLOG_MAX = 5_000;

export interface WorldResult {
  seed: string;
  violations: string[];
  kills: number;
  readings: number;
  alerts: number;
  arrivals: number;
  /** Arrivals that came more than once: allowed, and collapsed. */
  again: number;
}

interface World {
  seed: string;
  random: Random;
  clock: VirtualClock;
  site: Site;
  streets: VirtualStreet[];
  households: Household[];
  broker: WorldBroker;
  file: string;
  violations: string[];
  /** The disk refuses while this is set. */
  diskFails: boolean;
  /** Alerts whose append was asked for, and those that the store called durable. */
  asked: Map<string, Alert>;
  durable: Map<string, Alert>;
  readings: number;
  kills: number;
}

interface Running {
  life: Life;
  gateway: Gateway;
  stop: AbortController;
}

/** Runs one seed to its end. The same seed gives the same result. */
export async function simulate(seed: string): Promise<WorldResult> {
  const directory = mkdtempSync(join(tmpdir(), 'world-'));
  const world = makeWorld(seed, join(directory, 'outbox.db'));
  const unhandled = (error: unknown) => world.violations.push(`unhandled rejection: ${String(error)}`);
  process.on('unhandledRejection', unhandled);
  try {
    let running = await boot(world);
    const end = RUN_MINUTES * MINUTE_MS;
    while (world.clock.monotonicMs() < end) {
      await world.clock.run(world.random.between(1_000, 90_000));
      running = await happen(world, running);
      checkAlong(world, running);
    }
    heal(world);
    await world.clock.run(QUIET_MINUTES * MINUTE_MS);
    for (const household of world.households) household.calm = true;
    await world.clock.run(CALM_MINUTES * MINUTE_MS);
    await checkQuiet(world, running);
    await stop(world, running);
  } finally {
    process.off('unhandledRejection', unhandled);
    rmSync(directory, { recursive: true, force: true });
  }
  const { violations, kills, readings, broker } = world;
  return {
    seed,
    violations,
    kills,
    readings,
    alerts: world.durable.size,
    arrivals: broker.arrivals.length,
    again: broker.again,
  };
}

function makeWorld(seed: string, file: string): World {
  const random = createRandom(seed);
  const clock = new VirtualClock(Date.UTC(2026, 2, 1) + random.int(86_400_000));
  const streets: VirtualStreet[] = [];
  const households: Household[] = [];
  const buses: string[] = [];
  for (let b = 0; b < 1 + random.int(2); b++) {
    const baud = random.pick([2400, 9600]);
    const faults = {
      noise: random.pick([0, 0.0005, 0.002]),
      drop: random.pick([0, 0.001]),
      echo: random.pick([0, 0, 1]),
    };
    const settings = { target: { kind: 'tty', path: `/dev/virtual${b}` }, baud, parity: 'even', stopBits: 1 } as const;
    const street = new VirtualStreet(clock, settings, faults, `${seed}/${b}`);
    const meters = Array.from({ length: 1 + random.int(5) }, (_, m) =>
      newHousehold(b, m, clock, createRandom(`${seed}/${b}/${m}`)),
    );
    for (const household of meters) street.line.attach(stationOf(household));
    streets.push(street);
    households.push(...meters);
    buses.push(
      `  - port: /dev/virtual${b}?baud=${baud}&parity=even\n    meters:\n${meters.map(({ entry }) => `      - ${entry}`).join('\n')}`,
    );
  }
  const text = `gateway: { id: gw-world }\nbuses:\n${buses.join('\n')}\nuplink: { brokers: ["mqtt://world:1883"], receiptDeadlineS: 10 }\ndetectors: { overload: { raiseHoldMs: 10000, clearHoldMs: 10000 } }\n`;
  const { site, problems } = loadSite(text, 'world.yaml');
  if (site === undefined) throw new Error(`${JSON.stringify(problems)}\n${text}`);
  const brokerFaults = { loseAck: 0.02, loseMessage: 0.02, loseReceipt: 0.05, latencyMs: random.pick([5, 200, 2_000]) };
  return {
    seed,
    random,
    clock,
    site,
    streets,
    households,
    broker: new WorldBroker(clock, createRandom(`${seed}/broker`), brokerFaults),
    file,
    violations: [],
    diskFails: false,
    asked: new Map(),
    durable: new Map(),
    readings: 0,
    kills: 0,
  };
}

const keyOf = (alert: Alert) => JSON.stringify(alert);

async function boot(world: World): Promise<Running> {
  const life = beginLife(world.clock);
  const stop = new AbortController();
  const options = { ...STORE_DEFAULTS, clock: life.clock, retryMs: 2_000 };
  const outbox = outboxOn(life.disk(diskOf(world)), options);
  const { append, commit } = outbox;
  const watch = async (alerts: readonly Alert[], work: () => Promise<{ durable: boolean }>) => {
    for (const alert of alerts) world.asked.set(keyOf(alert), alert);
    const done = await work();
    if (done.durable) for (const alert of alerts) world.durable.set(keyOf(alert), alert);
    return done;
  };
  const openPort: OpenPort = (settings, events) => {
    const path = settings.target.kind === 'tty' ? settings.target.path : '';
    const street = world.streets.find(
      (candidate) => candidate.settings.target.kind === 'tty' && candidate.settings.target.path === path,
    );
    return street === undefined
      ? Promise.reject(new Error(`${path}: no such device`))
      : street.openPort(settings, events);
  };
  const gateway = await world.clock.settle(
    startGateway({
      site: world.site,
      detectors: allDetectors,
      clock: life.clock,
      clockSynchronised: () => true,
      openPort: life.openPort(openPort),
      outbox: {
        ...outbox,
        append: (alerts) => watch(alerts, () => append(alerts)),
        commit: (change) => {
          const alerts = (change.messages ?? []).flatMap((message) =>
            message.type === 'alert' ? [message.alert] : [],
          );
          return watch(alerts, () => commit(change));
        },
      },
      openLink: life.openLink(world.broker.openLink),
      version: 'world',
      log: silentLog,
      signal: stop.signal,
      onSample: () => {
        world.readings++;
      },
    }),
  );
  return { life, gateway, stop };
}

/** The real database in this process, refusing when the world says so. */
function diskOf(world: World): Disk {
  return inThisThread(sqliteDatabase(world.file, STORE_DEFAULTS.limits), () => {
    if (world.diskFails) throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
  });
}

/** Something goes wrong, or stops going wrong. */
async function happen(world: World, running: Running): Promise<Running> {
  const { random, broker } = world;
  const street = random.pick(world.streets);
  const household = random.pick(world.households);
  switch (random.int(10)) {
    case 0:
      broker.kill();
      break;
    case 1:
    case 2:
      broker.start();
      break;
    case 3:
      street.unplug();
      break;
    case 4:
      street.plug();
      break;
    case 5:
      household.silent = !household.silent;
      break;
    case 6:
      world.diskFails = random.chance(0.5);
      break;
    case 7:
      world.clock.stepWall(random.pick([-3_600_000, -5_000, 5_000, 3_600_000]));
      break;
    default:
      return restart(world, running);
  }
  return running;
}

async function restart(world: World, running: Running): Promise<Running> {
  if (world.random.chance(0.3)) await stop(world, running);
  else {
    running.life.die();
    world.kills++;
  }
  await world.clock.run(world.random.between(100, 30_000));
  return boot(world);
}

async function stop(world: World, running: Running): Promise<void> {
  running.stop.abort();
  try {
    await world.clock.settle(
      running.gateway.stopped.then(() => running.gateway.outbox.close()),
      30_000,
    );
  } catch (error) {
    world.violations.push(`the gateway did not stop within 30 s: ${String(error)}`);
  }
  running.life.die();
}

function heal(world: World): void {
  world.diskFails = false;
  world.broker.faults = { ...world.broker.faults, loseAck: 0, loseMessage: 0, loseReceipt: 0 };
  world.broker.start();
  for (const street of world.streets) street.plug();
  for (const household of world.households) household.silent = false;
}

function checkAlong(world: World, running: Running): void {
  const { outstanding } = running.gateway.uplink.stats;
  if (outstanding > BACKLOG_MAX) world.violations.push(`the pump holds ${outstanding} messages in memory`);
  for (const problem of world.broker.problems.splice(0))
    world.violations.push(`the platform cannot read a message: ${problem}`);
}

async function checkQuiet(world: World, running: Running): Promise<void> {
  const { violations, broker, clock } = world;
  const arrived = new Set(broker.arrivals.map(({ alert }) => keyOf(alert)));
  for (const [key, alert] of world.durable) if (!arrived.has(key)) violations.push(`lost: ${describe(alert)}`);
  for (const { alert } of broker.arrivals)
    if (!world.asked.has(keyOf(alert))) violations.push(`invented: ${describe(alert)}`);
  // Sequences do not tell: one that never reached the disk is given again after a kill. What goes out while the disk
  // refuses is marked, and may overtake what the disk holds: that is the price of not waiting for it.
  const decided = new Map([...world.asked.keys()].map((key, index) => [key, index]));
  const last = new Map<string, number>();
  for (const { alert, durable } of broker.arrivals) {
    if (!durable) continue;
    const index = decided.get(keyOf(alert)) ?? Number.POSITIVE_INFINITY;
    if (index < (last.get(alert.meter) ?? 0)) violations.push(`out of order: ${describe(alert)}`);
    last.set(alert.meter, index);
  }
  const depth = await clock.settle(running.gateway.outbox.depth());
  if (depth.alerts > 0) violations.push(`${depth.alerts} messages never left the outbox`);
  for (const bus of running.gateway.buses) {
    for (const { id, lastReadMs } of bus.status().meters) {
      const ageMs = lastReadMs === null ? Number.POSITIVE_INFINITY : clock.nowMs() - lastReadMs;
      if (ageMs > STARVED_MS) violations.push(`starved: ${id} was last read ${ageMs} ms ago`);
    }
  }
}

const describe = ({ id, meter, kind, state, at }: Alert) =>
  `${kind} ${state} of ${meter} at ${new Date(at).toISOString()} (${id})`;
