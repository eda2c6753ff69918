import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { startEmbedded } from '../../src/db/embedded/server.ts';
import { makeDataDir } from '../support/cluster.ts';

const options = { log: () => undefined };
let dataDir: string;

const isRoot = process.getuid?.() === 0;
// Some containers forbid user namespaces, and then a folder that only root can enter cannot work.
const hasNamespaces = isRoot && spawnSync('unshare', ['--user', '--map-user=1000', 'true']).status === 0;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'audit-log-embedded-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

async function query(connectionString: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A process that starts the server on the data directory, says so, and stays. */
async function startInChild(): Promise<{ child: ChildProcess; url: string }> {
  const module = join(inject('built'), 'db/embedded/server.js');
  const code = `import { startEmbedded } from ${JSON.stringify(module)};
    const server = await startEmbedded({ dataDir: ${JSON.stringify(dataDir)}, log: () => undefined });
    console.log(server.connectionString);
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = await once(createInterface({ input: child.stdout }), 'line');
  return { child, url: url as string };
}

test('keeps its data over a stop and a start', async () => {
  const first = await startEmbedded({ dataDir, ...options });
  await query(first.connectionString, 'CREATE TABLE t AS SELECT 42 AS answer');
  await first.stop();
  const second = await startEmbedded({ dataDir, ...options });
  expect(await query(second.connectionString, 'SELECT answer FROM t')).toEqual([{ answer: 42 }]);
  await second.stop();
});

test('stops the server of a killed process, and keeps all committed data', async () => {
  makeDataDir(dataDir);
  const { child, url } = await startInChild();
  await query(url, 'CREATE TABLE t AS SELECT 42 AS answer');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const server = await startEmbedded({ dataDir, ...options });
  expect(await query(server.connectionString, 'SELECT answer FROM t')).toEqual([{ answer: 42 }]);
  await server.stop();
});

test('refuses a directory that a live service uses, and names its process', async () => {
  makeDataDir(dataDir);
  const { child, url } = await startInChild();
  await expect(startEmbedded({ dataDir, ...options })).rejects.toThrow(`process ${child.pid}`);
  expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await (await startEmbedded({ dataDir, ...options })).stop();
});

test('refuses a foreign directory and leaves it alone', async () => {
  mkdirSync(join(dataDir, 'postgres'));
  writeFileSync(join(dataDir, 'postgres', 'letter.txt'), 'mine');
  await expect(startEmbedded({ dataDir, ...options })).rejects.toThrow('was not made by this service');
  expect(readdirSync(dataDir, { recursive: true }).sort()).toEqual(['postgres', 'postgres/letter.txt']);
});

test('refuses a cluster of another version', async () => {
  makeDataDir(dataDir);
  writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '99\n');
  await expect(startEmbedded({ dataDir, ...options })).rejects.toThrow('is of PostgreSQL 99');
});

test('removes the remains of an interrupted set-up', async () => {
  mkdirSync(join(dataDir, 'postgres.new-dead', 'base'), { recursive: true });
  const server = await startEmbedded({ dataDir, ...options });
  expect(readdirSync(dataDir)).not.toContain('postgres.new-dead');
  await server.stop();
});

test('lets one of two starts win', async () => {
  const starts = await Promise.allSettled([1, 2].map(() => startEmbedded({ dataDir, ...options })));
  const [won] = starts.filter((start) => start.status === 'fulfilled');
  const [lost] = starts.filter((start) => start.status === 'rejected');
  expect(lost?.reason).toMatchObject({ message: expect.stringContaining('in use by another') });
  expect(await query(won?.value.connectionString ?? '', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await won?.value.stop();
  expect(readdirSync(dataDir).sort()).toEqual(['postgres', 'postgres.password']);
});

test('takes over the lock of a process id that was reused, and a truncated lock', async () => {
  makeDataDir(dataDir);
  for (const text of [JSON.stringify({ pid: process.pid, startTime: '1' }), '']) {
    writeFileSync(join(dataDir, 'service.lock'), text);
    await (await startEmbedded({ dataDir, ...options })).stop();
  }
});

test('is not blocked by another program with the process id of a former server', async () => {
  makeDataDir(dataDir);
  const { uid, gid } = statSync(join(dataDir, 'postgres'));
  const other = spawn('cat', {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    ...(isRoot ? { uid, gid } : {}),
  });
  await once(other, 'spawn');
  const file = join(dataDir, 'postgres', 'postmaster.pid');
  writeFileSync(file, `${other.pid}\n${join(dataDir, 'postgres')}\n1\n5432\n\n127.0.0.1\n`);
  await (await startEmbedded({ dataDir, ...options })).stop();
  expect(other.exitCode ?? other.signalCode).toBeNull();
  other.stdin.end();
  await once(other, 'exit');
});

test('reports the end of the server with its last lines', async () => {
  makeDataDir(dataDir);
  const settings = { max_connections: 'many' };
  await expect(startEmbedded({ dataDir, ...options, settings })).rejects.toThrow(
    'invalid value for parameter',
  );
  const server = await startEmbedded({ dataDir, ...options });
  const pid = await query(server.connectionString, "SELECT pg_read_file('postmaster.pid') AS text");
  process.kill(Number.parseInt((pid as { text: string }[])[0]?.text ?? '', 10), 'SIGQUIT');
  await server.exited;
  await (await startEmbedded({ dataDir, ...options })).stop();
});

test('listens only on 127.0.0.1 with a password, and sorts text the same on every machine', async () => {
  makeDataDir(dataDir);
  const server = await startEmbedded({ dataDir, ...options });
  const sql = `SELECT current_setting('listen_addresses') AS address, current_setting('data_checksums') AS checksums,
    current_setting('unix_socket_directories') AS sockets, datlocprovider AS provider, datlocale AS locale
    FROM pg_database WHERE datname = 'postgres'`;
  expect(await query(server.connectionString, sql)).toEqual([
    { address: '127.0.0.1', checksums: 'on', sockets: '', provider: 'b', locale: 'C.UTF-8' },
  ]);
  expect(statSync(join(dataDir, 'postgres.password')).mode & 0o777).toBe(0o600);
  const url = new URL(server.connectionString);
  url.password = 'wrong';
  await expect(query(url.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  await server.stop();
});

test('does not change the owner of a directory with other files', async () => {
  writeFileSync(join(dataDir, 'letter.txt'), 'mine');
  chmodSync(dataDir, 0o755);
  const { uid } = statSync(dataDir);
  await (await startEmbedded({ dataDir, ...options })).stop();
  expect(statSync(dataDir).uid).toBe(uid);
  expect(statSync(join(dataDir, 'letter.txt')).uid).toBe(uid);
});

test.runIf(hasNamespaces)(
  'as root, works in a folder that only root can enter, and out of it again',
  async () => {
    const inner = join(dataDir, 'inner');
    const first = await startEmbedded({ dataDir: inner, ...options });
    await query(first.connectionString, 'CREATE TABLE t AS SELECT 42 AS answer');
    await first.stop();
    expect(statSync(join(inner, 'postgres')).uid).toBe(0);
    for (const mode of [0o755, 0o700]) {
      chmodSync(dataDir, mode);
      const server = await startEmbedded({ dataDir: inner, ...options });
      expect(await query(server.connectionString, 'SELECT answer FROM t')).toEqual([{ answer: 42 }]);
      await server.stop();
    }
  },
);

test.runIf(isRoot && !hasNamespaces)('as root, names the ways out where only root can enter', async () => {
  const start = startEmbedded({ dataDir: join(dataDir, 'inner'), ...options });
  await expect(start).rejects.toThrow(/DATA_DIR.*DATABASE_URL/);
});
