import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey } from '../../access/create-key.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { dataOf, startService, type TestService } from '../../support/service.ts';

const LOG = 'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }';

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createDatabase();
  service = await startService(database.url);
});
afterAll(async () => {
  await service.stop();
  await database.drop();
});

async function log(events: object[]): Promise<void> {
  const input = events.map((event) => ({ eventType: 'DATA_READ', ...event }));
  expect(dataOf(await service.ask(LOG, { input }))).toEqual({ logEvents: { recorded: events.length } });
}

test('resources are counted by the pair of type and id', async () => {
  const resources = [
    ...Array(3).fill(['a', 'b/c']),
    ...Array(2).fill(['a/b', 'c']),
    ['a', ''],
    ['', 'a'],
    ['', '/'],
    ['/', ''],
  ] as [string, string][];
  const of = ([resourceType, resourceId]: [string, string]) => ({
    resourceType,
    resourceId,
    customerId: 'acme',
  });
  await log([...resources.map(of), { resourceType: 'a', customerId: 'acme' }, { resourceId: 'c' }]);
  const query = `{ auditSummary(filter: { eventTypes: [DATA_READ] }) { topResources(first: 5) { value count resourceType resourceId }
    topUsers { value resourceType resourceId } } }`;
  const top = [
    { value: 'a/b/c', count: 3, resourceType: 'a', resourceId: 'b/c' },
    { value: 'a/b/c', count: 2, resourceType: 'a/b', resourceId: 'c' },
    { value: '//', count: 1, resourceType: '', resourceId: '/' },
    { value: '//', count: 1, resourceType: '/', resourceId: '' },
    { value: '/a', count: 1, resourceType: '', resourceId: 'a' },
  ];
  const { secret } = await createKey(service, {
    name: 'reader',
    scopes: ['EVENTS_READ'],
    customerId: 'acme',
  });
  for (const key of [undefined, secret])
    expect(dataOf(await service.ask(query, {}, key))).toEqual({
      auditSummary: { topResources: top, topUsers: [{ value: 'ada', resourceType: null, resourceId: null }] },
    });
});
