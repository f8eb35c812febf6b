import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeHeader, encodeRecord } from '../../protocols/recording.ts';
import { decodeDlt645Waveform } from '../../protocols/waveform/dlt645-item.ts';
import { held2007 } from '../../sim/dlt645-items.ts';
import { loadScenario, shippedScenarios } from '../../sim/scenario.ts';
import { makeStreet, simulateReadings } from '../../sim/simulate.ts';
import { startSim } from '../../sim/street.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

describe('street', () => {
  it('serves a recording: twelve digits as DL/T 645, other names as Modbus, time running faster', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'street-')), 'small.ndjson');
    const lines = [
      encodeHeader({ timezone: 'Asia/Shanghai', meters: [{ id: '000000000007' }, { id: 'pump', phases: 3 }] }),
      encodeRecord({ atMs: 1_700_000_000_000, meter: '000000000007', reading: { voltageV: [230] } }),
      encodeRecord({ atMs: 1_700_000_060_000, meter: '000000000007', reading: { voltageV: [220], importWh: 5 } }),
      encodeRecord({ atMs: 1_700_000_090_000, meter: '000000000007', event: 'power-off' }),
    ];
    writeFileSync(file, lines.join('\n'));
    const clock = new VirtualClock(1_800_000_000_000);
    const sim = await startSim(file, { ports: 'tcp', clock, speed: 60 });
    expect(sim.ports.map((port) => port.meters.map((meter) => meter.protocol))).toEqual([['dlt645'], ['modbus']]);
    const reading = () => sim.source.readingAt('000000000007', sim.streetMs());
    expect(reading()).toEqual({ voltageV: [230] });
    await clock.run(1000);
    expect(reading()).toEqual({ voltageV: [220], importWh: 5 });
    expect(sim.source.isDark('000000000007', sim.streetMs())).toBe(false);
    await clock.run(1000);
    expect(sim.source.isDark('000000000007', sim.streetMs())).toBe(true);
    await sim.stop();
  });

  it('keeps a snapshot that a master can fetch, with the current that flows', () => {
    const { area } = makeStreet(loadScenario('demo'));
    const id = '000100000102';
    const atMs = area.startMs + 60_000;
    const view = {
      phases: 1 as const,
      reading: () => area.readingAt(id, atMs),
      localMs: () => atMs,
      setLocalMs: () => {},
      waveform: (phase: number) => area.waveformAt(id, atMs, phase),
      record: () => [],
      count: () => 0,
      relayOpen: false,
    };
    const bytes = held2007('04A00101', view, { address: id, ratedCurrentA: 60, constant: 1200 });
    const decoded = decodeDlt645Waveform(bytes!);
    if ('failure' in decoded) throw new Error(decoded.detail);
    const { voltage, current, rateHz } = decoded.waveform;
    expect(rateHz).toBe(3200);
    let powerW = 0;
    for (const [i, sample] of voltage.samples.entries()) powerW += sample * current.samples[i]!;
    powerW *= (voltage.scale * current.scale) / voltage.samples.length;
    expect(powerW).toBeGreaterThan(11_000);
    expect(Math.abs(powerW / (area.readingAt(id, atMs).activePowerW ?? 0) - 1)).toBeLessThan(0.05);
  });
});

describe('scenarios', () => {
  it.each(shippedScenarios())('%s is read, plays, and its truth names meters that are there', (name) => {
    const scenario = loadScenario(name);
    expect(scenario.name).toBe(name);
    const { area, truths } = makeStreet(scenario);
    const known = new Set([...area.meters.map(({ id }) => id), 'gateway']);
    for (const truth of truths.filter(({ kind }) => kind !== 'gateway')) expect(known).toContain(truth.meter);
    let count = 0;
    for (const sample of simulateReadings(area, area.startMs, area.startMs + 600_000)) {
      count++;
      if ('reading' in sample) expect(Number.isFinite(sample.reading.activePowerW)).toBe(true);
    }
    expect(count).toBeGreaterThanOrEqual(area.meters.length);
  });

  it('gives the same samples on every run, whatever was asked before', () => {
    const run = (warm: boolean) => {
      const { area } = makeStreet(loadScenario('demo'));
      if (warm) area.readingAt('000100000101', area.endMs);
      return [...simulateReadings(area, area.startMs, area.startMs + 1_800_000)];
    };
    expect(run(true)).toEqual(run(false));
  });

  it('counts energy that agrees with the power', () => {
    const { area } = makeStreet(loadScenario('demo'));
    let wattHours = 0;
    const id = '000100000102';
    const startMs = area.startMs + 10_000;
    const first = area.readingAt(id, startMs).importWh ?? 0;
    for (let minute = 0; minute < 600; minute++) {
      wattHours += (area.readingAt(id, startMs + minute * 60_000).activePowerW ?? 0) / 60;
    }
    const counted = (area.readingAt(id, startMs + 600 * 60_000).importWh ?? 0) - first;
    expect(counted).toBeGreaterThan(5000);
    expect(Math.abs(counted / wattHours - 1)).toBeLessThan(0.01);
  });
});
