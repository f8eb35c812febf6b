/**
 * A street that answers: every meter of a scenario or a recording on a real port, in real time or faster.
 * The wire always runs at its true baud rate; `speed` only lets the street's own day pass faster.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MeterEvent, MeterInfo } from '../protocols/reading.ts';
import { happenedUntil } from './accidents.ts';
import { openAdapter } from './adapter.ts';
import { Area } from './area.ts';
import { type SimClock, systemSimClock } from './clock.ts';
import { makeDaysAhead } from './days-ahead.ts';
import { Dlt645Meter } from './dlt645-meter.ts';
import { playHappenings, type WireHappening } from './happenings.ts';
import { Line, type LineCounts, type LineFaults, NO_LINE_FAULTS, type Station } from './line.ts';
import type { MeterFaults, MeterView, Occurrence } from './meter-view.ts';
import { ModbusSimMeter } from './modbus-station.ts';
import { openPty } from './pty.ts';
import { createRandom } from './random.ts';
import { readRecordingSource } from './recording-source.ts';
import { loadScenario, type Wire } from './scenario.ts';
import type { SimPort } from './sim-port.ts';
import type { Source } from './source.ts';
import { openTcp } from './tcp.ts';
import type { Truth } from './truth.ts';
import { benderFile, WAVEFORM_ITEM } from './waveform-memory.ts';

export type SimMeterAddress =
  /** `waveformItem` is phase 1; the phase is its last byte. */
  | { protocol: 'dlt645'; standard: '2007' | '1997'; address: string; waveformItem?: string; info: MeterInfo }
  | { protocol: 'modbus'; unit: number; profile: string; waveform: 'bender-pem575'; info: MeterInfo };

export interface SimOptions {
  /** How much faster than life the street's day passes. */
  speed?: number;
  clock?: SimClock;
  /** `pty` falls back to `tcp` where the system has no pseudo-terminals. */
  ports?: 'pty' | 'tcp';
  /** A real RS-485 adapter instead; all meters must then be on one line. */
  adapter?: string;
  /** Told of broken lines in a recording. */
  warn?: (warning: string) => void;
}

export interface RunningSim {
  /** `port` is what a site file names, with its settings where it is a terminal. */
  ports: { port: string; name: string; meters: SimMeterAddress[]; counts: LineCounts }[];
  /** Where the street's own time stands, epoch milliseconds UTC. */
  streetMs(): number;
  source: Source;
  /** What is planned to happen, as the scenario says; grows while testers turn switches. */
  truths: Truth[];
  /** What really happened until now, by the street's own quantities too; plays the street once more to see them. */
  happened(): Truth[];
  /** The meters by id, for whoever wants to break one. */
  faults(meter: string): MeterFaults | undefined;
  line(name: string): { faults: LineFaults; unplug(): Promise<void>; plug(): Promise<void> } | undefined;
  stop(): Promise<void>;
}

interface Planned {
  name: string;
  wire: Wire;
  meters: { info: MeterInfo; faults: Partial<MeterFaults> }[];
}

const RECORDING = /\.(ndjson|jsonl|json)(\.gz)?$/;
/** Recordings carry no word about wires. */
const RECORDED_WIRE: Omit<Wire, 'protocol' | 'profile' | 'baud' | 'parity'> = {
  standard: '2007',
  stopBits: 1,
  metersPerLine: 32,
  turnaroundMs: 30,
  preamble: 4,
  blocks: true,
  blockTail: false,
  echoesWildcard: false,
  frameBytes: 190,
  twins: false,
  faults: {},
};

/**
 * @param what a shipped scenario's name, a scenario's YAML file, or a recording (`.ndjson`, `.ndjson.gz`)
 * @throws Error when it cannot be read, or no port can be opened
 */
export async function startSim(what: string, options: SimOptions = {}): Promise<RunningSim> {
  if (RECORDING.test(what)) {
    const source = await readRecordingSource(what, options.warn ?? (() => {}));
    return serve(source, planRecording(source), { truths: [], wires: [] }, options);
  }
  const area = new Area(loadScenario(what));
  return serveArea(area, options);
}

/** Serves an area that is already made. */
export async function serveArea(area: Area, options: SimOptions = {}): Promise<RunningSim> {
  const played = playHappenings(area);
  return serve(area, planArea(area), played, options);
}

