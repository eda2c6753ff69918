import fc from 'fast-check';
import { expect } from 'vitest';
import type { Prisma } from '../../../src/db/generated/client.ts';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { prismaOn } from '../../../src/db/prisma.ts';
import type { Reads } from '../../../src/db/queries.ts';
import { type AddressBlock, parseBlock } from '../../../src/events/address.ts';
import { canonicalEvent } from '../../../src/events/canonical.ts';
import { EVENT_TYPES, OUTCOMES, SEVERITIES } from '../../../src/events/catalog.ts';
import type { AuditEvent, EventDraft } from '../../../src/events/fields.ts';
import { type EventFilter, matches } from '../../../src/events/filter.ts';
import { parseSearch } from '../../../src/events/search.ts';
import { createAppender } from '../../../src/log/append/appender.ts';
import { eventAt, prepareEvent } from '../../../src/log/append/prepare-event.ts';
import { createHead } from '../../../src/log/head.ts';
import { listEvents, readRange } from '../../../src/log/read/events.ts';
import { EVENT_ORDERS, type EventOrder } from '../../../src/log/read/pages.ts';
import { collectRows } from '../../../src/log/read/search.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { runsOf } from '../../support/runs.ts';
import { test } from '../../support/test.ts';

const COUNT = 300;
let database: TestDatabase;
let pool: Pool;
let events: AuditEvent[];

// Texts out of few parts, so that many hold the same parts in another order.
const PARTS = [
  '10',
  '0',
  '1',
  'anna',
  'bert',
  'Example',
  'ÄRGER',
  'İstanbul',
  'ß',
  'ΟΔΟΣ',
  '日本',
  '本語',
  'ภาษา',
  '한국어',
  'a',
];
const JOINS = ['.', '@', '-', ' ', '/', ': ', '', '_', '\u{1f600}', '*', '"'];
const parts = fc
  .array(fc.tuple(fc.constantFrom(...PARTS), fc.constantFrom(...JOINS)), { minLength: 1, maxLength: 5 })
  .map((pairs) => pairs.flat().join(''));
const long = fc.constantFrom(
  'x'.repeat(70),
  `${'x'.repeat(64)}y`,
  `${'x'.repeat(63)}\u{1d7d8}y`,
  'e\u0301'.repeat(40),
);
const text = fc.oneof(
  fc.constantFrom('alice', 'Bob', 'bob smith', 'a_b-c', '', '日本 語', '***'),
  parts,
  long,
);
// As somebody would type it: parts, whole or not, with and without quotes, and beginnings of words.
const typed = fc.oneof(
  parts,
  parts.map((one) => `"${one.replaceAll('"', '')}"`),
  fc.constantFrom(
    'exam*',
    '10.0*',
    'ist*',
    '日',
    '日本語',
    '語',
    '本',
    'ภา',
    '국어',
    'bob',
    'bob smith',
    '"smith bob"',
    'a b',
  ),
  fc.constantFrom(
    `${'x'.repeat(64)}*`,
    'x'.repeat(71),
    'xxx*',
    'ann* ber*',
    'οδος',
    'οδο*',
    'null',
    'true',
    '1.5',
    'e\u0301*',
  ),
  text,
);
const searchText = fc
  .tuple(
    fc.array(typed, { minLength: 1, maxLength: 3 }),
    fc.array(
      typed.map((one) => `-${one}`),
      { maxLength: 2 },
    ),
    fc.boolean(),
  )
  .map(([some, excluded, isBehind]) => (isBehind ? [...some, ...excluded] : [...excluded, ...some]).join(' '))
  .filter(isSearch)
  .map((one) => parseSearch(one, ''));

// Whether there is something to look for.
function isSearch(one: string): boolean {
  try {
    parseSearch(one, '');
    return true;
  } catch {
    return false;
  }
}

// In quotes or without a blank, and not with a "-" of its own, which would leave it out.
function isOneTerm(one: string): boolean {
  return isSearch(one) && /^("[^"]+"|[^\s"-][^\s"]*)$/.test(one);
}

const address = fc.constantFrom(
  '10.1.2.3',
  '10.200.0.1',
  '192.168.1.1',
  '2001:db8::1',
  // As older versions recorded it.
  '::ffff:10.1.2.3',
  '::102:304',
);
const json = fc.jsonValue({ maxDepth: 2 });
const object = fc.dictionary(fc.constantFrom('a', 'b', 'c'), json);
const values = fc.dictionary(
  text,
  fc.oneof(text, fc.array(fc.oneof(text, fc.double({ noNaN: true }))), json),
  { maxKeys: 3 },
);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const draft = fc.record({
  timestamp: fc.integer({ min: 0, max: 10 }).map((n) => n * 1000),
  eventType: fc.constantFrom(...EVENT_TYPES),
  outcome: fc.constantFrom(...OUTCOMES),
  severity: fc.constantFrom(...SEVERITIES),
  userId: optional(text),
  customerId: optional(text),
  sessionId: optional(text),
  requestId: optional(text),
  resourceType: optional(text),
  resourceId: optional(text),
  userAgent: optional(text),
  ipAddress: optional(address),
  action: text,
  description: text,
  details: object,
  oldValues: optional(fc.oneof(object, values)),
  newValues: optional(fc.oneof(object, values)),
});
const block = fc
  .constantFrom(
    '10.0.0.0/8',
    '10.1.2.3',
    '0.0.0.0/0',
    '2001:db8::/32',
    '::ffff:10.0.0.0/104',
    '::ffff:0:0/96',
    '::ffff:0:0/80',
    '::/0',
    '::/96',
  )
  .map((one) => parseBlock(one) as AddressBlock);
