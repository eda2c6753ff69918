import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { type Cluster, connectionStringOf } from './cluster.ts';
import { untilReady } from './ready.ts';
import type { RunAs } from './user.ts';

const STOP_MS = 20_000;
const ATTEMPTS = 20;
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
const PASSING = /could not create any TCP\/IP sockets|pre-existing shared memory block|ended by SIG/;

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
export interface Run {
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
export async function run(options: Run): Promise<EmbeddedServer> {
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
    if (attempt >= ATTEMPTS || !PASSING.test(output()))
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

function launch({ program, runAs, cluster, log, settings }: Run, port: number): Launched {
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
