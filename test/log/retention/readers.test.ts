import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PoolClient } from 'pg';
import { afterAll, describe, expect } from 'vitest';
import type { Pool } from '../../../src/db/pool.ts';
import { prismaAsCustomer } from '../../../src/db/prisma.ts';
import { hasOldRows } from '../../../src/log/retention/remove-rows.ts';
import { verifyDatabase } from '../../../src/verify/database.ts';
import { createKey } from '../../auth/create-key.ts';
import type { TestDatabase } from '../../support/database.ts';
import { EXPORT_LINK } from '../../support/operations/events.ts';
import { graphql } from '../../support/operations/generated/gql.ts';
import type { ExportFormat } from '../../support/operations/generated/graphql.ts';
import { ADMIN_KEY, dataOf, type TestService } from '../../support/service.ts';
import { test } from '../../support/test.ts';

/** The advisory lock of whoever removes rows: while a test has it, what was announced stays stored. */
const REMOVAL_LOCK = 72707371;
const COUNT = 700;
const FIRST = 600;

const NINE = graphql(`
  query Nine {
    auditEvents(orderBy: POSITION_ASC, first: 9) {
      edges { cursor node { id } }
    }
  }
`);

let database: TestDatabase;
let service: TestService;
let owner: Pool;
let holder: PoolClient;
let bound: string;
let cursor: string;
let oldId: string;
let earlyExport: string;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  service = await startService(database.url, { SEGMENT_BITS: '8' });
  owner = createPool(database.url, () => undefined);
  holder = await owner.connect();
  await holder.query('SELECT pg_advisory_lock($1)', [REMOVAL_LOCK]);
  bound = (
    await createKey(service, { name: 'acme', scopes: ['EVENTS_READ', 'EVENTS_EXPORT'], customerId: 'acme' })
  ).secret;
  // The key is the event at position 0.
  await log(FIRST - 1);
  await service.ask('{ checkpoint { treeSize } }');
  const { edges } = dataOf(await service.ask(NINE)).auditEvents;
  cursor = edges[8]?.cursor ?? '';
  oldId = edges[8]?.node.id ?? '';
  earlyExport = await exportLink('NDJSON');
  const { data } = await service.ask('mutation { purgeEvents(olderThanDays: 0) { purged } }');
  expect(data).toEqual({ purgeEvents: { purged: FIRST } });
  await log(COUNT - FIRST - 1);
  await service.ask('{ checkpoint { treeSize } }');
});
afterAll(() => {
  holder.release(true);
});

async function log(count: number): Promise<void> {
  const input = Array.from({ length: count }, (_, n) => ({
    eventType: n % 2 === 0 ? 'DATA_READ' : 'AUTH_LOGIN_FAILED',
    severity: n % 3 === 0 ? 'WARNING' : 'INFO',
    userId: `user-${n % 5}`,
    customerId: n % 2 === 0 ? 'acme' : null,
    ipAddress: `203.0.113.${n % 9}`,
    resourceType: 'file',
    resourceId: String(n % 4),
    description: n % 7 === 0 ? 'rare words here' : 'common words here',
    details: { n: n % 11 },
    idempotencyKey: n < 3 ? `key-${n}` : null,
  }));
  for (let start = 0; start < count; start += 500) {
    const { errors } = await service.ask(
      'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }',
      { input: input.slice(start, start + 500) },
    );
    expect(errors).toBeUndefined();
  }
}

async function exportLink(format: ExportFormat, key = ADMIN_KEY): Promise<string> {
  return dataOf(await service.ask(EXPORT_LINK, { format }, key)).auditExport.url;
}

