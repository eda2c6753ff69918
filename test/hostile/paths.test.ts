import fc from 'fast-check';
import { expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { runsOf } from '../support/runs.ts';
import { ADMIN_KEY, type TestService } from '../support/service.ts';
import { openSocket } from '../support/socket.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';
import { sendRaw } from './raw.ts';

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url, { RATE_LIMIT: '0' });
  await logWarnings(service, 3, { prefix: 'a' });
  await service.ask('{ checkpoint { treeSize } }');
});

const part = fc.constantFrom(
  ...[
    'tile',
    'entries',
    'checkpoint',
    'verifier-key',
    'customers',
    'export',
    'graphql',
    'health',
    'live',
    '',
  ],
  ...[
    '0',
    '1',
    '-1',
    '63',
    '64',
    '000',
    '001',
    'x001',
    '000.p',
    '3',
    '256',
    '1e9',
    '00.0',
    '999999999999999999',
  ],
  ...[
    '.',
    '..',
    '%2e%2e',
    '%00',
    '%ff',
    '%E2%82',
    '%',
    'a%2Fb',
    'acme',
    "'",
    '\\',
    '*',
    ';',
    '@',
    ':80',
    '{}',
  ],
);
const query = fc.constantFrom(
  '',
  '?',
  '?minWitnesses=1',
  '?minWitnesses=-1',
  '?minWitnesses=NaN',
  '?a=%',
  '?query={a}',
);
const paths = fc
  .tuple(fc.array(part, { minLength: 1, maxLength: 6 }), query)
  .map(([parts, rest]) => `/${parts.join('/')}${rest}`);

test('no path is a surprise inside', async () => {
  await fc.assert(
    fc.asyncProperty(
      paths,
      fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS', 'TRACE'),
      async (path, method) => {
        const { status, body } = await sendRaw(
          service.url,
          `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${ADMIN_KEY}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
        );
        expect(status, path).toBeGreaterThanOrEqual(200);
        expect(status, path).not.toBe(500);
        expect(body).not.toContain('INTERNAL');
      },
    ),
    { numRuns: runsOf(300, 80) },
  );
});

const message = fc.oneof(
  fc.record(
    {
      type: fc.constantFrom(
        'connection_init',
        'subscribe',
        'complete',
        'ping',
        'pong',
        'next',
        'start',
        '',
        null,
      ),
      id: fc.constantFrom('1', '', 'x'.repeat(200), 5, null, '__proto__'),
      payload: fc.constantFrom(
        ...[null, {}, [], 'text', { query: '{ __typename }' }, { query: 5 }, { query: '}{' }],
        ...[
          { query: '{ __typename }', variables: [] },
          { query: '{ __typename }', operationName: 5 },
        ],
        { query: 'subscription { auditEvents { cursor } }', extensions: { persistedQuery: 5 } },
        { authorization: `Bearer ${ADMIN_KEY}` },
        { Authorization: ['Bearer'], __proto__: null },
      ),
    },
    { requiredKeys: [] },
  ),
  fc.constantFrom<unknown>(null, 5, 'text', [], [[]], { type: { type: 'ping' } }),
);

test('no run of messages ends more than its own socket', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 8 }), async (messages) => {
      const { socket, closed } = await openSocket(service.url);
      socket.send(
        JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${ADMIN_KEY}` } }),
      );
      for (const one of messages) socket.send(JSON.stringify(one));
      socket.close();
      expect([1000, 1005, 1006, 4400, 4401, 4403, 4408, 4409, 4429]).toContain(await closed);
    }),
    { numRuns: runsOf(100, 30) },
  );
  expect((await service.ask('{ __typename }')).data).toEqual({ __typename: 'Query' });
});
