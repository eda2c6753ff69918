import { describe, expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import type { ResultOf } from '../support/operations/types.ts';
import { ADMIN_KEY, dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';

let database: TestDatabase;
let behindProxy: TestService;
let alone: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  behindProxy = await startService(database.url, {
    TRUSTED_PROXIES: '127.0.0.0/8, 10.1.0.0/16,2001:db8::/32',
  });
  alone = await startService(database.url);
});

const CREATE = 'mutation { createApiKey(name: "x", scopes: [EVENTS_READ]) { key { id } } }';
const EVENT = graphql(`
  query SeenFrom($id: String!) {
    auditEvents(filter: { resourceId: $id }) {
      edges { node { ipAddress userAgent } }
    }
  }
`);
type Node = ResultOf<typeof EVENT>['auditEvents']['edges'][number]['node'];

/** Creates a key with the headers, and returns what the event about it says of whoever did it. */
async function seen(service: TestService, headers: Record<string, string>): Promise<Node> {
  const response = await fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}`, ...headers },
    body: JSON.stringify({ query: CREATE }),
  });
  const { data } = (await response.json()) as { data: { createApiKey: { key: { id: string } } } };
  const { auditEvents } = dataOf(await service.ask(EVENT, { id: data.createApiKey.key.id }));
  return auditEvents.edges[0]?.node as Node;
}

const from = (given: string) => ({ 'x-forwarded-for': given });

describe('where a request comes from', () => {
  test.each([
    ['198.51.100.7', '198.51.100.7'],
    ['[2001:DB9::1]:443', '2001:db9::1'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['::FFFF:c633:6407', '198.51.100.7'],
    ['[0:0:0:0:0:ffff:198.51.100.7]:5100', '198.51.100.7'],
    // A trusted proxy in another spelling is one.
    ['198.51.100.7, ::ffff:a01:203', '198.51.100.7'],
    ['[fe80::1%eth0]:443', 'fe80::1'],
    ['198.51.100.7:5100', '198.51.100.7'],
    // What is left of the last that is nobody's proxy is said by nobody who is believed.
    ['192.0.2.66, 198.51.100.7, 10.1.2.3, 2001:db8::9', '198.51.100.7'],
    ['unknown, 10.1.2.3', '10.1.2.3'],
    ['10.1.2.3, 10.1.9.9', '10.1.2.3'],
    ['', '127.0.0.1'],
    ['"><script>', '127.0.0.1'],
  ])('is, behind proxies that say %s, %s', async (given, expected) => {
    expect((await seen(behindProxy, from(given))).ipAddress).toBe(expected);
  });

  test('is what the socket says, when no proxy is trusted', async () => {
    expect((await seen(alone, from('198.51.100.7'))).ipAddress).toBe('127.0.0.1');
  });

  test('comes with what the client calls itself, cut to its beginning', async () => {
    const { userAgent } = await seen(alone, { 'user-agent': `curl/8 ${'x'.repeat(1_000)}` });
    expect(userAgent).toBe(`curl/8 ${'x'.repeat(249)}`);
  });
});
