import type { PoolClient } from 'pg';
import { afterAll, describe, expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { LOG_EVENTS } from '../support/operations/events.ts';
import type { TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { found, verifyTampered } from './tampering.ts';

// What is derived from the events and kept beside them, and what keeps all of it: a superuser changes it and verifies.
let database: TestDatabase;
let service: TestService;
let pool: Pool;
let client: PoolClient;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  service = await startService(database.url, { SEGMENT_BITS: '8', CHECKPOINT_INTERVAL_MS: '3600000' });
  pool = createPool(database.url, () => undefined);
  client = await pool.connect();
  await log(0, 300);
  await service.ask('{ checkpoint { treeSize } }');
  await service.ask('mutation { purgeEvents(olderThanDays: 0) { purged } }');
  await log(300, 420);
  await service.ask('{ checkpoint { treeSize } }');
  // Counted anew, every customer too, with the days of busy months; what comes then stays uncounted in part.
  await client.query('BEGIN');
  await client.query("SELECT FROM summary_scopes WHERE scope = 'log' FOR UPDATE");
  await client.query('DELETE FROM summary_counts');
  await client.query('UPDATE summary_scopes SET counted = 0');
  await client.query('SELECT count_events(20000, 256, 10)');
  await client.query('COMMIT');
  await log(420, 450);
});
afterAll(() => {
  client.release();
});

async function log(start: number, end: number): Promise<void> {
  const input = Array.from({ length: end - start }, (_, n) => ({
    eventType: n % 2 === 0 ? ('DATA_READ' as const) : ('AUTH_LOGIN' as const),
    outcome: n % 5 === 0 ? ('FAILURE' as const) : ('SUCCESS' as const),
    customerId: n % 3 === 0 ? null : n % 3 === 1 ? 'acme' : 'globex',
    description: 'é',
    details: { n: start + n, deep: [1, { a: null }] },
    timestamp: n % 2 === 0 ? null : new Date(Date.now() - n * 86_400_000).toISOString(),
    idempotencyKey: n % 4 === 0 ? `key ${start + n}` : null,
  }));
  expect((await service.ask(LOG_EVENTS, { input })).errors).toBeUndefined();
}

test('as it is, it holds', async () => {
  expect(found(await verifyTampered(client, 'SELECT 1')).kinds).toEqual([]);
});

const ONE_COUNT = "scope = 'log' AND level = 'month' AND by_type";
const A_KEYED = '(SELECT min(position) FROM idempotency_keys WHERE position > 310)';
const AN_UNKEYED =
  '(SELECT min(position) FROM audit_events WHERE position > 310 AND position NOT IN (SELECT position FROM idempotency_keys))';

describe('counts behind summaries', () => {
  test.each([
    `UPDATE summary_counts SET total = total + 1 WHERE ${ONE_COUNT}`,
    `UPDATE summary_counts SET outcome_denied = outcome_denied + 1 WHERE ${ONE_COUNT}`,
    "UPDATE summary_counts SET severity_info = 0 WHERE scope = 'customer/acme' AND level = 'month'",
    `UPDATE summary_counts SET bucket = bucket - interval '100 years' WHERE ${ONE_COUNT}`,
    `UPDATE summary_counts SET event_type = 'x.y' WHERE ${ONE_COUNT} AND event_type = 'data.read'`,
    "DELETE FROM summary_counts WHERE scope = 'customer/globex' AND level = 'day'",
    "DELETE FROM summary_counts WHERE scope = 'log' AND NOT by_type",
    "INSERT INTO summary_counts SELECT 'customer/nobody', level, by_type, bucket, event_type, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0 FROM summary_counts LIMIT 1",
    "UPDATE summary_scopes SET counted = counted - 1 WHERE scope = 'log'",
    "UPDATE summary_scopes SET counted = counted + 10 WHERE scope = 'log'",
    "UPDATE summary_scopes SET counted = 1000000 WHERE scope = 'customer/acme'",
    "UPDATE summary_scopes SET earliest = latest WHERE scope = 'log'",
    "UPDATE summary_scopes SET daily_months = '{}' WHERE scope = 'customer/acme'",
    "DELETE FROM summary_scopes WHERE scope = 'customer/acme'",
    "DELETE FROM summary_scopes WHERE scope = 'log'",
  ])('%s', async (sql) => {
    expect(found(await verifyTampered(client, sql)).kinds).toEqual(['summary']);
  });
});

