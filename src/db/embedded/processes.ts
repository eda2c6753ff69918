import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Whether a process of that number is there and has not ended (one that its parent has not waited for has ended). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return statOf(pid)?.[0] !== 'Z';
}

/** What tells a process from a later one of the same number; empty where the system does not say. */
export function startTimeOf(pid: number): string {
  return statOf(pid)?.[19] ?? (process.platform === 'linux' ? '' : ps(pid, 'lstart='));
}

/** Whether the process is a PostgreSQL server on that data directory (a real path), into which a server changes. */
export function isServerOn(pid: number, directory: string): boolean {
  if (process.platform !== 'linux') {
    return ps(pid, 'command=').includes(`postgres -D ${directory}`);
  }
  const workingDirectory = workingDirectoryOf(pid);
  if (workingDirectory !== undefined) return workingDirectory === directory;
  // Root in a container may not ask where another user's process is, but may read its command line.
  const [program = '', ...rest] = readOrEmpty(`/proc/${pid}/cmdline`).split('\0');
  return program.endsWith('postgres') && rest.includes(directory);
}

/** Whether the process is certainly no PostgreSQL, on whatever directory. */
export function isOtherProgram(pid: number): boolean {
  const name = process.platform === 'linux' ? readOrEmpty(`/proc/${pid}/comm`) : ps(pid, 'comm=');
  return name !== '' && !name.includes('postgres');
}

/** Whether any process, a backend without its server too, works in the directory, as far as the system says. */
export function isInUse(directory: string): boolean {
  return processesIn(directory).length > 0;
}

/** The processes of PostgreSQL that work in the directory, as far as the system says. */
export function backendsIn(directory: string): number[] {
  return processesIn(directory).filter((pid) => readOrEmpty(`/proc/${pid}/comm`).trim() === 'postgres');
}

function processesIn(directory: string): number[] {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => workingDirectoryOf(pid) === directory && isAlive(pid));
}

// proc(5) stat from its third field on; the second, the name, may hold spaces and parentheses.
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
 * Stops the server that a killed service left behind on the cluster, if there is one. To be called with the lock of
 * the data directory held: whatever runs there then belongs to nobody. Throws when it does not end, and when `stop` is
 * aborted meanwhile.
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
    throw new Error(`the PostgreSQL that an earlier start left behind (process ${pid}) does not end`);
  }
  // The number is another program's by now, which PostgreSQL would take for its own server and refuse to start. Its
  // file also guards against backends that outlive their server, so it goes only when none is there.
  const wait = { timeoutMs: IMMEDIATE_MS, stop };
  if (isOtherProgram(pid) && (await waitUntil(() => !isInUse(directory), wait)))
    rmSync(file, { force: true });
}

// Backends whose server was killed notice it when they next wait for something: one that computes may take minutes, and no
// server starts before they are gone. What they do is lost anyway: the next server recovers from its log.
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
