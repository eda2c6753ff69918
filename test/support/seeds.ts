import { createVitest } from 'vitest/node';

/** Only a test that hangs takes so long, on a busy machine too. */
const TIMEOUT_MS = 1_200_000;

// `npm run test:seeds -- SEEDS FILE...`: runs files of property tests on one PostgreSQL, with the seeds from 1 to 20
// (`20`) or from 21 to 40 (`21-40`).
const [seeds = '', ...files] = process.argv.slice(2);
const [, first = '1', last = ''] = /^(?:(\d+)-)?(\d+)$/.exec(seeds) ?? [];
if (!(Number(last) >= Number(first)) || files.length === 0) throw new Error('name the seeds, and the files');
process.env.NODE_ENV ??= 'test';
const vitest = await createVitest('test', { watch: false, testTimeout: TIMEOUT_MS });
const failed: number[] = [];
try {
  await vitest.standalone();
  for (let seed = Number(first); seed <= Number(last); seed += 1) {
    console.info(`seed ${seed}`);
    // Workers start with each run, with the environment of this process.
    process.env.SEED = `${seed}`;
    const { testModules, unhandledErrors } = await vitest.runTestFiles(files);
    if (testModules.length === 0) throw new Error(`no test file matches ${files.join(' ')}`);
    if (unhandledErrors.length > 0 || !testModules.every((module) => module.ok())) failed.push(seed);
  }
} finally {
  await vitest.close();
}
console.info(
  failed.length === 0 ? `seeds ${first} to ${last}: all pass` : `failed with the seeds ${failed.join(', ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
