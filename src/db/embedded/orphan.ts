import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isAlive, isInUse, isOtherProgram, isServerOn } from './process.ts';

const FAST_MS = 20_000;
const IMMEDIATE_MS = 10_000;
const POLL_MS = 20;

/**
 * Stops the server that a killed service left behind on the cluster, if there is one. To be called with the lock of
 * the data directory held: whatever runs there then belongs to nobody. Throws when it does not end.
 */
export async function stopOrphan(cluster: string): Promise<void> {
  if (!existsSync(cluster)) return;
  const directory = realpathSync(cluster);
  const file = join(directory, 'postmaster.pid');
  const pid = readPid(file);
  if (pid === undefined || !isAlive(pid)) return;
  if (isServerOn(pid, directory)) {
    if (await end(pid, 'SIGINT', FAST_MS)) return;
    if (await end(pid, 'SIGQUIT', IMMEDIATE_MS)) return;
    throw new Error(`the PostgreSQL that an earlier start left behind (process ${pid}) does not end`);
  }
  // The number is another program's by now, which PostgreSQL would take for its own server and refuse to start. Its
  // file also guards against backends that outlive their server, so it goes only when none is there.
  if (isOtherProgram(pid) && (await until(() => !isInUse(directory), IMMEDIATE_MS)))
    rmSync(file, { force: true });
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

async function end(pid: number, signal: NodeJS.Signals, timeoutMs: number): Promise<boolean> {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  return until(() => !isAlive(pid), timeoutMs);
}

async function until(isSo: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!isSo()) {
    if (performance.now() > deadline) return false;
    await setTimeout(POLL_MS);
  }
  return true;
}
