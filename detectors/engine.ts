/**
 * Runs every detector over what every meter says, in the order of time. Pure like the detectors: the firmware's
 * pipeline, `replay`, the evaluations and the seeded world all drive this one engine, so they cannot differ.
 *
 * Time is the samples' own. A civil minute that passes between two samples gives every detector one tick; after a
 * longer hole the ticks are caught up with, hourly at most, so that a month without data costs little.
 */
import type { MeterInfo, Sample } from '../protocols/reading.ts';
import { type Alert, alertId, type Finding, RECIPIENTS } from './alert.ts';
import { CivilTime } from './civil-time.ts';
import {
  type Area,
  type AreaDetector,
  type Detector,
  type Input,
  type MeterDetector,
  type Moment,
  NOTHING,
  type Output,
  type Verdict,
} from './detector.ts';

const MINUTE_MS = 60_000;
/** Ticks of one hole that are given minute by minute; beyond it one an hour is enough for every hold time. */
const MINUTE_TICKS_MAX = 1_440;

/** A clock that goes back by less than this is held; by more, it was wrong before and the samples are believed. */
const HOLD_BACK_MS = 2 * 3_600_000;

/** A request of a detector to the bus. */
export type Ask = Exclude<Output, { type: 'finding' }>;

export interface Result {
  alerts: Alert[];
  asks: Ask[];
}

/** Everything the engine remembers, as plain JSON: written to disk hourly and on stop, read back at start. */
export interface Snapshot {
  version: 1;
  tickMs: number;
  /** The last moment that detectors have seen: a start with an earlier clock goes on from it. */
  lastMs?: number;
  /** Detector name → state. */
  area: Record<string, unknown>;
  /** Meter → detector name → state. */
  meters: Record<string, Record<string, unknown>>;
}

interface Runner {
  detector: MeterDetector<unknown>;
  meter: MeterInfo;
  state: unknown;
  faults: number;
}

interface AreaRunner {
  detector: AreaDetector<unknown>;
  state: unknown;
  faults: number;
}

/** A detector that threw so often is stopped, for its meter; the others go on. */
const FAULTS_MAX = 3;

export class Engine {
  readonly #area: Area;
  readonly #civil: CivilTime;
  readonly #byMeter = new Map<string, Runner[]>();
  readonly #areaWide: AreaRunner[] = [];
  readonly #infos = new Map<string, MeterInfo>();
  #tickMs = Number.NEGATIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  readonly #onFault: (detector: string, meter: string | undefined, error: unknown) => void;

  /**
   * @param snapshot what `snapshot()` gave before the restart; states of meters or detectors that are gone are dropped
   * @param onFault told of a detector that threw; it is stopped for that meter after three times
   * @throws RangeError when the area's time zone is not an IANA name
   */
  constructor(
    area: Area,
    detectors: readonly Detector[],
    snapshot?: Snapshot,
    onFault: (detector: string, meter: string | undefined, error: unknown) => void = () => {},
  ) {
    this.#area = area;
    this.#civil = new CivilTime(area.timezone);
    this.#onFault = onFault;
    for (const meter of area.meters) this.#infos.set(meter.id, meter);
    for (const detector of detectors) {
      if (detector.scope === 'area') {
        const state = detector.start(area, snapshot?.area[detector.name]);
        if (state !== undefined) this.#areaWide.push({ detector, state, faults: 0 });
        continue;
      }
      for (const meter of area.meters) {
        // What the site file says now decides whether a detector watches a meter, not what it said before.
        const fresh = detector.start(meter, area);
        if (fresh === undefined) continue;
        const runners = this.#byMeter.get(meter.id) ?? [];
        const state = snapshot?.meters[meter.id]?.[detector.name] ?? fresh;
        runners.push({ detector, meter, state, faults: 0 });
        this.#byMeter.set(meter.id, runners);
      }
    }
    // A snapshot from before the first sample carries −Infinity, which JSON turns into null.
    if (snapshot) {
      this.#tickMs = snapshot.tickMs ?? Number.NEGATIVE_INFINITY;
      this.#lastMs = snapshot.lastMs ?? this.#tickMs;
    }
  }

  /** Takes one sample; samples come in the order of time, a clock that goes back a little is taken as standing still. */
  take(sample: Sample): Result {
    const result: Result = { alerts: [], asks: [] };
    const moment = this.#civil.at(this.#held(sample.atMs));
    this.#tickUpTo(moment.atMs, result);
    this.#give(inputOf(sample, moment), sample.meter, result);
    return result;
  }

  /** A grid worker's answer about a meter. */
  answer(atMs: number, meter: string, verdict: Verdict): Result {
    const result: Result = { alerts: [], asks: [] };
    const moment = this.#civil.at(this.#held(atMs));
    this.#tickUpTo(moment.atMs, result);
    this.#give({ type: 'verdict', ...moment, meter, verdict }, meter, result);
    return result;
  }

