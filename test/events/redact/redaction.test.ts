import { expect } from 'vitest';
import type { TestDatabase } from '../../support/database.ts';
import { COUNT_EVENTS, LOG_EVENT } from '../../support/operations/events.ts';
import { graphql } from '../../support/operations/generated/gql.ts';
import type { VariablesOf } from '../../support/operations/types.ts';
import { dataOf, startService, type TestService } from '../../support/service.ts';
import { test } from '../../support/test.ts';

const REDACT_FIELDS =
  'userId:hash,details.user.email:hash,sessionId:redact,ipAddress:redact,details.note:keep';

let database: TestDatabase;
let services: TestService[];

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  services = [
    await startService(database.url, { REDACT_FIELDS }),
    await startService(database.url, { REDACT_FIELDS }),
  ];
});

const input = {
  eventType: 'DATA_READ',
  action: 'read',
  userId: 'alice',
  sessionId: 's-1',
  ipAddress: '203.0.113.7',
  details: { user: { email: 'a@example.com' }, note: 'password=hunter2' },
} as const;
const READ = graphql(`
  query ReadRedacted($filter: AuditEventFilter) {
    auditEvents(filter: $filter) {
      edges { node { userId sessionId ipAddress details } }
    }
  }
`);
const TOP = graphql(`
  query TopUsers($filter: AuditEventFilter) {
    auditSummary(filter: $filter) { totalEvents topUsers { value } }
  }
`);

async function read(service: TestService, filter: VariablesOf<typeof READ>['filter']) {
  return dataOf(await service.ask(READ, { filter })).auditEvents.edges.map(({ node }) => node);
}

test('fields are treated by their rules, and what was hashed is found on every instance', async () => {
  const [one, other] = services as [TestService, TestService];
  await one.ask(LOG_EVENT, { input });
  await other.ask(LOG_EVENT, { input: { ...input, userId: 'bob' } });
  const [event, ...more] = await read(other, { userId: 'alice' });
  expect(more).toEqual([]);
  expect(event).toMatchObject({ sessionId: '[REDACTED]', ipAddress: null });
  expect(event?.userId).toMatch(/^hmac:[0-9a-f]{32}$/);
  expect(event?.details).toMatchObject({ note: 'password=hunter2' });
  expect(await read(one, { userId: event?.userId })).toEqual([event]);
  expect(await read(one, { details: { user: { email: 'a@example.com' } } })).toHaveLength(2);
  expect(await read(one, { details: { user: { email: 'b@example.com' } } })).toEqual([]);
});

test('the feed and the summary take the same filter', async () => {
  const [one, other] = services as [TestService, TestService];
  const { auditSummary } = dataOf(await one.ask(TOP, { filter: { userId: 'alice' } }));
  expect(auditSummary.totalEvents).toBe(1);
  expect(auditSummary.topUsers).toEqual([{ value: expect.stringMatching(/^hmac:/) }]);
  const client = other.live();
  const query =
    'subscription { auditEvents(after: "beginning", filter: { userId: "bob" }) { node { userId } } }';
  const messages = client.iterate({ query });
  const { value } = await messages.next();
  expect(JSON.stringify(value)).toMatch(/hmac:/);
  await client.dispose();
});

test('a retry is the same event, and a secret in its key is not what tells two apart', async () => {
  const [one, other] = services as [TestService, TestService];
  const keyed = (key: string) => ({ input: { ...input, idempotencyKey: `token=${key}` } });
  const statusOf = async (service: TestService, key: string) =>
    dataOf(await service.ask(LOG_EVENT, keyed(key))).logEvent.status;
  expect([await statusOf(one, 'a1'), await statusOf(other, 'a1'), await statusOf(other, 'a2')]).toEqual([
    'RECORDED',
    'DUPLICATE',
    'RECORDED',
  ]);
});

test('another key of the hashes finds nothing, and wrong rules end the start', async () => {
  const stranger = await startService(database.url, { REDACT_FIELDS, REDACT_HASH_KEY: 'x'.repeat(32) });
  const { auditEvents } = dataOf(await stranger.ask(COUNT_EVENTS, { filter: { userId: 'alice' } }));
  await stranger.stop();
  expect(auditEvents.totalCount).toBe(0);
  await expect(startService(database.url, { REDACT_FIELDS: 'ipAddress:hash' })).rejects.toThrow(
    'REDACT_FIELDS',
  );
});
