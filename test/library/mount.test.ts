import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ServerType, serve } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { createClient } from 'graphql-ws';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { WebSocket } from 'ws';
import type { AuditLog } from '../../src/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openTestLog } from '../support/library.ts';
import { ADMIN_KEY } from '../support/service.ts';
import { test } from '../support/test.ts';

let database: TestDatabase;
let log: AuditLog;

test.beforeAll(async ({ createDatabase, openTestLog }) => {
  database = await createDatabase();
  log = await openTestLog(database.url, { settings: { ADMIN_API_KEY: ADMIN_KEY } });
});

/** A host with the API below a path. */
interface Host {
  url: string;
  close(): Promise<unknown>;
}

const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) =>
  void log.handleUpgrade(request, socket, head);

async function listening(server: Server, path: string): Promise<Host> {
  server.on('upgrade', onUpgrade);
  if (!server.listening) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}${path}`, close: () => closeAll(server) };
}

// What clients keep open for their next request would keep the host open.
async function closeAll(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

const HOSTS: Record<string, () => Promise<Host>> = {
  'node:http, at the root': () => listening(createServer(log.handler), ''),
  'Express 5': () => {
    const app = express();
    app.use('/internal/audit', log.handler);
    return listening(createServer(app), '/internal/audit');
  },
  'Express 5 behind a body parser': () => {
    const app = express();
    app.use(express.json());
    app.use('/graphql/audit', log.handler);
    return listening(createServer(app), '/graphql/audit');
  },
  async Fastify() {
    const app = fastify();
    app.all('/audit/*', (request, reply) => {
      reply.hijack();
      return log.handler(Object.assign(request.raw, { body: request.body }), reply.raw);
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    return listening(app.server, '/audit');
  },
  async Hono() {
    const app = new Hono();
    app.all('/deep/er/audit/*', (context) => log.fetch(context.req.raw));
    const server = await new Promise<ServerType>((resolve) => {
      const started = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(started));
    });
    return listening(server as Server, '/deep/er/audit');
  },
};

async function ask(url: string, query: string, key = ADMIN_KEY) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query }),
  });
  return { response, answer: await response.json() };
}

const LOG = (userId: string) =>
  `mutation { logEvent(input: { eventType: AUTH_LOGIN, userId: "${userId}" }) { status event { id } } }`;
const FOLLOW = (userId: string) =>
  `subscription { auditEvents(filter: { userId: "${userId}" }) { node { id } } }`;

describe.each(Object.entries(HOSTS))('mounted in %s', (name, start) => {
  let host: Host;
  beforeAll(async () => {
    host = await start();
  });
  afterAll(() => host.close());

  test('mutations and queries, by POST and by GET', async () => {
    const { answer } = await ask(host.url, LOG(name));
    expect(answer.data.logEvent.status).toBe('RECORDED');
    expect((await log.get(answer.data.logEvent.event.id))?.userId).toBe(name);
    const query = encodeURIComponent(`{ auditEvent(id: "${answer.data.logEvent.event.id}") { userId } }`);
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    const got = await fetch(`${host.url}/graphql?query=${query}`, { headers });
    expect(await got.json()).toEqual({ data: { auditEvent: { userId: name } } });
    expect(got.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('errors are those of the API', async () => {
    const { response, answer } = await ask(
      host.url,
      '{ auditEvents { totalCount } }',
      'not-a-key-0123456789',
    );
    expect([response.status, answer.errors[0].extensions.code]).toEqual([401, 'UNAUTHENTICATED']);
    const tooLarge = await fetch(`${host.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', authorization: `Bearer ${ADMIN_KEY}` },
      body: '{}',
    });
    expect(tooLarge.status).toBe(415);
  });

  test('exports, by the link that is relative to the endpoint', async () => {
    await log.log({ eventType: 'data.read', userId: `${name} file` });
    const { answer } = await ask(
      host.url,
      `{ auditExport(format: NDJSON, filter: { userId: "${name} file" }) { url } }`,
    );
    const file = await fetch(new URL(answer.data.auditExport.url, `${host.url}/graphql`));
    expect((await file.text()).trim().split('\n')).toHaveLength(1);
    expect(file.headers.get('content-disposition')).toMatch(/^attachment/);
  });

  test('GraphiQL, which asks the API where it is itself', async () => {
    const page = await fetch(`${host.url}/graphql`, { headers: { accept: 'text/html' } });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toContain('"endpoint":"graphql"');
  });

  test('subscriptions over server-sent events end with their client', async () => {
    const user = `${name} sse`;
    const leave = new AbortController();
    const stream = await fetch(`${host.url}/graphql?query=${encodeURIComponent(FOLLOW(user))}`, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${ADMIN_KEY}` },
      signal: leave.signal,
    });
    const { event } = await log.log({ eventType: 'auth.login', userId: user });
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('"node"')) text += (await reader?.read())?.value;
    expect(text).toContain(event?.id);
    leave.abort();
    await expect(reader?.read()).rejects.toThrow();
  });

  test('subscriptions over WebSocket', async () => {
    const user = `${name} ws`;
    const client = createClient({
      url: `${host.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { Authorization: `Bearer ${ADMIN_KEY}` },
      retryAttempts: 0,
    });
    const results = client.iterate<{ auditEvents: { node: { id: string } } }>({
      query: `subscription { auditEvents(after: "beginning", filter: { userId: "${user}" }) { node { id } } }`,
    });
    const { event } = await log.log({ eventType: 'auth.login', userId: user });
    const first = await results.next();
    expect(first.value.data.auditEvents.node.id).toBe(event?.id);
    await results.return?.();
    await client.dispose();
  });
});

