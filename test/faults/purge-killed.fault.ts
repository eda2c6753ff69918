import pg from 'pg';
import { expect } from 'vitest';
import { types } from '../../src/db/client-with-deadlines.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { createRedaction } from '../../src/events/redact/redact.ts';
import { createAppender } from '../../src/log/append/appender.ts';
import { wantAll } from '../../src/log/append/extensions.ts';
import { createPurges, type Purges } from '../../src/log/retention/purge.ts';
import { hasOldRows } from '../../src/log/retention/remove-rows.ts';
import { verifyDatabase } from '../../src/verify/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { processOf } from '../support/processes.ts';
import { dataOf, startService, type TestService } from '../support/service.ts';
import { signLog } from '../support/sign.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';

let database: TestDatabase;
let service: TestService;
let owner: Pool;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  service = await startService(database.url, { SEGMENT_BITS: '8' });
  owner = createPool(database.url, () => undefined);
});

/** Statements behind which something is done that was not before. */
const CHANGES = /^(?:COMMIT|ALTER|DROP|UPDATE log_head)/;

/**
 * A pool whose statements are counted; before one of them, or after one that changes something, the backend that runs it
 * is ended.
 */
function fatalPool(at: number, when: 'before' | 'after'): { pool: Pool; count: () => number } {
  const pool = createPool(database.url, () => undefined, { max: 4 });
  let count = 0;
  pool.on('connect', (client) => {
    // A broken connection is reported to whoever has it, and must not end the tests.
    client.on('error', () => undefined);
    const query = client.query.bind(client) as (...values: unknown[]) => unknown;
    const end = () => owner.query('SELECT pg_terminate_backend($1)', [processOf(client)]);
    client.query = ((...values: unknown[]) => {
      // After what changed nothing, an end is like one before the next statement.
      if (when === 'after' && !CHANGES.test(String(values[0]))) return query(...values);
      count += 1;
      if (count !== at) return query(...values);
      // What is no plain statement (a pipeline) is sent at once, and has its end behind it.
      const isPlain = typeof values[0] === 'string' && typeof values.at(-1) !== 'function';
      if (when === 'before' && isPlain) return end().then(() => query(...values));
      const answer = query(...values) as { done?: Promise<void> } & Promise<unknown>;
      if (!isPlain) {
        void end().catch(() => undefined);
        return answer;
      }
      return answer.then(async (result) => {
        await end();
        return result;
      });
    }) as typeof client.query;
  });
  return { pool, count: () => count };
}

function purgesOn(pool: Pool): Purges {
  return createPurges({
    pool,
    pipeline: {
      filters: wantAll,
      redaction: createRedaction({ hashKey: Buffer.alloc(32) }),
      appender: createAppender(pool),
      readPositions: async () => new Map(),
      dispatch: () => undefined,
      now: Date.now,
    },
    maxPercent: 100,
    onError: () => undefined,
  });
}

async function state() {
  const { rows } = await owner.query<{
    first: number;
    size: number;
    visible: number;
    announced: number | null;
  }>(
    `SELECT first_position AS first, size,
       (SELECT count(*) FROM audit_events WHERE position >= first_position) AS visible,
       (SELECT max((details ->> 'firstPosition')::bigint) FROM audit_events
        WHERE action = 'log.purge' AND position >= first_position) AS announced
     FROM log_head`,
  );
  return rows[0] as NonNullable<(typeof rows)[0]>;
}

const COUNTED = graphql(`
  query Counted {
    auditSummary(startTime: "2000-01-01T00:00:00Z", endTime: "2100-01-01T00:00:00Z") { totalEvents }
    auditEvents(first: 0) { totalCount }
  }
`);

/** What the API counts, by kept counts and by counting. */
async function counted(): Promise<number[]> {
  const { auditSummary, auditEvents } = dataOf(await service.ask(COUNTED));
  return [auditSummary.totalEvents, auditEvents.totalCount];
}

test.each(['before', 'after'] as const)(
  'a purge whose backend is ended %s any statement leaves the log whole, and the next one goes on with it',
  async (when) => {
    let isWhole = false;
    for (let at = 1; !isWhole; at += 1) {
      await logWarnings(service, 300, { more: { customerId: 'acme' } });
      await signLog(database.url);
      const before = await state();
      const { pool, count } = fatalPool(at, when);
      const killed = purgesOn(pool);
      await killed.purge({}, { olderThanDays: 0, isAsked: true }).catch(() => undefined);
      await killed.close();
      await pool.end();
      isWhole = count() < at;
      const after = await state();
      // All or nothing: the event, where the log begins, and the counts.
      expect(after.visible, `${at}`).toBe(after.size - after.first);
      if (after.first > before.first) expect(after.announced, `${at}`).toBe(after.first);
      else expect(after.size, `${at}`).toBe(before.size);
      expect(await counted(), `${at}`).toEqual([after.visible, after.visible]);
      expect((await verifyDatabase(owner)).findings, `${at}`).toEqual([]);
      // The next start, timer or purge removes what is left.
      const next = purgesOn(owner);
      await next.purge({}, { olderThanDays: 36_500, isAsked: true });
      await next.close();
      expect(await hasOldRows(owner), `${at}`).toBe(false);
    }
  },
);

test('a detaching that was cut off while it waited is finished by the next start', async () => {
  await logWarnings(service, 600);
  await signLog(database.url);
  const reader = new pg.Client({ connectionString: database.url, types });
  await reader.connect();
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await reader.query('SELECT count(*) FROM audit_events');
  const purging = purgesOn(owner);
  const done = purging.purge({}, { olderThanDays: 0, isAsked: true });
  const pending = async () => {
    const { rows } = await owner.query('SELECT FROM pg_inherits WHERE inhdetachpending');
    return rows.length;
  };
  await expect.poll(pending).toBe(1);
  await owner.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%DETACH PARTITION%CONCURRENTLY' AND pid <> pg_backend_pid()",
  );
  await done;
  await purging.close();
  expect(await pending()).toBe(1);
  expect((await verifyDatabase(owner)).findings).toEqual([]);
  // What the reader began with is there for it to the end.
  const { rows } = await reader.query<{ count: number }>('SELECT count(*) AS count FROM audit_events');
  expect(rows[0]?.count).toBeGreaterThanOrEqual(600);
  await reader.query('COMMIT');
  await reader.end();
  const other = await startService(database.url);
  await expect.poll(() => hasOldRows(owner)).toBe(false);
  await other.stop();
  expect(await pending()).toBe(0);
});
