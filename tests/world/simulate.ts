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
import { type Arrival, Invariants } from './invariants.ts';
import { beginLife, type Life } from './mortal.ts';

const MINUTE_MS = 60_000;
const RUN_MINUTES = 20;
/** After the last fault: every receipt, back-off and probe has come round by then. */
const QUIET_MINUTES = 20;
/** Then nothing changes any more, so that no alert is on its way when the books are closed. */
const CALM_MINUTES = 5;
const DRAIN_MINUTES = 5;
/** How often the world looks at what the gateway holds and at who waits. */
const LOOK_MS = 5_000;

export interface WorldResult {
  seed: string;
  violations: string[];
  kills: number;
  readings: number;
  alerts: number;
  arrivals: number;
  /** Arrivals that came more than once: allowed, and collapsed. */
  again: number;
  /** The longest that a meter which could be reached was not read. */
  longestWaitMs: number;
  /** The most of everything that the gateway held at once. */
  most: Invariants['most'];
}

/** Everything there is, and open to a test that plants a violation. */
export interface World {
  seed: string;
  random: Random;
  clock: VirtualClock;
  site: Site;
  streets: VirtualStreet[];
  /** Each with the line that it hangs on. */
  households: (Household & { street: VirtualStreet })[];
  broker: WorldBroker;
  file: string;
  invariants: Invariants;
  /** The disk refuses while this is set. */
  diskFails: boolean;
  readings: number;
  kills: number;
  snapshotBytes: number;
  running: Running | undefined;
  /** Called after each boot. */
  booted: (running: Running) => void;
}

export interface Running {
  life: Life;
  gateway: Gateway;
  stop: AbortController;
}

/**
 * Runs one seed to its end. The same seed gives the same result.
 * @param plant breaks something on purpose before the world begins: what must be found then is a test
 */
export async function simulate(seed: string, plant: (world: World) => void = () => {}): Promise<WorldResult> {
  const directory = mkdtempSync(join(tmpdir(), 'world-'));
  const world = makeWorld(seed, join(directory, 'outbox.db'));
  const unhandled = (error: unknown) => world.invariants.broke(`unhandled rejection: ${String(error)}`);
  process.on('unhandledRejection', unhandled);
  try {
    plant(world);
    await live(world);
  } finally {
    process.off('unhandledRejection', unhandled);
    rmSync(directory, { recursive: true, force: true });
  }
  const { kills, readings, broker, invariants } = world;
  const { violations, durable, longestWaitMs, most } = invariants;
  const { arrivals, again } = broker;
  return { seed, violations, kills, readings, alerts: durable, arrivals, again, longestWaitMs, most };
}

async function live(world: World): Promise<void> {
  lookAlong(world);
  let running = await boot(world);
  const end = RUN_MINUTES * MINUTE_MS;
  while (world.clock.monotonicMs() < end) {
    await world.clock.run(world.random.between(1_000, 90_000));
    running = await happen(world, running);
    look(world);
  }
  heal(world);
  await world.clock.run(QUIET_MINUTES * MINUTE_MS);
  for (const household of world.households) household.calm = true;
  await world.clock.run(CALM_MINUTES * MINUTE_MS);
  world.invariants.quiet(await drain(world, running));
  await stop(world, running);
}

/** Waits for what was raised a moment ago: a step of an alert's routing may fall into the last second. Gives what is left. */
async function drain({ clock }: World, { gateway }: Running): Promise<number> {
  const untilMs = clock.monotonicMs() + DRAIN_MINUTES * MINUTE_MS;
  for (;;) {
    const { alerts: left } = await clock.settle(gateway.outbox.depth());
    if (left === 0 || clock.monotonicMs() >= untilMs) return left;
    await clock.run(1_000);
  }
}

