import pg from 'pg';
import { expect } from 'vitest';
import type { Pool } from '../../../src/db/pool.ts';
import { verifyDatabase } from '../../../src/verify/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { EXPORT_LINK, PURGE_EVENTS } from '../../support/operations/events.ts';
import { IS_FULL } from '../../support/runs.ts';
import { dataOf, type TestService } from '../../support/service.ts';
import { test } from '../../support/test.ts';
import { logWarnings } from '../../support/write.ts';
import { open } from '../exports/download.ts';

const MOST_MS = 3_000;
const PURGES = 4;

let database: TestDatabase;
let service: TestService;
let owner: Pool;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  service = await startService(database.url, { SEGMENT_BITS: '8' });
  owner = createPool(database.url, () => undefined);
});

/** Asks again and again until it is told to stop, and keeps the longest time that an answer took. */
function keepAsking(ask: () => Promise<{ errors?: unknown }>) {
  let longestMs = 0;
  let count = 0;
  let isOver = false;
  const done = (async () => {
    while (!isOver) {
      const startMs = performance.now();
      expect((await ask()).errors).toBeUndefined();
      longestMs = Math.max(longestMs, performance.now() - startMs);
      count += 1;
    }
  })();
  // Whoever awaits it hears of a failure.
  done.catch(() => undefined);
  return {
    async stop() {
      isOver = true;
      await done;
      return { longestMs: Math.round(longestMs), count };
    },
  };
}

/** Follows the log from now on, and checks that nothing is left out. */
async function follow(isOver: () => boolean): Promise<number> {
  const client = service.live();
  const query = 'subscription { auditEvents { node { position } } }';
  let last: number | undefined;
  for await (const { data } of client.iterate<{ auditEvents: { node: { position: number } } }>({ query })) {
    const { position } = (data as { auditEvents: { node: { position: number } } }).auditEvents.node;
    if (last !== undefined) expect(position).toBe(last + 1);
    last = position;
    if (isOver()) break;
  }
  await client.dispose();
  return last ?? 0;
}

async function oldRows(): Promise<number> {
  const { rows } = await owner.query<{ count: number }>(
    'SELECT count(*) AS count FROM audit_events WHERE position < (SELECT first_position FROM log_head)',
  );
  return rows[0]?.count ?? 0;
}

async function purge(): Promise<number> {
  return dataOf(await service.ask(PURGE_EVENTS, { days: 0 })).purgeEvents.purged;
}

test('purges beside a dump, verifications, an export that nobody reads, feeds, reads and appends: nobody waits', async () => {
  // More bytes than the buffers of an export take that nobody reads.
  await logWarnings(service, 1_000, { more: { details: { pad: 'x'.repeat(8_000) } } });
  // As pg_dump does: a snapshot, a lock on the tables, and hours of silence.
  const dump = new pg.Client({ connectionString: database.url });
  await dump.connect();
  await dump.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await dump.query('LOCK TABLE audit_events IN ACCESS SHARE MODE');
  const dumped = await dump.query('SELECT count(*) AS count FROM audit_events');
  const link = await service.ask(EXPORT_LINK, { format: 'NDJSON' });
  const unread = await open(dataOf(link).auditExport.url);
  unread.response.on('error', () => undefined);

  const appends = keepAsking(() =>
    service.ask('mutation { logEvent(input: { eventType: SECURITY_ALERT, severity: WARNING }) { status } }'),
  );
  const reads = keepAsking(() =>
    service.ask('{ auditEvents(first: 50, orderBy: POSITION_ASC) { edges { node { id } } } }'),
  );
  const sums = keepAsking(() =>
    service.ask('{ auditSummary { totalEvents } auditEvents(first: 0) { totalCount } }'),
  );
  let isOver = false;
  const followed = follow(() => isOver);

  for (let n = 0; n < PURGES; n += 1) {
    await logWarnings(service, 400, { prefix: `more${n}-` });
    const [verified, purged] = await Promise.all([verifyDatabase(owner), purge()]);
    expect(verified.findings).toEqual([]);
    expect(purged).toBeGreaterThan(300);
  }
  // The dump has what it began with, down to the last row.
  expect((await dump.query('SELECT count(*) AS count FROM audit_events')).rows).toEqual(dumped.rows);
  expect(await oldRows()).toBeGreaterThan(0);
  isOver = true;
  await logWarnings(service, 1, { prefix: 'last' });
  const results = { appends: await appends.stop(), reads: await reads.stop(), sums: await sums.stop() };
  console.info(`longest waits beside ${PURGES} purges: ${JSON.stringify(results)}`);
  if (IS_FULL) for (const { longestMs } of Object.values(results)) expect(longestMs).toBeLessThan(MOST_MS);
  expect(await followed).toBeGreaterThan(2_500);
  unread.disconnect();

  await dump.query('COMMIT');
  await dump.end();
  await purge();
  await expect.poll(oldRows).toBe(0);
  const segments = await owner.query(
    `SELECT FROM pg_class, log_head WHERE relnamespace = 'audit_segments'::regnamespace AND relkind = 'r'
       AND (substr(relname, 2)::bigint + 1) << segment_bits <= first_position`,
  );
  expect(segments.rows).toEqual([]);
  expect((await verifyDatabase(owner)).findings).toEqual([]);
}, 120_000);
