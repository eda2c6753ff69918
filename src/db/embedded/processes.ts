import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Whether a process with the id exists and has not ended. A zombie has ended. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return statOf(pid)?.[0] !== 'Z';
}

/** The start time of a process, which distinguishes it from a later one with the same id. Empty where it is unknown. */
export function startTimeOf(pid: number): string {
  return statOf(pid)?.[19] ?? (process.platform === 'linux' ? '' : ps(pid, 'lstart='));
}

/** Whether the process is a PostgreSQL server on that data directory (a real path), its working directory. */
export function isServerOn(pid: number, directory: string): boolean {
  if (process.platform !== 'linux') {
    return ps(pid, 'command=').includes(`postgres -D ${directory}`);
  }
  const workingDirectory = workingDirectoryOf(pid);
  if (workingDirectory !== undefined) return workingDirectory === directory;
  // Root in a container may lack the right to read the working directory of another user's process, but not its command
  // line.
  const [program = '', ...rest] = readOrEmpty(`/proc/${pid}/cmdline`).split('\0');
  return program.endsWith('postgres') && rest.includes(directory);
}

/** Whether the process is known to be another program than PostgreSQL. */
export function isOtherProgram(pid: number): boolean {
  const name = process.platform === 'linux' ? readOrEmpty(`/proc/${pid}/comm`) : ps(pid, 'comm=');
  return name !== '' && !name.includes('postgres');
}

/** Whether a process, such as a backend without its server, is known to have the directory as its working directory. */
export function isInUse(directory: string): boolean {
  return processesIn(directory).length > 0;
}

/** The known PostgreSQL processes with that working directory. */
export function backendsIn(directory: string): number[] {
  return processesIn(directory).filter((pid) => readOrEmpty(`/proc/${pid}/comm`).trim() === 'postgres');
}

function processesIn(directory: string): number[] {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => workingDirectoryOf(pid) === directory && isAlive(pid));
}

// The fields of stat in proc(5) from the third on. The second one, the name, may contain spaces and parentheses.
function statOf(pid: number): string[] | undefined {
  const text = readOrEmpty(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(') ') + 2).split(' ');
}

function workingDirectoryOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function ps(pid: number, column: string): string {
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    const env = { ...process.env, LC_ALL: 'C' };
    return execFileSync('ps', ['-ww', '-o', column, '-p', `${pid}`], { encoding: 'utf8', stdio, env }).trim();
  } catch {
    return '';
  }
}

const FAST_MS = 20_000;
const IMMEDIATE_MS = 10_000;
const NOTICE_MS = 1_000;
const POLL_MS = 20;

/**
 * Stops the server that a killed service left on the cluster, if there is one. The caller must hold the lock of the data
 * directory, so that the server belongs to no running service. Throws when the server does not end, and when `stop` is
 * aborted.
 */
export async function stopOrphan(cluster: string, stop?: AbortSignal): Promise<void> {
  if (!existsSync(cluster)) return;
  const directory = realpathSync(cluster);
  const file = join(directory, 'postmaster.pid');
  const pid = readPid(file);
  if (pid === undefined || !isAlive(pid)) return endBackends(directory, stop);
  if (isServerOn(pid, directory)) {
    if (await signalAndWait(pid, 'SIGINT', { timeoutMs: FAST_MS, stop })) return;
    if (await signalAndWait(pid, 'SIGQUIT', { timeoutMs: IMMEDIATE_MS, stop })) return;
    throw new Error(`the PostgreSQL server that an earlier start left running (process ${pid}) does not end`);
  }
  // Another program has the process id by now. PostgreSQL would take it for its server and refuse to start.
  // postmaster.pid also protects against backends that outlive their server, so it is removed only when there are none.
  const wait = { timeoutMs: IMMEDIATE_MS, stop };
  if (isOtherProgram(pid) && (await waitUntil(() => !isInUse(directory), wait)))
    rmSync(file, { force: true });
}

// A backend notices the end of its server when it next waits. One that computes may run for minutes, and no server can
// start before. Its work is lost in any case: the next server recovers from the write-ahead log.
async function endBackends(directory: string, stop: AbortSignal | undefined): Promise<void> {
  const isGone = () => backendsIn(directory).length === 0;
  if (await waitUntil(isGone, { timeoutMs: NOTICE_MS, stop })) return;
  for (const pid of backendsIn(directory)) process.kill(pid, 'SIGKILL');
  await waitUntil(isGone, { timeoutMs: IMMEDIATE_MS, stop });
}

interface Wait {
  timeoutMs: number;
  stop: AbortSignal | undefined;
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8').split('\n', 1)[0]);
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function signalAndWait(pid: number, signal: NodeJS.Signals, wait: Wait): Promise<boolean> {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  return waitUntil(() => !isAlive(pid), wait);
}

async function waitUntil(isSo: () => boolean, { timeoutMs, stop }: Wait): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!isSo()) {
    stop?.throwIfAborted();
    if (performance.now() > deadline) return false;
    await setTimeout(POLL_MS);
  }
  return true;
}