describe('idempotency keys', () => {
  test.each([
    `DELETE FROM idempotency_keys WHERE position = ${A_KEYED}`,
    `UPDATE idempotency_keys SET content_hash = sha256(content_hash) WHERE position = ${A_KEYED}`,
    `UPDATE idempotency_keys SET content_hash = '' WHERE position = ${A_KEYED}`,
    `UPDATE idempotency_keys SET key = key || 'x' WHERE position = ${A_KEYED}`,
    `UPDATE idempotency_keys SET scope = scope || 'x' WHERE position = ${A_KEYED}`,
    `UPDATE idempotency_keys SET position = ${AN_UNKEYED} WHERE position = ${A_KEYED}`,
    `INSERT INTO idempotency_keys SELECT coalesce(customer_id, ''), 'planted', sha256('x'), position FROM audit_events WHERE position = ${AN_UNKEYED}`,
    'UPDATE idempotency_bounds SET ended_before = 1000000',
    'DELETE FROM idempotency_bounds',
  ])('%s', async (sql) => {
    expect(found(await verifyTampered(client, sql)).kinds).toEqual(['idempotency key']);
  });

  test('two events exchange their keys', async () => {
    const exchange = `UPDATE idempotency_keys AS one SET content_hash = other.content_hash, position = other.position
      FROM idempotency_keys AS other WHERE one.position IN (a, b) AND other.position = a + b - one.position`;
    const sql = `DO $$ DECLARE a bigint := ${A_KEYED}; b bigint;
      BEGIN
        SELECT min(position) INTO b FROM idempotency_keys WHERE position > a
          AND scope = (SELECT scope FROM idempotency_keys WHERE position = a);
        ${exchange};
      END $$`;
    expect(found(await verifyTampered(client, sql)).kinds).toEqual(['idempotency key']);
  });

  test('keys that a policy ended are not missed', async () => {
    const sql = `UPDATE idempotency_bounds SET ended_before = 400; DELETE FROM idempotency_keys WHERE position < 400`;
    expect(found(await verifyTampered(client, sql)).kinds).toEqual([]);
    const more = `${sql}; DELETE FROM idempotency_keys WHERE position = (SELECT min(position) FROM idempotency_keys)`;
    expect(found(await verifyTampered(client, more)).kinds).toEqual(['idempotency key']);
  });

  test('a wrong event is named itself, and not its key or its count as well', async () => {
    const sql = `UPDATE audit_events SET event_type = 'x.y' WHERE position = ${A_KEYED}`;
    expect(found(await verifyTampered(client, sql)).kinds).toEqual(['changed']);
  });
});

