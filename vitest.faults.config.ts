import { defineConfig } from 'vitest/config';
import { resolve, shared } from './vitest.config.ts';

// The fault programs of test/faults: they kill processes and cut connections, which takes minutes, so that they are no
// part of `npm test`. One at a time: each loads the machine, and measures how long something takes to recover.
export default defineConfig({
  resolve,
  test: {
    ...shared,
    include: ['test/faults/**/*.fault.ts'],
    testTimeout: 3_600_000,
    hookTimeout: 600_000,
    maxWorkers: 1,
    fileParallelism: false,
    sequence: { concurrent: false },
  },
});
