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

  it('says when, how long and whom it calls', () => {
    const meter = new Meter().say('relay-open').draw(30, 125).say('relay-closed');
    const [cut, bridge, back, mended] = meter.alerts;
    const openMs = Date.UTC(2026, 0, 1);
    expect(cut).toMatchObject({ since: openMs, at: openMs, confidence: 0.95, recipients: ['power'] });
    const scope = { scope: 'meter', where: 'm', meters: 1, repeats: 0 };
    expect(cut?.evidence).toEqual({ ...scope, cause: 'relay-open', lastedMin: 0 });
    expect(back?.evidence.lastedMin).toBe(125);
    expect(bridge).toMatchObject({ since: openMs, at: openMs + 90 * MINUTE, confidence: 0.75 });
    expect(bridge?.evidence).toEqual({ sign: 'relay-bridged', powerW: 30, flowsMin: 90 });
    expect(mended?.evidence).toEqual({ sign: 'relay-bridged', powerW: 0, flowsMin: 125 });
    expect(mended?.id).toBe(bridge?.id);
  });

  it('takes what a meter measures of nothing for nothing, and wants the power to flow without a break', () => {
    expect(new Meter().say('relay-open').draw(20, 600).seen()).toHaveLength(1);
    expect(new Meter().say('relay-open').draw(20.1, 95).seen()).toHaveLength(2);
    const broken = new Meter().say('relay-open').draw(300, 85).draw(0, 5).draw(300, 90);
    expect(broken.seen()).toHaveLength(1);
    expect(broken.draw(300, 5).seen()).toHaveLength(2);
  });

  it('starts afresh after the relay closed', () => {
    const meter = new Meter().say('relay-open').draw(300, 95).say('relay-closed').say('relay-open').draw(300, 90);
    expect(meter.seen().slice(4)).toEqual(['outage raised notice']);
    expect(meter.draw(300, 5).seen().slice(5)).toEqual(['tamper raised warning']);
    // Whoever was not bridged has no bridge to be mended.
    const second = new Meter().say('relay-open').draw(300, 95).say('relay-closed').say('relay-open');
    expect(second.draw(0, 30).say('relay-closed').seen().slice(5)).toEqual(['outage cleared notice']);
  });

  it('leaves the heads of the network alone, and readings without power', () => {
    const heads = [
      { id: 't', premises: 'transformer' },
      { id: 'f', premises: 'feeder' },
    ] as const;
    const engine = new Engine({ timezone: 'UTC', meters: heads }, [relay()]);
    for (const { id } of heads) expect(engine.take({ atMs: 1, meter: id, event: 'relay-open' }).alerts).toEqual([]);
    const meter = new Meter().say('relay-open').say('cover-open').draw(300, 85);
    meter.engine.take({ atMs: meter.atMs, meter: 'm', reading: { voltageV: [221] } });
    expect(meter.draw(300, 10).seen()).toHaveLength(2);
  });
});
