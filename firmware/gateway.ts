/**
 * The gateway: buses, pipeline, outbox and uplink joined. Clock, ports, store and link are handed in, so that the same
 * code runs on a concentrator, in a test over a real pty, and in virtual time inside one process.
 */
import type { Alert } from '../detectors/alert.ts';
import type { DetectorSettings } from '../detectors/catalogue.ts';
import type { Detector } from '../detectors/detector.ts';
import type { Ask } from '../detectors/engine.ts';
import type { Sample } from '../protocols/reading.ts';
import { type Bus, type BusState, startBus } from './bus/bus.ts';
import { type Captures, capturesOf } from './capture.ts';
import type { Clock } from './clock.ts';
import type { Audit } from './commands/audit.ts';
import { type Commands, startCommands } from './commands/commands.ts';
import { type Desk, openDesk } from './commands/desk.ts';
import type { CommandKey } from './commands/verify.ts';
import { meterId } from './config/meter-id.ts';
import type { Site } from './config/site.ts';
import { type Actions, commandHandlers, settingsInForce } from './handlers.ts';
import type { OpenLink } from './link.ts';
import type { Log } from './log.ts';
import { areaOf, busMeters, busPlans, lineSettings } from './meters.ts';
import type { Outbox } from './outbox.ts';
import { type OwnAlerts, openOwnAlerts } from './own-alerts.ts';
import { type Pipeline, startPipeline } from './pipeline.ts';
import type { OpenPort } from './port.ts';
import { type Rounds, startRounds } from './rounds.ts';
import { startSums, sumUp } from './uplink/summary.ts';
import { startUplink, type Uplink, type UplinkParts } from './uplink/uplink.ts';

export interface GatewayParts {
  site: Site;
  /** Makes the detectors with these settings; asked again when a command changes them. */
  detectors(settings: DetectorSettings): readonly Detector[];
  clock: Clock;
  /** Whether wall time can be believed; stands on every message. */
  clockSynchronised: () => boolean;
  openPort: OpenPort;
  outbox: Outbox;
  openLink: OpenLink;
  /** For the status message. */
  version: string;
  /** Another platform's form of the messages. */
  encode?: NonNullable<UplinkParts['encode']>;
  /** Why the last run ended. */
  restartReason?: string;
  log: Log;
  /** Aborting it is the one way to stop the gateway. */
  signal: AbortSignal;
  record?: (sample: Sample) => void;
  /** Told of what happens, for the page, the demo and the tests. */
  onSample?: (sample: Sample) => void;
  onAlerts?: (alerts: readonly Alert[], durable: boolean) => void;
  /** A port takes no bytes any more and opening it again did not help: only a new process can. */
  onStuck?: (port: string, reason: string) => void;
  /** Who may command the gateway and where each command is written down; without it nobody is listened to. */
  control?: { keys: readonly CommandKey[]; audit: Audit; actions: Actions };
}

export interface Gateway {
  site: Site;
  outbox: Outbox;
  pipeline: Pipeline;
  desk: Desk;
  uplink: Uplink;
  own: OwnAlerts;
  buses: readonly Bus[];
  /** The bus that a meter hangs on. */
  busOf(meter: string): Bus | undefined;
  /** Resolves when everything has stopped and the last snapshot is on disk; the outbox stays open. */
  stopped: Promise<void>;
}

