import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, expect } from 'vitest';
import { type ChildService, startChildService } from '../support/child-service.ts';
import type { TestDatabase } from '../support/database.ts';
import { ADMIN_KEY, post } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { openStream } from '../support/sse.ts';
import { test } from '../support/test.ts';

const DOCUMENTS = 40;
const AT_ONCE = 8;
const FEED = 'subscription ($filter: AuditEventFilter) { auditEvents(filter: $filter) { cursor } }';

let database: TestDatabase;
let service: ChildService;
let folder: string;

test.beforeAll(async ({ later, createDatabase }) => {
  folder = await mkdtemp(join(tmpdir(), 'audit-log-heap-'));
  later(() => rm(folder, { recursive: true }));
  database = await createDatabase();
  service = await startChildService(database.url);
});
afterAll(async () => {
  await service.stop();
});

/** How often each text is found on the heap of the service. */
async function found(texts: readonly string[]): Promise<number[]> {
  const path = await service.snapshot(join(folder, 'service.heapsnapshot'));
  const heap = await readFile(path, 'latin1');
  return texts.map((text) => heap.split(text).length - 1);
}

const ask = (query: string, variables: object, key = ADMIN_KEY) =>
  post(service.url, JSON.stringify({ variables, query }), key);

/** Requests of all kinds with the text in their variables, each in documents that nobody sent before. */
const REQUESTS: Record<string, (text: string, n: number) => Promise<unknown>> = {
  query: (text, n) =>
    ask(`query q${n} ($filter: AuditEventFilter) { auditEvents(filter: $filter) { totalCount } }`, {
      filter: { userId: text },
    }),
  'conditional query': (text, n) =>
    ask(
      `query c${n} ($filter: AuditEventFilter, $on: Boolean!) { auditEvents(filter: $filter) { totalCount @include(if: $on) edges @skip(if: $on) { cursor } } }`,
      { filter: { userId: text }, on: n % 2 === 0 },
    ),
  // What is stored may be read again: the text is where redaction takes it away.
  mutation: (text, n) =>
    ask(`mutation m${n} ($input: LogEventInput!) { logEvent(input: $input) { status } }`, {
      input: { eventType: 'AUTH_LOGIN', action: 'login', details: { password: text } },
    }),
  'mutation with escapes': (text, n) =>
    ask(`mutation e${n} ($input: LogEventInput!) { logEvent(input: $input) { status } }`, {
      input: { eventType: 'AUTH_LOGIN', action: 'login', details: { url: `/login?to=%2F&password=${text}` } },
    }),
  'mutation with a secret in a name': (text, n) =>
    ask(`mutation n${n} ($input: LogEventInput!) { logEvent(input: $input) { status } }`, {
      input: { eventType: 'AUTH_LOGIN', action: 'login', details: { [`password=${text}`]: 1 } },
    }),
  'mutation with a secret beside a long name': (text, n) =>
    ask(`mutation b${n} ($input: LogEventInput!) { logEvent(input: $input) { status } }`, {
      input: { eventType: 'AUTH_LOGIN', action: 'login', description: `password_of_the_user=${text}` },
    }),
  'mutation with a secret between two names': (text, n) =>
    ask(`mutation p${n} ($input: LogEventInput!) { logEvent(input: $input) { status } }`, {
      input: { eventType: 'AUTH_LOGIN', action: 'login', description: `pin: 7${text} = x` },
    }),
  'wrong variable': (text, n) =>
    ask(`query w${n} ($first: Int) { auditEvents(first: $first) { totalCount } }`, { first: text }),
  'document that is refused': (text, n) =>
    ask(`query r${n} ($filter: AuditEventFilter) { auditEvents(filter: $filter) { wrong } }`, {
      filter: { userId: text },
    }),
  'document that is none': (text, n) =>
    ask(`query s${n} ($filter: AuditEventFilter) { auditEvents(filter: $filter) { `, {
      filter: { userId: text },
    }),
  'document that is too deep': (text, n) =>
    ask(`query d${n} ${'{ a'.repeat(60)}${'}'.repeat(60)}`, { filter: { userId: text } }),
  'request without a key': (text, n) =>
    ask(
      `query k${n} ($filter: AuditEventFilter) { auditEvents(filter: $filter) { totalCount } }`,
      {
        filter: { userId: text },
      },
      'aul_wrong',
    ),
};

async function overWebSocket(text: string): Promise<void> {
  const { socket, send, next } = await connectSocket(service.url);
  for (let n = 0; n < 20; n += 1) {
    const query = `query s${n} ($filter: AuditEventFilter) { auditEvents(filter: $filter) { totalCount } }`;
    send({ type: 'subscribe', id: `${n}`, payload: { variables: { filter: { userId: text } }, query } });
    expect(await next()).toMatchObject({ type: 'next' });
    expect(await next()).toMatchObject({ type: 'complete' });
  }
  socket.terminate();
}

test('no variable of a request is on the heap once it is answered', async () => {
  const texts = Object.fromEntries(
    [...Object.keys(REQUESTS), 'WebSocket', 'server-sent events', 'open stream'].map((kind, n) => [
      kind,
      `canary${n}x${Math.random().toString(36).slice(2)}`,
    ]),
  );
  const textOf = (kind: string) => texts[kind] as string;
  for (const [kind, request] of Object.entries(REQUESTS)) {
    // Side by side, so that they open connections to the database: a connection may keep what it was opened for.
    for (let n = 0; n < DOCUMENTS; n += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => request(textOf(kind), n + index)));
  }
  await overWebSocket(textOf('WebSocket'));
  const ended = await openStream(service.url, FEED, { filter: { userId: textOf('server-sent events') } });
  ended.disconnect();
  // What the search can find: a subscription that is open has its filter.
  const open = await openStream(service.url, FEED, { filter: { userId: textOf('open stream') } });
  const expected = Object.fromEntries(Object.keys(texts).map((kind) => [kind, kind === 'open stream']));
  let isFound: Record<string, boolean> = {};
  // A client's connection keeps its last request until the next one. What a cache keeps is in all snapshots.
  for (let attempt = 0; attempt < 4 && !isDeepStrictEqual(isFound, expected); attempt += 1) {
    await Promise.all(Array.from({ length: 4 * AT_ONCE }, () => service.ask('{ __typename }')));
    await service.memory();
    const counts = await found(Object.values(texts));
    isFound = Object.fromEntries(Object.keys(texts).map((kind, n) => [kind, (counts[n] ?? 0) > 0]));
  }
  open.disconnect();
  expect(isFound).toEqual(expected);
}, 240_000);