const filter = fc.record(
  {
    eventTypes: fc.uniqueArray(fc.constantFrom(...EVENT_TYPES), { maxLength: 8 }),
    categories: fc.uniqueArray(fc.constantFrom('auth', 'data', 'security', 'x')),
    severities: fc.uniqueArray(fc.constantFrom(...SEVERITIES)),
    outcomes: fc.uniqueArray(fc.constantFrom(...OUTCOMES)),
    minSeverity: fc.constantFrom(...SEVERITIES),
    userId: text,
    customerId: text,
    action: text,
    ipBlock: block,
    startTime: fc.integer({ min: 0, max: 10 }).map((n) => n * 1000),
    endTime: fc.integer({ min: 0, max: 10 }).map((n) => n * 1000),
    search: searchText,
    details: object,
    oldValues: fc.oneof(object, values),
    newValues: fc.oneof(object, values),
  },
  { requiredKeys: [] },
);

// Of many conditions hardly an event fulfils all: one alone shows what it means.
const single = fc.oneof(
  { weight: 4, arbitrary: fc.record({ search: searchText }) },
  fc.record({ ipBlock: block }),
  fc.record({ details: object }),
  fc.record({ oldValues: fc.oneof(object, values) }),
  fc.record({ newValues: fc.oneof(object, values) }),
);

// Most events of a log come about in the order of their times; some come late, or a little out of order.
function timeOf(index: number, random: number): number {
  if (index % 50 === 0) return random;
  return Math.min(10, Math.max(0, Math.floor(index / 30) + ((random / 1000) % 3) - 1)) * 1000;
}

test.beforeAll(async ({ createDatabase, createPool }) => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined);
  events = await fill(
    pool,
    fc.sample(draft, COUNT).map((one, index) => ({
      ...(JSON.parse(JSON.stringify(one)) as EventDraft),
      timestamp: timeOf(index, one.timestamp),
    })),
  );
});

/** Makes a log of these events, 32 in a segment. */
async function fill(empty: Pool, drafts: readonly EventDraft[]): Promise<AuditEvent[]> {
  await createHead(empty, 5);
  const prepared = drafts.map((one, index) => prepareEvent(one, Date.now(), `input[${index}]`));
  const placements = await createAppender(empty).append({ events: prepared, paths: [] });
  return prepared.map((one, index) => eventAt(one, placements[index]?.position ?? -1));
}

test('what was stored is read back byte for byte', async () => {
  const stored = await readRange(prismaOn(pool), { start: 0, end: COUNT, limit: COUNT, filters: [] });
  expect(stored.map(canonicalEvent)).toEqual(events.map(canonicalEvent));
});

test('SQL and the feed agree on every event, for every filter', async () => {
  const property = fc.asyncProperty(fc.oneof(filter, single), async (some) => {
    const wanted = JSON.parse(JSON.stringify(some)) as EventFilter;
    const page = await listEvents(prismaOn(pool), {
      filters: [wanted],
      order: 'POSITION_ASC',
      limit: COUNT,
      isBackward: false,
    });
    const positions = events.filter((event) => matches(event, wanted)).map((event) => event.position);
    expect(page.events.map((event) => event.position)).toEqual(positions);
  });
  await fc.assert(property, { numRuns: runsOf(400, 100) });
});

test('a term that is left out leaves out what it finds', () => {
  const find = (one: string) => {
    const search = parseSearch(one, '');
    return sample.filter((event) => matches(event, { search })).map(({ position }) => position);
  };
  const sample = events.slice(0, 100);
  let leftOut = 0;
  const property = fc.property(typed.filter(isOneTerm), typed.filter(isOneTerm), (some, other) => {
    const [all, excluded] = [find(some), find(other)];
    const rest = all.filter((position) => !excluded.includes(position));
    expect(find(`${some} -${other}`)).toEqual(rest);
    expect(find(`-${other} ${some}`)).toEqual(rest);
    if (rest.length > 0 && rest.length < all.length) leftOut += 1;
  });
  fc.assert(property, { numRuns: 60 });
  expect(leftOut).toBeGreaterThan(0);
});