async function serve(
  source: Source,
  plan: readonly Planned[],
  played: { truths: Truth[]; wires: WireHappening[] },
  options: SimOptions,
): Promise<RunningSim> {
  const clock = options.clock ?? systemSimClock;
  const speed = options.speed ?? 1;
  const beganMs = clock.monotonicMs();
  const streetMs = (): number => source.startMs + (clock.monotonicMs() - beganMs) * speed;
  if (options.adapter !== undefined && plan.length !== 1) {
    throw new Error(`one adapter is one line, and this street has ${plan.length}`);
  }
  const opened: Opened[] = [];
  for (const planned of plan) opened.push(await openLine(planned, source, { clock, speed, streetMs, options }));
  const timers = played.wires.flatMap((happening) => schedule(happening, opened, source, clock, speed));
  if (source instanceof Area) timers.push(makeDaysAhead(source, clock, speed, streetMs));
  return {
    ports: opened.map(({ name, port, wire, addresses, line }) => ({
      port: port.url.startsWith('tcp:')
        ? port.url
        : `${port.url}?baud=${wire.baud}&parity=${wire.parity}&stop=${wire.stopBits}`,
      name,
      meters: addresses,
      counts: line.counts,
    })),
    streetMs,
    source,
    truths: played.truths,
    happened: () => (source instanceof Area ? happenedUntil(source, played.truths, streetMs()) : []),
    faults: (meter) => opened.flatMap((one) => one.meters).find((one) => one.id === meter)?.station.faults,
    line: (name) => opened.find((one) => one.name === name)?.handle,
    async stop() {
      for (const cancel of timers) cancel();
      for (const { line } of opened) line.cut();
      await Promise.all(opened.map(({ port }) => port.close()));
    },
  };
}

interface Opened {
  name: string;
  wire: Wire;
  port: SimPort;
  line: Line;
  addresses: SimMeterAddress[];
  meters: { id: string; station: { faults: MeterFaults } }[];
  handle: { faults: LineFaults; unplug(): Promise<void>; plug(): Promise<void> };
}

interface Time {
  clock: SimClock;
  speed: number;
  streetMs(): number;
  options: SimOptions;
}

async function openLine(planned: Planned, source: Source, time: Time): Promise<Opened> {
  const { name, wire } = planned;
  const settings = { baud: wire.baud, parity: wire.parity, stopBits: wire.stopBits };
  let line: Line | undefined;
  const port = await openPort(name, (bytes) => line?.fromMaster(bytes), settings, time.options);
  const paced = time.options.adapter === undefined;
  line = new Line({ ...settings, paced }, time.clock, createRandom(`line/${name}`), (bytes) => port.write(bytes), {
    faults: wire.faults as Partial<LineFaults>,
    masterBaud: () => port.masterBaud(),
  });
  const addresses: SimMeterAddress[] = [];
  const meters: Opened['meters'] = [];
  for (const [index, { info, faults }] of planned.meters.entries()) {
    const twin = wire.twins && index === 1 ? planned.meters[0]?.info.id : undefined;
    const now = (): MeterFaults => made.station.faults;
    const made: ReturnType<typeof makeMeter> = makeMeter(
      info,
      index,
      wire,
      faults,
      viewOf(info, source, time, now),
      twin,
    );
    const { station, address } = made;
    line.attach(silentWhenDark(station, () => source.isDark(info.id, time.streetMs())));
    addresses.push(address);
    meters.push({ id: info.id, station });
  }
  const wired = line;
  const handle = {
    get faults() {
      return wired.faults;
    },
    set faults(faults: LineFaults) {
      wired.faults = faults;
    },
    async unplug() {
      wired.cut();
      await port.unplug();
    },
    plug: () => port.plug(),
  };
  return { name, wire, port, line, addresses, meters, handle };
}

async function openPort(
  name: string,
  onBytes: (bytes: Uint8Array) => void,
  settings: Pick<Wire, 'baud' | 'parity' | 'stopBits'>,
  options: SimOptions,
): Promise<SimPort> {
  if (options.adapter !== undefined) return openAdapter(onBytes, options.adapter, settings);
  if (options.ports === 'tcp') return openTcp(onBytes);
  try {
    return await openPty(onBytes, { link: join(mkdtempSync(join(tmpdir(), 'gridwarden-sim-')), name) });
  } catch {
    return openTcp(onBytes);
  }
}

function makeMeter(
  info: MeterInfo,
  index: number,
  wire: Wire,
  faults: Partial<MeterFaults>,
  view: MeterView,
  twin: string | undefined,
): { station: Dlt645Meter | ModbusSimMeter; address: SimMeterAddress } {
  const random = createRandom(`meter/${info.id}`);
  if (wire.protocol === 'modbus') {
    const unit = index + 1;
    const { profile, turnaroundMs } = wire;
    const options = { unit: twin === undefined ? unit : 1, profile, turnaroundMs, file: benderFile(view) };
    const station = new ModbusSimMeter(options, view, random, faults);
    return { station, address: { protocol: 'modbus', unit, profile, waveform: 'bender-pem575', info } };
  }
  const { standard, turnaroundMs, preamble, frameBytes, blocks, blockTail, echoesWildcard } = wire;
  const options = { standard, turnaroundMs, preamble, frameBytes, blocks, blockTail, echoesWildcard };
  const address = digitsOf(info.id);
  const ratedCurrentA = info.ratedCurrentA ?? 60;
  const station = new Dlt645Meter({ ...options, address: twin ?? address, ratedCurrentA }, view, random, faults);
  const waveform = standard === '2007' ? { waveformItem: `${WAVEFORM_ITEM}01` } : {};
  return { station, address: { protocol: 'dlt645', standard, address, ...waveform, info } };
}

