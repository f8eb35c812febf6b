/** A flat made of rules, for the detectors of homes: base load, fridge, meals and evenings at the hours one asks for. */
import type { Alert } from '../../../detectors/alert.ts';
import type { Detector, Verdict } from '../../../detectors/detector.ts';
import { Engine } from '../../../detectors/engine.ts';
import type { MeterEvent, MeterInfo, Reading } from '../../../protocols/reading.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** A Monday, midnight in Shanghai. */
export const START = Date.UTC(2026, 0, 4, 16);
export const METER = '000000000001';

/** Repeatable noise in [0, 1) for a number. */
export function noise(n: number): number {
  const x = Math.sin(n * 12.9898 + 4.1414) * 43758.5453;
  return x - Math.floor(x);
}

/** Watts of a flat with somebody in it; `at` is milliseconds since START (civil midnight). */
export function livedIn(at: number): number {
  const day = Math.floor(at / DAY);
  const hour = (at % DAY) / HOUR;
  const late = noise(day) - 0.5;
  const quarter = Math.floor(at / (15 * MINUTE));
  const breakfast = hour > 6.5 + late && hour < 7.2 + late ? 900 : 0;
  const lunch = hour > 11 + late * 0.7 && hour < 11.7 + late * 0.7 ? 1300 : 0;
  const evening = hour > 17.5 + late && hour < 21.5 + late ? 180 + 250 * noise(quarter) : 0;
  const about = hour > 7 && hour < 21 && noise(quarter + 0.5) < 0.3 ? 120 : 0;
  return empty(at) + breakfast + lunch + evening + about;
}

/** The same flat with nobody in it. */
export function empty(at: number): number {
  const phase = (at / MINUTE) % 55;
  return 45 + 4 * noise(Math.floor(at / (5 * MINUTE))) + (phase < 20 ? 80 : 0);
}

export class Flat {
  readonly alerts: Alert[] = [];
  readonly engine: Engine;
  readonly periodMs: number;
  at = 0;

  constructor(
    detectors: readonly Detector[],
    info: Partial<MeterInfo> = {},
    periodMs = 5 * MINUTE,
    timezone = 'Asia/Shanghai',
  ) {
    const meter = { id: METER, premises: 'flat' as const, watch: ['elderly' as const], ...info };
    this.engine = new Engine({ timezone, meters: [meter] }, detectors);
    this.periodMs = periodMs;
  }

  /** Goes on for so many hours; a load of undefined is a reading that does not come. */
  live(hours: number, watts: (at: number) => number | undefined, more: (at: number) => Reading = () => ({})): this {
    const end = this.at + hours * HOUR;
    for (; this.at < end; this.at += this.periodMs) {
      const activePowerW = watts(this.at);
      if (activePowerW === undefined) continue;
      const reading = { activePowerW, ...more(this.at) };
      this.alerts.push(...this.engine.take({ atMs: START + this.at, meter: METER, reading }).alerts);
    }
    return this;
  }

  event(event: MeterEvent): this {
    this.alerts.push(...this.engine.take({ atMs: START + this.at, meter: METER, event }).alerts);
    return this;
  }

  answer(verdict: Verdict): this {
    this.alerts.push(...this.engine.answer(START + this.at, METER, verdict).alerts);
    return this;
  }

  /** What was said since the last time of asking. */
  told(): Alert[] {
    return this.alerts.splice(0);
  }
}
