import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { type Binaries, findBinaries } from './binaries.ts';
import { type Cluster, checkDataDir, ensureCluster } from './cluster.ts';
import { isAlive, lockDataDir } from './lock.ts';
import { chooseUser, type RunAs } from './user.ts';

const READY_MS = 60_000;
const STOP_MS = 20_000;
const POLL_MS = 20;

// Durable commits; sized for one machine that has other things to do too.
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  log_checkpoints: 'off',
};

export interface EmbeddedOptions {
  /** Holds the cluster in `postgres/`, its password and the lock. */
  dataDir: string;
  /** Gets what the server says, line by line. */
  log: (line: string) => void;
  /** PostgreSQL settings over ours. */
  settings?: Record<string, string>;
}

/** A PostgreSQL server that runs as long as this process wants it. */
export interface EmbeddedServer {
  connectionString: string;
  /** Resolves when the server process has ended, whoever ended it. */
  exited: Promise<void>;
  /** A fast shutdown: transactions are rolled back, everything committed is on disk. */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL of the npm packages on a data directory, which is made on first start. A server that a killed
 * process left behind is stopped first. Throws when the directory is foreign, of another version, or in use.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const dataDir = resolve(options.dataDir);
  const binaries = await findBinaries();
  await checkDataDir(dataDir, majorVersionOf(binaries));
  mkdirSync(dataDir, { recursive: true, mode: 0o755 });
  const unlock = lockDataDir(dataDir);
  try {
    const runAs = chooseUser(binaries.postgres, dataDir);
    await stopOrphan(join(dataDir, 'postgres'));
    const cluster = await ensureCluster(dataDir, binaries, runAs);
    return await startServer({ binaries, runAs, cluster, options, unlock });
  } catch (error) {
    unlock();
    throw error;
  }
}

function majorVersionOf({ postgres }: Binaries): string {
  return / (\d+)/.exec(execFileSync(postgres, ['--version'], { encoding: 'utf8' }))?.[1] ?? '';
}

// We hold the lock, so a server that runs on the directory belongs to nobody any more.
async function stopOrphan(directory: string): Promise<void> {
  let pid: number;
  try {
    pid = Number(readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n', 1)[0]);
  } catch {
    return;
  }
  if (!(pid > 1 && isAlive(pid) && isPostgres(pid))) return;
  process.kill(pid, 'SIGINT');
  for (let waited = 0; isAlive(pid); waited += POLL_MS) {
    if (waited > STOP_MS)
      throw new Error(`the PostgreSQL that an earlier start left behind (process ${pid}) does not end`);
    await setTimeout(POLL_MS);
  }
}

// A number out of an old file may be another program's by now.
function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('postgres');
  } catch {
    return process.platform !== 'linux';
  }
}

interface Start {
  binaries: Binaries;
  runAs: RunAs;
  cluster: Cluster;
  options: EmbeddedOptions;
  unlock: () => void;
}

async function startServer({ binaries, runAs, cluster, options, unlock }: Start): Promise<EmbeddedServer> {
  const port = await freePort();
  const settings = Object.entries({ ...SETTINGS, ...options.settings, port: `${port}` });
  const [program = '', ...rest] = [
    ...runAs.command,
    binaries.postgres,
    '-D',
    cluster.directory,
    ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  // In a group of its own, so that Ctrl-C in a terminal stops the service first and the database after it.
  const child = spawn(program, rest, { ...runAs.options, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      const text = chunk.toString().trimEnd();
      if (lines.length < 20) lines.push(text);
      options.log(text);
    });
  }
  const exited = new Promise<void>((resolveExit) => {
    child.once('error', () => resolveExit());
    child.once('exit', () => resolveExit());
  }).then(unlock);
  const connectionString = `postgresql://postgres:${cluster.password}@127.0.0.1:${port}/postgres`;
  await untilReady(connectionString, child, () => lines.join('\n'));
  return { connectionString, exited, stop: () => stop(child, exited) };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolveListen) => probe.listen(0, '127.0.0.1', resolveListen));
  const { port } = probe.address() as { port: number };
  await new Promise((resolveClose) => probe.close(resolveClose));
  return port;
}

async function untilReady(
  connectionString: string,
  child: ChildProcess,
  output: () => string,
): Promise<void> {
  for (let waited = 0; ; waited += POLL_MS) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`PostgreSQL did not start:\n${output()}`);
    const client = new pg.Client({ connectionString });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('SELECT 1');
      return;
    } catch (error) {
      if (waited > READY_MS)
        throw new Error(`PostgreSQL does not answer: ${(error as Error).message}\n${output()}`);
      await setTimeout(POLL_MS);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGINT');
  const timer = new AbortController();
  const late = setTimeout(STOP_MS, undefined, { signal: timer.signal }).then(
    () => child.kill('SIGQUIT'),
    () => undefined,
  );
  await exited;
  timer.abort();
  await late;
}
