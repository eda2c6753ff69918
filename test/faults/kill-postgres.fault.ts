import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { checkLog } from '../support/check-log.ts';
import { dataDirOf } from '../support/database.ts';
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.ts';
import { startService, type TestService } from '../support/service.ts';
import { upTo } from '../support/write.ts';
import { runsOf } from './runs.ts';
import { expectWritten, startWriters, type Writers } from './writers.ts';

const FULL_KILLS = 20;
const WRITERS = 6;
const MOST_BATCHES = 30;
const BEFORE_START_MS = [0, 0, 3_000];

let postgres: OwnPostgres;
let service: TestService;
let dataDir: string;

beforeAll(async () => {
  postgres = await startOwnPostgres();
  dataDir = dataDirOf(postgres.url);
  await rm(dataDir, { recursive: true, force: true });
  service = await startService(postgres.url, { RATE_LIMIT: '0', SEGMENT_BITS: '12' });
});
afterAll(async () => {
  await service.stop();
  await checkLog(postgres.url, dataDir);
  await postgres.remove();
  await rm(dataDir, { recursive: true, force: true });
});

async function someBatches(writers: Writers): Promise<void> {
  const batches = 1 + Math.floor(Math.random() * MOST_BATCHES);
  for (const _ of upTo(batches)) await writers.nextAnswer();
}

async function report(what: string, kills: number, writers: Writers): Promise<void> {
  await writers.stop();
  await expectWritten(postgres.url, writers);
  expect(
    [...writers.refusals.keys()].filter((code) => !['UNAVAILABLE', 'OVERLOADED'].includes(code)),
  ).toEqual([]);
  console.info(
    `${kills} kills of ${what}, ${writers.acknowledged.size} acknowledged events, refusals`,
    Object.fromEntries(writers.refusals),
  );
}

test('PostgreSQL is killed with -9 under load: the service comes back by itself, nothing is lost or doubled', async () => {
  const kills = runsOf(FULL_KILLS);
  const writers = startWriters(WRITERS, () => [service.url], 'postmaster');
  for (const kill of upTo(kills)) {
    await someBatches(writers);
    await postgres.kill();
    const downMs = BEFORE_START_MS[kill % BEFORE_START_MS.length] ?? 0;
    await new Promise((resolve) => setTimeout(resolve, downMs));
    await postgres.start();
    await writers.nextAnswer();
  }
  await report('PostgreSQL', kills, writers);
});

/** A backend of the service, one that works if there is one; the server may still recover from the kill before. */
async function pidOfBackend(): Promise<number> {
  const pool = createPool(postgres.url, () => undefined, { max: 1 });
  const ask = () =>
    pool.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'graphql-audit-log' AND pid <> pg_backend_pid()
       ORDER BY state = 'idle', random() LIMIT 1`,
    );
  try {
    return await vi.waitFor(
      async () => (await ask()).rows[0]?.pid ?? Promise.reject(new Error('none')),
      30_000,
    );
  } finally {
    await pool.end();
  }
}

test('backends are killed with -9 under load, upon which PostgreSQL ends all others', async () => {
  const kills = runsOf(FULL_KILLS);
  const writers = startWriters(WRITERS, () => [service.url], 'backend');
  for (const _ of upTo(kills)) {
    await someBatches(writers);
    process.kill(await pidOfBackend(), 'SIGKILL');
    await writers.nextAnswer();
  }
  await report('backends', kills, writers);
});
