import { beforeAll, describe, expect, vi } from 'vitest';
import { storeKey } from '../../src/auth/api-keys.ts';
import type { Pool } from '../../src/db/pool.ts';
import { readSize } from '../../src/log/head.ts';
import { formatCursor } from '../../src/log/read/cursor.ts';
import type { TestDatabase } from '../support/database.ts';
import { expectWithin } from '../support/runs.ts';
import { ADMIN_KEY, startService, type TestService } from '../support/service.ts';
import { openStream, resultsOf, type StreamMessage } from '../support/sse.ts';
import { test } from '../support/test.ts';
import { logWarnings, upTo } from '../support/write.ts';

const SETTINGS = { KEEP_ALIVE_MS: '100' };
let database: TestDatabase;
let service: TestService;
let pool: Pool;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  service = await startService(database.url, SETTINGS);
  pool = createPool(database.url, () => undefined);
});

const sizeOfLog = () => readSize(pool);

/** Where the next event will be, and the cursor after which it is the first. */
async function next(): Promise<{ start: number; after: string }> {
  const start = await sizeOfLog();
  const after = start === 0 ? 'beginning' : formatCursor({ timestamp: 0, position: start - 1 });
  return { start, after };
}

const ALERTS = `subscription ($after: String, $filter: AuditEventFilter) {
  securityAlerts(after: $after, filter: $filter) { cursor node { position action details } }
}`;

interface Alert {
  data: { securityAlerts: { cursor: string; node: { position: number; action: string } } };
}

/** Reads the next `count` alerts and lets go of the connection. */
async function take(count: number, after: string | null): Promise<Alert['data']['securityAlerts'][]> {
  const stream = await openStream(service.url, ALERTS, { after });
  const alerts: Alert['data']['securityAlerts'][] = [];
  for await (const { data } of resultsOf<Alert>(stream)) {
    if (alerts.push(data.securityAlerts) === count) break;
  }
  stream.disconnect();
  return alerts;
}

/** The positions of alerts, counted from one. */
const positionsOf = (alerts: Alert['data']['securityAlerts'][], start: number) =>
  alerts.map(({ node }) => node.position - start);

/** All messages up to the end but the comments, of which a slow machine gets more. */
async function allOf(messages: AsyncIterable<StreamMessage>): Promise<StreamMessage[]> {
  const all: StreamMessage[] = [];
  for await (const message of messages) if (message.comment === undefined) all.push(message);
  return all;
}

const subscribers = (count: number) =>
  vi.waitFor(() => expect(service.countSubscribers()).toBe(count), 10_000);

describe('a subscription over server-sent events', () => {
  test('gives every event once, in log order, while several clients write', async () => {
    const { start, after } = await next();
    const live = [take(600, after), take(600, after)];
    await Promise.all(['a', 'b', 'c'].map((prefix) => logWarnings(service, 200, { prefix })));
    for (const alerts of await Promise.all(live)) expect(positionsOf(alerts, start)).toEqual(upTo(600));
  });

  test('is live as soon as the answer begins', async () => {
    const { start } = await next();
    for (const round of upTo(20)) {
      const stream = await openStream(service.url, ALERTS);
      await logWarnings(service, 1, { prefix: `${round}/` });
      const { value } = await resultsOf<Alert>(stream).next();
      expect(value?.data.securityAlerts.node).toMatchObject({
        position: start + round,
        action: `${round}/0`,
      });
      stream.disconnect();
    }
  });

  test('resumes after any cursor without gap or repeat', async () => {
    const { start, after: before } = await next();
    await logWarnings(service, 700);
    const positions: number[] = [];
    let after = before;
    for (const count of [1, 49, 50, 51, 499, 50]) {
      const alerts = await take(count, after);
      positions.push(...positionsOf(alerts, start));
      after = alerts.at(-1)?.cursor ?? '';
    }
    expect(positions).toEqual(upTo(700));
    await subscribers(0);
    const newest = take(1, after);
    await subscribers(1);
    await logWarnings(service, 1);
    expect(positionsOf(await newest, start)).toEqual([700]);
  });

  test('begins with its headers and a comment, and says something while there is no event', async () => {
    const stream = await openStream(service.url, ALERTS);
    expect(stream.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    });
    for (const _ of upTo(3)) expect((await stream.messages.next()).value).toEqual({ comment: '' });
    stream.disconnect();
  });
});

