import { createVitest } from 'vitest/node';

// `npm run test:seeds -- COUNT FILE...`: runs files of property tests with the seeds from 1 to COUNT, on one PostgreSQL.
const [count, ...files] = process.argv.slice(2);
if (!(Number(count) > 0) || files.length === 0) throw new Error('name how many seeds, and the files');
process.env.NODE_ENV ??= 'test';
const vitest = await createVitest('test', { watch: false });
const failed: number[] = [];
try {
  await vitest.standalone();
  for (let seed = 1; seed <= Number(count); seed += 1) {
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
console.info(failed.length === 0 ? `${count} seeds: all pass` : `failed with the seeds ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
