import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Node loads graphql as CommonJS; the bundler's own choice would make a second copy of its classes.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/postgres.ts'],
    setupFiles: ['test/support/one-statement.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // As long as the other waits for what happens soon.
    expect: { poll: { timeout: 10_000 } },
    // One more than vitest would take of two cores: the tests wait for sockets and PostgreSQL half of the time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
