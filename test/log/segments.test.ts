import { expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import { createHead } from '../../src/log/head.ts';
import type { TestDatabase } from '../support/database.ts';
import { test } from '../support/test.ts';

let database: TestDatabase;
let owner: Pool;

test.beforeAll(async ({ createDatabase, createPool }) => {
  database = await createDatabase();
  owner = createPool(database.url, () => undefined);
  await createHead(owner, 20);
});

test('whoever waits for another that makes the same segment finds it made', async () => {
  const [one, two] = await Promise.all([owner.connect(), owner.connect()]);
  try {
    const { rows } = await two.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await one.query('BEGIN');
    await one.query('SELECT ensure_segment(1, 20::smallint)');
    const waiting = two.query('SELECT ensure_segment(1, 20::smallint)');
    await untilLocked(rows[0]?.pid as number);
    await one.query('COMMIT');
    await waiting;
  } finally {
    one.release();
    two.release();
  }
  const { rowCount } = await owner.query("SELECT FROM pg_class WHERE relname = 's00000001'");
  expect(rowCount).toBe(1);
});

async function untilLocked(pid: number): Promise<void> {
  const isWaiting = 'SELECT FROM pg_locks WHERE pid = $1 AND NOT granted';
  while ((await owner.query(isWaiting, [pid])).rowCount === 0);
}
