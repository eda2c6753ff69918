import { mkdirSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Binaries, findBinaries } from './binaries.ts';
import { checkDataDir, clusterDirectory, ensureCluster, holdsOnlyOurs } from './cluster.ts';
import { type DataDirLock, lockDataDir } from './lock.ts';
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
  /** Where it listens on the loopback; default: a free port. */
  port?: number;
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
  const place = await openDataDir(options);
  try {
    const server = await startOn(place, options);
    return { ...server, exited: server.exited.then(place.lock.release) };
  } catch (error) {
    place.lock.release();
    throw error;
  }
}

/** A data directory that is locked for this process. */
export interface DataDir {
  path: string;
  binaries: Binaries;
  lock: DataDirLock;
}

/** Takes the data directory for this process; made when it is not there. Throws as `startEmbedded` does. */
export async function openDataDir(options: EmbeddedOptions): Promise<DataDir> {
  const binaries = await findBinaries(options.programs);
  await checkDataDir(resolve(options.dataDir), binaries.majorVersion);
  mkdirSync(options.dataDir, { recursive: true, mode: 0o755 });
  const path = realpathSync(options.dataDir);
  options.stop?.throwIfAborted();
  return { path, binaries, lock: lockDataDir(path) };
}

/** Starts the server on the cluster in the data directory, which is made when it is not there. */
export async function startOn(
  { path, binaries }: DataDir,
  { log, settings = {}, stop, onWaiting, port }: Omit<EmbeddedOptions, 'dataDir' | 'programs'>,
): Promise<EmbeddedServer> {
  await stopOrphan(clusterDirectory(path), stop);
  const runAs = await chooseRunAs(binaries, path);
  const cluster = await ensureCluster(path, binaries, { runAs, stop, onWaiting });
  return run({ program: binaries.postgres, runAs, cluster, log, settings, port, stop, onWaiting });
}

async function chooseRunAs(binaries: Binaries, dataDir: string): Promise<RunAs> {
  const isOurs = await holdsOnlyOurs(dataDir);
  const runAs = chooseUser(binaries.postgres, dataDir, isOurs);
  // Never a folder that holds more than ours: DATA_DIR may name the project or a home.
  if (isOurs && runAs.owner) giveTo(runAs.owner, dataDir);
  return runAs;
}
