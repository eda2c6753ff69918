import type { PoolClient } from 'pg';
import { afterAll, expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import { prismaOn } from '../../src/db/prisma.ts';
import { type Leaf, readLeaves } from '../../src/evidence/append-leaves.ts';
import { readRange } from '../../src/log/read/events.ts';
import type { TestDatabase } from '../support/database.ts';
import { LOG_EVENTS } from '../support/operations/events.ts';
import type { TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { EVENT_EDITS } from '../verify/tampering.ts';

const COUNT = 20;
const AT = 7;
// What the canonical bytes do not show; a verification looks at it too.
const UNSEEN = ['ip_address as a block', 'details in digits', 'search_words', 'search_words away'];
// A superuser can do without what the table has against hashes of another length.
const DROP_CHECKS = `DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT conname FROM pg_constraint WHERE conrelid = 'audit_events'::regclass AND contype = 'c' LOOP
    EXECUTE format('ALTER TABLE audit_events DROP CONSTRAINT %I', name);
  END LOOP;
END $$`;

let database: TestDatabase;
let service: TestService;
let pool: Pool;
let client: PoolClient;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  service = await startService(database.url);
  pool = createPool(database.url, () => undefined);
  client = await pool.connect();
  const input = Array.from({ length: COUNT }, (_, n) => ({
    eventType: 'DATA_READ' as const,
    userId: `user-${n}`,
    customerId: n % 3 === 0 ? null : `customer-${n % 3}`,
    sessionId: 'session',
    ipAddress: '203.0.113.7',
    userAgent: 'curl/8.5.0',
    requestId: 'request',
    resourceType: 'file',
    resourceId: '/etc/passwd',
    description: 'read a file',
    details: { n, note: 'é "quoted"' },
  }));
  expect((await service.ask(LOG_EVENTS, { input })).errors).toBeUndefined();
});
afterAll(() => {
  client.release();
});

/** The leaves after the statement of a superuser, whom no trigger stops; it is undone. */
async function leavesAfter(tamper: string): Promise<Leaf[]> {
  await client.query('BEGIN');
  try {
    await client.query("SET LOCAL session_replication_role = 'replica'");
    await client.query(tamper);
    return await readLeaves(client, 0, COUNT);
  } finally {
    await client.query('ROLLBACK');
  }
}

test('the leaves are those of the events', async () => {
  const events = await readRange(prismaOn(pool), { start: 0, end: COUNT, limit: COUNT, filters: [] });
  expect((await leavesAfter('SELECT 1')).map(({ hash, customerId }) => [hash, customerId])).toEqual(
    events.map(({ leafHash, customerId }) => [leafHash, customerId]),
  );
});

test.each(Object.keys(EVENT_EDITS))('another %s is found, if the canonical bytes show it', async (edit) => {
  const [column = ''] = edit.split(' ');
  const leaves = leavesAfter(
    `UPDATE audit_events SET "${column}" = ${EVENT_EDITS[edit]} WHERE position = ${AT}`,
  );
  if (UNSEEN.includes(edit)) expect(await leaves).toHaveLength(COUNT);
  else await expect(leaves).rejects.toMatchObject({ problem: 'changed', position: AT });
});

test.each([
  ['a leaf hash with more in front', "leaf_hash = '\\x00' || leaf_hash"],
  ['a leaf hash with another row’s end in front', "leaf_hash = '\\x0000000000000020' || leaf_hash"],
  ['a leaf hash with more behind', "leaf_hash = leaf_hash || '\\x00'"],
  ['no leaf hash', "leaf_hash = ''"],
])('%s is found', async (_, edit) => {
  const leaves = leavesAfter(`${DROP_CHECKS}; UPDATE audit_events SET ${edit} WHERE position = ${AT}`);
  await expect(leaves).rejects.toMatchObject({ problem: 'changed', position: AT });
});

test('an event that is missing, or stands somewhere else, is found', async () => {
  const missing = { problem: 'missing', position: AT };
  for (const edit of [
    `DELETE FROM audit_events WHERE position = ${AT}`,
    `UPDATE audit_events SET position = position + 1000000 WHERE position = ${AT}`,
  ])
    await expect(leavesAfter(edit), edit).rejects.toMatchObject(missing);
  await expect(leavesAfter(`DELETE FROM audit_events WHERE position = ${COUNT - 1}`)).rejects.toMatchObject({
    problem: 'missing',
    position: COUNT - 1,
  });
});
