import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { clusterDirectory, connectionStringOf, passwordOf } from './cluster.ts';
import { isAlive, isServerOn } from './process.ts';

/** The connection string of the server that runs on the data directory, whoever started it; undefined: there is none. */
export async function findRunning(dataDir: string): Promise<string | undefined> {
  const cluster = clusterDirectory(dataDir);
  if (!existsSync(cluster)) return undefined;
  const directory = realpathSync(cluster);
  // PostgreSQL manual, "postmaster.pid": process, directory, start time, port.
  const [pid = 0, , , port = 0] = readLines(join(directory, 'postmaster.pid')).map(Number);
  if (!(pid > 0 && port > 0 && isAlive(pid) && isServerOn(pid, directory))) return undefined;
  const password = await passwordOf(dataDir);
  return password === undefined ? undefined : connectionStringOf({ password, port });
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
