import { expect, vi } from 'vitest';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { createRedaction } from '../../../src/events/redact/redact.ts';
import { createAppender } from '../../../src/log/append/appender.ts';
import { wantAll } from '../../../src/log/append/extensions.ts';
import { prepareEvent } from '../../../src/log/append/prepare-event.ts';
import { createHead } from '../../../src/log/head.ts';
import { createPurges, type Purges } from '../../../src/log/retention/purge.ts';
import { countNextEvents } from '../../../src/log/summary/rollups.ts';
import { verifyDatabase } from '../../../src/verify/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { startService } from '../../support/service.ts';
import { backdateCheckpoints, signLog } from '../../support/sign.ts';
import { test } from '../../support/test.ts';
import { upTo } from '../../support/write.ts';

/** The advisory lock of whoever removes rows. */
const REMOVAL_LOCK = 72707371;
const DAY_MS = 86_400_000;
const draft = {
  eventType: 'data.read',
  outcome: 'success',
  severity: 'info',
  action: 'read',
  description: '',
  details: {},
} as const;

let database: TestDatabase;
let pool: Pool;

test.beforeAll(async ({ createDatabase, createPool }) => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined);
  await createHead(pool, 8);
});

/** Records events with the real append, and has them signed, as if it were so many days ago. */
async function recordDaysAgo(
  days: number,
  count: number,
  on: { url: string; pool: Pool } = { url: database.url, pool },
): Promise<void> {
  const now = Date.now() - days * DAY_MS;
  const events = upTo(count).map(() => prepareEvent({ ...draft }, now, 'input'));
  await createAppender(on.pool).append({ events, paths: events.map(() => 'input') });
  await signLog(on.url);
  await backdateCheckpoints(on.pool, now);
}

async function state() {
  const { rows } = await pool.query<{ first: number; count: number; purges: number }>(
    `SELECT (SELECT first_position FROM log_head) AS first, count(*) AS count,
       count(*) FILTER (WHERE action = 'log.purge') AS purges FROM audit_events`,
  );
  return rows[0];
}

test('RETENTION_DAYS removes what is older soon after the start, with one event by nobody', async () => {
  await recordDaysAgo(40, 600);
  await recordDaysAgo(29, 50);
  const environment = { RETENTION_DAYS: '30', RETENTION_MAX_PERCENT: '100' };
  const services = await Promise.all([1, 2].map(() => startService(database.url, environment)));
  const client = services[0]?.live();
  const query =
    'subscription { auditEvents(filter: { action: "log.purge" }, after: "beginning") { node { userId details } } }';
  const { value } = (await client?.iterate({ query }).next()) ?? {};
  expect(value).toMatchObject({
    data: {
      auditEvents: {
        node: { userId: null, details: { purged: 600, olderThanDays: 30, from: 0, firstPosition: 600 } },
      },
    },
  });
  await client?.dispose();
  // The event and where the log begins are one commit; the rows go after it.
  expect((await state())?.first).toBe(600);
  await vi.waitFor(async () => expect((await state())?.count).toBe(51), { timeout: 10_000 });
  await Promise.all(services.map((service) => service.stop()));
  expect(await state()).toEqual({ first: 600, count: 51, purges: 1 });
});

function purgesAt(on: Pool, time: number): Purges {
  return createPurges({
    pool: on,
    pipeline: {
      filters: wantAll,
      redaction: createRedaction({ hashKey: Buffer.alloc(32) }),
      appender: createAppender(on),
      readPositions: async () => new Map(),
      dispatch: () => undefined,
      now: () => time,
    },
    maxPercent: 100,
    databaseNow: async () => time,
    onError: (error) => expect.unreachable(error.message),
  });
}

test('instances that purge at once on their own remove everything once, with one event', async () => {
  const { first, count } = (await state()) as { first: number; count: number };
  await recordDaysAgo(0, 300);
  const later = Date.now() + 40 * DAY_MS;
  const pools = upTo(4).map(() => createPool(database.url, () => undefined));
  const purges = pools.map((each) => purgesAt(each, later));
  const counts = await Promise.all(
    purges.map((each) => each.purge({}, { olderThanDays: 30, isAsked: false })),
  );
  await vi.waitFor(async () => expect((await state())?.count).toBe(1), { timeout: 10_000 });
  await Promise.all(purges.map((each) => each.close()));
  await Promise.all(pools.map((each) => each.end()));
  expect(counts.toSorted((a, b) => b - a)).toEqual([count + 300, 0, 0, 0]);
  expect(await state()).toEqual({ first: first + count + 300, count: 1, purges: 1 });
});

test('a log verifies whose events were announced before they were counted, and are not removed yet', async ({
  createDatabase,
  createPool,
  onTestFinished,
}) => {
  const { url } = await createDatabase();
  const own = createPool(url, () => undefined);
  await createHead(own, 8);
  const holder = await own.connect();
  const purges = purgesAt(own, Date.now() + 40 * DAY_MS);
  onTestFinished(async () => {
    holder.release(true);
    await purges.close();
  });
  await holder.query('SELECT pg_advisory_lock($1)', [REMOVAL_LOCK]);
  await recordDaysAgo(0, 5, { url, pool: own });
  expect(await purges.purge({}, { olderThanDays: 30, isAsked: false })).toBe(5);
  expect(await countNextEvents(own)).toBe(1);
  const { rows } = await own.query<{ count: number }>('SELECT count(*) AS count FROM audit_events');
  expect(rows).toEqual([{ count: 6 }]);
  expect((await verifyDatabase(own)).findings).toEqual([]);
});