function silentWhenDark(station: Station, dark: () => boolean): Station {
  return { hear: (bytes, atMs) => (dark() ? [] : station.hear(bytes, atMs)) };
}

/** A meter's clock runs with the wall's, whatever time the street plays. */
function viewOf(
  info: MeterInfo,
  source: Source,
  { clock, speed, streetMs }: Time,
  faults: () => MeterFaults,
): MeterView {
  const zoneMs = zoneOffsetMs(source.timezone, clock.nowMs());
  const wallMs = (atMs: number): number => clock.nowMs() + zoneMs - (streetMs() - atMs) / speed;
  const beganMs = clock.monotonicMs();
  let setMs = 0;
  let stuckAt: number | undefined;
  const localMs = (): number => {
    const { clockOffMs, clockDriftPpm } = faults();
    const driftMs = ((clock.monotonicMs() - beganMs) * clockDriftPpm) / 1e6;
    return clock.nowMs() + zoneMs + setMs + clockOffMs + driftMs;
  };
  const record = (event: MeterEvent): Occurrence[] => {
    const happened = source.eventsBetween(info.id, Number.NEGATIVE_INFINITY, streetMs());
    const starts = happened.filter((it) => it.event === event);
    return starts
      .map(({ atMs }) => {
        const end =
          event === 'power-off' ? happened.find((it) => it.event === 'power-on' && it.atMs >= atMs) : undefined;
        return { startMs: wallMs(atMs), endMs: wallMs(end?.atMs ?? atMs) };
      })
      .reverse();
  };
  return {
    phases: info.phases ?? 1,
    reading() {
      const { stuck, rolledBackWh } = faults();
      stuckAt = stuck ? (stuckAt ?? streetMs()) : undefined;
      const reading = source.readingAt(info.id, stuckAt ?? streetMs());
      if (rolledBackWh === 0 || reading.importWh === undefined) return reading;
      return { ...reading, importWh: Math.max(0, reading.importWh - rolledBackWh) };
    },
    localMs,
    setLocalMs(wantedMs) {
      setMs += wantedMs - localMs();
    },
    waveform: (phase) => source.waveformAt(info.id, streetMs(), phase),
    record: (event) => record(event).slice(0, 10),
    count: (event) => record(event).length,
    relayOpen: false,
  };
}

function schedule(it: WireHappening, opened: Opened[], source: Source, clock: SimClock, speed: number): (() => void)[] {
  const hit = opened.filter(({ name }) => name === it.line || it.line === 'all');
  const at = (ms: number, act: () => void) => clock.after(Math.max(0, (ms - source.startMs) / speed), act);
  return hit.flatMap(({ handle }) => {
    const { how } = it;
    if (how === 'unplugged') return [at(it.fromMs, () => void handle.unplug()), at(it.toMs, () => void handle.plug())];
    const before = handle.faults;
    return [
      at(it.fromMs, () => {
        handle.faults = { ...NO_LINE_FAULTS, ...how };
      }),
      at(it.toMs, () => {
        handle.faults = before;
      }),
    ];
  });
}

/** Meters of one group share lines; `flat-1` is the group's first. */
function planArea(area: Area): Planned[] {
  const groups = new Map<string, Planned['meters']>();
  for (const { info, group, faults } of area.all) groups.set(group, [...(groups.get(group) ?? []), { info, faults }]);
  return [...groups].flatMap(([group, meters]) => {
    const { wire } = area.named(group)[0]!;
    return chunks(meters, wire.metersPerLine).map((some, index) => ({
      name: `${group}-${index + 1}`,
      wire,
      meters: some,
    }));
  });
}

/** Twelve digits are a DL/T 645 address; any other name is served as a Modbus meter. */
function planRecording(source: Source): Planned[] {
  const dlt645: Wire = { ...RECORDED_WIRE, protocol: 'dlt645', profile: '', baud: 9600, parity: 'even' };
  const modbus: Wire = { ...RECORDED_WIRE, protocol: 'modbus', profile: 'sdm630', baud: 9600, parity: 'none' };
  const isDlt = (id: string) => /^\d{12}$/.test(id);
  const plan = (wire: Wire, wanted: boolean, name: string): Planned[] => {
    const meters = source.meters.filter(({ id }) => isDlt(id) === wanted).map((info) => ({ info, faults: {} }));
    return chunks(meters, wire.metersPerLine).map((some, index) => ({
      name: `${name}-${index + 1}`,
      wire,
      meters: some,
    }));
  };
  return [...plan(dlt645, true, 'dlt645'), ...plan(modbus, false, 'modbus')];
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

function digitsOf(id: string): string {
  return /^\d{12}$/.test(id) ? id : id.replace(/\D/g, '').slice(-12).padStart(12, '0');
}

function zoneOffsetMs(timezone: string, atMs: number): number {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' }).formatToParts(
    atMs,
  );
  const match = /GMT([+-])(\d{2}):(\d{2})/.exec(parts.find((part) => part.type === 'timeZoneName')?.value ?? '');
  if (match === null) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return (match[1] === '-' ? -minutes : minutes) * 60_000;
}
