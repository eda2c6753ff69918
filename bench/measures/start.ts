import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureCluster, holdsOnlyOurs } from '../../src/db/embedded/cluster.ts';
import { chooseUser, findBinaries } from '../../src/db/embedded/programs.ts';
import { runServer } from '../../src/db/embedded/server.ts';
import { startChild } from '../child.ts';
import { type Entry, entry } from '../entry.ts';
import { KEY, type Lab } from '../lab.ts';
import { median } from '../load.ts';
import { send } from '../loaded.ts';
import { inTurn } from '../rounds.ts';

const ROOT = join(import.meta.dirname, '../..');
const READY = /GraphQL API and GraphiQL: (\S+)\n(?:.*\n)*?Ready\./;

/** From `npm start` to ready with a full log, against the start of that PostgreSQL and of Node alone. */
export async function measureStart(lab: Lab): Promise<Entry[]> {
  const dataDir = join(lab.folder, 'started');
  const launch = () =>
    startChild({
      program: 'npm',
      programArguments: ['start', '--silent'],
      cwd: ROOT,
      environment: {
        DATA_DIR: dataDir,
        PORT: '0',
        ADMIN_API_KEY: KEY,
        RATE_LIMIT: '0',
        NODE_ENV: 'production',
      },
      outputFile: join(lab.folder, 'start.log'),
      ready: READY,
    });
  const first = await launch();
  await send(lab, first.url, lab.options.rows).finally(() => first.stop());
  const startBare = await bareStart(dataDir);
  const results = await inTurn(
    lab.options.rounds,
    {
      async service() {
        const start = performance.now();
        const service = await launch();
        const elapsed = performance.now() - start;
        await service.stop();
        return elapsed;
      },
      async bare() {
        const start = performance.now();
        execFileSync(process.execPath, ['--eval', '0']);
        const stop = await startBare();
        const elapsed = performance.now() - start;
        await stop();
        return elapsed;
      },
    },
    (name, round) => lab.progress.say(`start, round ${round}: ${name}`),
  );
  return [
    entry({
      name: 'start',
      unit: 'ms',
      against: 'PostgreSQL on the same data until it answers, and node --eval 0',
      value: median(results.service),
      reference: median(results.bare),
      goal: 3,
      wants: 'at most',
    }),
  ];
}

// What only has to be found once is found before anything is measured.
async function bareStart(dataDir: string): Promise<() => Promise<() => Promise<void>>> {
  const binaries = await findBinaries();
  const runAs = chooseUser(binaries.postgres, dataDir, await holdsOnlyOurs(dataDir));
  const cluster = await ensureCluster(dataDir, binaries, { runAs, stop: undefined });
  return async () => {
    const server = await runServer({
      program: binaries.postgres,
      runAs,
      cluster,
      log: () => undefined,
      settings: {},
      stop: undefined,
    });
    return () => server.stop();
  };
}