describe('functions, triggers, policies, privileges', () => {
  test.each([
    'GRANT UPDATE ON summary_counts TO audit_log_service',
    'GRANT UPDATE (size) ON log_head TO audit_log_service',
    'GRANT SELECT ON api_keys TO PUBLIC',
    'GRANT SELECT ON audit_events TO audit_log_service WITH GRANT OPTION',
    'REVOKE SELECT ON log_head FROM audit_log_service',
    'GRANT DELETE ON audit_segments.s00000001 TO audit_log_service',
    'GRANT SELECT (details) ON audit_segments.s00000001 TO audit_log_customer',
    'GRANT CREATE ON SCHEMA audit_segments TO audit_log_service',
    'GRANT EXECUTE ON FUNCTION open_segment(regclass) TO audit_log_service',
    'GRANT EXECUTE ON FUNCTION count_events(integer, integer, bigint) TO PUBLIC',
    'ALTER DEFAULT PRIVILEGES GRANT UPDATE ON TABLES TO audit_log_service',
    'ALTER TABLE audit_events DISABLE TRIGGER audit_events_append_only',
    'ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_append_only',
    'ALTER TABLE audit_segments.s00000001 DISABLE TRIGGER move_head',
    'DROP TRIGGER move_head ON audit_segments.s00000001',
    'DROP TRIGGER checkpoints_append_only ON checkpoints',
    'CREATE TRIGGER planted BEFORE INSERT ON api_keys FOR EACH ROW EXECUTE FUNCTION refuse_change()',
    'CREATE TRIGGER planted BEFORE INSERT ON audit_segments.s00000001 FOR EACH ROW EXECUTE FUNCTION refuse_change()',
    'CREATE RULE planted AS ON INSERT TO api_keys DO INSTEAD NOTHING',
    'DROP POLICY customer ON audit_events',
    'CREATE POLICY planted ON audit_events FOR SELECT TO audit_log_customer USING (true)',
    'ALTER POLICY customer ON trees USING (true)',
    'ALTER TABLE audit_events DISABLE ROW LEVEL SECURITY',
    'ALTER FUNCTION move_head() RESET search_path',
    'ALTER FUNCTION move_head() SECURITY INVOKER',
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN OLD; END'",
    "CREATE FUNCTION move_head(text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
    "CREATE FUNCTION planted() RETURNS void LANGUAGE sql SECURITY DEFINER AS ''",
    'DROP FUNCTION merge_search(bigint, bigint)',
    'ALTER ROLE audit_log_customer BYPASSRLS',
    'ALTER TABLE summary_counts OWNER TO audit_log_customer',
    'GRANT pg_write_all_data TO audit_log_service',
  ])('%s', async (sql) => {
    expect(found(await verifyTampered(client, sql)).kinds).toEqual(['catalog']);
  });

  test('what others have in the same schema does not count', async () => {
    const sql = `CREATE TABLE theirs (n integer); GRANT ALL ON theirs TO PUBLIC;
      CREATE FUNCTION theirs() RETURNS void LANGUAGE sql AS '';
      CREATE FUNCTION their_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER theirs BEFORE INSERT ON theirs FOR EACH ROW EXECUTE FUNCTION their_trigger()`;
    expect(found(await verifyTampered(client, sql)).kinds).toEqual([]);
  });
});

describe('what PostgreSQL would take instead of its own', () => {
  const hiding =
    "CREATE FUNCTION public.array_to_json(text[]) RETURNS json LANGUAGE sql IMMUTABLE AS $$SELECT pg_catalog.array_to_json(pg_catalog.array_remove($1, 'evil'))$$";
  test.each([
    ['a function', hiding, 'array_to_json(text[])'],
    [
      'a function for the catalog',
      "CREATE FUNCTION public.format(text, text, text, text) RETURNS text LANGUAGE sql AS $$SELECT 'GRANT'$$",
      'format(text,text,text,text)',
    ],
    [
      'a function of a domain',
      "CREATE DOMAIN words AS text[]; CREATE FUNCTION public.array_dims(words) RETURNS text LANGUAGE sql AS $$SELECT ''$$",
      'array_dims(words)',
    ],
    [
      'an operator',
      "CREATE FUNCTION public.has(text[], text[]) RETURNS boolean LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR public.@> (LEFTARG = text[], RIGHTARG = text[], FUNCTION = public.has)",
      '@>(text[],text[])',
    ],
  ])('%s', async (_what, sql, name) => {
    const { findings } = await verifyTampered(client, sql);
    expect(findings).toMatchObject([{ kind: 'catalog', message: `instead of one of PostgreSQL: ${name}` }]);
  });

  test('hides no words', async () => {
    const words =
      "UPDATE audit_events SET search_words = array_append(search_words, 'evil') WHERE position = 310";
    expect(found(await verifyTampered(client, `${hiding}; ${words}`)).kinds).toEqual(['changed', 'catalog']);
  });

  test('what no statement can take for one of PostgreSQL, and what extensions have, is not meant', async () => {
    const sql = `CREATE TYPE public.shape AS (x int); CREATE FUNCTION public.length(shape) RETURNS int LANGUAGE sql AS 'SELECT 1';
      CREATE FUNCTION public.round(double precision, int) RETURNS double precision LANGUAGE sql AS 'SELECT $1';
      CREATE FUNCTION public.format(text, int) RETURNS text LANGUAGE sql AS 'SELECT $1';
      ALTER EXTENSION plpgsql ADD FUNCTION public.format(text, int);
      CREATE FUNCTION public.gen_random_uuid() RETURNS uuid LANGUAGE sql AS 'SELECT pg_catalog.gen_random_uuid()'`;
    expect(found(await verifyTampered(client, sql)).kinds).toEqual([]);
  });
});