  /** Lets time pass without a sample; call it at least every minute. */
  advance(atMs: number): Result {
    const result: Result = { alerts: [], asks: [] };
    this.#tickUpTo(this.#held(atMs), result);
    return result;
  }

  snapshot(): Snapshot {
    const meters: Snapshot['meters'] = {};
    for (const [id, runners] of this.#byMeter) {
      meters[id] = Object.fromEntries(runners.map((runner) => [runner.detector.name, runner.state]));
    }
    const area = Object.fromEntries(this.#areaWide.map((runner) => [runner.detector.name, runner.state]));
    return structuredClone({ version: 1, tickMs: this.#tickMs, lastMs: this.#lastMs, area, meters });
  }

  /** Time that went back a little creeps by a millisecond a sample: no two decisions about an alert share a moment. */
  #held(atMs: number): number {
    if (this.#lastMs - atMs > HOLD_BACK_MS) {
      this.#tickMs = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
      this.#lastMs = atMs;
    } else this.#lastMs = atMs < this.#lastMs ? this.#lastMs + 1 : atMs;
    return this.#lastMs;
  }

  #tickUpTo(atMs: number, result: Result): void {
    const last = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
    if (!(this.#tickMs < last)) return;
    let at = this.#tickMs === Number.NEGATIVE_INFINITY ? last : this.#tickMs + MINUTE_MS;
    while (at <= last) {
      this.#tick(this.#civil.at(at), result);
      const stepMs = last - at > MINUTE_TICKS_MAX * MINUTE_MS ? 60 * MINUTE_MS : MINUTE_MS;
      at += stepMs;
    }
    this.#tickMs = last;
  }

  #tick(moment: Moment, result: Result): void {
    const input: Input = { type: 'tick', atMs: moment.atMs, localMs: moment.localMs };
    for (const runners of this.#byMeter.values()) this.#giveMeter(input, runners, result);
    for (const runner of this.#areaWide) this.#giveArea(input, runner, result);
  }

  #give(input: Input, meter: string, result: Result): void {
    const runners = this.#byMeter.get(meter);
    if (runners !== undefined) this.#giveMeter(input, runners, result);
    for (const runner of this.#areaWide) this.#giveArea(input, runner, result);
  }

  // The two that run for every reading and every tick of every meter: nothing is made in them.
  #giveMeter(input: Input, runners: readonly Runner[], result: Result): void {
    for (const runner of runners) {
      if (runner.faults >= FAULTS_MAX) continue;
      let outputs = NOTHING;
      try {
        outputs = runner.detector.step(runner.state, input, runner.meter);
      } catch (error) {
        runner.faults++;
        this.#onFault(runner.detector.name, runner.meter.id, error);
      }
      if (outputs.length > 0) this.#collect(outputs, input, result);
    }
  }

  #giveArea(input: Input, runner: AreaRunner, result: Result): void {
    if (runner.faults >= FAULTS_MAX) return;
    let outputs = NOTHING;
    try {
      outputs = runner.detector.step(runner.state, input, this.#area);
    } catch (error) {
      runner.faults++;
      this.#onFault(runner.detector.name, undefined, error);
    }
    if (outputs.length > 0) this.#collect(outputs, input, result);
  }

  #collect(outputs: readonly Output[], input: Input, result: Result): void {
    for (const output of outputs) {
      if (output.type === 'finding') result.alerts.push(this.#alert(output.finding, input.atMs));
      else result.asks.push(output);
    }
  }

  #alert(finding: Finding, atMs: number): Alert {
    const grid = this.#infos.get(finding.meter)?.grid;
    return {
      id: alertId(finding),
      meter: finding.meter,
      kind: finding.kind,
      state: finding.state,
      severity: finding.severity,
      at: atMs,
      since: finding.sinceMs,
      confidence: Math.round(finding.confidence * 1000) / 1000,
      evidence: finding.evidence,
      ...(grid === undefined ? {} : { grid }),
      // In one order, as the wire keeps them: what arrives is what was decided, byte for byte.
      recipients: RECIPIENTS.filter((recipient) => finding.recipients.includes(recipient)),
    };
  }
}

/** Field by field: spreading the moment would cost more than a detector. */
function inputOf(sample: Sample, { atMs, localMs }: Moment): Input {
  const { meter } = sample;
  if ('reading' in sample) return { type: 'reading', atMs, localMs, meter, reading: sample.reading };
  if ('waveform' in sample) return { type: 'waveform', atMs, localMs, meter, waveform: sample.waveform };
  return { type: 'event', atMs, localMs, meter, event: sample.event };
}