function makeWorld(seed: string, file: string): World {
  const random = createRandom(seed);
  const clock = new VirtualClock(Date.UTC(2026, 2, 1) + random.int(86_400_000));
  const streets: VirtualStreet[] = [];
  const households: World['households'] = [];
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
    households.push(...meters.map((household) => Object.assign(household, { street })));
    buses.push(
      `  - port: /dev/virtual${b}?baud=${baud}&parity=even\n    meters:\n${meters.map(({ entry }) => `      - ${entry}`).join('\n')}`,
    );
  }
  const text = `gateway: { id: gw-world }\nbuses:\n${buses.join('\n')}\nuplink: { brokers: ["mqtt://world:1883"], receiptDeadlineS: 10 }\ndetectors: { overload: { raiseHoldMs: 10000, clearHoldMs: 10000 } }\n`;
  const { site, problems } = loadSite(text, 'world.yaml');
  if (site === undefined) throw new Error(`${JSON.stringify(problems)}\n${text}`);
  const brokerFaults = { loseAck: 0.02, loseMessage: 0.02, loseReceipt: 0.05, latencyMs: random.pick([5, 200, 2_000]) };
  const invariants = new Invariants({ meters: households.length, buses: streets.length });
  const onArrival = (arrival: Arrival) => invariants.arrived(arrival);
  return {
    ...{ seed, random, clock, site, streets, households, file, invariants },
    broker: new WorldBroker(clock, createRandom(`${seed}/broker`), brokerFaults, onArrival),
    ...{ diskFails: false, readings: 0, kills: 0, snapshotBytes: 0 },
    running: undefined,
    booted: () => {},
  };
}

async function boot(world: World): Promise<Running> {
  const life = beginLife(world.clock);
  const stop = new AbortController();
  const options = { ...STORE_DEFAULTS, clock: life.clock, retryMs: 2_000 };
  const outbox = outboxOn(life.disk(diskOf(world)), options);
  const { append, commit, put } = outbox;
  const watch = async (alerts: readonly Alert[], work: () => Promise<{ durable: boolean }>) => {
    world.invariants.asked(alerts);
    const done = await work();
    if (done.durable) world.invariants.stored(alerts);
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
        put: (key, value) => {
          if (key === 'detectors') {
            world.snapshotBytes = value.length;
            look(world);
          }
          return put(key, value);
        },
      },
      openLink: life.openLink(world.broker.openLink),
      version: 'world',
      log: silentLog,
      signal: stop.signal,
      onSample: (sample) => {
        world.readings++;
        if ('reading' in sample) world.invariants.read(sample.meter, world.clock.monotonicMs());
      },
    }),
  );
  world.running = { life, gateway, stop };
  world.booted(world.running);
  return world.running;
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
    world.running = undefined;
    world.kills++;
  }
  look(world);
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
    world.invariants.stopped(running.life.held);
  } catch (error) {
    world.invariants.broke(`the gateway did not stop within 30 s: ${String(error)}`);
  }
  running.life.die();
  world.running = undefined;
}

function heal(world: World): void {
  world.diskFails = false;
  world.broker.faults = { ...world.broker.faults, loseAck: 0, loseMessage: 0, loseReceipt: 0 };
  world.broker.start();
  for (const street of world.streets) street.plug();
  for (const household of world.households) household.silent = false;
}

function lookAlong(world: World): void {
  world.clock.after(LOOK_MS, () => {
    lookAlong(world);
    look(world);
  });
}

/** Who can be reached and waits, and what the gateway holds. */
function look({ clock, households, running, invariants, broker, snapshotBytes }: World): void {
  const nowMs = clock.monotonicMs();
  for (const { id, silent, street } of households) {
    invariants.reach(id, running !== undefined && !running.stop.signal.aborted && !silent && street.plugged, nowMs);
  }
  for (const problem of broker.problems.splice(0)) invariants.broke(`the platform cannot read a message: ${problem}`);
  if (running === undefined) return;
  const { outstanding, queued } = running.gateway.uplink.stats;
  invariants.holds({ outstanding, queued, ...running.life.held, snapshotBytes });
}
