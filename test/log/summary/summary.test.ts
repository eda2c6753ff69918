import fc from 'fast-check';
import { afterAll, expect } from 'vitest';
import { guardedReaderOf } from '../../../src/auth/gate.ts';
import type { Prisma } from '../../../src/db/generated/client.ts';
import { inTransaction, type Pool } from '../../../src/db/pool.ts';
import { prismaOn } from '../../../src/db/prisma.ts';
import type { Reads } from '../../../src/db/queries.ts';
import { OUTCOMES, SEVERITIES } from '../../../src/events/catalog.ts';
import type { EventDraft } from '../../../src/events/fields.ts';
import type { EventFilter } from '../../../src/events/filter.ts';
import { type OffsetAt, offsetsOf } from '../../../src/events/time.ts';
import { type Appender, createAppender } from '../../../src/log/append/appender.ts';
import { prepareEvent } from '../../../src/log/append/prepare-event.ts';
import { createHead, readHead } from '../../../src/log/head.ts';
import { moveFirstPosition, subtractFromRollups } from '../../../src/log/retention/announce.ts';
import { removeOldRows } from '../../../src/log/retention/remove-rows.ts';
import { countBy, countEvents, countTimeline } from '../../../src/log/summary/group-by.ts';
import { localBounds } from '../../../src/log/summary/local-buckets.ts';
import { RollupScopes } from '../../../src/log/summary/rollup-query.ts';
import { countNextEvents } from '../../../src/log/summary/rollups.ts';
import { Summary } from '../../../src/log/summary/summary.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runsOf } from '../../support/runs.ts';
import { test } from '../../support/test.ts';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-03-02T10:20:30.456Z');
// The smallest that a log may have: each segment of the thousands of events costs the planner time.
const SEGMENT_BITS = 8;
// Hours of UTC, divided by a quarter and by a half of an hour.
const ZONES = ['Europe/Berlin', 'Asia/Kathmandu', 'Australia/Lord_Howe'].map(offsetsOf);
// Every fourth event brings its customer's counts up to date, and busy months are found soon.
const OFTEN = { customersPer256: 64, dailyFrom: 4 };

let database: TestDatabase;
let owner: Pool;
let pool: Pool;
let appenders: Appender[];

test.beforeAll(async ({ createDatabase, createPool }) => {
  database = await createDatabase();
  owner = createPool(database.url, () => undefined);
  await createHead(owner, SEGMENT_BITS);
  pool = createPool(database.url, () => undefined, { role: 'audit_log_service' });
  appenders = [createAppender(pool), createAppender(pool)];
});
afterAll(async () => {
  await Promise.all(appenders.map((appender) => appender.close()));
});

// Most around now, some years off, some on the very edges of hours, days and months.
const timestamp = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: NOW - 80 * HOUR, max: NOW }) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: -3_000, max: 30 }).map((n) => Math.floor(NOW / HOUR) * HOUR + n * HOUR),
  },
  { weight: 1, arbitrary: fc.integer({ min: NOW, max: NOW + 2 * HOUR }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(
        '0001-01-01T00:00:00Z',
        '9999-12-31T23:59:59.999Z',
        '2026-03-01T00:00:00Z',
        '2026-02-28T23:59:59.999Z',
      )
      .map(Date.parse),
  },
);
const customerId = fc.constantFrom(undefined, 'acme', 'acme', 'globex', '');
const draft = fc.record({
  timestamp,
  eventType: fc.constantFrom('auth.login', 'auth.logout', 'data.read', 'billing.paid'),
  outcome: fc.constantFrom(...OUTCOMES),
  severity: fc.constantFrom(...SEVERITIES),
  customerId,
});
const filter = fc.record(
  {
    startTime: timestamp,
    endTime: timestamp,
    customerId: fc.constantFrom('acme', 'globex', '', 'nobody'),
    eventTypes: fc.array(fc.constantFrom('auth.login', 'data.read', 'x.y'), { maxLength: 3 }),
    categories: fc.array(fc.constantFrom('auth', 'billing'), { maxLength: 2 }),
    outcomes: fc.array(fc.constantFrom(...OUTCOMES), { maxLength: 3 }),
    severities: fc.array(fc.constantFrom(...SEVERITIES), { maxLength: 3 }),
    minSeverity: fc.constantFrom(...SEVERITIES),
    action: fc.constantFrom('', 'none'),
  },
  { requiredKeys: [] },
);
// What happens to the log between two looks at it.
const change = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ append: fc.array(draft, { minLength: 1, maxLength: 60 }), by: fc.nat(1) }),
  },
  { weight: 4, arbitrary: fc.record({ count: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ countTwice: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ purge: fc.integer({ min: 1, max: 50 }) }) },
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

