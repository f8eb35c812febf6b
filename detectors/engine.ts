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
import type { Area, AreaDetector, Detector, Input, MeterDetector, Moment, Output, Verdict } from './detector.ts';

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
  /** Detector name → state. */
  area: Record<string, unknown>;
  /** Meter → detector name → state. */
  meters: Record<string, Record<string, unknown>>;
}

interface Runner {
  detector: MeterDetector<unknown>;
  meter: MeterInfo;
  state: unknown;
}

interface AreaRunner {
  detector: AreaDetector<unknown>;
  state: unknown;
}

export class Engine {
  readonly #area: Area;
  readonly #civil: CivilTime;
  readonly #byMeter = new Map<string, Runner[]>();
  readonly #areaWide: AreaRunner[] = [];
  readonly #infos = new Map<string, MeterInfo>();
  #tickMs = Number.NEGATIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  /** Detectors that threw are stopped after three faults, each for itself; the others go on. */
  readonly #faults = new Map<string, number>();
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
        const state = snapshot?.area[detector.name] ?? detector.start(area);
        if (state !== undefined) this.#areaWide.push({ detector, state });
        continue;
      }
      for (const meter of area.meters) {
        // What the site file says now decides whether a detector watches a meter, not what it said before.
        const fresh = detector.start(meter, area);
        if (fresh === undefined) continue;
        const runners = this.#byMeter.get(meter.id) ?? [];
        runners.push({ detector, meter, state: snapshot?.meters[meter.id]?.[detector.name] ?? fresh });
        this.#byMeter.set(meter.id, runners);
      }
    }
    // A snapshot from before the first sample carries −Infinity, which JSON turns into null.
    if (snapshot) this.#tickMs = this.#lastMs = snapshot.tickMs ?? Number.NEGATIVE_INFINITY;
  }

  /** Takes one sample; samples come in the order of time, a clock that goes back a little is taken as standing still. */
  take(sample: Sample): Result {
    const result: Result = { alerts: [], asks: [] };
    const moment = this.#civil.at(this.#held(sample.atMs));
    this.#tickUpTo(moment.atMs, result);
    const { meter } = sample;
    const input: Input =
      'reading' in sample
        ? { type: 'reading', ...moment, meter, reading: sample.reading }
        : 'waveform' in sample
          ? { type: 'waveform', ...moment, meter, waveform: sample.waveform }
          : { type: 'event', ...moment, meter, event: sample.event };
    this.#give(input, meter, result);
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
    return structuredClone({ version: 1, tickMs: this.#tickMs, area, meters });
  }

  #held(atMs: number): number {
    if (atMs >= this.#lastMs || this.#lastMs - atMs > HOLD_BACK_MS) {
      if (atMs < this.#lastMs) this.#tickMs = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
      this.#lastMs = atMs;
    }
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
    const input: Input = { type: 'tick', ...moment };
    for (const id of this.#byMeter.keys()) this.#giveMeter(input, id, result);
    for (const runner of this.#areaWide) this.#giveArea(input, runner, result);
  }

  #give(input: Input, meter: string, result: Result): void {
    this.#giveMeter(input, meter, result);
    for (const runner of this.#areaWide) this.#giveArea(input, runner, result);
  }

  #giveMeter(input: Input, id: string, result: Result): void {
    const runners = this.#byMeter.get(id);
    if (runners === undefined) return;
    for (const runner of runners) {
      const { detector } = runner;
      const outputs = this.#guard(detector.name, id, () => detector.step(runner.state, input, runner.meter));
      if (outputs.length > 0) this.#collect(outputs, input, result);
    }
  }

  #giveArea(input: Input, runner: AreaRunner, result: Result): void {
    const { detector } = runner;
    const outputs = this.#guard(detector.name, undefined, () => detector.step(runner.state, input, this.#area));
    if (outputs.length > 0) this.#collect(outputs, input, result);
  }

  #guard(name: string, meter: string | undefined, step: () => readonly Output[]): readonly Output[] {
    const key = `${name}|${meter ?? ''}`;
    const faults = this.#faults.get(key) ?? 0;
    if (faults >= 3) return [];
    try {
      return step();
    } catch (error) {
      this.#faults.set(key, faults + 1);
      this.#onFault(name, meter, error);
      return [];
    }
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
