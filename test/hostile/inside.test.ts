import { afterAll, describe, expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { keepLog } from '../support/log-lines.ts';
import { EXPORT_LINK } from '../support/operations/events.ts';
import { ADMIN_KEY, dataOf, type TestService } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { openStream, resultsOf } from '../support/sse.ts';
import { test } from '../support/test.ts';

const SECRET = 'the-password-of-the-database';
const INSIDE =
  /the-password|relation|audit_events|log_head|SELECT|select |node_modules|\.ts\b|\bat \w+ \(|stack/;
const TABLES = ['audit_events', 'log_head'];
const LOG = 'mutation { logEvent(input: { eventType: AUTH_LOGIN }) { status } }';
const PAGE = '{ auditEvents { edges { node { id } } } }';
const FEED = 'subscription { auditEvents(after: "beginning") { cursor } }';

const { log, lines } = keepLog();
let database: TestDatabase;
let service: TestService;
let pool: Pool;
/** A service that cannot write of errors to its log. */
let speechless: TestService;
let isBroken = false;
/** A link that was made while nothing was broken. */
let exportUrl: string;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  const filters = [
    () => {
      if (isBroken) throw new Error(SECRET);
      return true;
    },
  ];
  service = await startService(database.url, {}, { log, filters });
  const broken = log.child({});
  // It must not fail by itself, where nobody asks.
  broken.error = (_fields: unknown, message?: string) => {
    if (message === 'request failed') throw new Error(SECRET);
  };
  speechless = await startService(database.url, { CHECKPOINT_INTERVAL_MS: '3600000' }, { log: broken });
  await service.ask(LOG);
  await service.ask('{ checkpoint { treeSize } }');
  exportUrl = dataOf(await service.ask(EXPORT_LINK, { format: 'NDJSON' })).auditExport.url;
  isBroken = true;
  pool = createPool(database.url, () => undefined);
  for (const table of TABLES) await pool.query(`ALTER TABLE ${table} RENAME TO not_${table}`);
});
afterAll(async () => {
  for (const table of TABLES) await pool.query(`ALTER TABLE not_${table} RENAME TO ${table}`);
});

/** What a client was told, once it is sure that it holds nothing from inside, and that the operator finds the cause. */
function expectTold(text: string, requestId: unknown): void {
  expect(text).not.toMatch(INSIDE);
  const line = lines.find((one) => one.requestId === requestId);
  expect(line, 'the line of the request in the log').toBeDefined();
  expect(JSON.stringify(line)).toMatch(/the-password|audit_events|log_head/);
}

describe('what goes wrong inside is told to the operator alone', () => {
  test.each([
    ['while writing', LOG, ['logEvent']],
    ['while reading', PAGE, ['auditEvents']],
    ['while counting', '{ a: auditSummary { byType { count } } }', ['a', 'byType']],
  ])('%s, over HTTP', async (_when, query, path) => {
    const response = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${ADMIN_KEY}`,
        'x-request-id': `try-${path.join('.')}`,
      },
      body: JSON.stringify({ query }),
    });
    const text = await response.text();
    const [error] = JSON.parse(text).errors;
    expect(response.status).toBe(500);
    expect(error).toMatchObject({
      path,
      extensions: { code: 'INTERNAL', requestId: `try-${path.join('.')}` },
    });
    expect(response.headers.get('x-request-id')).toBe(`try-${path.join('.')}`);
    expectTold(text, error.extensions.requestId);
  });

  test.each([
    ['a query', PAGE],
    ['a mutation', LOG],
    ['a subscription', FEED],
  ])('%s over WebSocket', async (_what, query) => {
    const { socket, send, next } = await connectSocket(service.url);
    send({ type: 'subscribe', id: '1', payload: { query } });
    const { payload } = (await next()) as { payload: { errors?: object[] } | object[] };
    const [error] = (Array.isArray(payload) ? payload : payload.errors) as [
      { extensions: { code: string; requestId: string } },
    ];
    expect(error.extensions.code).toBe('INTERNAL');
    expectTold(JSON.stringify(payload), error.extensions.requestId);
    socket.terminate();
  });

  test('a subscription over server-sent events', async () => {
    const stream = await openStream(service.url, FEED);
    const { value } = await resultsOf<{ errors: [{ extensions: { code: string; requestId: string } }] }>(
      stream,
    ).next();
    const { extensions } = (value as { errors: [{ extensions: { code: string; requestId: string } }] })
      .errors[0];
    expect(extensions.code).toBe('INTERNAL');
    expect(stream.response.headers['x-request-id']).toBe(extensions.requestId);
    expectTold(JSON.stringify(value), extensions.requestId);
    stream.disconnect();
  });

  test('a tile', async () => {
    const response = await fetch(`${service.url}/tile/entries/000.p/1`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    const text = await response.text();
    expect([response.status, JSON.parse(text).errors[0].extensions.code]).toEqual([500, 'INTERNAL']);
    expectTold(text, response.headers.get('x-request-id'));
  });

  test('a file breaks off', async () => {
    const text = await fetch(exportUrl)
      .then((response) => response.text())
      .catch(() => 'broken');
    expect(text).not.toMatch(INSIDE);
    expect(text.startsWith('{"errors"') || text === 'broken').toBe(true);
  });

  test('health', async () => {
    const texts = await Promise.all(
      ['live', 'ready'].map(async (path) => (await fetch(`${service.url}/health/${path}`)).text()),
    );
    expect(texts.join()).not.toMatch(INSIDE);
  });
});

test('what cannot even be refused is INTERNAL too', async () => {
  const response = await fetch(`${speechless.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
    body: JSON.stringify({ query: PAGE }),
  });
  const text = await response.text();
  expect([response.status, JSON.parse(text).errors[0].extensions.code]).toEqual([500, 'INTERNAL']);
  expectTold(text, response.headers.get('x-request-id'));
});