/** Starts everything; the first reads are due at once. @throws when the site names a profile or port that does not exist */
export async function startGateway(parts: GatewayParts): Promise<Gateway> {
  const { site, clock, log, signal, outbox } = parts;
  const gateway = site.gateway.id;
  const desk = await openDesk({
    settings: { gateway, routes: site.grid, escalateMin: site.escalateMin },
    ...{ outbox, clock, log, signal },
  });
  const onStored = (alerts: readonly Alert[], durable: boolean) => parts.onAlerts?.(alerts, durable);
  const own = await openOwnAlerts(gateway, desk.outbox, clock, onStored);
  const busOf = new Map<string, Bus>();
  const captures = new Map<string, Captures>();
  const summarise = summaries(site, outbox);
  const pipeline: Pipeline = await startPipeline({
    area: areaOf(site),
    detectors: parts.detectors,
    settings: await settingsInForce(site, outbox),
    outbox: desk.outbox,
    clock,
    log,
    signal,
    onAsk: (ask) => serve(ask, busOf.get(ask.meter), captures.get(ask.meter), pipeline),
    onStored,
    onSample: (sample) => {
      summarise(sample);
      parts.record?.(sample);
      parts.onSample?.(sample);
    },
  });
  sayPlans(site, own, log);
  let rounds: Rounds | undefined;
  const buses = site.buses.map((bus) => {
    const settings = lineSettings(bus);
    const meters = busMeters(bus);
    const started = startBus({
      settings,
      openPort: parts.openPort,
      clock,
      meters,
      log,
      signal,
      onReading: (meter, _block, reading) => void pipeline.take(meter, { reading }),
      onMeterState: (meter, { state }) => {
        if (state !== 'silent') return;
        rounds?.fellSilent(meter);
        void pipeline.take(meter, { event: 'no-answer' });
      },
      onPortState: (state) => {
        if (state.state === 'silent' || state.state === 'lost') {
          for (const meter of bus.meters) rounds?.fellSilent(meterId(meter));
        }
        if (state.state === 'stuck') parts.onStuck?.(bus.port, state.reason);
        onPortState(own, bus.port, state);
      },
    });
    for (const meter of bus.meters) {
      const id = meterId(meter);
      busOf.set(id, started);
      const source = capturesOf(meter, id, started);
      if (source !== undefined) captures.set(id, source);
    }
    return started;
  });
  rounds = startRounds({
    site,
    buses,
    pipeline,
    outbox,
    clock,
    clockSynchronised: parts.clockSynchronised,
    log,
    signal,
  });
  const commands =
    parts.control === undefined
      ? undefined
      : await listen(parts, parts.control, { desk, own, pipeline, busOf, captures });
  const { delivery, format, receiptDeadlineS } = site.uplink;
  const uplink = startUplink({
    settings: {
      gateway,
      delivery,
      format,
      receiptDeadlineMs: receiptDeadlineS * 1000,
      firmwareVersion: parts.version,
      ...(parts.restartReason === undefined ? {} : { restartReason: parts.restartReason }),
      meters: busOf.size,
    },
    outbox,
    openLink: parts.openLink,
    clock,
    clockSynchronised: parts.clockSynchronised,
    log,
    signal,
    ...(commands === undefined ? {} : { onCommand: commands.take }),
    ...(parts.encode === undefined ? {} : { encode: parts.encode }),
    onDead: (stored, reason) => log.error({ sequence: stored.sequence, reason }, 'a message was refused for good'),
  });
  const stopped = Promise.all([...buses.map((bus) => bus.stopped), rounds.stopped, uplink.closed]).then(async () => {
    await commands?.idle();
    await pipeline.stop();
    await own.settled();
  });
  return { site, outbox, pipeline, desk, uplink, own, buses, busOf: (meter) => busOf.get(meter), stopped };
}

/** Sums of the grid cells, where the site file asks for them. */
function summaries(site: Site, outbox: Outbox): (sample: Sample) => void {
  if (!site.uplink.summaries) return () => {};
  const sums = startSums();
  const cells = new Map(site.buses.flatMap((bus) => bus.meters.map((meter) => [meterId(meter), meter.grid])));
  return (sample) => {
    const cell = cells.get(sample.meter);
    if (cell === undefined || !('reading' in sample)) return;
    const ended = sumUp(sums, sample.atMs, cell, sample.meter, sample.reading);
    if (ended.length > 0) void outbox.commit({ messages: ended.map((summary) => ({ type: 'summary', summary })) });
  };
}

interface Inner {
  desk: Desk;
  own: OwnAlerts;
  pipeline: Pipeline;
  busOf: ReadonlyMap<string, Bus>;
  captures: ReadonlyMap<string, Captures>;
}

function listen(parts: GatewayParts, control: NonNullable<GatewayParts['control']>, inner: Inner): Promise<Commands> {
  const { site, clock, outbox, log, clockSynchronised } = parts;
  const { desk, own, pipeline, busOf, captures } = inner;
  return startCommands({
    settings: { gateway: site.gateway.id, keys: control.keys },
    handlers: commandHandlers({
      site,
      clock,
      outbox,
      pipeline,
      busOf: (meter) => busOf.get(meter),
      capturesOf: (meter) => captures.get(meter),
      actions: control.actions,
    }),
    desk,
    outbox,
    audit: control.audit,
    clock,
    log,
    clockSynchronised,
    onFrequentRefusals: (count, last) => own.raise('commands-refused', 'warning', { refused: count, last }),
  });
}

/** A plan longer than its bus is said at the start, not found out by stale values. */
function sayPlans(site: Site, own: OwnAlerts, log: Log): void {
  for (const plan of busPlans(site)) {
    const key = `plan-too-long:${plan.port}`;
    if (plan.load <= 1) {
      own.clear(key);
      continue;
    }
    log.warn({ port: plan.port, load: plan.load }, 'the plan is longer than the bus: every period will stretch');
    own.raise(key, 'warning', { port: plan.port, planLoad: Math.round(plan.load * 100) / 100, meters: plan.meters });
  }
}

function onPortState(own: OwnAlerts, port: string, state: BusState): void {
  if (state.state === 'opening') return;
  // A silent bus has an open port: of the three faults at most one stands.
  for (const fault of ['lost', 'stuck', 'silent'] as const) {
    if (state.state !== fault) own.clear(`port-${fault}:${port}`);
    else own.raise(`port-${fault}:${port}`, 'warning', { port, reason: state.reason });
  }
}

function serve(ask: Ask, bus: Bus | undefined, captures: Captures | undefined, pipeline: Pipeline): void {
  switch (ask.type) {
    case 'attention':
      bus?.attend(ask.meter, ask.periodMs, ask.forMs);
      return;
    case 'capture':
      void captures?.capture(phaseOf(ask.phase)).then((answer) => {
        if ('value' in answer) return pipeline.take(ask.meter, { waveform: answer.value });
        return undefined;
      });
      return;
    default:
      ask satisfies never;
  }
}

const phaseOf = (phase: number) => (phase === 2 || phase === 3 ? phase : 1);
