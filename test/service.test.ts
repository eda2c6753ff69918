import { createHash } from 'node:crypto';
import { describe, expect } from 'vitest';
import { storeKey } from '../src/auth/api-keys.ts';
import { createPool } from '../src/db/pool.ts';
import type { TestDatabase } from './support/database.ts';
import {
  COUNT_EVENTS,
  EXPORT_LINK,
  LEAF_HASHES,
  LOG_EVENT,
  LOG_EVENTS,
} from './support/operations/events.ts';
import { graphql } from './support/operations/generated/gql.ts';
import type { AuditEventFilter, PageQuery } from './support/operations/generated/graphql.ts';
import { ADMIN_KEY, dataOf, post, type TestService } from './support/service.ts';
import { test } from './support/test.ts';

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url, { EVENT_TYPES: 'billing.invoice_paid' });
});

const event = { eventType: 'AUTH_LOGIN', action: 'login' } as const;

async function count(filter: AuditEventFilter = {}): Promise<number> {
  return dataOf(await service.ask(COUNT_EVENTS, { filter })).auditEvents.totalCount;
}

describe('bad input is refused with its path, and nothing is recorded', () => {
  const json = (text: string) => `{"query":${JSON.stringify(LOG_EVENT)},"variables":{"input":${text}}}`;
  const deep = `${'['.repeat(40)}${']'.repeat(40)}`;
  test.each([
    [
      'a leading zero in an address',
      '{"eventType":"AUTH_LOGIN","action":"a","ipAddress":"010.1.2.3"}',
      'input.ipAddress',
    ],
    [
      '30 February',
      '{"eventType":"AUTH_LOGIN","action":"a","timestamp":"2026-02-30T00:00:00Z"}',
      'input.timestamp',
    ],
    ['NUL', '{"eventType":"AUTH_LOGIN","action":"a\\u0000"}', 'input.action'],
    [
      'a lone surrogate',
      '{"eventType":"AUTH_LOGIN","action":"a","details":{"x":"\\ud800"}}',
      'input.details.x',
    ],
    [
      '2^53',
      '{"eventType":"AUTH_LOGIN","action":"a","details":{"a":[0,1,2,9007199254740993]}}',
      'input.details.a[3]',
    ],
    ['1e400', '{"eventType":"AUTH_LOGIN","action":"a","details":{"a":1e400}}', 'input.details.a'],
    [
      '__proto__',
      '{"eventType":"AUTH_LOGIN","action":"a","details":{"__proto__":{}}}',
      'input.details.__proto__',
    ],
    ['an unknown type', '{"eventType":"NOPE","action":"a"}', 'input.eventType'],
    [
      'an event that is too large',
      `{"eventType":"AUTH_LOGIN","action":"a","details":{"a":"${'x'.repeat(70_000)}"}}`,
      'input',
    ],
    ['an empty action', '{"eventType":"AUTH_LOGIN","action":" "}', 'input.action'],
  ])('%s', async (_name, input, path) => {
    const before = await count();
    const answer = await post(service.url, json(input), ADMIN_KEY);
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', path });
    expect(answer.errors?.[0]?.message).toContain(path);
    expect(await count()).toBe(before);
  });

  test('JSON that is too deep', async () => {
    const answer = await post(
      service.url,
      json(`{"eventType":"AUTH_LOGIN","action":"a","details":{"a":${deep}}}`),
      ADMIN_KEY,
    );
    expect(answer.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });

  test('invalid UTF-8 in the body', async () => {
    const answer = await post(service.url, Uint8Array.from([0x7b, 0xff, 0x7d]), ADMIN_KEY);
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', path: 'body' });
  });

  test('one bad event of a batch refuses all of it', async () => {
    const before = await count();
    const { errors } = await service.ask(LOG_EVENTS, { input: [event, event, { ...event, ipAddress: 'x' }] });
    expect(errors?.[0]?.extensions.path).toBe('input[2].ipAddress');
    expect(await count()).toBe(before);
  });

  test('a data type sent to logAuthEvent', async () => {
    const { errors } = await service.ask(
      'mutation { logAuthEvent(input: { eventType: DATA_READ }) { status } }',
    );
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', path: 'input.eventType' });
  });

  test('a cursor that was tampered with', async () => {
    const { errors } = await service.ask('{ auditEvents(after: "MTc5") { totalCount } }');
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', path: 'after' });
  });
});

describe('access', () => {
  test('no key is UNAUTHENTICATED, a wrong scope FORBIDDEN', async () => {
    const key = 'a-key-that-may-only-write-0123456789';
    const pool = createPool(database.url, () => undefined);
    await storeKey(pool, { name: 'writer', secret: key, scopes: ['events:write'] });
    await pool.end();
    expect(
      (await service.ask('{ __typename }', {}, 'no-such-key-0123456789')).errors?.[0]?.extensions.code,
    ).toBe('UNAUTHENTICATED');
    expect((await service.ask(COUNT_EVENTS, {}, key)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    expect((await service.ask(LOG_EVENT, { input: event }, key)).errors).toBeUndefined();
  });

  test('health needs no key', async () => {
    for (const path of ['live', 'ready'])
      expect((await fetch(`${service.url}/health/${path}`)).status).toBe(200);
  });
});

describe('idempotency', () => {
  const key = { ...event, idempotencyKey: 'once' };
  test('the same key again is the first event, other content is CONFLICT', async () => {
    const first = dataOf(await service.ask(LOG_EVENT, { input: key })).logEvent;
    const again = dataOf(await service.ask(LOG_EVENT, { input: key })).logEvent;
    expect(again).toMatchObject({ status: 'DUPLICATE', event: { id: first.event?.id } });
    const other = await service.ask(LOG_EVENT, { input: { ...key, action: 'other' } });
    expect(other.errors?.[0]?.extensions.code).toBe('CONFLICT');
  });

  test('customers do not collide', async () => {
    const { data } = await service.ask(LOG_EVENT, {
      input: { ...key, customerId: 'another', action: 'other' },
    });
    expect(data?.logEvent).toMatchObject({ status: 'RECORDED' });
  });

  test('twice in one batch is one event', async () => {
    const twin = { ...event, idempotencyKey: 'twin' };
    const { data } = await service.ask(LOG_EVENTS, { input: [twin, twin] });
    expect(data?.logEvents).toMatchObject({ recorded: 1, duplicates: 1 });
  });
});

test('custom event types are recorded, filtered and counted', async () => {
  // Not in the committed schema, so these go as text.
  await service.ask(`${LOG_EVENT}`, { input: { eventType: 'BILLING_INVOICE_PAID', action: 'pay' } });
  const filter = { eventTypes: ['BILLING_INVOICE_PAID'] };
  const { data } = await service.ask(`${COUNT_EVENTS}`, { filter });
  expect(data).toEqual({ auditEvents: { totalCount: 1 } });
  expect(await count({ categories: ['billing'] })).toBe(1);
});

test('secrets are redacted before anything is stored', async () => {
  const details = { user: [{ apiKey: 'sesame', 'X-Api-Key': 'sesame' }], tokenizer: 'bpe' };
  const { data } = await service.ask(LOG_EVENT, { input: { ...event, details } });
  expect(data?.logEvent).toMatchObject({
    event: { details: { user: [{ apiKey: '[REDACTED]', 'X-Api-Key': '[REDACTED]' }], tokenizer: 'bpe' } },
  });
});

test('an NDJSON export holds the bytes whose hash is the leaf', async () => {
  const { url } = dataOf(await service.ask(EXPORT_LINK, { format: 'NDJSON' })).auditExport;
  const lines = (await (await fetch(url)).text()).trim().split('\n');
  const { auditEvents } = dataOf(await service.ask(LEAF_HASHES));
  const hashes = lines.map((line) => createHash('sha256').update(`\0${line}`).digest('hex'));
  expect(hashes).toEqual(auditEvents.edges.map(({ node }) => node.leafHash));
  expect((await fetch(`${url.slice(0, -4)}AAAA`)).status).toBe(403);
  const raw = await fetch(url, { headers: { 'accept-encoding': 'gzip' } });
  expect(raw.headers.get('content-encoding')).toBe('gzip');
  expect(raw.headers.get('content-disposition')).toMatch(/attachment; filename="audit-events-.*\.ndjson"/);
});

const SUMMARY = graphql(`
  query Summary {
    auditSummary {
      totalEvents
      bySeverity { count }
      byType { count }
      timeline { count }
    }
  }
`);

test('the summary agrees with the list', async () => {
  const { auditSummary } = dataOf(await service.ask(SUMMARY));
  const total = await count();
  const sum = (counts: { count: number }[]) => counts.reduce((all, { count: one }) => all + one, 0);
  const { totalEvents, bySeverity, byType, timeline } = auditSummary;
  expect([totalEvents, sum(bySeverity), sum(byType), sum(timeline)]).toEqual([total, total, total, total]);
});

const PAGE = graphql(`
  query Page($after: String) {
    auditEvents(filter: { userId: "pager" }, first: 7, after: $after) {
      pageInfo { hasNextPage endCursor }
      edges { node { action } }
    }
  }
`);

test('pages are stable by cursor, forward and backward, while others write', async () => {
  await service.ask(LOG_EVENTS, {
    input: Array.from({ length: 25 }, (_, n) => ({ ...event, userId: 'pager', action: `a${n}` })),
  });
  const seen: string[] = [];
  let after: string | null = null;
  for (let page = 0; page < 10; page += 1) {
    const { edges, pageInfo }: PageQuery['auditEvents'] = dataOf(
      await service.ask(PAGE, { after }),
    ).auditEvents;
    seen.push(...edges.map(({ node }) => node.action));
    await service.ask(LOG_EVENT, { input: { ...event, userId: 'pager', action: 'late' } });
    after = pageInfo.endCursor;
    if (!pageInfo.hasNextPage) break;
  }
  expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => `a${24 - n}`));
});
