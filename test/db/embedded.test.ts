import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startEmbedded } from '../../src/db/embedded/server.ts';

const options = { log: () => undefined };
let dataDir: string;

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
  const module = new URL('../../src/db/embedded/server.ts', import.meta.url).href;
  const code = `import { startEmbedded } from ${JSON.stringify(module)};
    const server = await startEmbedded({ dataDir: ${JSON.stringify(dataDir)}, log: () => undefined });
    console.log(server.connectionString);
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
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

test('takes over what a killed process left behind, and loses nothing that was committed', async () => {
  const { child, url } = await startInChild();
  await query(url, 'CREATE TABLE t AS SELECT 42 AS answer');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const server = await startEmbedded({ dataDir, ...options });
  expect(await query(server.connectionString, 'SELECT answer FROM t')).toEqual([{ answer: 42 }]);
  await server.stop();
});

test('refuses a directory that a live service uses, and names its process', async () => {
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
  const server = await startEmbedded({ dataDir, ...options });
  await server.stop();
  writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '99\n');
  await expect(startEmbedded({ dataDir, ...options })).rejects.toThrow('is of PostgreSQL 99');
});

test('clears away a set-up that was cut off', async () => {
  mkdirSync(join(dataDir, 'postgres.new-dead', 'base'), { recursive: true });
  const server = await startEmbedded({ dataDir, ...options });
  expect(readdirSync(dataDir)).not.toContain('postgres.new-dead');
  await server.stop();
});
