import { expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import { prismaAsCustomer } from '../../src/db/prisma.ts';
import { createAppender } from '../../src/log/append/appender.ts';
import { prepareEvent } from '../../src/log/append/prepare-event.ts';
import { createHead } from '../../src/log/head.ts';
import type { TestDatabase } from '../support/database.ts';
import { test } from '../support/test.ts';
import { upTo } from '../support/write.ts';

const COUNT = 20;
let database: TestDatabase;
let owner: Pool;
let service: Pool;

test.beforeAll(async ({ createDatabase, createPool }) => {
  database = await createDatabase();
  owner = createPool(database.url, () => undefined);
  service = createPool(database.url, () => undefined, { role: 'audit_log_service' });
  await createHead(owner, 4);
  const drafts = upTo(COUNT).map((n) => ({
    eventType: 'data.read',
    outcome: 'success' as const,
    severity: 'info' as const,
    action: `read word${n}`,
    description: '',
    details: { n },
  }));
  const appender = createAppender(service);
  await appender.append({ events: drafts.map((one) => prepareEvent(one, Date.now(), '')), paths: [] });
  await appender.close();
});

// Of every segment; the answer is how many pages waited.
async function waitingPages(): Promise<number> {
  const { rows } = await owner.query<{ pages: number }>(
    `SELECT sum(gin_clean_pending_list(indexrelid))::int AS pages FROM pg_index JOIN pg_class ON oid = indexrelid
     WHERE relam = (SELECT oid FROM pg_am WHERE amname = 'gin') AND relkind = 'i'`,
  );
  return rows[0]?.pages ?? -1;
}

/** What Prisma says of a statement that PostgreSQL does not permit. */
const REFUSED = { meta: { driverAdapterError: { cause: { originalCode: '42501' } } } };

test('the service puts what waits into the search indexes, and a customer may not', async () => {
  const asCustomer = prismaAsCustomer(service, 'acme').$queryRawUnsafe('SELECT merge_search(0, 1)');
  await expect(asCustomer).rejects.toMatchObject(REFUSED);
  await service.query('SELECT merge_search(0, 1)');
  expect(await waitingPages()).toBe(0);
});

test('words, details and addresses have an index each', async () => {
  const client = await owner.connect();
  await client.query('SET enable_seqscan = off');
  const planOf = async (condition: string) => {
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT position FROM audit_segments.s00000000 WHERE ${condition}`,
    );
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  };
  expect(await planOf("search_words @> '{word3}'")).toMatch(/Index Cond: \(search_words @>/);
  expect(await planOf(`details @> '{"n": 3}'`)).toMatch(/Index Cond: \(details @>/);
  expect(await planOf("ip_address <<= '10.0.0.0/8'")).toMatch(/Index Cond: .*ip_address >=/);
  client.release(true);
});

test('the service takes the statistics of a segment that has grown, and a customer may not', async () => {
  const asCustomer = prismaAsCustomer(service, 'acme').$queryRawUnsafe('SELECT analyze_segment(0)');
  await expect(asCustomer).rejects.toMatchObject(REFUSED);
  // Of 16 positions each, 16 and 4 of which are taken; the third is not there.
  for (const segment of [0, 1, 2]) await service.query('SELECT analyze_segment($1)', [segment]);
  const { rows } = await owner.query<{ tablename: string }>(
    "SELECT tablename FROM pg_stats WHERE schemaname = 'audit_segments' AND attname = 'position'",
  );
  expect(rows).toEqual([{ tablename: 's00000000' }]);
  await owner.query('ANALYZE audit_segments.s00000000');
  const analyzed = () =>
    owner.query('SELECT xmin, staattnum FROM pg_statistic WHERE starelid = $1::regclass ORDER BY staattnum', [
      'audit_segments.s00000000',
    ]);
  const before = (await analyzed()).rows;
  expect(before).not.toEqual([]);
  await service.query('SELECT analyze_segment(0)');
  expect((await analyzed()).rows).toEqual(before);
});