test('a subscription whose client is gone is over, by handler as by fetch', async () => {
  const own = await createDatabase();
  const narrow = await openTestLog(own.url, { settings: { ADMIN_API_KEY: ADMIN_KEY, MAX_SUBSCRIPTIONS: 1 } });
  const host = await listening(createServer(narrow.handler), '');
  const path = `/graphql?query=${encodeURIComponent(FOLLOW('nobody'))}`;
  const headers = { accept: 'text/event-stream', authorization: `Bearer ${ADMIN_KEY}` };
  const ways = [
    (signal: AbortSignal) => fetch(`${host.url}${path}`, { headers, signal }),
    (signal: AbortSignal) => narrow.fetch(new Request(`http://x${path}`, { headers, signal })),
  ];
  for (const open of [...ways, ...ways]) {
    const leave = new AbortController();
    // The one before has just left.
    await expect.poll(async () => (await open(leave.signal)).status).toBe(200);
    expect((await open(new AbortController().signal)).status).toBe(429);
    leave.abort();
  }
  await host.close();
  await narrow.close();
  await own.drop();
});

test.each([
  ['with its length', () => 'x'.repeat(20_000_000)],
  ['in pieces', () => pieces(20)],
])('a body that is too large is refused before it is read to its end, %s', async (_name, body) => {
  const host = await listening(createServer(log.handler), '/any');
  const init = () => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
    body: body() as BodyInit,
    duplex: 'half',
  });
  const answers = [
    await fetch(`${host.url}/graphql`, init()),
    await log.fetch(new Request('http://x/any/graphql', init())),
  ];
  for (const answer of answers) {
    const { errors } = (await answer.json()) as { errors: { extensions: { code: string } }[] };
    expect([answer.status, errors[0]?.extensions.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  }
  await host.close();
});

function pieces(megabytes: number): ReadableStream<Uint8Array> {
  const piece = new Uint8Array(1_000_000).fill(0x20);
  let left = megabytes;
  return new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(piece);
      else controller.close();
    },
  });
}

test('the schema is that of the API', () => {
  expect(log.schema.getQueryType()?.getFields().auditEvents).toBeDefined();
});

test('a log that closes ends what is mounted, and answers with a code afterwards', async () => {
  const own = await createDatabase();
  const closing = await openTestLog(own.url, { settings: { ADMIN_API_KEY: ADMIN_KEY } });
  const request = () =>
    new Request(`http://x/graphql?query=${encodeURIComponent(FOLLOW('x'))}`, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${ADMIN_KEY}` },
    });
  const stream = await closing.fetch(request());
  const reading = stream.text();
  await closing.close();
  expect(await reading).not.toContain('complete');
  const late = await closing.fetch(request());
  expect([late.status, (await late.json()).errors[0].extensions.code]).toEqual([503, 'UNAVAILABLE']);
  await expect(closing.query()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await own.drop();
});

test('a body that was read before and not kept is refused at once', async () => {
  const host = createServer((request, response) => {
    request.resume().once('end', () => void log.handler(request, response));
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const { port } = host.address() as { port: number };
  const answer = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
    body: '{"query":"{__typename}"}',
  });
  expect([answer.status, (await answer.json()).errors[0].extensions.code]).toEqual([503, 'UNAVAILABLE']);
  host.close();
});

test.each<[string, (request: Request) => Promise<unknown>]>([
  ['read to its end', (request) => request.text()],
  [
    'read in part',
    async ({ body }) => {
      const reader = body?.getReader();
      await reader?.read();
      reader?.releaseLock();
    },
  ],
  ['locked by a reader', async ({ body }) => body?.getReader()],
])('a body that was %s before fetch is refused at once', async (_how, use) => {
  const request = new Request('http://log.example/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
    body: '{"query":"{__typename}"}',
  });
  await use(request);
  const answer = await log.fetch(request);
  const [error] = (await answer.json()).errors;
  expect([answer.status, error.extensions.code]).toEqual([503, 'UNAVAILABLE']);
  expect(error.message).toContain('the body was read before the log');
});
