import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { createTurn, type Turn } from '../../src/db/turn.ts';
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

test('one of two has the turn, until it ends or its connection breaks', async () => {
  const [one, two] = pools.map((pool) => createTurn(pool, 'test')) as [Turn, Turn];
  expect(await Promise.all([one.isMine(), one.isMine(), one.isMine()])).toEqual([true, true, true]);
  expect(await two.isMine()).toBe(false);
  await breakHolder();
  await expect(one.isMine()).rejects.toThrow();
  expect(await two.isMine()).toBe(true);
  expect(await one.isMine()).toBe(false);
  await two.end();
  await expect.poll(() => one.isMine()).toBe(true);
  const other = createTurn(pools[1] as Pool, 'other');
  expect(await other.isMine()).toBe(true);
  await other.end();
  await one.end();
});
