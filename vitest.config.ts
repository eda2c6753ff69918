import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** What all runs have in common. */
export const shared = {
  globalSetup: ['test/support/before.ts'],
  setupFiles: ['test/support/setup.ts'],
  // Programs that tests start do not read the .env of a developer.
  env: { ENV_FILE: '' },
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // As long as the other waits for what happens soon.
  expect: { poll: { timeout: 10_000 } },
};
// Node loads graphql as CommonJS; the bundler's own choice would make a second copy of its classes.
export const resolve = { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] };

/** These put other modules in the place of some of the service, which no other test file may see. */
const MOCKING = ['test/auth/second-wall.test.ts'];

export default defineConfig({
  resolve,
  test: {
    ...shared,
    // The tests wait for sockets and PostgreSQL half of the time.
    maxWorkers: Math.max(4, availableParallelism() - 1),
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: MOCKING,
          // To load the service for each file anew takes more than half of the processor time of all tests.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'mocking', include: MOCKING } },
    ],
  },
});
