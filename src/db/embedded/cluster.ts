import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, readFileSync, realpathSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, isServerOn } from './processes.ts';
import { type Binaries, giveTo, type RunAs } from './programs.ts';

const CLUSTER = 'postgres';
const UNFINISHED = 'postgres.new-';
// Also marks the cluster beside it as made by this service: the file is written before the cluster is made.
const PASSWORD = 'postgres.password';

/** A PostgreSQL cluster made by this service. */
export interface Cluster {
  directory: string;
  password: string;
}

/** The directory of the cluster in the data directory. */
export function clusterDirectory(dataDir: string): string {
  return join(dataDir, CLUSTER);
}

/** The password of the cluster in the data directory. Undefined when there is none. */
export function passwordOf(dataDir: string): Promise<string | undefined> {
  return readText(join(dataDir, PASSWORD));
}

/** The connection string of an embedded server. */
export function connectionStringOf({ password, port }: { password: string; port: number }): string {
  // Without sslmode, `pg` would use PGSSLMODE of the environment.
  return `postgresql://postgres:${password}@127.0.0.1:${port}/postgres?sslmode=disable`;
}

/** Checks the content of the data directory before any change. Throws when its cluster was not made by this service. */
export async function checkDataDir(dataDir: string, majorVersion: string): Promise<void> {
  const directory = clusterDirectory(dataDir);
  const files = await readdir(directory).catch((error: NodeJS.ErrnoException) =>
    emptyOrThrow(directory, error),
  );
  if (files.length === 0) return;
  const version = await readText(join(directory, 'PG_VERSION'));
  const isOurs = (await passwordOf(dataDir)) !== undefined;
  if (version === undefined || !isOurs) throw foreignDirectory(directory);
  if (version !== majorVersion) {
    throw new Error(
      `${directory} is of PostgreSQL ${version}, but this version of the service contains PostgreSQL ${majorVersion}: ` +
        'start the version of the service that made it, or dump the database there and restore it here',
    );
  }
}

/** Whether the data directory contains only files of the service. */
export async function holdsOnlyOurs(dataDir: string): Promise<boolean> {
  const names = await readdir(dataDir);
  return names.every((name) => /^(postgres|postgres\.new-.*|postgres\.password|service\.lock.*)$/.test(name));
}

interface StartHooks {
  stop: AbortSignal | undefined;
  onWaiting?: (() => void) | undefined;
}

/**
 * The cluster in the data directory, which is made if it does not exist. The remains of an interrupted set-up are
 * removed. Throws, and leaves no cluster, when `stop` is aborted.
 */
export async function ensureCluster(
  dataDir: string,
  binaries: Binaries,
  { runAs, ...setting }: { runAs: RunAs } & StartHooks,
): Promise<Cluster> {
  const directory = clusterDirectory(dataDir);
  for (const name of await readdir(dataDir)) {
    if (name.startsWith(UNFINISHED)) await rm(join(dataDir, name), { recursive: true, force: true });
  }
  const passwordFile = join(dataDir, PASSWORD);
  const known = await passwordOf(dataDir);
  if (known !== undefined && (await readText(join(directory, 'PG_VERSION'))) !== undefined) {
    // An earlier start may have used another user.
    if (runAs.owner) giveTo(runAs.owner, directory);
    return { directory, password: known };
  }
  const password = randomBytes(24).toString('base64url');
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx', flush: true });
  const unfinished = join(dataDir, `${UNFINISHED}${randomBytes(4).toString('hex')}`);
  await mkdir(unfinished, { mode: 0o700 });
  if (runAs.owner) {
    chownSync(unfinished, runAs.owner.uid, runAs.owner.gid);
    chownSync(passwordFile, runAs.owner.uid, runAs.owner.gid);
  }
  try {
    await initialise(runAs, binaries, { directory: unfinished, passwordFile, ...setting });
    await rename(unfinished, directory);
    return { directory, password };
  } catch (error) {
    for (const path of [unfinished, passwordFile]) await rm(path, { recursive: true, force: true });
    throw error;
  }
}

interface Initialisation extends StartHooks {
  directory: string;
  passwordFile: string;
}

async function initialise(
  runAs: RunAs,
  { initdb, majorVersion }: Binaries,
  { directory, passwordFile, ...setting }: Initialisation,
): Promise<void> {
  const programAndArguments = [
    initdb,
    `--pgdata=${directory}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    ...localeOf(Number(majorVersion)),
    '--data-checksums',
  ];
  await runProgram(runAs, programAndArguments, setting);
}

// The same collation and case mapping on every machine. The builtin locale provider exists since PostgreSQL 17.
function localeOf(majorVersion: number): string[] {
  const own = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  return ['--locale=C', ...(majorVersion >= 17 ? own : [])];
}

// A directory that cannot be read must not be taken for an empty one.
function emptyOrThrow(directory: string, error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return [];
  if (error.code === 'ENOTDIR') throw foreignDirectory(directory);
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    throw new Error(
      `${directory} belongs to another user: start as that user, or set DATA_DIR to another directory`,
    );
  }
  throw error;
}

function foreignDirectory(directory: string): Error {
  return new Error(
    `${directory} was not made by this service and is left unchanged: set DATA_DIR to another directory`,
  );
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function runProgram(
  { command, options }: RunAs,
  programAndArguments: string[],
  { stop, onWaiting }: StartHooks,
): Promise<void> {
  stop?.throwIfAborted();
  const [program = '', ...rest] = [...command, ...programAndArguments];
  const child = spawn(program, rest, { ...options, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  onWaiting?.();
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const end = () => child.kill('SIGTERM');
  stop?.addEventListener('abort', end, { once: true });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => stop?.removeEventListener('abort', end));
  stop?.throwIfAborted();
  if (code !== 0) throw new Error(`PostgreSQL could not be set up: ${output.trim()}`);
}

/**
 * The connection string of the server that runs on the data directory, also if another process started it. Undefined:
 * none runs.
 */
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
