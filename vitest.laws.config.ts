import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { resolve, shared } from './vitest.config.ts';

/** The test files of which `support/runs.ts` makes more in a full run. */
function lawFiles(): string[] {
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => `test/${file}`)
    .filter((file) => readFileSync(file, 'utf8').includes('support/runs.ts'));
}

// Every law with its full number of runs, and what is about time: `*.law.ts`. One file at a time, so that only the code
// decides how long something takes.
export default defineConfig({
  resolve,
  test: {
    ...shared,
    include: ['test/**/*.law.ts', ...lawFiles()],
    env: { ...shared.env, LAWS: 'full' },
    testTimeout: 600_000,
    maxWorkers: 1,
    fileParallelism: false,
  },
});
