import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Exchange } from '../../../protocols/exchange.ts';
import { decodeRequest, encodeAnswer } from '../../../protocols/modbus/frame.ts';
import type { Samples, Waveform } from '../../../protocols/reading.ts';
import { captureBender, encodeBenderRecord } from '../../../protocols/waveform/bender-pem575.ts';
import { captureDlt645, decodeDlt645Waveform, encodeDlt645Waveform } from '../../../protocols/waveform/dlt645-item.ts';
import { captureGe, GE_REGISTERS } from '../../../protocols/waveform/ge-epm9650.ts';
import { decodeGeVoltage, encodeGeRecords, readGeGains } from '../../../protocols/waveform/ge-record.ts';
import { type CaptureMemory, checkWaveform, type Phase, type Snapshot } from '../../../protocols/waveform/snapshot.ts';
import { modbusWaveformBlock } from '../../../protocols/waveform/source.ts';
import { geBank } from '../../../sim/ge-window.ts';
import { modbusMeter } from '../../../sim/modbus-meter.ts';
import { talk } from '../modbus/talk.ts';

const NOON = Date.UTC(2026, 10, 21, 12, 0, 0);

/** Volts near a mains' and amps with a rectifier's sharp peaks, as a converter of `bits` would give them. */
function wave(rateHz: number, count: number, phase: Phase, bits = 16): Waveform {
  const most = 2 ** (bits - 1) - 1;
  const angle = (n: number) => (2 * Math.PI * 50 * n) / rateHz + (phase - 1) * 2.1;
  const channel = (scale: number, of: (x: number) => number): Samples => ({
    scale,
    samples: Int16Array.from({ length: count }, (_, n) => Math.round(of(angle(n)) / scale)),
  });
  return {
    rateHz,
    phase,
    voltage: channel(400 / most, (x) => 325 * Math.sin(x)),
    current: channel(20 / most, (x) => 12 * Math.sin(x) ** 5),
  };
}

function snapshot(rateHz: number, count: number, localMs = NOON): Snapshot {
  const phases = ([1, 2, 3] as const).map((phase) => wave(rateHz, count, phase));
  return { localMs, rateHz, phases: phases.map(({ voltage, current }) => ({ voltage, current })) };
}

/** Every sample as near to the truth as the coarser scale allows. */
function expectAlike(got: Waveform, truth: Waveform, steps = { volts: 0.1, amps: 0.001 }): void {
  expect(got.rateHz).toBe(truth.rateHz);
  expect(got.phase).toBe(truth.phase);
  for (const [channel, step] of [['voltage', steps.volts] as const, ['current', steps.amps] as const]) {
    expect(got[channel].samples.length).toBe(truth[channel].samples.length);
    const off = got[channel].samples.reduce((most, sample, i) => {
      const difference = sample * got[channel].scale - truth[channel].samples[i]! * truth[channel].scale;
      return Math.max(most, Math.abs(difference));
    }, 0);
    expect(off, channel).toBeLessThanOrEqual(step);
  }
}

/** What the issue asks of a snapshot: 1–20 cycles, 800 Hz–12.8 kHz. */
const shapes = fc.record({
  samplesPerCycle: fc.constantFrom(16, 32, 64, 128, 256),
  cycles: fc.integer({ min: 1, max: 20 }),
  phase: fc.constantFrom<Phase>(1, 2, 3),
});

/** The files of a recorder: a new record when its header is read, unless samples of the last were read just before. */
function benderFiles(take: () => Snapshot | undefined) {
  let record = [0, 0, 0, 0, 0];
  let beingRead = false;
  return (_file: number, start: number, count: number): number[] | undefined => {
    if (start > 0) beingRead = true;
    else if (beingRead) beingRead = false;
    else {
      const next = take();
      if (next) record = encodeBenderRecord(next);
    }
    return start + count <= record.length ? record.slice(start, start + count) : undefined;
  };
}

function meterWith(take: () => Snapshot | undefined) {
  return modbusMeter({
    unit: 9,
    profile: 'sdm630',
    value: () => 230,
    file: benderFiles(take),
    banks: [geBank(take)],
  });
}

