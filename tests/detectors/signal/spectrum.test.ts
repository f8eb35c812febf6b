import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ORDERS, spectrumOf } from '../../../detectors/signal/spectrum.ts';
import type { Waveform } from '../../../protocols/reading.ts';

/** Sums of cosines with known phasors: voltage at its crest angle, harmonics of the current as given. */
function made(rateHz: number, frequencyHz: number, cycles: number, begin: number, harmonicsA: Record<number, number>) {
  const count = Math.round((cycles * rateHz) / frequencyHz);
  const angle = (n: number) => 2 * Math.PI * (begin + (n * frequencyHz) / rateHz);
  const volts = (n: number) => 220 * Math.SQRT2 * Math.cos(angle(n));
  const amps = (n: number) =>
    Object.entries(harmonicsA).reduce(
      (sum, [order, rms]) => sum + rms * Math.SQRT2 * Math.cos(Number(order) * angle(n)),
      0,
    );
  const waveform: Waveform = {
    rateHz,
    phase: 1,
    voltage: { scale: 0.02, samples: Int16Array.from({ length: count }, (_, n) => Math.round(volts(n) / 0.02)) },
    current: { scale: 0.001, samples: Int16Array.from({ length: count }, (_, n) => Math.round(amps(n) / 0.001)) },
  };
  return waveform;
}