const search = fc.record(
  {
    search: searchText,
    details: object,
    newValues: object,
    ipBlock: block,
    customerId: text,
    minSeverity: fc.constantFrom(...SEVERITIES),
    startTime: fc.integer({ min: 0, max: 10 }).map((n) => n * 1000),
  },
  { requiredKeys: [] },
);

// As the order of a list sorts them.
function inOrder(some: readonly AuditEvent[], order: EventOrder): AuditEvent[] {
  const sign = order.endsWith('ASC') ? 1 : -1;
  const time = (event: AuditEvent) => (order.startsWith('TIMESTAMP') ? event.timestamp : 0);
  return [...some].sort((a, b) => sign * (time(a) - time(b) || a.position - b.position));
}

test('the pages of a search hold every event that matches, in order, forward and backward', async () => {
  const property = fc.asyncProperty(
    search,
    fc.constantFrom(...EVENT_ORDERS),
    fc.integer({ min: 1, max: 120 }),
    fc.boolean(),
    async (some, order, limit, isBackward) => {
      const wanted = JSON.parse(JSON.stringify(some)) as EventFilter;
      const found: AuditEvent[] = [];
      for (let hasMore = true; hasMore; ) {
        const last = isBackward ? found[0] : found.at(-1);
        const cursor = last && (isBackward ? { before: last } : { after: last });
        const page = await listEvents(prismaOn(pool), {
          filters: [wanted],
          order,
          limit,
          isBackward,
          ...cursor,
        });
        expect(page.events.length).toBeLessThanOrEqual(limit);
        if (isBackward) found.unshift(...page.events);
        else found.push(...page.events);
        hasMore = isBackward ? page.hasPreviousPage : page.hasNextPage;
      }
      const all = inOrder(
        events.filter((event) => matches(event, wanted)),
        order,
      );
      expect(found.map(({ position }) => position)).toEqual(all.map(({ position }) => position));
      const [, second] = all;
      const jump = await listEvents(prismaOn(pool), {
        filters: [wanted],
        order,
        limit: 1,
        isBackward: false,
        offset: 1,
      });
      expect(jump.events.map(({ position }) => position)).toEqual(second ? [second.position] : []);
    },
  );
  await fc.assert(property, { numRuns: runsOf(100, 25) });
});

// A page of this log is found before anything has to be collected.
test('what is collected, segment by segment, is what comes first of all that matches', async () => {
  const property = fc.asyncProperty(
    fc.oneof(search, fc.record({ minSeverity: fc.constantFrom(...SEVERITIES) })),
    fc.constantFrom(...EVENT_ORDERS),
    fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20 })),
    fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5 })),
    fc.boolean(),
    async (some, order, limit, offset, isBackward) => {
      const wanted = JSON.parse(JSON.stringify(some)) as EventFilter;
      const all = inOrder(
        events.filter((event) => matches(event, wanted)),
        order,
      );
      if (isBackward) all.reverse();
      const rows = await collectRows(prismaOn(pool), { filters: [wanted], order, limit, offset, isBackward });
      const expected = all.slice(offset, offset + limit + 1);
      expect(rows.map(({ position }) => position)).toEqual(expected.map(({ position }) => position));
    },
  );
  await fc.assert(property, { numRuns: runsOf(300, 60) });
});

test('among very many events that came late the one is found that matches, also when some are removed', async () => {
  const other = await createDatabase();
  const otherPool = createPool(other.url, () => undefined);
  const [template] = fc.sample(draft, 1).map((one) => JSON.parse(JSON.stringify(one)) as EventDraft);
  const drafts = Array.from({ length: 96 }, (_, index) => ({
    ...(template as EventDraft),
    timestamp: index < 32 ? 1_000_000 + index : index * 1_000,
    description: index === 0 || index === 95 ? 'needle' : 'hay',
  }));
  await fill(otherPool, drafts);
  const order = 'TIMESTAMP_DESC' as const;
  const page = { filters: [{ search: parseSearch('needle', '') }], order, isBackward: false };
  const positions = async (limit: number) =>
    (await collectRows(prismaOn(otherPool), { ...page, limit })).map(({ position }) => position);
  expect(await positions(0)).toEqual([0]);
  expect(await positions(5)).toEqual([0, 95]);
  // As retention does, just before the events of a page are read.
  let isRemoved = false;
  const removing: Reads = {
    async $queryRaw<Rows>(sql: Prisma.Sql) {
      if (!isRemoved && sql.text.includes('= ANY(')) {
        isRemoved = true;
        await otherPool.query('DROP TABLE audit_segments.s00000000');
      }
      return prismaOn(otherPool).$queryRaw<Rows>(sql);
    },
  };
  expect((await collectRows(removing, { ...page, limit: 0 })).map(({ position }) => position)).toEqual([95]);
  expect(isRemoved).toBe(true);
  await otherPool.end();
  await other.drop();
});
