import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { Engine } from '../../../detectors/engine.ts';
import { relay } from '../../../detectors/network/relay.ts';
import type { MeterEvent, Reading } from '../../../protocols/reading.ts';

const MINUTE = 60_000;

class Meter {
  readonly engine = new Engine({ timezone: 'UTC', meters: [{ id: 'm', premises: 'flat' }] }, [relay()]);
  readonly alerts: Alert[] = [];
  atMs = Date.UTC(2026, 0, 1);

  say(event: MeterEvent): this {
    this.alerts.push(...this.engine.take({ atMs: this.atMs, meter: 'm', event }).alerts);
    return this;
  }

  draw(watts: number, minutes: number): this {
    for (const end = this.atMs + minutes * MINUTE; this.atMs < end; this.atMs += 5 * MINUTE) {
      const reading: Reading = { activePowerW: watts, voltageV: [221] };
      this.alerts.push(...this.engine.take({ atMs: this.atMs, meter: 'm', reading }).alerts);
    }
    return this;
  }

  seen = () => this.alerts.map((alert) => `${alert.kind} ${alert.state} ${alert.severity}`);
}

describe('relay', () => {
  it('tells of a home that its own relay cut off, once, and of its return', () => {
    const meter = new Meter().draw(300, 60).say('relay-open').draw(0, 300).say('relay-open').draw(0, 60);
    expect(meter.seen()).toEqual(['outage raised notice']);
    expect(meter.alerts[0]?.evidence).toMatchObject({ scope: 'meter', meters: 1, cause: 'relay-open' });
    meter.say('relay-closed').draw(300, 300);
    expect(meter.seen()).toEqual(['outage raised notice', 'outage cleared notice']);
    expect(meter.alerts[1]?.id).toBe(meter.alerts[0]?.id);
  });

  it('says nothing of a relay that only closes, and forgives the hour in which the closing is not heard yet', () => {
    expect(new Meter().say('relay-closed').draw(300, 600).seen()).toEqual([]);
    const meter = new Meter().say('relay-open').draw(0, 60).draw(300, 60).say('relay-closed').draw(300, 600);
    expect(meter.seen()).toEqual(['outage raised notice', 'outage cleared notice']);
  });

  it('calls power through an open relay a bridge', () => {
    const meter = new Meter().say('relay-open').draw(0, 60).draw(300, 120).draw(0, 60).draw(300, 120);
    expect(meter.seen()).toEqual(['outage raised notice', 'tamper raised warning']);
    expect(meter.alerts[1]?.evidence.sign).toBe('relay-bridged');
    expect(meter.say('relay-closed').seen().slice(2)).toEqual(['outage cleared notice', 'tamper cleared warning']);
  });
});
