import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, startTimeOf } from './processes.ts';

const FILE = 'service.lock';
const ATTEMPTS = 10;

/** The data directory is locked by another running service. */
export class DataDirInUse extends Error {
  override readonly name = 'DataDirInUse';
}

/** The lock of a data directory. */
export interface DataDirLock {
  /** Whether the lock file still exists and is of this process. It may have been removed, alone or with its directory. */
  isHeld(): boolean;
  release(): void;
}

/**
 * Locks the data directory for this process. Throws `DataDirInUse` when another running service has the lock. The lock of
 * a process that has ended is taken over, even if another process has its process id by now.
 */
export function lockDataDir(dataDir: string): DataDirLock {
  const path = join(dataDir, FILE);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (create(path)) return createLock(path);
    const found = read(path);
    if (found === undefined) continue; // Released just now.
    const pid = liveOwner(found);
    if (pid !== undefined) {
      throw new DataDirInUse(
        `${dataDir} is in use by another audit log service (process ${pid}): stop that one, or set DATA_DIR`,
      );
    }
    removeStale(path, found);
  }
  throw new Error(`${path} could not be taken: other services are starting at the same time`);
}

// A hard link appears with its complete content: a half-written lock could be taken for a stale one.
function create(path: string): boolean {
  const draft = asideOf(path);
  const text = ownText();
  writeFileSync(draft, text, { flag: 'wx' });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code ?? '')) throw error;
    return createWithoutLink(path, text); // The file system has no links.
  } finally {
    rmSync(draft, { force: true });
  }
}

function createWithoutLink(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function createLock(path: string): DataDirLock {
  const isHeld = () => read(path) === ownText();
  let isReleased = false;
  return {
    isHeld,
    // Only once: later the file may be the lock of another start.
    release() {
      if (!isReleased && isHeld()) rmSync(path, { force: true });
      isReleased = true;
    },
  };
}

function ownText(): string {
  return JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) });
}

function liveOwner(text: string): number | undefined {
  try {
    const { pid, startTime } = JSON.parse(text) as { pid: number; startTime: string };
    if (!Number.isInteger(pid) || pid < 1 || !isAlive(pid)) return undefined;
    const known = startTimeOf(pid);
    return known === '' || known === startTime ? pid : undefined;
  } catch {
    return undefined; // Not a lock of this service, or truncated by a power failure.
  }
}

// Moved before it is compared: another start may have replaced the stale lock since it was read.
function removeStale(path: string, found: string): void {
  const aside = asideOf(path);
  try {
    renameSync(path, aside);
    if (read(aside) !== found) linkSync(aside, path);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function asideOf(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}`;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
