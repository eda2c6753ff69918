import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLease, type Lease } from '../../src/db/lease.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let pools: Pool[];

beforeAll(async () => {
  database = await createDatabase();
  pools = [0, 1].map(() => createPool(database.url, () => undefined));
});
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await database.drop();
});

/** Breaks the connection that holds the lock. */
async function breakHolder(): Promise<void> {
  const [, pool] = pools as [Pool, Pool];
  const { rows } = await pool.query(
    `SELECT pg_terminate_backend(pid, 10000) AS ended FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  expect(rows).toEqual([{ ended: true }]);
}

test('one of two instances has the lease, until it releases it or its connection breaks', async () => {
  const [one, two] = pools.map((pool) => createLease(pool, 'test')) as [Lease, Lease];
  expect(await Promise.all([one.acquire(), one.acquire(), one.acquire()])).toEqual([true, true, true]);
  expect(await two.acquire()).toBe(false);
  await breakHolder();
  await expect(one.acquire()).rejects.toThrow();
  expect(await two.acquire()).toBe(true);
  expect(await one.acquire()).toBe(false);
  await two.release();
  await expect.poll(() => one.acquire()).toBe(true);
  const other = createLease(pools[1] as Pool, 'other');
  expect(await other.acquire()).toBe(true);
  await other.release();
  await one.release();
});
