/** One meter with one detector, for tests that say each reading themselves. */
import type { Alert } from '../../../detectors/alert.ts';
import type { Detector } from '../../../detectors/detector.ts';
import { Engine } from '../../../detectors/engine.ts';
import type { MeterEvent, MeterInfo, Reading } from '../../../protocols/reading.ts';

export const MINUTE = 60_000;

export class OneMeter {
  readonly engine: Engine;
  readonly alerts: Alert[] = [];
  atMs: number;

  constructor(detector: Detector, info: Partial<MeterInfo> = {}, startMs = Date.UTC(2026, 0, 1)) {
    this.engine = new Engine({ timezone: 'UTC', meters: [{ id: 'm', ...info }] }, [detector]);
    this.atMs = startMs;
  }

  /** Read every `periodMs` for so many minutes, by what it says at each. */
  readEvery(periodMs: number, minutes: number, say: Reading | ((nth: number) => Reading)): this {
    const endMs = this.atMs + minutes * MINUTE;
    for (let nth = 0; this.atMs < endMs; nth++, this.atMs += periodMs) {
      this.hear(this.atMs, { reading: typeof say === 'function' ? say(nth) : say });
    }
    return this;
  }

  say(event: MeterEvent): this {
    return this.hear(this.atMs, { event });
  }

  hear(atMs: number, what: { reading: Reading } | { event: MeterEvent }): this {
    this.alerts.push(...this.engine.take({ atMs, meter: 'm', ...what }).alerts);
    return this;
  }
}
