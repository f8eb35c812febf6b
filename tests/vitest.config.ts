import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Two cores is what a small machine has; system tests start servers of their own.
    maxWorkers: 2,
    testTimeout: 60_000,
    // Whatever starts programs or writes disks waits, on a machine that is busy.
    hookTimeout: 60_000,
  },
});
