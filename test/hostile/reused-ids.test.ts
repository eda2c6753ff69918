import { Client } from 'pg';
import { expect, vi } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import type { TestService } from '../support/service.ts';
import { connectSocket, type Message, type RawSocket } from '../support/socket.ts';
import { openStream, resultsOf } from '../support/sse.ts';
import { test } from '../support/test.ts';
import { logWarnings, upTo } from '../support/write.ts';

const MAX_SUBSCRIPTIONS_PER_KEY = 50;

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url, {
    MAX_SUBSCRIPTIONS_PER_KEY: String(MAX_SUBSCRIPTIONS_PER_KEY),
  });
});

const ALERTS =
  'subscription ($filter: AuditEventFilter) { securityAlerts(filter: $filter) { node { action } } }';

const subscribe = ({ send }: RawSocket, id: string, action: string) =>
  send({ type: 'subscribe', id, payload: { query: ALERTS, variables: { filter: { action } } } });
const complete = ({ send }: RawSocket, id: string) => send({ type: 'complete', id });
const resultOf = (id: string, action: string) => ({
  type: 'next',
  id,
  payload: { data: { securityAlerts: { node: { action } } } },
});

const subscribers = (count: number) =>
  vi.waitFor(() => expect(service.countSubscribers()).toBe(count), 10_000);

/** The answer to a ping: the service has read everything that was sent before it. */
async function allIsRead(raw: RawSocket): Promise<void> {
  raw.send({ type: 'ping' });
  expect(await raw.next()).toEqual({ type: 'pong' });
}

/** Runs `act` while no operation of the service comes to an outcome. */
async function whileAllIsPending(act: () => Promise<void>): Promise<void> {
  const client = new Client(database.url);
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query('LOCK TABLE log_head IN ACCESS EXCLUSIVE MODE');
    await act();
  } finally {
    await client.end();
  }
}

test('subscriptions completed before they began, under one id, are gone', async () => {
  const raw = await connectSocket(service.url);
  await whileAllIsPending(async () => {
    for (const _ of upTo(30)) {
      subscribe(raw, 'a', 'old0');
      complete(raw, 'a');
    }
    subscribe(raw, 'a', 'last0');
    await allIsRead(raw);
  });
  await subscribers(1);
  for (const prefix of ['old', 'last']) await logWarnings(service, 1, { prefix });
  expect(await raw.next()).toEqual(resultOf('a', 'last0'));
  raw.socket.close();
  await subscribers(0);
  const after = await connectSocket(service.url);
  for (const n of upTo(MAX_SUBSCRIPTIONS_PER_KEY)) subscribe(after, String(n), 'nothing');
  await subscribers(MAX_SUBSCRIPTIONS_PER_KEY);
  after.socket.close();
  await subscribers(0);
});

test('subscriptions that are pending when the socket ends do not begin', async () => {
  const raw = await connectSocket(service.url);
  await whileAllIsPending(async () => {
    for (const _ of upTo(20)) {
      subscribe(raw, 'a', 'nothing');
      complete(raw, 'a');
    }
    subscribe(raw, 'a', 'nothing');
    await allIsRead(raw);
    raw.socket.close();
    await raw.closed;
  });
  const after = await connectSocket(service.url);
  for (const n of upTo(MAX_SUBSCRIPTIONS_PER_KEY)) subscribe(after, String(n), 'nothing');
  await subscribers(MAX_SUBSCRIPTIONS_PER_KEY);
  after.socket.close();
  await subscribers(0);
});

test('a subscription under the id of one that runs outlives it, and ends when it is completed', async () => {
  const raw = await connectSocket(service.url);
  subscribe(raw, 'a', 'former0');
  await subscribers(1);
  complete(raw, 'a');
  subscribe(raw, 'a', 'latter0');
  await allIsRead(raw);
  await subscribers(1);
  for (const prefix of ['former', 'latter']) await logWarnings(service, 1, { prefix });
  expect(await raw.next()).toEqual(resultOf('a', 'latter0'));
  complete(raw, 'a');
  await subscribers(0);
  raw.socket.close();
});

test('the result of a completed query does not come under the id of the next', async () => {
  const raw = await connectSocket(service.url);
  const ask = (query: string) => raw.send({ type: 'subscribe', id: 'a', payload: { query } });
  await whileAllIsPending(async () => {
    ask('{ former: auditEvents { totalCount } }');
    complete(raw, 'a');
    ask('{ latter: auditEvents { totalCount } }');
    await allIsRead(raw);
  });
  expect(await raw.next()).toMatchObject({ type: 'next', id: 'a', payload: { data: { latter: {} } } });
  expect(await raw.next()).toEqual({ type: 'complete', id: 'a' });
  await allIsRead(raw);
  raw.socket.close();
});

test('operations that were completed while they were pending count among the hundred of a socket', async () => {
  const raw = await connectSocket(service.url);
  await whileAllIsPending(async () => {
    for (const _ of upTo(100)) {
      subscribe(raw, 'a', 'nothing');
      complete(raw, 'a');
    }
    subscribe(raw, 'b', 'nothing');
    expect(await raw.next()).toMatchObject({
      type: 'error',
      id: 'b',
      payload: [{ message: expect.stringContaining('100 operations'), extensions: { code: 'OVERLOADED' } }],
    });
  });
  // Once they are over, there is room again.
  let answer: Message;
  do {
    raw.send({ type: 'subscribe', id: 'c', payload: { query: '{ __typename }' } });
    answer = await raw.next();
  } while (answer.type === 'error');
  expect(answer).toMatchObject({ type: 'next', id: 'c' });
  raw.socket.close();
  await subscribers(0);
});

test('an id has at most 128 characters', async () => {
  const raw = await connectSocket(service.url);
  subscribe(raw, 'i'.repeat(128), 'long0');
  await subscribers(1);
  await logWarnings(service, 1, { prefix: 'long' });
  expect(await raw.next()).toEqual(resultOf('i'.repeat(128), 'long0'));
  const reason = new Promise((resolve) =>
    raw.socket.once('close', (code, text) => resolve([code, String(text)])),
  );
  subscribe(raw, 'i'.repeat(129), 'long0');
  expect(await reason).toEqual([4400, 'id: must have at most 128 characters']);
  await subscribers(0);
});

test('the variables of a subscription take at most 64 KiB, without those that it does not declare', async () => {
  const refused = { message: expect.stringContaining('65536'), extensions: { code: 'BAD_USER_INPUT' } };
  const large = { filter: { action: 'x'.repeat(65_536) } };
  const undeclared = { filter: { action: 'nothing' }, other: 'x'.repeat(65_536) };
  const raw = await connectSocket(service.url);
  raw.send({ type: 'subscribe', id: 'a', payload: { query: ALERTS, variables: large } });
  expect(await raw.next()).toMatchObject({ type: 'error', id: 'a', payload: [refused] });
  raw.send({ type: 'subscribe', id: 'b', payload: { query: ALERTS, variables: undeclared } });
  await subscribers(1);
  raw.socket.close();
  await subscribers(0);
  for await (const answer of resultsOf(await openStream(service.url, ALERTS, large)))
    expect(answer).toMatchObject({ errors: [refused] });
  const stream = await openStream(service.url, ALERTS, undeclared);
  await subscribers(1);
  stream.disconnect();
  await subscribers(0);
});
