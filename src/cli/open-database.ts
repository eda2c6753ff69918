import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config.ts';
import { clusterDirectory, findRunning } from '../db/embedded/cluster.ts';
import { startEmbedded } from '../db/embedded/server.ts';
import { stopOnSignals } from '../shutdown.ts';

/** The database of the log, for a command that works on it without the service. */
export interface OpenDatabase {
  url: string;
  close(): Promise<void>;
}

/**
 * Finds the database: `DATABASE_URL`; else the PostgreSQL that a service runs under `DATA_DIR`; else one that is started
 * there for the command. Throws when there is no log under `DATA_DIR`: creating an empty one would hide a wrong path.
 */
export async function openDatabase({ DATABASE_URL, DATA_DIR }: Config): Promise<OpenDatabase> {
  const nothing = async () => undefined;
  if (DATABASE_URL !== undefined) return { url: DATABASE_URL, close: nothing };
  if (!existsSync(clusterDirectory(DATA_DIR))) {
    throw new Error(
      `there is no audit log under ${resolve(DATA_DIR)}: go to the folder where the service was started, or set ` +
        'DATA_DIR or DATABASE_URL as for the service; a new log is made by starting the service once',
    );
  }
  const running = await findRunning(DATA_DIR);
  if (running !== undefined) return { url: running, close: nothing };
  // A signal during the start stops it; afterwards a command ends sooner than PostgreSQL could be stopped.
  const server = await startEmbedded({ dataDir: DATA_DIR, log: () => undefined, stop: stopOnSignals() });
  return { url: server.connectionString, close: server.stop };
}