async function apply(step: Change): Promise<void> {
  if ('append' in step) {
    const drafts = JSON.parse(JSON.stringify(step.append)) as EventDraft[];
    const events = drafts.map((one) =>
      prepareEvent({ ...one, action: '', description: '', details: {} }, NOW, ''),
    );
    await appenders[step.by]?.append({ events, paths: [] });
  } else if ('count' in step) await countNextEvents(pool, { batch: step.count, ...OFTEN });
  else if ('countTwice' in step) {
    await Promise.all([1, 2].map(() => countNextEvents(pool, { batch: step.countTwice, ...OFTEN })));
  } else {
    const { firstPosition, frontier } = await readHead(prismaOn(owner));
    const to = Math.min(frontier.size, firstPosition + step.purge);
    await inTransaction(owner, async (client) => {
      await subtractFromRollups(client, { from: firstPosition, to });
      await moveFirstPosition(client, to);
    });
    // Rows that are still stored must count no more than those that are gone.
    if (step.purge % 2 === 0) expect(await removeOldRows(owner)).toBe(true);
  }
}

let asked = 0;
/** Known from before the last changes. */
const scopes = new RollupScopes(HOUR);

async function expectEqual(db: Reads, filters: EventFilter[]): Promise<void> {
  const summary = new Summary(db, filters, NOW, scopes);
  expect(await summary.total()).toBe(await countEvents(db, filters));
  expect(await summary.byType()).toEqual(await countBy(db, filters, 'eventType'));
  expect(await summary.byOutcome()).toEqual(await countBy(db, filters, 'outcome'));
  expect(await summary.bySeverity()).toEqual(await countBy(db, filters, 'severity'));
  const start = Math.max(...filters.map(({ startTime = NOW - 100 * HOUR }) => startTime));
  const end = Math.min(...filters.map(({ endTime = NOW }) => endTime));
  if (start > end) return;
  for (const bucket of ['HOUR', 'DAY'] as const) {
    const period = { start: Math.max(start, end - 3_000 * HOUR), end, bucket };
    const within = [...filters, { startTime: period.start, endTime: end }];
    expect(await new Summary(db, within, NOW, scopes).timeline(period)).toEqual(
      await countTimeline(db, within, period),
    );
    // One after another: a timeline has thousands of points.
    const local = { ...period, bounds: localBounds(period, ZONES[asked++ % ZONES.length] as OffsetAt) };
    expect(await new Summary(db, within, NOW, scopes).timeline(local)).toEqual(
      await countTimeline(db, within, local),
    );
  }
}

test('counts that are kept, and what is not in them yet, are what a GROUP BY of the events gives', async () => {
  const property = fc.asyncProperty(
    fc.array(change, { minLength: 1, maxLength: 5 }),
    fc.array(filter, { minLength: 1, maxLength: 3 }),
    async (changes, filters) => {
      for (const step of changes) await apply(step);
      for (const some of filters) {
        const wanted = JSON.parse(JSON.stringify(some)) as EventFilter;
        await expectEqual(prismaOn(pool), [wanted]);
        await expectEqual(guardedReaderOf(pool, { customerId: 'acme' }) as Reads, [wanted]);
      }
    },
  );
  await fc.assert(property, { numRuns: runsOf(60, 20) });
}, 120_000);

