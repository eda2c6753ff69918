import { execFileSync, type SpawnOptions, spawnSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { dirname } from 'node:path';

/** How to run a program of PostgreSQL, which refuses to run as root: `command` before it, and the options of spawn. */
export interface RunAs {
  command: readonly string[];
  options: Pick<SpawnOptions, 'uid' | 'gid'>;
}

const NAMESPACE = ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--'];

/**
 * As root: another user who can run `program` and use `directory` (which is given to that user), else root in a user
 * namespace, where it has another number but the same files. Otherwise: as we are. Throws when nothing works.
 */
export function chooseUser(program: string, directory: string): RunAs {
  if (process.getuid?.() !== 0) return { command: [], options: {} };
  const user = findUser();
  if (user && canUse(user, program, directory)) {
    chownSync(directory, user.uid, user.gid);
    return { command: [], options: user };
  }
  if (spawnSync(NAMESPACE[0] as string, [...NAMESPACE.slice(1), program, '--version']).status === 0) {
    return { command: NAMESPACE, options: {} };
  }
  throw new Error(
    `PostgreSQL does not run as root, and no other user can use ${directory}: move the project or DATA_DIR to a ` +
      'folder that all users can enter, start as another user, or set DATABASE_URL',
  );
}

function findUser(): { uid: number; gid: number } | undefined {
  const user = idsOf('postgres');
  if (user) return user;
  spawnSync('groupadd', ['--system', 'postgres']);
  spawnSync('useradd', ['--system', '--gid', 'postgres', '--no-create-home', 'postgres']);
  return idsOf('postgres') ?? idsOf('nobody');
}

function idsOf(name: string): { uid: number; gid: number } | undefined {
  try {
    const id = (flag: string) =>
      Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

function canUse(user: { uid: number; gid: number }, program: string, directory: string): boolean {
  const canRun = spawnSync(program, ['--version'], user).status === 0;
  // Whether the way to the directory is open; the directory itself is about to be given away.
  return canRun && spawnSync('test', ['-e', `${dirname(directory)}/.`], user).status === 0;
}