describe.each([
  ['bender-pem575', captureBender, { volts: 0.051, amps: 0.00051 }],
  ['ge-epm9650', captureGe, { volts: 0.03, amps: 0.001 }],
] as const)('waveforms of %s', (name, capture, steps) => {
  it('come through as they were sampled', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 300 }), ({ samplesPerCycle, cycles, phase }, chunk) => {
        // A record of the EPM 9650 holds 1024 samples.
        fc.pre(name === 'bender-pem575' || samplesPerCycle * cycles <= 1024);
        const count = samplesPerCycle * cycles;
        const meter = meterWith(() => snapshot(50 * samplesPerCycle, count));
        const result = talk(capture({ unit: 9, phase, samplesPerCycle, cycles }), meter.answer, chunk);
        if (result.do !== 'done') throw new Error(result.detail);
        expectAlike(result.value, wave(50 * samplesPerCycle, count, phase), steps);
      }),
      { numRuns: 40 },
    );
  });

  it('are stale when nothing new was recorded, and new when something was', () => {
    let localMs: number | undefined = NOON;
    const meter = meterWith(() => (localMs === undefined ? undefined : snapshot(1600, 320, localMs)));
    const memory: CaptureMemory = {};
    const once = () => talk(capture({ unit: 9, phase: 1, memory }), meter.answer);
    expect(once().do).toBe('done');
    localMs = undefined;
    expect(once()).toMatchObject({ do: 'failed', failure: 'stale' });
    localMs = NOON + 60_000;
    expect(once().do).toBe('done');
  });

  it('are torn when the record is replaced while it is read', () => {
    let localMs = NOON;
    const calm = meterWith(() => snapshot(1600, 320, localMs));
    const other = meterWith(() => snapshot(1600, 320, localMs + 1000));
    other.answer(headerRequest(name));
    let headers = 0;
    const result = talk(capture({ unit: 9, phase: 1 }), (request) => {
      if (isHeader(name, request) && ++headers === 2) {
        localMs += 1000;
        return other.answer(request);
      }
      return calm.answer(request);
    });
    expect(result).toMatchObject({ do: 'failed', failure: 'torn' });
  });

  it('are refused by name when there are none', () => {
    expect(talk(capture({ unit: 9, phase: 1 }), meterWith(() => undefined).answer)).toMatchObject({
      failure: 'no-record',
    });
    const plain = modbusMeter({ unit: 9, profile: 'sdm630', value: () => 1 });
    expect(talk(capture({ unit: 9, phase: 1 }), plain.answer)).toMatchObject({ do: 'failed', failure: 'no-such-data' });
  });

  it('take as many bytes as their block says', () => {
    const meter = meterWith(() => snapshot(1600, 320));
    const block = modbusWaveformBlock({ unit: 9, waveform: name }, 2);
    const result = talk(block.exchange(), meter.answer);
    expect(result.do === 'done' && result.wireBytes).toBe(block.wireBytes);
  });
});

function headerRequest(name: string): Uint8Array {
  const sent = (name === 'bender-pem575' ? captureBender : captureGe)({ unit: 9, phase: 1 }).start();
  return sent.do === 'send' ? sent.bytes : new Uint8Array();
}

function isHeader(name: string, request: Uint8Array): boolean {
  return request.join() === headerRequest(name).join();
}

