import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { describe, expect } from 'vitest';
import { answerOf, openRaw, requestText, sendRaw } from '../hostile/raw.ts';
import type { TestDatabase } from '../support/database.ts';
import { startKeepAliveClients } from '../support/keep-alive-clients.ts';
import { COUNT_EVENTS } from '../support/operations/events.ts';
import { expectWithin } from '../support/runs.ts';
import { dataOf, startService } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { test } from '../support/test.ts';

let database: TestDatabase;

test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
});

const QUERY = JSON.stringify({ query: '{ __typename }' });
const OPEN = { connection: 'keep-alive' };

async function countEvents(url: string): Promise<number> {
  const service = await startService(url);
  const { auditEvents } = dataOf(await service.ask(COUNT_EVENTS));
  await service.stop();
  return auditEvents.totalCount;
}

describe('a service that stops', () => {
  test('tells clients that send one request after the other to go, and resets none of them', async () => {
    const service = await startService(database.url, { STOP_IDLE_MS: '1000' });
    const clients = startKeepAliveClients(service.url, 8, true);
    await clients.more(100);
    const startMs = performance.now();
    await service.stop();
    expectWithin(5_000, startMs);
    const recorded = await clients.stop();
    // Each was told, and found nobody there when it came back.
    expect([...clients.ends.keys()].toSorted()).toEqual(['200 close', '200 keep-alive', 'ECONNREFUSED']);
    expect([clients.ends.get('200 close'), clients.ends.get('ECONNREFUSED')]).toEqual([8, 8]);
    expect(await countEvents(database.url)).toBe(recorded);
  });

  test('closes at once what has been idle, and does not wait for what has sent nothing', async () => {
    const service = await startService(database.url, { STOP_IDLE_MS: '0' });
    const agent = new Agent({ keepAlive: true });
    const asked = get(`${service.url}/health/live`, { agent });
    const [response] = await once(asked, 'response');
    await once(response.resume(), 'end');
    const silent = await openRaw(service.url);
    const closed = [asked.socket, silent].map((socket) =>
      once(socket as NonNullable<typeof socket>, 'close'),
    );
    silent.resume();
    const startMs = performance.now();
    await service.stop();
    await Promise.all(closed);
    expectWithin(2_000, startMs);
    agent.destroy();
  });

  test('answers a request that has begun to arrive, and says that it is the last', async () => {
    const service = await startService(database.url, { STOP_IDLE_MS: '0' });
    const socket = await openRaw(service.url);
    const answer = answerOf(socket);
    const text = requestText(OPEN, QUERY);
    socket.write(text.slice(0, 40));
    // The service has read that much when it answers another one.
    await service.ask('{ __typename }');
    const stopped = service.stop();
    await expect.poll(() => isRefused(service.url)).toBe(true);
    socket.write(text.slice(40));
    const { status, headers } = await answer;
    expect([status, headers.connection]).toEqual([200, 'close']);
    await stopped;
  });

  test('serves for STOP_DELAY_MS while it says that it is not ready, also on new connections', async () => {
    const service = await startService(database.url, { STOP_IDLE_MS: '0', STOP_DELAY_MS: '2000' });
    const subscriber = await connectSocket(service.url);
    subscriber.send({
      type: 'subscribe',
      id: '1',
      payload: { query: 'subscription { auditEvents { cursor } }' },
    });
    await expect.poll(() => service.countSubscribers()).toBe(1);
    const idle = await openRaw(service.url);
    await service.ask('{ __typename }');
    const startMs = performance.now();
    const stopped = service.stop();
    // A balancer that has not noticed yet may use either.
    const late = await openRaw(service.url);
    const open = [idle, late].map(answerOf);
    for (const socket of [idle, late]) socket.write(requestText(OPEN, QUERY));
    const ready = await sendRaw(service.url, 'GET /health/ready HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
    expect([ready.status, ready.headers.connection]).toEqual([503, 'close']);
    const answers = [...(await Promise.all(open)), await sendRaw(service.url, requestText(OPEN, QUERY))];
    for (const { status, headers } of answers) expect([status, headers.connection]).toEqual([200, 'close']);
    const live = await connectSocket(service.url);
    live.send({ type: 'subscribe', id: '1', payload: { query: '{ __typename }' } });
    expect((await live.next()).type).toBe('next');
    expect(service.countSubscribers()).toBe(1);
    await stopped;
    expect(performance.now() - startMs).toBeGreaterThan(1_990);
    expect(await Promise.all([subscriber.closed, live.closed])).toEqual([1001, 1001]);
    expect(await isRefused(service.url)).toBe(true);
  });

  test('says so on every answer: refusals, pages and tiles too', async () => {
    const service = await startService(database.url, { STOP_IDLE_MS: '60000' });
    const requests = [
      requestText({ ...OPEN, authorization: 'Bearer none' }, QUERY),
      requestText({ ...OPEN, host: 'evil.example' }, QUERY),
      'GET /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/html\r\n\r\n',
      'GET /checkpoint HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n',
      'GET /export/x HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n',
      'GET /health/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n',
      'GET /nothing HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n',
    ];
    const sockets = await Promise.all([...requests, '', ''].map(() => openRaw(service.url)));
    await service.ask('{ __typename }');
    const upgrading = sockets.pop();
    const ready = sockets.pop();
    const stopped = service.stop();
    await expect.poll(() => isRefused(service.url)).toBe(true);
    const answers = sockets.map((socket, at) => {
      socket.write(requests[at] ?? '');
      return answerOf(socket);
    });
    for (const { headers } of await Promise.all(answers)) expect(headers.connection).toBe('close');
    const unready = answerOf(ready as NonNullable<typeof ready>);
    ready?.write('GET /health/ready HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
    expect((await unready).status).toBe(503);
    const refused = answerOf(upgrading as NonNullable<typeof upgrading>);
    const upgrade = 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13';
    upgrading?.write(
      `GET /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\n${upgrade}\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    const { status, headers, body } = await refused;
    expect([status, headers.connection]).toEqual([503, 'close']);
    expect(JSON.parse(body)).toMatchObject({ errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
    await stopped;
  });
});

async function isRefused(url: string): Promise<boolean> {
  const refused = await fetch(`${url}/health/live`).then(
    () => false,
    () => true,
  );
  return refused;
}
