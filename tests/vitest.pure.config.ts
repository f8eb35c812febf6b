import { defineConfig } from 'vitest/config';

/** The tests of what is pure, for `npm run mutation`: without servers, and without what takes long for each mutant. */
export default defineConfig({
  test: {
    include: ['tests/protocols/**/*.test.ts', 'tests/detectors/**/*.test.ts', 'tests/engine.test.ts'],
    exclude: [
      // The training of the model, whole buses in virtual time, and the simulated meter through the whole catalogue.
      'tests/detectors/charging/model.test.ts',
      'tests/protocols/waveform/over-the-bus.test.ts',
      'tests/protocols/dlt645/meter.test.ts',
    ],
    setupFiles: ['tests/support/few-runs.ts'],
    testTimeout: 20_000,
  },
});