const NODES = 'totalCount edges { node { position id action } } pageInfo { hasNextPage hasPreviousPage }';
const FILTERS = [
  '{}',
  '{ userId: "user-1" }',
  '{ customerId: "acme" }',
  '{ eventTypes: [AUTH_LOGIN_FAILED] }',
  '{ search: "rare" }',
  '{ search: "words" }',
  '{ details: { n: 3 } }',
  '{ ipAddress: "203.0.113.0/30" }',
  '{ resourceType: "file", resourceId: "1", minSeverity: WARNING }',
];
const PAGES = [
  'first: 1000',
  'first: 5',
  'last: 5',
  'first: 5, offset: 3',
  ...['ASC', 'DESC'].flatMap((direction) =>
    ['TIMESTAMP', 'POSITION'].map((order) => `first: 20, orderBy: ${order}_${direction}`),
  ),
];
const LISTS = FILTERS.flatMap((filter) =>
  PAGES.map((page) => `auditEvents(filter: ${filter}, ${page}) { ${NODES} }`),
);
const PERIOD = 'startTime: "2020-01-01T00:00:00Z", endTime: "2100-01-01T00:00:00Z"';

const SUMMARY =
  'totalEvents byType { eventType count } byOutcome { outcome count } bySeverity { severity count } topUsers { value count } topResources { value count } topIpAddresses { value count }';
const SUMMARIES = FILTERS.map((filter) => `auditSummary(filter: ${filter}, ${PERIOD}) { ${SUMMARY} }`);

/** Everything that readers are told, by the key that asks. */
async function everything(): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {};
  for (const [who, key] of [
    ['admin', ADMIN_KEY],
    ['bound', bound],
  ] as const) {
    for (const field of [...LISTS, ...SUMMARIES])
      answers[`${who}: ${field}`] = await service.ask(`{ ${field} }`, {}, key);
    answers[`${who}: by id`] = await service.ask(`{ auditEvent(id: "${oldId}") { action } }`, {}, key);
    for (const format of ['NDJSON', 'CSV', 'JSON'] as const)
      answers[`${who}: export ${format}`] = await (await fetch(await exportLink(format, key))).text();
  }
  const get = async (path: string) => {
    const response = await fetch(service.url + path, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()).toString('hex') };
  };
  for (const path of [
    '/tile/0/000',
    '/tile/0/001',
    '/tile/entries/000',
    '/tile/entries/001',
    '/tile/entries/002.p/100',
  ])
    answers[path] = await get(path);
  answers['entries of a customer'] = await get('/customers/acme/tile/entries/000');
  answers['under row-level security'] = await prismaAsCustomer(owner, 'acme').auditEvent.count();
  answers.duplicate = await service.ask(
    'mutation { logEvent(input: { eventType: DATA_READ, idempotencyKey: "key-1" }) { status event { id } } }',
  );
  return answers;
}

async function firstOf(after: string): Promise<unknown> {
  const client = service.live();
  const query = 'subscription ($after: String) { auditEvents(after: $after) { node { position } } }';
  try {
    return ((await client.iterate({ query, variables: { after } }).next()).value as { data: unknown }).data;
  } catch (error) {
    return (error as { extensions: unknown }[])[0]?.extensions;
  } finally {
    await client.dispose();
  }
}

