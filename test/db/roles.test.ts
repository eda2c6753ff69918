import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startService } from '../support/service.ts';

let database: TestDatabase;
let service: Pool;
let owner: Pool;

beforeAll(async () => {
  database = await createDatabase();
  const running = await startService(database.url);
  await running.ask('mutation { logEvent(input: { eventType: DATA_READ, idempotencyKey: "k" }) { status } }');
  await running.ask('{ checkpoint { note } }');
  await running.stop();
  owner = createPool(database.url, () => undefined);
  service = createPool(database.url, () => undefined, { role: 'audit_log_service' });
});
afterAll(async () => {
  await Promise.all([owner.end(), service.end()]);
  await database.drop();
});

const LOG_TABLES = ['audit_events', 'audit_segments.s00000000', 'log_head', 'idempotency_keys'];

test.each(LOG_TABLES)('the service may not change, remove or truncate %s', async (table) => {
  const column = table === 'log_head' ? 'size' : 'position';
  for (const statement of [
    `UPDATE ${table} SET ${column} = ${column}`,
    `DELETE FROM ${table}`,
    `TRUNCATE ${table}`,
    `INSERT INTO ${table} SELECT * FROM ${table}`,
    `DROP TABLE ${table}`,
    `ALTER TABLE ${table} DISABLE TRIGGER ALL`,
  ]) {
    await expect(service.query(statement)).rejects.toMatchObject({ code: '42501' });
  }
});

// A row of the log once more, at other positions.
function insertAt(...positions: number[]): string {
  return `INSERT INTO audit_segments.s00000000 SELECT (jsonb_populate_record(e, jsonb_build_object('position', p))).*
    FROM audit_events e, unnest(ARRAY[${positions}]) AS p WHERE e.position = 0`;
}

test.each([
  { how: 'without saying so', before: undefined, at: [0], code: '40001' },
  { how: 'from another size on', before: -1, at: [0], code: '40001' },
  { how: 'with a gap', before: 0, at: [1], code: '42501' },
  { how: 'and another behind it', before: 0, at: [0, 1], code: '42501' },
  { how: 'where a row is', before: 0, at: [-1], code: '23505' },
])('the service may not insert a row beside the head: $how', async ({ before, at, code }) => {
  const { rows } = await owner.query<{ size: number }>('SELECT size FROM log_head');
  const size = rows[0]?.size ?? 0;
  const client = await service.connect();
  try {
    await client.query('BEGIN');
    if (before !== undefined) {
      const next = `${size + before} ${size + before + 1} \\x00 \\x00`;
      await client.query("SELECT set_config('audit_log.next', $1, true)", [next]);
    }
    await expect(client.query(insertAt(...at.map((one) => size + one)))).rejects.toMatchObject({ code });
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});

test.each([
  'UPDATE audit_events SET action = action',
  'DELETE FROM audit_events',
  'TRUNCATE audit_events',
  'UPDATE checkpoints SET note = note',
  'DELETE FROM checkpoints',
  'TRUNCATE checkpoints',
  'UPDATE tree_tiles SET hashes = hashes',
  'DELETE FROM tree_tiles',
  'TRUNCATE tree_tiles',
])('the owner is stopped by a trigger: %s', async (statement) => {
  await expect(owner.query(statement)).rejects.toMatchObject({ code: '42501' });
});

test('the role is not lost to options that the URL has', async () => {
  const url = new URL(database.url);
  url.searchParams.set('options', '-c statement_timeout=4321');
  const pool = createPool(url.href, () => undefined, { role: 'audit_log_service' });
  const { rows } = await pool.query(
    "SELECT current_user AS role, current_setting('statement_timeout') AS timeout",
  );
  await pool.end();
  expect(rows).toEqual([{ role: 'audit_log_service', timeout: '4321ms' }]);
});

test('the service may not claim to be the purge', async () => {
  await expect(
    service
      .query("SELECT set_config('audit_log.purging', 'on', false)")
      .then(() => service.query('DELETE FROM audit_events')),
  ).rejects.toMatchObject({ code: '42501' });
});

test('a customer may read nothing but its own rows of the log and its evidence', async () => {
  const client = await owner.connect();
  try {
    await client.query('SET ROLE audit_log_customer');
    for (const table of ['api_keys', 'service_secrets', 'idempotency_keys', 'audit_segments.s00000000']) {
      await expect(client.query(`SELECT * FROM ${table}`)).rejects.toMatchObject({ code: '42501' });
    }
    expect((await client.query('SELECT id FROM audit_events')).rows).toEqual([]);
    expect((await client.query('SELECT note FROM checkpoints')).rows).toEqual([]);
  } finally {
    client.release(true);
  }
});
