import { expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import { type Verification, verifyDatabase } from '../../src/verify/database.ts';
import { LOG_EVENTS } from '../support/operations/events.ts';
import { IS_FULL } from '../support/runs.ts';
import { test } from '../support/test.ts';

// Whoever changes the tables themselves, as only their owner can, must not get away with an error of the verification.

interface Column {
  table: string;
  column: string;
  type: string;
}

let pool: Pool;
let columns: Column[];

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  const database = await createDatabase();
  const service = await startService(database.url, { CHECKPOINT_INTERVAL_MS: '3600000' });
  const input = Array.from({ length: 300 }, (_, n) => ({
    eventType: 'DATA_READ' as const,
    customerId: n % 2 === 0 ? 'acme' : null,
    idempotencyKey: n % 3 === 0 ? `key ${n}` : null,
  }));
  expect((await service.ask(LOG_EVENTS, { input })).errors).toBeUndefined();
  for (const of of ['', '(customerId: "acme")'])
    expect((await service.ask(`{ checkpoint${of} { treeSize } }`)).errors).toBeUndefined();
  await service.stop();
  pool = createPool(database.url, () => undefined);
  const { rows } = await pool.query<Column>(
    `SELECT relname AS table, attname AS column, format_type(atttypid, atttypmod) AS type
     FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
       AND relname <> '_prisma_migrations' ORDER BY 1, 2`,
  );
  columns = rows;
});

test('as it is, it holds', async () => {
  expect(columns.length).toBeGreaterThan(90);
  expect((await verifyDatabase(pool)).findings).toEqual([]);
});

test('a column that is missing is a finding', () =>
  eachColumn(0, async ({ table, column }) => {
    const found = await verifyWith(
      `ALTER TABLE ${table} RENAME "${column}" TO was`,
      `ALTER TABLE ${table} RENAME was TO "${column}"`,
    );
    expectChanged(found, table);
  }));

test('a column that has lost its values is a finding', () =>
  eachColumn(1, async ({ table, column, type }) => {
    const found = await verifyWith(
      `ALTER TABLE ${table} RENAME "${column}" TO was; ALTER TABLE ${table} ADD "${column}" ${type}`,
      `ALTER TABLE ${table} DROP "${column}"; ALTER TABLE ${table} RENAME was TO "${column}"`,
    );
    expectChanged(found, table);
  }));

test('a column of another type is a finding', () =>
  eachColumn(2, async ({ table, column, type }) => {
    const other = type === 'text' ? "bigint DEFAULT '9223372036854775807'" : "text DEFAULT 'x'";
    const found = await verifyWith(
      `ALTER TABLE ${table} RENAME "${column}" TO was; ALTER TABLE ${table} ADD "${column}" ${other}`,
      `ALTER TABLE ${table} DROP "${column}"; ALTER TABLE ${table} RENAME was TO "${column}"`,
    );
    expectChanged(found, table);
  }));

test('a table that is missing is a finding', async () => {
  for (const table of new Set(columns.map((column) => column.table)))
    expectChanged(
      await verifyWith(`ALTER TABLE ${table} RENAME TO was`, `ALTER TABLE was RENAME TO ${table}`),
      table,
    );
});

test('a constraint that was removed is a finding', async () => {
  const found = await verifyWith(
    'ALTER TABLE log_head DROP CONSTRAINT log_head_pkey',
    'ALTER TABLE log_head ADD CONSTRAINT log_head_pkey PRIMARY KEY (singleton)',
  );
  expectChanged(found, 'log_head');
});

test('a function that stops the verification is a finding', async () => {
  const { findings } = await verifyWith(
    "CREATE DOMAIN texts AS text[]; CREATE FUNCTION unnest(texts) RETURNS SETOF text LANGUAGE sql AS 'SELECT NULL'",
    'DROP DOMAIN texts CASCADE',
  );
  expect(findings.map(({ kind }) => kind)).toEqual(['catalog', 'incomplete']);
});

test('a database that is not of this version is no finding', async () => {
  const { rowCount } = await pool.query("DELETE FROM _prisma_migrations WHERE migration_name LIKE '0061%'");
  expect(rowCount).toBe(1);
  await pool.query('ALTER TABLE log_head RENAME frontier TO was');
  await expect(verifyDatabase(pool)).rejects.toThrow('frontier');
  await pool.query('ALTER TABLE log_head RENAME was TO frontier');
});

/** Checks all columns, or in `npm test` a sixth. */
async function eachColumn(place: 0 | 1 | 2, check: (column: Column) => Promise<void>): Promise<void> {
  for (const [at, column] of columns.entries()) if (IS_FULL || at % 6 === place) await check(column);
}

async function verifyWith(change: string, undo: string): Promise<Verification> {
  await pool.query(change);
  try {
    return await verifyDatabase(pool);
  } finally {
    await pool.query(undo);
  }
}

function expectChanged({ findings }: Verification, table: string): void {
  const message = findings.find(({ kind }) => kind === 'catalog')?.message;
  expect(message).toMatch(new RegExp(`^missing or changed: .*\\b${table}\\b`));
}