describe('while the rows that a purge has announced are still stored', () => {
  let before: Record<string, unknown>;

  test('they are', async () => {
    const { rows } = await owner.query('SELECT count(*) AS count FROM audit_events WHERE position < $1', [
      FIRST,
    ]);
    expect(rows).toEqual([{ count: FIRST }]);
    expect(await hasOldRows(owner)).toBe(true);
    expect((await verifyDatabase(owner)).findings).toEqual([]);
  });

  test('no reader is told of one of them', async () => {
    before = await everything();
    const texts = JSON.stringify(before);
    const positions = [...texts.matchAll(/\\?"position\\?":(\d+)/g)].map(([, position]) => Number(position));
    expect(positions.length).toBeGreaterThan(500);
    expect(Math.min(...positions)).toBe(FIRST);
    expect(texts).not.toContain(oldId);
    expect(before['admin: by id']).toEqual({ data: { auditEvent: null } });
    for (const path of [
      '/tile/entries/000',
      '/tile/entries/001',
      '/tile/entries/002.p/100',
      'entries of a customer',
    ])
      expect(before[path], path).toMatchObject({ status: 410 });
  });

  test('a feed begins behind them, and one that was due one of them says so', async () => {
    expect(await firstOf('beginning')).toEqual({ auditEvents: { node: { position: FIRST } } });
    expect(await firstOf(cursor)).toMatchObject({ code: 'POSITION_PURGED' });
  });

  test('the export of a link that was made before begins behind them', async () => {
    expect(await (await fetch(earlyExport)).text()).toBe('');
  });

  test('their events can be proved by nobody, and those that are left by everybody', async () => {
    const { errors } = await service.ask('{ checkpoint { treeSize } }');
    expect(errors).toBeUndefined();
    const gone = await service.ask(`{ auditEvent(id: "${oldId}") { proofBundle } }`);
    expect(gone).toEqual({ data: { auditEvent: null } });
  });

  test('all readers are told the same once they are gone', async () => {
    await holder.query('SELECT pg_advisory_unlock($1)', [REMOVAL_LOCK]);
    await service.ask('mutation { purgeEvents(olderThanDays: 36500) { purged } }');
    expect(await hasOldRows(owner)).toBe(false);
    // The purge that made them go is an event itself.
    const answers = await everything();
    expect(Object.keys(answers)).toEqual(Object.keys(before));
    for (const name of [
      '/tile/0/000',
      '/tile/0/001',
      '/tile/entries/000',
      'entries of a customer',
      'under row-level security',
      'duplicate',
      'admin: by id',
    ])
      expect(answers[name], name).toEqual(before[name]);
    for (const filter of FILTERS.slice(1, -1)) {
      for (const page of PAGES) {
        const name = `admin: auditEvents(filter: ${filter}, ${page}) { ${NODES} }`;
        expect(answers[name], name).toEqual(before[name]);
      }
    }
    for (const name of Object.keys(before).filter((one) => one.startsWith('bound:')))
      expect(answers[name], name).toEqual(before[name]);
  });
});

/** The files that read the table of events, and how each of them keeps to what is left. */
const READERS: Record<string, string> = {
  'evidence/append-leaves.ts': 'reads what is not signed yet, which no purge removes',
  'log/append/copy-rows.ts': 'writes',
  'log/append/idempotency.ts': 'knows no content of what is before the first position',
  'log/append/transactions.ts': 'reads at the head',
  'log/exports/export.ts': 'refuses what begins before the first position, after reading',
  'log/read/events.ts': 'reads a page again without the rows before the first position; leaves them out',
  'log/read/pages.ts': 'names the table, for the order of what others read',
  'log/read/search.ts': 'the same, by events.ts',
  'log/retention/boundary.ts': 'reads behind the first position',
  'log/retention/remove-rows.ts': 'removes them',
  'log/segments.ts': 'reads the catalog',
  'log/summary/group-by.ts': 'the same, by aggregateVisible',
  'log/summary/rollup-statement.ts':
    'has the first position as a condition; its caller asks again when it has moved',
  'log/summary/rollups.ts': 'reads what a purge is about to hide',
  'verify/catalog.ts': 'reads the catalog',
  'verify/customers.ts': 'reads from the first position on',
  'verify/database.ts': 'locks the table against the removal of what its snapshot has',
  'verify/derived-data.ts':
    'reads all that is stored, and tells of its keys alone; counts from the first position on',
  'verify/head.ts': 'reads the catalog, the ends of the table, and from the first position on',
  'verify/read-rows.ts': 'reads all that is stored: what is hidden must be what was appended',
};

test('no file reads events but those whose way is known', () => {
  const source = join(import.meta.dirname, '../../../src');
  const files = readdirSync(source, { recursive: true }).map(String);
  const written = files.filter((file) => file.endsWith('.ts') && !file.startsWith('db/generated/'));
  // By SQL, or by the Prisma client.
  const reading = written.filter((file) =>
    /audit_events|\bauditEvent\s*\.\s*[a-zA-Z]+\(/.test(readFileSync(join(source, file), 'utf8')),
  );
  expect(reading.sort()).toEqual(Object.keys(READERS).sort());
});
