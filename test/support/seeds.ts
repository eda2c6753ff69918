import { spawnSync } from 'node:child_process';

// `npm run test:seeds -- COUNT FILE...`: runs files of property tests with the seeds from 1 to COUNT.
const [count, ...files] = process.argv.slice(2);
if (!(Number(count) > 0) || files.length === 0) throw new Error('name how many seeds, and the files');
const failed: number[] = [];
for (let seed = 1; seed <= Number(count); seed += 1) {
  const env = { ...process.env, SEED: `${seed}` };
  const { status, stdout } = spawnSync('npx', ['vitest', 'run', ...files], { env, encoding: 'utf8' });
  if (status === 0) continue;
  failed.push(seed);
  console.info(stdout);
}
console.info(failed.length === 0 ? `${count} seeds: all pass` : `failed with the seeds ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
