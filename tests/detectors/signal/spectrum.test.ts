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
});