describe('the window of the EPM 9650', () => {
  it('shows a step that was lost', () => {
    const meter = meterWith(() => snapshot(1600, 320));
    let windows = 0;
    const result = talk(captureGe({ unit: 9, phase: 1 }), (bytes) => {
      const request = decodeRequest(bytes);
      const step = 'address' in request && request.address === GE_REGISTERS.index && request.function === 3;
      // The meter moved on, but its answer was lost and the request came again.
      if (step && ++windows === 5) meter.answer(bytes);
      return meter.answer(bytes);
    });
    expect(result).toMatchObject({ do: 'failed', failure: 'wrong-sequence' });
  });

  it('keeps voltage samples with the high byte rounded', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -0x3fff, max: 0x3fbf }), { minLength: 1, maxLength: 50 }), (values) => {
        const voltage = { scale: 1, samples: Int16Array.from(values) };
        const { samples, trigger } = encodeGeRecords({
          localMs: NOON,
          rateHz: 1600,
          phases: [{ voltage, current: voltage }],
        });
        const gain = readGeGains(trigger).voltage[0]!;
        const got = decodeGeVoltage(samples, 1, values.length);
        for (const [i, value] of values.entries()) expect(Math.abs(got[i]! * gain - value)).toBeLessThanOrEqual(gain);
      }),
    );
  });
});

describe('waveforms as a DL/T 645 item', () => {
  it.each([12, 16] as const)('come through with %i bits', (bits) => {
    fc.assert(
      fc.property(shapes, fc.nat({ max: 0xffff }), ({ samplesPerCycle, cycles, phase }, capture) => {
        const truth = wave(50 * samplesPerCycle, samplesPerCycle * cycles, phase, bits);
        const bytes = encodeDlt645Waveform({ capture, localMs: NOON, waveform: truth }, bits);
        const got = decodeDlt645Waveform(bytes);
        if ('failure' in got) throw new Error(got.detail);
        expect(got).toMatchObject({ capture, localMs: NOON });
        // Scales are sent in whole µV and µA.
        expectAlike(got.waveform, truth, { volts: 0.2, amps: 0.02 });
      }),
    );
  });

  const good = encodeDlt645Waveform({ capture: 7, localMs: NOON, waveform: wave(1600, 320, 1) });
  const reads = (bytes: Uint8Array): Exchange<Uint8Array> => ({
    start: () => ({ do: 'done', value: bytes, wireBytes: bytes.length }),
    received: () => ({ do: 'wait' }),
    timedOut: () => ({ do: 'failed', failure: 'no-answer', detail: '' }),
  });

  it('are refused when any byte is another capture’s', () => {
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = good.slice();
        bytes[at] = bytes[at]! ^ flip;
        expect(captureDlt645(reads(bytes), { phase: 1 }).start().do).toBe('failed');
      }),
    );
  });

  it('are refused by name', () => {
    const memory: CaptureMemory = {};
    const again = (phase: Phase = 1) => captureDlt645(reads(good), { phase, memory }).start();
    expect(again(2)).toMatchObject({ failure: 'wrong-item' });
    expect(again()).toMatchObject({ do: 'done' });
    expect(again()).toMatchObject({ failure: 'stale' });
    expect(captureDlt645(reads(good.subarray(0, 200)), { phase: 1 }).start()).toMatchObject({ failure: 'incomplete' });
    const torn = good.slice();
    torn[100] = torn[100]! ^ 1;
    expect(captureDlt645(reads(torn), { phase: 1 }).start()).toMatchObject({ failure: 'torn' });
  });

  it('never throws on garbage', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void decodeDlt645Waveform(bytes)));
  });
});

describe('what a snapshot must be', () => {
  const ordinary = wave(1600, 320, 1);
  it.each([
    ['too slow', { ...ordinary, rateHz: 400 }, 'bad-value'],
    ['too fast', { ...ordinary, rateHz: 25_600 }, 'bad-value'],
    ['less than a cycle', wave(6400, 60, 1), 'bad-value'],
    ['more than 20 cycles', wave(1600, 700, 1), 'bad-value'],
    ['uneven channels', { ...ordinary, current: wave(1600, 300, 1).current }, 'torn'],
  ])('%s', (_, waveform, failure) => {
    expect(checkWaveform(waveform)).toMatchObject({ failure });
  });

  it('takes an answer of another kind for what it is', () => {
    const odd = encodeAnswer({ unit: 9, function: 20, records: [[1, 2]] });
    expect(talk(captureBender({ unit: 9, phase: 1 }), () => odd)).toMatchObject({
      do: 'failed',
      failure: 'wrong-item',
    });
  });
});
