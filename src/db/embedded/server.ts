import { mkdirSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Binaries, findBinaries } from './binaries.ts';
import { checkDataDir, clusterDirectory, ensureCluster, holdsOnlyOurs } from './cluster.ts';
import { lockDataDir } from './lock.ts';
import { stopOrphan } from './orphan.ts';
import { type EmbeddedServer, run } from './run.ts';
import { chooseUser, giveTo, type RunAs } from './user.ts';

export type { EmbeddedServer } from './run.ts';

export interface EmbeddedOptions {
  /** Holds the cluster in `postgres/`, its password and the lock. */
  dataDir: string;
  /** Gets what the server says, line by line. */
  log: (line: string) => void;
  /** An unpacked npm package with the programs of another version; default: the installed one. */
  programs?: string;
  /** PostgreSQL settings over ours. */
  settings?: Record<string, string>;
  /** Aborted while the server starts: what was begun is undone, and this throws. */
  stop?: AbortSignal;
  /** Called whenever another process has been started that has to be waited for: there is time for something else. */
  onWaiting?: () => void;
}

/**
 * Starts the PostgreSQL of the npm packages on a data directory, which is made on first start. A server that a killed
 * process left behind is stopped first. Throws when the directory is foreign, of another version, or in use.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const binaries = await findBinaries(options.programs);
  await checkDataDir(resolve(options.dataDir), binaries.majorVersion);
  mkdirSync(options.dataDir, { recursive: true, mode: 0o755 });
  const dataDir = realpathSync(options.dataDir);
  const { log, settings = {}, stop, onWaiting } = options;
  stop?.throwIfAborted();
  const unlock = lockDataDir(dataDir);
  try {
    await stopOrphan(clusterDirectory(dataDir), stop);
    const runAs = await chooseRunAs(binaries, dataDir);
    const cluster = await ensureCluster(dataDir, binaries, { runAs, stop, onWaiting });
    const program = binaries.postgres;
    const server = await run({ program, runAs, cluster, log, settings, stop, onWaiting });
    return { ...server, exited: server.exited.then(unlock) };
  } catch (error) {
    unlock();
    throw error;
  }
}

async function chooseRunAs(binaries: Binaries, dataDir: string): Promise<RunAs> {
  const isOurs = await holdsOnlyOurs(dataDir);
  const runAs = chooseUser(binaries.postgres, dataDir, isOurs);
  // Never a folder that holds more than ours: DATA_DIR may name the project or a home.
  if (isOurs && runAs.owner) giveTo(runAs.owner, dataDir);
  return runAs;
}
