import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import type { RunAs } from './user.ts';

const CLUSTER = 'postgres';
const UNFINISHED = 'postgres.new-';
const PASSWORD = 'postgres.password';

/** A cluster of ours. */
export interface Cluster {
  directory: string;
  password: string;
}

/** Checks what is in the data directory, before anything is touched. Throws when it is not a cluster of ours. */
export async function checkDataDir(dataDir: string, majorVersion: string): Promise<void> {
  const directory = join(dataDir, CLUSTER);
  const files = await readdir(directory).catch(() => []);
  if (files.length === 0) return;
  const version = await readText(join(directory, 'PG_VERSION'));
  const isOurs = (await readText(join(dataDir, PASSWORD))) !== undefined;
  if (version === undefined || !isOurs) {
    throw new Error(
      `${directory} was not made by this service and is left alone: set DATA_DIR to another folder`,
    );
  }
  if (version !== majorVersion) {
    throw new Error(
      `${directory} is of PostgreSQL ${version}, and this version of the service brings ${majorVersion}: start the ` +
        'version of the service that made it, or dump it there and load it here. It is left alone.',
    );
  }
}

/** The cluster in the data directory; made when it is not there. An unfinished one is cleared away. */
export async function ensureCluster(dataDir: string, { initdb }: Binaries, runAs: RunAs): Promise<Cluster> {
  const directory = join(dataDir, CLUSTER);
  for (const name of await readdir(dataDir)) {
    if (name.startsWith(UNFINISHED)) await rm(join(dataDir, name), { recursive: true, force: true });
  }
  const passwordFile = join(dataDir, PASSWORD);
  const known = await readText(passwordFile);
  if (known !== undefined && (await readText(join(directory, 'PG_VERSION'))) !== undefined) {
    return { directory, password: known };
  }
  const password = randomBytes(24).toString('base64url');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  const unfinished = join(dataDir, `${UNFINISHED}${randomBytes(4).toString('hex')}`);
  await mkdir(unfinished, { mode: 0o700 });
  const { uid, gid } = runAs.options;
  if (uid !== undefined && gid !== undefined) {
    chownSync(unfinished, uid, gid);
    chownSync(passwordFile, uid, gid);
  }
  await run(runAs, [
    initdb,
    `--pgdata=${unfinished}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The same order and case on every machine, whatever locales it has.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--data-checksums',
  ]);
  await rename(unfinished, directory);
  return { directory, password };
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}

async function run({ command, options }: RunAs, programAndArguments: string[]): Promise<void> {
  const [program = '', ...rest] = [...command, ...programAndArguments];
  const child = spawn(program, rest, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`PostgreSQL could not be set up: ${output.trim()}`);
}
