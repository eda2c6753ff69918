import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import type { Pool } from '../../src/db/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { test } from '../support/test.ts';

const FIRST = new URL('../../prisma/migrations/0001_log/migration.sql', import.meta.url);
let database: TestDatabase;
let pool: Pool;

test.beforeAll(async ({ createDatabase, createPool }) => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined);
});

async function bookkeeping(): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query(
    `SELECT migration_name, checksum, rolled_back_at, logs, applied_steps_count, finished_at IS NOT NULL AS finished
     FROM _prisma_migrations ORDER BY started_at`,
  );
  return rows;
}

test('books what it applied as `prisma migrate` does, in the order of the names', async () => {
  const rows = await bookkeeping();
  expect(rows[0]).toEqual({
    migration_name: '0001_log',
    checksum: createHash('sha256').update(readFileSync(FIRST)).digest('hex'),
    rolled_back_at: null,
    logs: null,
    applied_steps_count: 1,
    finished: true,
  });
  const names = rows.map(({ migration_name }) => String(migration_name));
  expect(names).toEqual([...names].sort((a, b) => a.localeCompare(b)));
});

test('applies nothing twice, also when instances start at the same time', async () => {
  const before = await bookkeeping();
  await Promise.all([migrate(pool), migrate(pool), migrate(pool)]);
  expect(await bookkeeping()).toEqual(before);
});

test('refuses a migration that was changed, and a database of a newer version', async () => {
  const set = (column: string, value: string) =>
    pool.query(`UPDATE _prisma_migrations SET ${column} = $1 WHERE migration_name LIKE '0001%'`, [value]);
  const [first] = await bookkeeping();
  await set('checksum', '0'.repeat(64));
  await expect(migrate(pool)).rejects.toThrow('0001_log was changed after it was applied');
  await set('checksum', String(first?.checksum));
  await pool.query(
    "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'x', '9999_next', now())",
  );
  await expect(migrate(pool)).rejects.toThrow('newer version (9999_next)');
});
