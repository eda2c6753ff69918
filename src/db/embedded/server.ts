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
    const server = await startServer(place, options);
    return { ...server, exited: server.exited.then(place.lock.release) };
  } catch (error) {
    place.lock.release();
    throw error;
  }
}

/** A data directory that is locked for this process. */
export interface LockedDataDir {
  path: string;
  binaries: Binaries;
  lock: DataDirLock;
}

/** Takes the data directory for this process; made when it is not there. Throws as `startEmbedded` does. */
export async function openDataDir(options: EmbeddedOptions): Promise<LockedDataDir> {
  const binaries = await findBinaries(options.programs);
  await checkDataDir(resolve(options.dataDir), binaries.majorVersion);
  mkdirSync(options.dataDir, { recursive: true, mode: 0o755 });
  const path = realpathSync(options.dataDir);
  options.stop?.throwIfAborted();
  return { path, binaries, lock: lockDataDir(path) };
}

/** Starts the server on the cluster in the data directory, which is made when it is not there. */
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
  // Never a folder that holds more than ours: DATA_DIR may name the project or a home.
  if (isOurs && runAs.owner) giveTo(runAs.owner, dataDir);
  return runAs;
}

const STOP_MS = 20_000;
const START_ATTEMPTS = 20;
const RETRY_MS = 250;
const LINES_KEPT = 20;
const LAST_LINES_MS = 1_000;

// Durable commits; sized for one machine that has other things to do too.
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  log_checkpoints: 'off',
};

// The free port was taken in between, backends of a killed server are about to notice that it is gone, or somebody (the
// system, when memory runs out) has killed the server while it started.
const TRANSIENT = /could not create any TCP\/IP sockets|pre-existing shared memory block|ended by SIG/;

/** A PostgreSQL server that runs as long as this process wants it. */
export interface EmbeddedServer {
  connectionString: string;
  /** Where it listens on the loopback. */
  port: number;
  /** Resolves when the server process has ended, whoever ended it. */
  exited: Promise<void>;
  /** The last lines it said, with what ended it when it has ended. */
  lastLines(): string;
  /** A fast shutdown: transactions are rolled back, everything committed is on disk. An immediate one after 20 s. */
  stop(): Promise<void>;
}

/** What `run` runs: the program `postgres` on the cluster, with settings over ours. */
export interface RunOptions {
  program: string;
  runAs: RunAs;
  cluster: Cluster;
  log: (line: string) => void;
  settings: Record<string, string>;
  /** Default: a free one. */
  port?: number | undefined;
  /** Aborted: the server is stopped again, and this throws. */
  stop: AbortSignal | undefined;
  /** Called when the server's process has been started. */
  onWaiting?: (() => void) | undefined;
}

/** Runs the server on the loopback until it answers a query. Throws, with its last lines, if it ends. */
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
  /** Resolves when the process has ended and its lines are read. */
  exited: Promise<void>;
  /** The last lines it said. */
  lines: string[];
}

function launch({ program, runAs, cluster, log, settings }: RunOptions, port: number): Launched {
  const all = Object.entries({ ...SETTINGS, ...settings, port: `${port}` });
  const given = all.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [first = '', ...rest] = [...runAs.command, program, '-D', cluster.directory, ...given];
  // In a group of its own, so that Ctrl-C in a terminal stops the service first and the database after it.
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
  // A process that ends without stop() takes its server along where it can; the next start finds it where it cannot.
  const stopWithUs = () => child.kill('SIGINT');
  process.once('exit', stopWithUs);
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      keep(error.message);
      resolve();
    });
    child.once('exit', (code, signal) => {
      keep(signal === null ? `ended with ${code}` : `ended by ${signal}`);
      // The backends of a killed server keep the other end of the pipe for as long as they live.
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
// SQLSTATE cannot_connect_now: the server is there and still recovers from a crash.
const STARTING_UP = '57P03';

/**
 * Resolves with true when the server answers a query, with false when `hasEnded` says it is gone. Throws after 30 s
 * without an answer, or after 10 minutes of answers that it is still starting up (recovering from a crash).
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
