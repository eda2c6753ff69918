import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { expectWithin } from '../support/runs.ts';
import { startService, type TestService } from '../support/service.ts';
import { connectSocket, openSocket, type RawSocket } from '../support/socket.ts';
import { test } from '../support/test.ts';
import { logWarnings, upTo } from '../support/write.ts';

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
});

const INIT = { type: 'connection_init' };
const ALERTS =
  'subscription ($filter: AuditEventFilter) { securityAlerts(filter: $filter) { node { action } } }';

function subscribe({ send }: RawSocket, id: string, action?: string): void {
  send({ type: 'subscribe', id, payload: { query: ALERTS, variables: { filter: { action } } } });
}

const subscribers = (count: number, of = service) =>
  vi.waitFor(() => expect(of.countSubscribers()).toBe(count), 10_000);

describe('a socket is closed with the code of the protocol', () => {
  test.concurrent('4408 when it does not say connection_init', async () => {
    const { closed } = await openSocket(service.url);
    expect(await closed).toBe(4408);
  });

  test.concurrent.each([
    ['no key', undefined],
    ['a wrong key', { Authorization: 'Bearer no-such-key-0123456789' }],
    ['a key that is no text', { Authorization: 5 }],
  ])('4403 for %s', async (_name, payload) => {
    const { send, closed } = await openSocket(service.url);
    send({ ...INIT, payload });
    expect(await closed).toBe(4403);
  });

  test.concurrent('4429 for a second connection_init', async () => {
    const { send, closed } = await connectSocket(service.url);
    send(INIT);
    expect(await closed).toBe(4429);
  });

  test.concurrent('4401 for an operation before the acknowledgement', async () => {
    const raw = await openSocket(service.url);
    subscribe(raw, '1');
    expect(await raw.closed).toBe(4401);
  });

  test.concurrent('4406 when it does not speak the protocol', async () => {
    const { closed } = await openSocket(service.url, { protocols: [] });
    expect(await closed).toBe(4406);
  });

  test.concurrent('4409 for an id that is in use', async () => {
    const raw = await connectSocket(service.url);
    subscribe(raw, '1', 'nothing');
    subscribe(raw, '1', 'nothing');
    expect(await raw.closed).toBe(4409);
  });

  test.concurrent.each(['nonsense', '{"type":"nonsense"}', '[]'])('4400 for %s', async (text) => {
    const { socket, closed } = await connectSocket(service.url);
    socket.send(text);
    expect(await closed).toBe(4400);
  });

  test.concurrent('1009 for a message that is too large', async () => {
    const { send, closed } = await connectSocket(service.url);
    send({ type: 'ping', payload: { text: 'x'.repeat(1_100_000) } });
    expect(await closed).toBe(1009);
  });
});

describe('a connection', () => {
  test('carries several subscriptions, and each ends when the client completes it', async () => {
    await subscribers(0);
    const raw = await connectSocket(service.url);
    for (const id of ['x', 'y', 'z']) subscribe(raw, id, `${id}0`);
    await subscribers(3);
    for (const prefix of ['z', 'x']) await logWarnings(service, 1, { prefix });
    expect([await raw.next(), await raw.next()]).toEqual(
      ['z', 'x'].map((id) => ({
        type: 'next',
        id,
        payload: { data: { securityAlerts: { node: { action: `${id}0` } } } },
      })),
    );
    raw.send({ type: 'complete', id: 'z' });
    await subscribers(2);
    for (const prefix of ['z', 'y']) await logWarnings(service, 1, { prefix });
    expect(await raw.next()).toMatchObject({ id: 'y' });
    raw.socket.terminate();
    await subscribers(0);
  });

  test('answers queries as HTTP does, and errors with their code', async () => {
    const raw = await connectSocket(service.url);
    const ask = async (id: string, query: string, variables = {}) => {
      raw.send({ type: 'subscribe', id, payload: { query, variables } });
      return raw.next();
    };
    expect(await ask('1', '{ auditSummary { period { start } } }')).toMatchObject({ type: 'next', id: '1' });
    expect(await raw.next()).toEqual({ type: 'complete', id: '1' });
    for (const [id, query, variables] of [
      ['2', 'subscription { nothing }', {}],
      ['3', 'nonsense', {}],
      ['4', ALERTS, { filter: { ipAddress: 'x' } }],
      ['5', ALERTS, { filter: 1 }],
      ['6', 'subscription { securityAlerts(after: "x") { cursor } }', {}],
    ] as const) {
      expect(await ask(id, query, variables)).toMatchObject({
        type: 'error',
        id,
        payload: [{ extensions: { code: 'BAD_USER_INPUT' } }],
      });
    }
    raw.socket.close();
  });

  test('carries a hundred operations at a time, and refuses the next with a code', async () => {
    const raw = await connectSocket(service.url);
    for (const id of upTo(100)) subscribe(raw, String(id), 'nothing');
    await subscribers(100);
    subscribe(raw, '100', 'nothing');
    expect(await raw.next()).toMatchObject({
      type: 'error',
      id: '100',
      payload: [{ extensions: { code: 'OVERLOADED' } }],
    });
    raw.socket.terminate();
    await subscribers(0);
  });

  test('is cut when it asks and asks without reading the answers', async () => {
    const { socket, closed } = await connectSocket(service.url);
    socket.pause();
    const ping = JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(500_000) } });
    const sent = upTo(200).map(
      () => new Promise<void>((resolve, reject) => socket.send(ping, (e) => (e ? reject(e) : resolve()))),
    );
    await expect(Promise.all(sent)).rejects.toThrow();
    socket.resume();
    expect(await closed).toBe(1006);
  });
});

describe('signs of life', () => {
  let lively: TestService;
  beforeAll(async () => {
    lively = await startService(database.url, { KEEP_ALIVE_MS: '40' });
  });
  afterAll(() => lively.stop());

  test('a socket that answers pings stays open; its subscription goes on', async () => {
    const raw = await connectSocket(lively.url);
    subscribe(raw, '1', 'late0');
    for (const _ of upTo(12)) await once(raw.socket, 'ping');
    await logWarnings(lively, 1, { prefix: 'late' });
    expect(await raw.next()).toMatchObject({ type: 'next', id: '1' });
    raw.socket.close();
    expect(await raw.closed).toBe(1005);
  });

  test('one that never answers is cut, and its subscription ends', async () => {
    const raw = await connectSocket(lively.url, { autoPong: false });
    subscribe(raw, '1');
    await subscribers(1, lively);
    expect(await raw.closed).toBe(1006);
    await subscribers(0, lively);
  });
});

test('the service stops at once while clients subscribe: 1001, and nothing is completed', async () => {
  const stopping = await startService(database.url);
  const sockets = await Promise.all([connectSocket(stopping.url), connectSocket(stopping.url)]);
  for (const raw of sockets) subscribe(raw, '1');
  await subscribers(2, stopping);
  const messages: string[] = [];
  for (const { socket } of sockets) socket.on('message', (data) => messages.push(String(data)));
  const started = performance.now();
  await stopping.stop();
  expectWithin(2_000, started);
  expect(await Promise.all(sockets.map(({ closed }) => closed))).toEqual([1001, 1001]);
  expect(messages).toEqual([]);
  expect(stopping.countSubscribers()).toBe(0);
});
