import type { TestProject } from 'vitest/node';
import { build } from './build.ts';
import { startPostgres } from './postgres.ts';

/** What a run needs before its first file: each part waits half of the time, so both go on at once. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [stopPostgres, compiled] = await Promise.all([
    startPostgres(project),
    build(project).catch((error: Error) => error),
  ]);
  if (!compiled) return stopPostgres;
  await stopPostgres();
  throw compiled;
}
