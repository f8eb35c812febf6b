/** Captures on a full bus: 32 Modbus meters at 9600 8E1, real bytes at the line's pace, in virtual time. */
import { beforeAll, describe, expect, it } from 'vitest';
import { modbusBlocks } from '../../../protocols/modbus/poll.ts';
import type { Waveform } from '../../../protocols/reading.ts';
import { encodeBenderRecord } from '../../../protocols/waveform/bender-pem575.ts';
import type { Snapshot } from '../../../protocols/waveform/snapshot.ts';
import { modbusWaveformBlock } from '../../../protocols/waveform/source.ts';
import { geBank } from '../../../sim/ge-window.ts';
import type { Station } from '../../../sim/line.ts';
import { modbusMeter, rowValue } from '../../../sim/modbus-meter.ts';
import { createRandom } from '../../../sim/random.ts';
import { virtualBus } from '../../support/virtual-bus.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { LINE_9600, VirtualStreet } from '../../support/virtual-street.ts';

const METERS = 32;
const PERIOD_MS = 10_000;
const READING = { activePowerW: 500, voltageV: [230, 231, 229], currentA: [2, 1, 0.5], frequencyHz: 50 };

function snapshotAt(localMs: number): Snapshot {
  const samples = Int16Array.from({ length: 320 }, (_, n) => 10_000 * Math.sin((2 * Math.PI * n) / 32));
  const channels = { voltage: { scale: 0.03, samples }, current: { scale: 0.001, samples } };
  return { localMs, rateHz: 1600, phases: [channels, channels, channels] };
}

function station(unit: number, turnaroundMs: () => number, clock: VirtualClock): Station {
  const take = () => snapshotAt(clock.nowMs());
  let record = encodeBenderRecord(take());
  const meter = modbusMeter({
    unit,
    profile: 'sdm630',
    value: (row) => rowValue(row, READING),
    banks: [geBank(take)],
    file: (_, start, count) => record.slice(start, start + count),
  });
  // The recorder writes a new record every 20 s.
  const renew = (): void => {
    record = encodeBenderRecord(take());
    clock.after(20_000, renew);
  };
  clock.after(20_000, renew);
  return {
    hear(bytes) {
      const answer = meter.answer(bytes);
      return answer ? [{ bytes: answer, delayMs: turnaroundMs() }] : [];
    },
  };
}

/** Reads all meters for ten minutes; a capture of the next meter is asked for every 30 s where `source` is given. */
async function street(source?: 'bender-pem575' | 'ge-epm9650') {
  const clock = new VirtualClock();
  const line = new VirtualStreet(clock, { ...LINE_9600, parity: 'even' });
  const random = createRandom('captures');
  const units = Array.from({ length: METERS }, (_, i) => i + 1);
  for (const unit of units) line.line.attach(station(unit, () => random.between(20, 60), clock));
  const meters = units.map((unit) => ({
    id: `m${unit}`,
    protocol: 'modbus' as const,
    blocks: modbusBlocks({ protocol: 'modbus', unit, profile: 'sdm630' }, { fastMs: PERIOD_MS, slowMs: 300_000 }),
  }));
  const world = virtualBus(meters, { clock, street: line });
  const tookMs: number[] = [];
  const captured: Waveform[] = [];
  const failures: string[] = [];
  for (let n = 0; n < 20; n++) {
    await clock.runUntil((n + 1) * 30_000);
    if (source === undefined) continue;
    const unit = 1 + (n % METERS);
    const block = modbusWaveformBlock({ unit, waveform: source }, 1);
    const askedMs = clock.monotonicMs();
    void world.bus.request(`m${unit}`, block.exchange, { retry: true, priority: 2 }).then((answer) => {
      tookMs.push(clock.monotonicMs() - askedMs);
      if ('value' in answer) captured.push(answer.value);
      else failures.push(answer.failure);
    });
  }
  await clock.runUntil(660_000);
  world.stop();
  const fast = world.reads.filter(({ block }) => block === 'power').length;
  return { tookMs: tookMs.sort((a, b) => a - b), captured, failures, fast };
}

describe('captures on a full bus', () => {
  let calm: Awaited<ReturnType<typeof street>>;
  beforeAll(async () => {
    calm = await street();
  });

  it.each([
    ['bender-pem575', 320],
    ['ge-epm9650', 160],
  ] as const)('of %s come within a minute, and the others keep their pace', async (source, samples) => {
    const busy = await street(source);
    expect(busy.failures).toEqual([]);
    expect(busy.captured).toHaveLength(20);
    for (const waveform of busy.captured) expect(waveform.current.samples).toHaveLength(samples);
    expect(busy.tookMs[Math.floor(0.9 * busy.tookMs.length)]).toBeLessThan(30_000);
    expect(busy.fast / calm.fast).toBeGreaterThan(1 / 1.2);
    console.info(
      `${source}: capture p50 ${Math.round(busy.tookMs[10]!)} ms, p90 ${Math.round(busy.tookMs[18]!)} ms; ` +
        `others read ${busy.fast} of ${calm.fast} times`,
    );
  });
});
