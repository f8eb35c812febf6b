/** One snapshot of ten cycles at 6.4 kHz, from samples to harmonics, beside fft.js on the same two channels. */
import FFT from 'fft.js';
import { spectrumOf } from '../../detectors/signal/spectrum.ts';
import { mainsCycle } from '../../sim/currents/mains.ts';
import { seeded } from '../../sim/currents/seeded.ts';
import { currentShape } from '../../sim/currents/shapes.ts';
import { FRONTS, POINTS, snapshot } from '../eval/support/events.ts';

export const name = 'charging';

const ROUNDS = 2000;
const REPEATS = 7;

/**
 * `snapshotMicros`: microseconds of one snapshot, voltage and current. `snapshotVsFftJs`: that over what fft.js takes
 * for both channels; it wants powers of two, so it is given 1,024 of the 1,280 samples and none of the alignment.
 */
export async function run(): Promise<Record<string, number>> {
  const voltage = mainsCycle({ samples: POINTS });
  const cycle = currentShape('charger', 150, { voltage });
  const waveform = snapshot(cycle, { ...FRONTS['6.4 kHz / 16 bit'], frequencyHz: 50.1 }, seeded(1), voltage);
  const fft = new FFT(1024);
  const out = fft.createComplexArray();
  const channels = [waveform.voltage, waveform.current].map(({ samples }) => Array.from(samples.subarray(0, 1024)));
  const ours: number[] = [];
  const theirs: number[] = [];
  // Turn about, so that a busy machine is as unkind to the one as to the other; the best of several is the code's own.
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    ours.push(micros(() => spectrumOf(waveform, 50)));
    theirs.push(
      micros(() => {
        for (const channel of channels) fft.realTransform(out, channel);
      }),
    );
  }
  const snapshotMicros = Math.min(...ours);
  return { snapshotMicros, snapshotVsFftJs: snapshotMicros / Math.min(...theirs) };
}

function micros(work: () => unknown): number {
  const begun = performance.now();
  for (let round = 0; round < ROUNDS; round++) work();
  return ((performance.now() - begun) * 1000) / ROUNDS;
}