describe('spectrum of a snapshot', () => {
  it('finds phasors and frequency at any rate, mains and beginning', () => {
    const rates = fc.constantFrom(1600, 3200, 6400, 10_000, 12_800);
    const mains = fc.constantFrom(49.5, 50, 50.5, 59.5, 60, 60.5);
    fc.assert(
      fc.property(
        rates,
        mains,
        fc.integer({ min: 4, max: 20 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (rate, hz, cycles, begin) => {
          const spectrum = spectrumOf(made(rate, hz, cycles, begin, { 1: 1, 3: 0.9, 5: 0.7, 7: 0.5 }))!;
          expect(spectrum.frequencyHz).toBeCloseTo(hz, 0);
          expect(Math.abs(spectrum.voltageV - 220)).toBeLessThan(4);
          for (const [order, rms] of [
            [1, 1],
            [3, 0.9],
            [5, 0.7],
            [7, 0.5],
          ] as const) {
            const k = ORDERS.indexOf(order);
            expect(Math.abs(spectrum.re[k]! - rms), `re of ${order}`).toBeLessThan(0.05);
            expect(Math.abs(spectrum.im[k]!), `im of ${order}`).toBeLessThan(0.1);
          }
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it('takes a single cycle, 50 or 60 Hz', () => {
    for (const hz of [50, 60]) {
      const spectrum = spectrumOf(made(6400, hz, 1, 0.3, { 1: 2 }))!;
      expect(spectrum.frequencyHz).toBe(hz);
      expect(spectrum.powerW).toBeGreaterThan(430);
      expect(spectrum.powerW).toBeLessThan(450);
    }
  });

  it('says nothing about what is no mains', () => {
    const silent = made(6400, 50, 10, 0, { 1: 1 });
    silent.voltage.samples.fill(0);
    expect(spectrumOf(silent)).toBeUndefined();
    expect(spectrumOf(made(6400, 50, 0.5, 0, { 1: 1 }))).toBeUndefined();
    expect(spectrumOf(made(6400, 133, 10, 0, { 1: 1 }))).toBeUndefined();
    expect(spectrumOf({ ...made(6400, 50, 10, 0, {}), rateHz: Number.NaN })).toBeUndefined();
  });

  it('leaves an inrush at the beginning of the snapshot out', () => {
    const waveform = made(6400, 50, 10, 0, { 1: 1, 3: 0.9 });
    waveform.current.samples.fill(32767, 10, 60);
    const spectrum = spectrumOf(waveform)!;
    expect(spectrum.clipped).toBe(true);
    expect(spectrum.cycles).toBe(9);
    expect(spectrum.re[0]).toBeCloseTo(1, 1);
  });

  it('finds every order that is kept, with its angle, from 6.4 kHz averaged down as from 3.2 kHz', () => {
    for (const rateHz of [3200, 6400, 12_800, 25_600]) {
      const waveform = made(rateHz, 50, 10, 0.2, {});
      const amps = waveform.current.samples;
      for (let n = 0; n < amps.length; n++) {
        const angle = 2 * Math.PI * (0.2 + (n * 50) / rateHz);
        // Each order lags by a tenth of a radian more than the one before.
        const sum = ORDERS.reduce((all, order, k) => all + Math.cos(order * angle - 0.1 * k), 0);
        amps[n] = Math.round(1000 * Math.SQRT2 * sum);
      }
      const spectrum = spectrumOf(waveform)!;
      ORDERS.forEach((order, k) => {
        expect(spectrum.re[k], `re of ${order} at ${rateHz} Hz`).toBeCloseTo(Math.cos(0.1 * k), 1);
        expect(spectrum.im[k], `im of ${order} at ${rateHz} Hz`).toBeCloseTo(-Math.sin(0.1 * k), 1);
        expect(Math.hypot(spectrum.re[k]!, spectrum.im[k]!), `${order} at ${rateHz} Hz`).toBeCloseTo(1, 1);
      });
      expect([spectrum.cycles, spectrum.highestOrder, spectrum.clipped]).toEqual([10, 15, false]);
    }
  });

  it.each([
    // 45 % of the rate: what lies above has been cut by the filter in front of the converter.
    [700, 5],
    [800, 7],
    [1600, 13],
    [1700, 15],
  ])('sees at %d Hz up to order %d', (rateHz, highestOrder) => {
    const spectrum = spectrumOf(made(rateHz, 50, 10, 0, { 1: 1 }))!;
    expect(spectrum.highestOrder).toBe(highestOrder);
    ORDERS.forEach((order, k) => {
      if (order > highestOrder) expect([spectrum.re[k], spectrum.im[k]]).toEqual([0, 0]);
    });
    expect(spectrumOf(made(699, 50, 10, 0, { 1: 1 }))).toBeUndefined();
  });

  it('tells power that is drawn from power that is fed, by the fundamental alone', () => {
    const power = (harmonicsA: Record<number, number>) => spectrumOf(made(6400, 50, 10, 0.1, harmonicsA))!.powerW;
    expect(power({ 1: 2 })).toBeCloseTo(440, -1);
    expect(power({ 1: 2, 3: 2 })).toBeCloseTo(440, -1);
    expect(power({ 1: -2 })).toBeCloseTo(-440, -1);
  });

  it('measures the mains to a twentieth of a hertz, and where it is no mains says the nominal', () => {
    for (const hz of [48.6, 49.9, 50.1, 51.4, 59.8, 60.3])
      expect(Math.abs(spectrumOf(made(3200, hz, 10, 0.4, { 1: 1 }))!.frequencyHz - hz)).toBeLessThan(0.05);
    // A generator that runs away: 2.5 Hz off is not measured but guessed.
    expect(spectrumOf(made(3200, 52.5, 4, 0, { 1: 1 }))?.frequencyHz).toBe(50);
  });

  it('takes a hint of the mains, and believes the voltage more', () => {
    for (const hint of [50, 60, 64.9, 45, 66]) {
      expect(spectrumOf(made(6400, 60, 10, 0, { 1: 1 }), hint)?.frequencyHz).toBeCloseTo(60, 1);
      expect(spectrumOf(made(6400, 50, 10, 0, { 1: 1 }), hint)?.frequencyHz).toBeCloseTo(50, 1);
    }
    const silent = made(6400, 50, 10, 0, { 1: 1 });
    silent.voltage.samples.fill(0);
    expect(spectrumOf(silent, 50)).toBeUndefined();
  });

  it('calls a current clipped that stays at the end of the converter, on either side, not one that touches it', () => {
    const clipped = (...samples: number[]) => {
      const waveform = made(6400, 50, 10, 0, { 1: 1 });
      waveform.current.samples.set(samples, waveform.current.samples.length - samples.length);
      return spectrumOf(waveform)!.clipped;
    };
    expect(clipped(32767, 0, 32767, -32768)).toBe(false);
    expect(clipped(32766, 32766)).toBe(false);
    expect(clipped(0, 32767, 32767)).toBe(true);
    expect(clipped(-32768, -32768)).toBe(true);
  });

  it('tells a load that was switched on within the snapshot, from the cycle on in which it settled', () => {
    const switched = (onAt: number) => {
      const waveform = made(6400, 50, 10, 0, { 1: 2 });
      waveform.current.samples.fill(0, 0, onAt * 128);
      return spectrumOf(waveform)!;
    };
    expect(switched(4).cycles).toBe(6);
    expect(switched(4).re[0]).toBeCloseTo(2, 1);
    expect(switched(8).cycles).toBe(2);
    // What came in the last cycle has not settled: all is averaged.
    expect(switched(9).cycles).toBe(10);
    expect(switched(9).re[0]).toBeCloseTo(0.2, 1);
  });

  it('wants one cycle of both channels, and takes as much as both have', () => {
    const short = made(6400, 50, 10, 0, { 1: 1 });
    const current = { scale: 0.001, samples: short.current.samples.slice(0, 256) };
    expect(spectrumOf({ ...short, current })?.cycles).toBe(2);
    expect(spectrumOf({ ...short, current: { scale: 0.001, samples: current.samples.slice(0, 103) } })).toBeUndefined();
    // A cycle may lack a sample where the mains runs slow.
    const cycle = made(6400, 50, 1, 0, { 1: 1 });
    const lacking = (count: number) => ({
      ...cycle,
      voltage: { ...cycle.voltage, samples: cycle.voltage.samples.slice(0, count) },
    });
    expect(spectrumOf(lacking(126))?.cycles).toBe(1);
    expect(spectrumOf(lacking(100))).toBeUndefined();
  });

  it('takes a snapshot of seconds, longer than its own room', () => {
    const spectrum = spectrumOf(made(3000, 50, 60, 0, { 1: 1, 3: 0.5 }))!;
    expect(spectrum.cycles).toBe(60);
    expect(spectrum.re[1]).toBeCloseTo(0.5, 1);
  });
});
