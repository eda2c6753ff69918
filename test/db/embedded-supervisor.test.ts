import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isAlive, startTimeOf } from '../../src/db/embedded/processes.ts';
import { type SupervisedServer, superviseEmbedded } from '../../src/db/embedded/supervisor.ts';
import { makeDataDir } from '../support/cluster.ts';
import { keepLog } from '../support/log-lines.ts';

let dataDir: string;
let server: SupervisedServer | undefined;
let { log, lines } = keepLog();

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'audit-log-kept-'));
  ({ log, lines } = keepLog());
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  rmSync(dataDir, { recursive: true, force: true });
});

async function start({ isFirst = false } = {}): Promise<SupervisedServer> {
  if (!isFirst && !existsSync(join(dataDir, 'postgres'))) makeDataDir(dataDir);
  server = await superviseEmbedded({ dataDir, log });
  return server;
}

/** The rows of a query; undefined while the server does not answer. */
async function query(sql: string): Promise<unknown[] | undefined> {
  const client = new pg.Client({ connectionString: server?.connectionString });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query(sql)).rows;
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function serverPid(): number | undefined {
  const file = join(dataDir, 'postgres', 'postmaster.pid');
  return existsSync(file) ? Number(/^(\d+)\n/.exec(readFileSync(file, 'utf8'))?.[1]) || undefined : undefined;
}

/** Kills the server with -9 as soon as there is another than `known`; returns its number. */
async function killServer(known?: number): Promise<number> {
  let pid: number | undefined;
  await vi.waitFor(
    () => {
      pid = serverPid();
      expect(pid !== undefined && pid !== known && isAlive(pid)).toBe(true);
    },
    { timeout: 30_000, interval: 1 },
  );
  process.kill(pid as number, 'SIGKILL');
  return pid as number;
}

async function logged(text: string, count = 1): Promise<void> {
  await vi.waitFor(() => expect(lines.filter(({ msg }) => msg?.includes(text)).length).toBe(count), {
    timeout: 30_000,
    interval: 5,
  });
}

test('a killed server is restarted on its port with all committed data', async () => {
  await start();
  await query('CREATE TABLE t AS SELECT 42 AS answer');
  await killServer();
  await logged('answers again');
  expect(await query('SELECT answer FROM t')).toEqual([{ answer: 42 }]);
  expect(lines.find(({ msg }) => msg?.includes('ended by itself'))).toMatchObject({
    level: 50,
    lastLines: expect.stringContaining('ended by SIGKILL'),
  });
});

test('a backend that computes when its server is killed does not hold up the next one', async () => {
  await start();
  // Without an interruption: the backend does not look whether its server is there.
  const computing = query('SELECT count(md5(repeat(n::text, 20))) FROM generate_series(1, 1e8::bigint) AS n');
  await vi.waitFor(
    async () =>
      expect(await query("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT count(md5%'")).toHaveLength(
        1,
      ),
    { timeout: 30_000 },
  );
  await killServer();
  await logged('answers again');
  expect(await query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  expect(await computing).toBeUndefined();
});

test('killed several times, also during a start, it comes back', async () => {
  await start();
  await query('CREATE TABLE t AS SELECT 42 AS answer');
  let pid: number | undefined;
  for (let kill = 0; kill < 4; kill += 1) pid = await killServer(pid);
  await vi.waitFor(async () => expect(await query('SELECT answer FROM t')).toEqual([{ answer: 42 }]), {
    timeout: 60_000,
  });
}, 120_000);

test('killed during its first start, it is restarted', async () => {
  const starting = start({ isFirst: true });
  await killServer();
  await starting;
  expect(await query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('stopped during a restart, it leaves no process and no lock', async () => {
  for (const whenToStop of ['at once', 'while it recovers']) {
    const { stop } = await start();
    const killed = await killServer();
    await logged('ended by itself');
    if (whenToStop === 'while it recovers')
      await vi.waitFor(() => expect(serverPid() ?? killed).not.toBe(killed), {
        timeout: 30_000,
        interval: 1,
      });
    const pid = serverPid();
    await stop();
    expect(pid !== undefined && isAlive(pid)).toBe(false);
    expect(existsSync(join(dataDir, 'service.lock'))).toBe(false);
    ({ log, lines } = keepLog());
  }
  await start();
  expect(await query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a missing data directory is not made anew, and is used again when it is back', async () => {
  await start();
  await query('CREATE TABLE t AS SELECT 42 AS answer');
  const pid = serverPid() as number;
  const elsewhere = `${dataDir}-elsewhere`;
  renameSync(dataDir, elsewhere);
  process.kill(pid, 'SIGKILL');
  await vi.waitFor(
    () => expect(lines.filter(({ cause }) => `${cause}`.includes('is gone')).length).toBeGreaterThan(1),
    {
      timeout: 30_000,
    },
  );
  expect(existsSync(dataDir)).toBe(false);
  renameSync(elsewhere, dataDir);
  await logged('answers again');
  expect(await query('SELECT answer FROM t')).toEqual([{ answer: 42 }]);
});

test('a data directory that another service has locked meanwhile is left to it', async () => {
  const { lost, stop } = await start();
  const pid = serverPid() as number;
  // The process of the tests' runner stands for the other service.
  const text = JSON.stringify({ pid: process.ppid, startTime: startTimeOf(process.ppid) });
  writeFileSync(join(dataDir, 'service.lock'), text);
  process.kill(pid, 'SIGKILL');
  await expect(lost).rejects.toThrow(`process ${process.ppid}`);
  await stop();
  expect(readFileSync(join(dataDir, 'service.lock'), 'utf8')).toBe(text);
  expect(lines.find(({ level }) => level === 60)?.msg).toContain('cannot be started again');
});
