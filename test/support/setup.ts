import fc from 'fast-check';
import { afterEach } from 'vitest';
import { forgetFailures, noteFailure } from './failures.ts';
import './one-statement.ts';

// Runs before each test file. The files of a worker share their modules, so that a module of `support/` runs once.
forgetFailures();
afterEach(({ task }) => {
  if (task.result?.state === 'fail') noteFailure(task.fullTestName);
});

const { SEED } = process.env;
if (SEED) fc.configureGlobal({ seed: Number(SEED) });
