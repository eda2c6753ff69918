import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { Pool } from '../../../src/db/pool.ts';
import { canonicalDraft, canonicalObjects } from '../../../src/events/canonical.ts';
import type { EventDraft } from '../../../src/events/fields.ts';
import { expireKeys } from '../../../src/log/append/idempotency.ts';
import { verifyDatabase } from '../../../src/verify/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { graphql } from '../../support/operations/generated/gql.ts';
import type { TestService } from '../../support/service.ts';
import { test } from '../../support/test.ts';

let database: TestDatabase;
let service: TestService;
let owner: Pool;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  service = await startService(database.url, { SEGMENT_BITS: '8' });
  owner = createPool(database.url, () => undefined);
});

const LOG_KEYED = graphql(`
  mutation LogOneKeyed($key: String, $action: String!) {
    logEvent(input: { eventType: DATA_READ, action: $action, description: "d", idempotencyKey: $key }) {
      status
      event { position }
    }
  }
`);

async function log(
  key: string | null,
  action = 'a',
): Promise<{ status: string; position: number | undefined } | string> {
  const { data, errors } = await service.ask(LOG_KEYED, { key, action });
  if (errors) return String(errors[0]?.extensions.code);
  return { status: data?.logEvent.status ?? '', position: data?.logEvent.event?.position };
}

/** What the log hashed of an event before there were salts in it. */
function contentHash(key: string, action: string): Buffer {
  const draft = {
    eventType: 'data.read',
    outcome: 'success',
    severity: 'info',
    action,
    description: 'd',
    details: {},
    idempotencyKey: key,
  } as EventDraft;
  return createHash('sha256')
    .update(canonicalDraft(draft, canonicalObjects(draft)))
    .digest();
}

async function storedHash(key: string): Promise<Buffer | undefined> {
  const { rows } = await owner.query<{ content_hash: Buffer }>(
    'SELECT content_hash FROM idempotency_keys WHERE key = $1',
    [key],
  );
  return rows[0]?.content_hash;
}

test('what is stored beside a key is bound to the salt of its event', async () => {
  expect(await log('bound')).toMatchObject({ status: 'RECORDED' });
  const { rows } = await owner.query<{ salt: Buffer }>(
    "SELECT salt FROM audit_events JOIN idempotency_keys USING (position) WHERE key = 'bound'",
  );
  const guess = contentHash('bound', 'a');
  const salted = createHash('sha256')
    .update(rows[0]?.salt ?? '')
    .update(guess)
    .digest();
  expect(await storedHash('bound')).toEqual(salted);
  expect(await storedHash('bound')).not.toEqual(guess);
});

test('the salt says whether an event came with a key, and nothing else of it is the same', async () => {
  for (const key of ['s0', null, 's1', null]) await log(key);
  const { rows } = await owner.query<{ has_key: boolean; is_marked: boolean; salt: string }>(
    `SELECT EXISTS (SELECT FROM idempotency_keys AS known WHERE known.position = event.position) AS has_key,
       get_byte(salt, 15) % 2 = 1 AS is_marked, salt::text FROM audit_events AS event`,
  );
  expect(rows.map(({ is_marked }) => is_marked)).toEqual(rows.map(({ has_key }) => has_key));
  expect(new Set(rows.map(({ salt }) => salt)).size).toBe(rows.length);
});

test('the same content is a duplicate, another one a conflict; after a purge nothing tells them apart', async () => {
  const first = await log('purged');
  expect(first).toMatchObject({ status: 'RECORDED' });
  const position = typeof first === 'string' ? undefined : first.position;
  expect(await log('purged')).toEqual({ status: 'DUPLICATE', position });
  expect(await log('purged', 'guess')).toBe('CONFLICT');
  await service.ask('{ checkpoint { treeSize } }');
  const before = await storedHash('purged');
  await service.ask('mutation { purgeEvents(olderThanDays: 0) { purged } }');
  expect((await owner.query('SELECT FROM audit_events WHERE position = $1', [position])).rowCount).toBe(0);
  // Neither by asking, nor by what is stored: there is no salt any more to compute it with.
  expect(await log('purged')).toEqual({ status: 'DUPLICATE', position: undefined });
  expect(await log('purged', 'guess')).toEqual({ status: 'DUPLICATE', position: undefined });
  expect(await storedHash('purged')).toEqual(before);
  expect(before).not.toEqual(contentHash('purged', 'a'));
});

test('keys end after the stated time, by the clock of the database, and the others stay', async () => {
  await log('old');
  await service.ask('{ checkpoint { treeSize } }');
  const { rows } = await owner.query<{ size: number }>('SELECT size FROM log_head');
  await log('young');
  await service.ask('{ checkpoint { treeSize } }');
  expect(await expireKeys(owner, 30)).toBe(0);
  // Signed 40 days ago by the clock of the database, whatever the events say.
  const client = await owner.connect();
  await client.query("SET session_replication_role = 'replica'");
  await client.query(
    "UPDATE checkpoints SET signed_at = now() - interval '40 days' WHERE tree = 'log' AND tree_size <= $1",
    [rows[0]?.size],
  );
  client.release(true);
  expect(await expireKeys(owner, 60)).toBe(0);
  expect(await expireKeys(owner, 30)).toBeGreaterThanOrEqual(5);
  const left = await owner.query<{ key: string }>('SELECT key FROM idempotency_keys');
  expect(left.rows).toEqual([{ key: 'young' }]);
  expect(await expireKeys(owner, 30)).toBe(0);
  expect((await verifyDatabase(owner)).findings).toEqual([]);
  // An ended key is new again.
  expect(await log('old', 'another')).toMatchObject({ status: 'RECORDED' });
  expect(await log('young', 'another')).toBe('CONFLICT');
});

test('many keys end in small transactions', async () => {
  await owner.query(
    `INSERT INTO idempotency_keys SELECT '', 'many ' || n, sha256('x'), -1 FROM generate_series(1, 20000) AS n`,
  );
  const { rows } = await owner.query<{ blocks: number }>(
    "SELECT pg_relation_size('idempotency_keys') / current_setting('block_size')::integer AS blocks",
  );
  const ended: number[] = [];
  for (let block = 0; block < (rows[0]?.blocks ?? 0); block += 64) {
    const result = await owner.query<{ count: number }>('SELECT end_keys($1, 64) AS count', [block]);
    ended.push(result.rows[0]?.count ?? 0);
  }
  expect(ended.reduce((sum, count) => sum + count, 0)).toBe(20_000);
  expect(Math.max(...ended)).toBeLessThan(10_000);
  expect((await owner.query('SELECT end_keys($1, 64) AS count', [rows[0]?.blocks])).rows).toEqual([
    { count: null },
  ]);
});