test('a state that is known is asked for no more, until it has changed', async () => {
  let statements = 0;
  const db: Reads = {
    $queryRaw: <Rows>(sql: Prisma.Sql) => {
      statements += 1;
      return prismaOn(pool).$queryRaw<Rows>(sql);
    },
  };
  const known = new RollupScopes(HOUR);
  const ask = async () => {
    statements = 0;
    const total = await new Summary(db, [{}], NOW, known).total();
    return { total, statements };
  };
  const one = { timestamp: NOW, eventType: 'data.read', outcome: 'success', severity: 'info' } as const;
  const count = async () => {
    await apply({ append: [{ ...one, customerId: undefined }], by: 0 });
    for (let counted = 1; counted > 0; ) counted = await countNextEvents(pool, OFTEN);
  };
  await count();
  const { total } = await ask();
  expect(await ask()).toEqual({ total, statements: 1 });
  await count();
  expect(await ask()).toEqual({ total: total + 1, statements: 3 });
  expect(await ask()).toEqual({ total: total + 1, statements: 1 });
});

test('answers come from the counts, and from the events where those cannot tell', async () => {
  await apply({
    append: [
      { timestamp: NOW, eventType: 'data.read', outcome: 'success', severity: 'info', customerId: undefined },
    ],
    by: 0,
  });
  for (let counted = 1; counted > 0; ) counted = await countNextEvents(pool, OFTEN);
  const total = (some: EventFilter) => new Summary(prismaOn(pool), [some], NOW).total();
  const before = await total({ eventTypes: ['data.read'] });
  await owner.query(
    "UPDATE summary_counts SET total = total + 1000000 WHERE scope = 'log' AND level = 'month' AND event_type = 'data.read'",
  );
  expect(await total({ eventTypes: ['data.read'] })).toBeGreaterThanOrEqual(before + 1_000_000);
  expect(await total({ eventTypes: ['data.read'], action: '' })).toBe(before);
});

test('days of a zone come from the counts too, and hours that its midnight divides are divided', async () => {
  const [, kathmandu] = ZONES;
  const day = (hours: number) => Date.parse('2024-05-05T18:15:00Z') + hours * HOUR;
  const at = (timestamp: number) => ({
    timestamp,
    eventType: 'data.read' as const,
    outcome: 'success' as const,
    severity: 'info' as const,
    customerId: undefined,
  });
  await apply({ append: [day(0) - 1, day(0), day(0.5), day(24) - 1, day(24)].map(at), by: 0 });
  for (let counted = 1; counted > 0; ) counted = await countNextEvents(pool, OFTEN);
  const period = { start: day(-24), end: day(48) - 1, bucket: 'DAY' as const };
  const timeline = { ...period, bounds: localBounds(period, kathmandu as OffsetAt) };
  const within = [{ startTime: period.start, endTime: period.end }];
  const counts = async () =>
    (await new Summary(prismaOn(pool), within, NOW).timeline(timeline)).map(({ start, count }) => [
      start,
      count,
    ]);
  expect(await counts()).toEqual([
    [day(-24), 1],
    [day(0), 3],
    [day(24), 1],
  ]);
  // Of an hour without events, so that only the counts can say it.
  await owner.query(
    `INSERT INTO summary_counts SELECT scope, level, by_type, $1, event_type, 5, 5, 0, 0, 0, 0, 5, 0, 0, 0
     FROM summary_counts WHERE scope = 'log' AND level = 'hour' AND NOT by_type AND bucket = $2`,
    [new Date(day(2.75)), new Date(day(-0.25))],
  );
  expect(await counts()).toEqual([
    [day(-24), 1],
    [day(0), 8],
    [day(24), 1],
  ]);
});