describe('the server', () => {
  test.each([
    ['that waits for an event', {}],
    ['for which nothing ever matches', { after: 'beginning', filter: { userId: 'nobody' } }],
  ])('forgets a client %s when it disconnects', async (_name, variables) => {
    await logWarnings(service, 10);
    const stream = await openStream(service.url, ALERTS, variables);
    await subscribers(1);
    stream.disconnect();
    await subscribers(0);
  });

  test('forgets a client that has stopped reading when it disconnects', async () => {
    const { after } = await next();
    await logWarnings(service, 600, { more: { details: { text: 'x'.repeat(20_000) } } });
    const stream = await openStream(service.url, ALERTS, { after });
    await resultsOf(stream).next();
    await subscribers(1);
    stream.disconnect();
    await subscribers(0);
  });

  test('stops at once while clients subscribe, and cuts the streams without completing them', async () => {
    const { after } = await next();
    await logWarnings(service, 3);
    const stopping = await startService(database.url, SETTINGS);
    const [idle, caughtUp] = await Promise.all(
      [{}, { after }].map((variables) => openStream(stopping.url, ALERTS, variables)),
    );
    await vi.waitFor(() => expect(stopping.countSubscribers()).toBe(2), 10_000);
    const results: string[] = [];
    while (results.length < 3) {
      const { event } = (await caughtUp?.messages.next())?.value ?? {};
      if (event !== undefined) results.push(event);
    }
    const read = Promise.all([idle, caughtUp].map((stream) => stream && allOf(stream.messages)));
    const started = performance.now();
    await stopping.stop();
    expectWithin(2_000, started);
    expect(results).toEqual(Array(3).fill('next'));
    for (const rest of await read) expect(rest?.map(({ event }) => event)).not.toContain('complete');
    expect(stopping.countSubscribers()).toBe(0);
  });
});

describe('what cannot be subscribed to is an error with a code, and then the stream completes', () => {
  test.each([
    ['a text that is no cursor', ALERTS, { after: 'nonsense' }, 'BAD_USER_INPUT', 'after'],
    [
      'a cursor of a longer log',
      ALERTS,
      { after: formatCursor({ timestamp: 0, position: 1_000_000 }) },
      'BAD_USER_INPUT',
      'after',
    ],
    ['a bad filter', ALERTS, { filter: { ipAddress: '1.2.3' } }, 'BAD_USER_INPUT', 'filter.ipAddress'],
    ['an unknown field', 'subscription { nothing }', {}, 'BAD_USER_INPUT', undefined],
  ])('%s', async (_name, query, variables, code, path) => {
    const stream = await openStream(service.url, query, variables);
    const [first, complete, ...more] = await allOf(stream.messages);
    const [error] = JSON.parse(first?.data ?? '').errors;
    expect(error.extensions).toEqual(path === undefined ? { code } : { code, path });
    expect(complete).toEqual({ event: 'complete', data: '' });
    expect(more).toEqual([]);
  });

  beforeAll(() =>
    storeKey(pool, {
      name: 'writer',
      secret: 'a-key-that-may-only-write-0123',
      scopes: ['events:write'],
    }),
  );

  test.each([
    ['an unknown key', 'no-such-key-0123456789', 401, 'UNAUTHENTICATED'],
    ['a key that may only write', 'a-key-that-may-only-write-0123', 200, 'FORBIDDEN'],
  ])('%s', async (_name, key, status, code) => {
    const stream = await openStream(service.url, ALERTS, {}, key);
    expect(stream.status).toBe(status);
    const [first] = await allOf(stream.messages);
    expect(JSON.parse(first?.data ?? '').errors[0].extensions).toEqual({ code });
  });
});

test('a subscription may be asked for by GET; the key is in a header, which EventSource cannot send', async () => {
  const address = `${service.url}/graphql?query=${encodeURIComponent(ALERTS)}`;
  const accept = 'text/event-stream';
  const refused = await fetch(address, { headers: { accept } });
  expect(refused.status).toBe(401);
  await refused.body?.cancel();
  const response = await fetch(address, { headers: { authorization: `Bearer ${ADMIN_KEY}`, accept } });
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/event-stream; charset=utf-8',
  ]);
  await subscribers(1);
  await response.body?.cancel();
  await subscribers(0);
});
