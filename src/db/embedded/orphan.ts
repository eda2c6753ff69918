import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { backendsIn, isAlive, isInUse, isOtherProgram, isServerOn } from './process.ts';

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
    if (await end(pid, 'SIGINT', { timeoutMs: FAST_MS, stop })) return;
    if (await end(pid, 'SIGQUIT', { timeoutMs: IMMEDIATE_MS, stop })) return;
    throw new Error(`the PostgreSQL that an earlier start left behind (process ${pid}) does not end`);
  }
  // The number is another program's by now, which PostgreSQL would take for its own server and refuse to start. Its
  // file also guards against backends that outlive their server, so it goes only when none is there.
  const wait = { timeoutMs: IMMEDIATE_MS, stop };
  if (isOtherProgram(pid) && (await until(() => !isInUse(directory), wait))) rmSync(file, { force: true });
}

// Backends whose server was killed notice it when they next wait for something: one that computes may take minutes, and no
// server starts before they are gone. What they do is lost anyway: the next server recovers from its log.
async function endBackends(directory: string, stop: AbortSignal | undefined): Promise<void> {
  const isGone = () => backendsIn(directory).length === 0;
  if (await until(isGone, { timeoutMs: NOTICE_MS, stop })) return;
  for (const pid of backendsIn(directory)) process.kill(pid, 'SIGKILL');
  await until(isGone, { timeoutMs: IMMEDIATE_MS, stop });
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

async function end(pid: number, signal: NodeJS.Signals, wait: Wait): Promise<boolean> {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  return until(() => !isAlive(pid), wait);
}

async function until(isSo: () => boolean, { timeoutMs, stop }: Wait): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!isSo()) {
    stop?.throwIfAborted();
    if (performance.now() > deadline) return false;
    await setTimeout(POLL_MS);
  }
  return true;
}
