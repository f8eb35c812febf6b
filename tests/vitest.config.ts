import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Two cores is what a small machine has; system tests start servers of their own.
    maxWorkers: 2,
    testTimeout: 20_000,
    // They wait for programs to start, on a machine that is busy.
    hookTimeout: 60_000,
  },
});
