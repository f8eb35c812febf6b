/** Two feeders of two boxes of six homes each, phases in turn, and the transformer: everybody is read every minute. */
import type { Alert } from '../../../detectors/alert.ts';
import { Engine } from '../../../detectors/engine.ts';
import type { OutageSettings } from '../../../detectors/network/outage/state.ts';
import { outage } from '../../../detectors/network/outage.ts';
import type { MeterEvent, MeterInfo, Reading } from '../../../protocols/reading.ts';

export const MINUTE = 60_000;
export const DAY = 1440 * MINUTE;
export const homes: MeterInfo[] = Array.from({ length: 24 }, (_, i) => ({
  id: `h${i}`,
  premises: 'flat',
  phase: ((i % 3) + 1) as 1 | 2 | 3,
  feeder: i < 12 ? 'F1' : 'F2',
  box: `B${Math.floor(i / 6)}`,
}));
export const area = {
  timezone: 'UTC',
  meters: [...homes, { id: 't', premises: 'transformer', phases: 3 } as MeterInfo],
};

export class Street {
  readonly engine: Engine;
  readonly alerts: Alert[] = [];
  minute = 0;

  constructor(settings: Partial<OutageSettings> = {}) {
    this.engine = new Engine(area, [outage(settings)]);
  }

  /** Everyone that answers is read every minute; the transformer carries what they use. */
  run(minutes: number, silent: readonly string[] = [], transformer = true): this {
    for (let i = 0; i < minutes; i++, this.minute++) {
      const atMs = this.minute * MINUTE + 1;
      let sum = 0;
      for (const home of homes) {
        if (silent.includes(home.id)) continue;
        sum += 500;
        this.keep(this.engine.take({ atMs, meter: home.id, reading: { activePowerW: 500, voltageV: [221] } }).alerts);
      }
      const reading = { activePowerW: sum, voltageV: [225, 226, 224] };
      const said = transformer ? this.engine.take({ atMs, meter: 't', reading }) : this.engine.advance(atMs);
      this.keep(said.alerts);
    }
    return this;
  }

  say(event: MeterEvent, ids: readonly string[]): this {
    for (const meter of ids) this.keep(this.engine.take({ atMs: this.minute * MINUTE, meter, event }).alerts);
    return this;
  }

  read(meter: string, reading: Reading): this {
    this.keep(this.engine.take({ atMs: this.minute * MINUTE, meter, reading }).alerts);
    return this;
  }

  keep(alerts: Alert[]): void {
    this.alerts.push(...alerts.filter((alert) => alert.kind === 'outage'));
  }

  seen(): unknown[] {
    return this.alerts.map((alert) => [alert.state, alert.evidence.scope, alert.evidence.where, alert.evidence.meters]);
  }
}

export const ids = (test: (home: MeterInfo) => boolean): string[] => homes.filter(test).map((home) => home.id);
