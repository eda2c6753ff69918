import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { PoolClient } from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { verifyDatabase } from '../../src/verify/database.ts';
import { dataDirOf } from '../support/database.ts';
import { writeStructureOf0044 } from '../support/old-log.ts';
import { COUNT_EVENTS } from '../support/operations/events.ts';
import { onServer, urlOf } from '../support/server.ts';
import { startService } from '../support/service.ts';

// All rows of a log that the version before migration 0045 wrote: 340 events in segments of 256, of which a purge removed
// 290, with idempotency keys and customers. Made with the service of that version; the private key is not in it.
const WRITTEN = new URL('./fixtures/written-by-0044.json', import.meta.url);

let url: string;
let pool: Pool;

beforeEach(async () => {
  url = urlOf(inject('adminUrl'), `upgrade_${randomUUID().replaceAll('-', '')}`);
  await onServer(inject('adminUrl'), `CREATE DATABASE ${new URL(url).pathname.slice(1)} TEMPLATE template0`);
  pool = createPool(url, () => undefined);
});
afterEach(async () => {
  await pool.end();
  await onServer(inject('adminUrl'), `DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
});

/** Makes the database what the version that knew the migrations up to 0044 left. */
async function writeOld(client: PoolClient): Promise<void> {
  const { segments, rows } = JSON.parse(await readFile(WRITTEN, 'utf8')) as {
    segments: string[];
    rows: Record<string, object[]>;
  };
  await writeStructureOf0044(client, segments);
  await client.query("SET session_replication_role = 'replica'");
  for (const [table, own] of Object.entries(rows))
    await client.query(`INSERT INTO ${table} SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1)`, [
      JSON.stringify(own),
    ]);
  await client.query('RESET session_replication_role');
}

test('a database of the version before, with a purge in it, upgrades and verifies', async () => {
  const client = await pool.connect();
  await writeOld(client);
  client.release();
  await migrate(pool);
  const { findings, ...found } = await verifyDatabase(pool);
  expect(findings).toEqual([]);
  expect(found).toMatchObject({ firstPosition: 290, size: 341, events: 51 });
});

test('its idempotency keys go on to be known, and tell nothing of what was purged', async () => {
  const client = await pool.connect();
  await writeOld(client);
  const { rows: before } = await client.query<{ key: string; content_hash: Buffer }>(
    'SELECT key, content_hash FROM idempotency_keys WHERE position < 290',
  );
  client.release();
  const service = await startService(url, { SIGNING_KEY_FILE: `${dataDirOf(url)}/none.pem` });
  const { rows: after } = await pool.query<{ key: string; content_hash: Buffer }>(
    'SELECT key, content_hash FROM idempotency_keys WHERE position < 290',
  );
  expect(before.length).toBeGreaterThan(50);
  expect(after.map(({ content_hash }) => content_hash.length)).toEqual(before.map(() => 0));

  const log = (input: string) =>
    service.ask(`mutation { logEvent(input: { ${input} }) { status event { position } } }`);
  // The event that was recorded with this key, as the client sent it.
  const same = `eventType: DATA_UPDATE, outcome: SUCCESS, userId: "user-0", customerId: "globex é", action: "act 0",
    description: "a fixture", details: { n: 332, deep: { a: [1, 2.5, null, "é"] } }, idempotencyKey: "key-332"`;
  const again = await log(same);
  expect(again.data).toMatchObject({ logEvent: { status: 'DUPLICATE' } });
  const other = await log(same.replace('act 0', 'act 1'));
  expect(other.errors?.[0]?.extensions.code).toBe('CONFLICT');
  // Of a purged event nobody can tell: neither this nor another content is an answer to a guess.
  for (const action of ['act 0', 'guess'])
    expect(
      (await log(same.replace('act 0', action).replace('key-332', 'key-8').replace('n: 332', 'n: 8'))).data,
    ).toEqual({ logEvent: { status: 'DUPLICATE', event: null } });
  expect((await log('eventType: DATA_READ, customerId: "acme", idempotencyKey: "new"')).data).toMatchObject({
    logEvent: { status: 'RECORDED' },
  });
  await service.stop();
  expect((await verifyDatabase(pool)).findings).toEqual([]);
});

test('its events are found by their words, without order, and new ones by theirs', async () => {
  const client = await pool.connect();
  await writeOld(client);
  client.release();
  const logged: { before?: number }[] = [];
  const log = pino({}, { write: (line: string) => logged.push(JSON.parse(line)) });
  const service = await startService(url, { SIGNING_KEY_FILE: `${dataDirOf(url)}/none.pem` }, { log });
  expect(logged.filter(({ before }) => before !== undefined)).toMatchObject([{ before: 341 }]);
  const count = async (search: string) =>
    (await service.ask(COUNT_EVENTS, { filter: { search } })).data?.auditEvents.totalCount;
  const old = await count('fixture');
  expect(old).toBeGreaterThan(30);
  for (const search of ['"a fixture"', '"fixture a"', 'fixture.a']) expect(await count(search)).toBe(old);
  for (const search of ['fixt*', '"fixture b"']) expect(await count(search)).toBe(0);
  await service.ask(
    'mutation { logEvent(input: { eventType: DATA_READ, description: "a fixture" }) { status } }',
  );
  for (const search of ['fixture', '"a fixture"']) expect(await count(search)).toBe((old ?? 0) + 1);
  for (const search of ['"fixture a"']) expect(await count(search)).toBe(old);
  expect(await count('fixt*')).toBe(1);
  await service.stop();
  expect((await verifyDatabase(pool)).findings).toEqual([]);
});

test('an instance of the version before cannot append any more, and is told why', async () => {
  const client = await pool.connect();
  await writeOld(client);
  client.release();
  await migrate(pool);
  const service = createPool(url, () => undefined, { role: 'audit_log_service', max: 1 });
  const insert = async (words: string) => {
    await service.query('BEGIN');
    await service.query("SELECT claim_head(341, '341 342 ' || $1)", [
      `\\x${'00'.repeat(32)} \\x${'00'.repeat(160)}`,
    ]);
    await service.query(
      `INSERT INTO audit_segments.s00000001
       SELECT (jsonb_populate_record(e, '{"position": 341, "search_words": ${words}}')).* FROM audit_events e
       WHERE position = 340`,
    );
  };
  await expect(insert('["", "a"]')).rejects.toThrow('migrated by a newer version');
  await service.query('ROLLBACK');
  await expect(insert('["a"]')).rejects.toThrow('audit_events_words_need_version_0060');
  await service.end();
});
