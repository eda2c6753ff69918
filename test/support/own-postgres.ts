import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedServer, startEmbedded } from '../../src/db/embedded/server.ts';
import { makeDataDir } from './cluster.ts';

/** A PostgreSQL of a test's own, which it may kill, stop and start again. */
export interface OwnPostgres {
  /** The same after every start. */
  url: string;
  /** Where its cluster is. */
  directory: string;
  /** Kills the server's first process with -9 and resolves when it is gone. */
  kill(): Promise<void>;
  /** Stops it as an operator does (fast). */
  stop(): Promise<void>;
  /** Starts it again, where it was. */
  start(): Promise<void>;
  /** Stops it and removes its files. */
  remove(): Promise<void>;
}

/** Starts a PostgreSQL with these settings over those of the embedded one; its files are below `folder`. */
export async function startOwnPostgres(
  settings: Record<string, string> = {},
  folder: string = tmpdir(),
): Promise<OwnPostgres> {
  const dataDir = mkdtempSync(join(folder, 'audit-log-postgres-'));
  const programs = process.env.TEST_POSTGRES;
  if (!programs) makeDataDir(dataDir);
  const options = { dataDir, log: () => undefined, settings, ...(programs && { programs }) };
  let server: EmbeddedServer = await startEmbedded(options);
  const { connectionString: url, port } = server;
  const directory = join(dataDir, 'postgres');
  return {
    url,
    directory,
    async kill() {
      const file = readFileSync(join(directory, 'postmaster.pid'), 'utf8');
      process.kill(Number.parseInt(file, 10), 'SIGKILL');
      await server.exited;
    },
    stop: () => server.stop(),
    async start() {
      server = await startEmbedded({ ...options, port });
    },
    async remove() {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
