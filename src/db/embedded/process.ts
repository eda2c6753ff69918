import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

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
  const [program = '', ...rest] = readText(`/proc/${pid}/cmdline`).split('\0');
  return program.endsWith('postgres') && rest.includes(directory);
}

/** Whether the process is certainly no PostgreSQL, on whatever directory. */
export function isOtherProgram(pid: number): boolean {
  const name = process.platform === 'linux' ? readText(`/proc/${pid}/comm`) : ps(pid, 'comm=');
  return name !== '' && !name.includes('postgres');
}

/** Whether any process, a backend without its server too, works in the directory, as far as the system says. */
export function isInUse(directory: string): boolean {
  return processesIn(directory).length > 0;
}

/** The processes of PostgreSQL that work in the directory, as far as the system says. */
export function backendsIn(directory: string): number[] {
  return processesIn(directory).filter((pid) => readText(`/proc/${pid}/comm`).trim() === 'postgres');
}

function processesIn(directory: string): number[] {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => workingDirectoryOf(pid) === directory && isAlive(pid));
}

// proc(5) stat from its third field on; the second, the name, may hold spaces and parentheses.
function statOf(pid: number): string[] | undefined {
  const text = readText(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(') ') + 2).split(' ');
}

function workingDirectoryOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function readText(path: string): string {
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
