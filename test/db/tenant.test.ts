import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { tenantReader } from '../../src/db/tenant.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined, { max: 1, role: 'audit_log_service' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const WHO = `SELECT current_user AS role, current_setting('audit_log.customer_id', true) AS customer,
  current_setting('transaction_read_only') AS read_only`;

test.each([
  'acme',
  "'); RESET ROLE; SELECT ('",
  "\\'; ROLLBACK; --",
  '$1',
  'é 𝄞 \u202e',
  '',
  'x'.repeat(256),
])('the customer "%s" is who reads, and nobody afterwards on the same connection', async (customer) => {
  const { rows } = await tenantReader(pool, customer).query(WHO, []);
  expect(rows).toEqual([{ role: 'audit_log_customer', customer, read_only: 'on' }]);
  const after = await pool.query(WHO);
  expect(after.rows).toEqual([{ role: 'audit_log_service', customer: '', read_only: 'off' }]);
});

test('a statement that fails, or that tries to get out, leaves nothing behind', async () => {
  const reader = tenantReader(pool, 'acme');
  await expect(reader.query('SELECT 1 / 0', [])).rejects.toThrow('division by zero');
  await expect(reader.query("INSERT INTO rate_buckets VALUES ('a', 1, now())", [])).rejects.toThrow();
  await expect(reader.query('SELECT $1::text; COMMIT', ['two statements'])).rejects.toThrow();
  expect((await pool.query(WHO)).rows).toMatchObject([{ role: 'audit_log_service', customer: '' }]);
  expect((await reader.query(WHO, [])).rows).toMatchObject([
    { role: 'audit_log_customer', customer: 'acme' },
  ]);
});
