import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'service.lock';

/**
 * Takes the data directory for this process; returns the release. Throws when another live service has it. The lock of
 * a process that is gone, or whose number another process has by now, is taken over.
 */
export function lockDataDir(dataDir: string): () => void {
  const path = join(dataDir, FILE);
  for (let attempt = 1; ; attempt += 1) {
    try {
      writeFileSync(path, JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }), {
        flag: 'wx',
      });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 5) throw error;
    }
    const owner = readOwner(path);
    if (owner && isAlive(owner.pid) && startTimeOf(owner.pid) === owner.startTime) {
      throw new Error(
        `${dataDir} is in use by another audit log service (process ${owner.pid}): stop that one, or set DATA_DIR`,
      );
    }
    rmSync(path, { force: true });
  }
}

function readOwner(path: string): { pid: number; startTime: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { pid: number; startTime: string };
  } catch {
    return undefined; // Written half, or just released.
  }
}

/** Whether a process of that number is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

// Field 22 of proc(5) stat: tells a process from a later one of the same number. Elsewhere than on Linux: unknown.
function startTimeOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
