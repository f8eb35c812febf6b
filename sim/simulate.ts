/**
 * A whole street without bytes, in virtual time: what a perfect gateway would have heard.
 * The same scenario gives the same samples, byte for byte, on every run and machine.
 */
import type { MeterEvent, Sample } from '../protocols/reading.ts';
import type { RecordingHeader } from '../protocols/recording.ts';
import { Area } from './area.ts';
import { playHappenings } from './happenings.ts';
import type { Scenario } from './scenario.ts';
import type { Truth, TruthHeader } from './truth.ts';

/** Waveforms that somebody asks for: a detector through `asked`, or a fixed rhythm. */
export interface Captures {
  /** Every so often for every meter; 0 is never. */
  everyMs: number;
  /** Meters and phases somebody wants at this moment; asked once per period and meter. */
  asked?(meter: string): number | undefined;
}

/** Five cycles are one resolution step of 10 Hz; twice as many would double the price of a year and tell no more. */
const CYCLES = 5;
const NO_CAPTURES: Captures = { everyMs: 0 };

/**
 * Samples of all meters from `fromMs` to `toMs` in the order of time, one reading per meter and period, each meter at
 * a second of its own as a bus would read them.
 */
export function* simulateReadings(
  area: Area,
  fromMs: number,
  toMs: number,
  captures: Captures = NO_CAPTURES,
): Generator<Sample> {
  const periodMs = area.scenario.periodS * 1000;
  const count = area.all.length;
  let heardMs = fromMs;
  for (let tickMs = Math.ceil(fromMs / periodMs) * periodMs; tickMs < toMs; tickMs += periodMs) {
    yield* events(area, heardMs, tickMs);
    heardMs = tickMs;
    for (const [index, { info }] of area.all.entries()) {
      const meter = info.id;
      const atMs = tickMs + Math.floor((index * periodMs) / count);
      const reading = area.readingAt(meter, atMs);
      if (reading.voltageV === undefined) continue;
      yield { atMs, meter, reading };
      const due = captures.everyMs > 0 && tickMs % captures.everyMs === 0 ? 1 : undefined;
      const phase = captures.asked?.(meter) ?? due;
      if (phase === undefined) continue;
      const waveform = area.waveformAt(meter, atMs, phase, CYCLES);
      if (waveform !== undefined) yield { atMs, meter, waveform };
    }
  }
}

/** Events of all meters in the order of time, held back to the end of their period as a poll finds them. */
function* events(area: Area, fromMs: number, toMs: number): Generator<Sample> {
  const found: { atMs: number; meter: string; event: MeterEvent }[] = [];
  for (const { info, events: own } of area.all) {
    if (own.length === 0) continue;
    for (const { event } of area.eventsBetween(info.id, fromMs, toMs)) {
      found.push({ atMs: toMs, meter: info.id, event });
    }
  }
  yield* found;
}

export interface Street {
  area: Area;
  header: RecordingHeader;
  truth: TruthHeader;
  truths: Truth[];
}

/** The area with everything in it that the scenario says will happen. */
export function makeStreet(scenario: Scenario): Street & { played: ReturnType<typeof playHappenings> } {
  const area = new Area(scenario);
  const played = playHappenings(area);
  const header = { timezone: area.timezone, meters: [...area.meters] };
  const truth: TruthHeader = {
    truth: 1,
    scenario: scenario.name,
    meters: area.meters.length,
    from: area.startMs,
    to: area.endMs,
  };
  return { area, header, truth, truths: played.truths, played };
}
