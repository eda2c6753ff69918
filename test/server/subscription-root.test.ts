import { describe, expect, vi } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import type { Answer, TestService } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { openStream, resultsOf } from '../support/sse.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
  await logWarnings(service, 1);
});

const FIELD = 'auditEvents(after: "beginning")';

// Each leaves no field, or one that depends on something, or none that is a field of the log.
const REFUSED: [string, string, object?][] = [
  ['@skip', `subscription { ${FIELD} @skip(if: true) { cursor } }`],
  ['@include', `subscription { ${FIELD} @include(if: false) { cursor } }`],
  ['both', `subscription { ${FIELD} @skip(if: false) @include(if: false) { cursor } }`],
  ['an inline fragment', `subscription { ... @skip(if: true) { ${FIELD} { cursor } } }`],
  ['a spread', `subscription { ...S @skip(if: true) } fragment S on Subscription { ${FIELD} { cursor } }`],
  [
    'within a fragment',
    `subscription { ...S } fragment S on Subscription { ${FIELD} @skip(if: true) { cursor } }`,
  ],
  ['a variable', `subscription ($x: Boolean!) { ${FIELD} @skip(if: $x) { cursor } }`, { x: true }],
  [
    'a variable that would keep it',
    `subscription ($x: Boolean!) { ${FIELD} @skip(if: $x) { cursor } }`,
    { x: false },
  ],
  ['a default', `subscription ($x: Boolean! = true) { ${FIELD} @skip(if: $x) { cursor } }`],
  ['a variable that is missing', `subscription ($x: Boolean!) { ${FIELD} @include(if: $x) { cursor } }`],
  ['__typename alone', 'subscription { __typename }'],
  ['__typename beside it', `subscription { ${FIELD} { cursor } __typename }`],
  ['two fields', `subscription { ${FIELD} { cursor } securityAlerts { cursor } }`],
  ['two names', `subscription { a: ${FIELD} { cursor } b: ${FIELD} { cursor } }`],
];

const codesOf = (errors: unknown) =>
  new Set((errors as Answer['errors'])?.map(({ extensions }) => extensions.code));
const BAD = new Set(['BAD_USER_INPUT']);

describe('a subscription without exactly one field is BAD_USER_INPUT', () => {
  test.each(REFUSED)('over WebSocket: %s', async (_what, query, variables) => {
    const { socket, send, next } = await connectSocket(service.url);
    send({ type: 'subscribe', id: '1', payload: { query, variables } });
    const { type, id, payload } = await next();
    expect([type, id, codesOf(payload)]).toEqual(['error', '1', BAD]);
    // The socket goes on.
    send({ type: 'subscribe', id: '2', payload: { query: '{ __typename }' } });
    expect(await next()).toMatchObject({ type: 'next', id: '2' });
    socket.terminate();
  });

  test.each(REFUSED)('over server-sent events: %s', async (_what, query, variables) => {
    const stream = await openStream(service.url, query, variables);
    const { data, errors } = (await resultsOf<Answer>(stream).next()).value ?? {};
    expect([data, codesOf(errors)]).toEqual([undefined, BAD]);
    stream.disconnect();
  });
});

describe('a subscription with exactly one field begins', () => {
  test.each([
    ['a condition that keeps it', `subscription { ${FIELD} @include(if: true) @skip(if: false) { cursor } }`],
    [
      'another that is left out',
      `subscription { ${FIELD} { cursor } securityAlerts @skip(if: true) { cursor } }`,
    ],
    [
      'one name in two fragments',
      `subscription { ...A ...B } fragment A on Subscription { ${FIELD} { cursor } }
       fragment B on Subscription { ${FIELD} { node { id } } }`,
    ],
    [
      'a condition further inside',
      `subscription ($x: Boolean!) { ${FIELD} { cursor node { id @skip(if: $x) action } } }`,
    ],
  ])('%s', async (_what, query) => {
    const { socket, send, next } = await connectSocket(service.url);
    send({ type: 'subscribe', id: '1', payload: { query, variables: { x: true } } });
    expect(await next()).toMatchObject({
      type: 'next',
      payload: { data: { auditEvents: { cursor: expect.any(String) } } },
    });
    socket.terminate();
    await vi.waitFor(() => expect(service.countSubscribers()).toBe(0), 10_000);
  });
});
