import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { createSecret } from '../../src/auth/api-keys.ts';
import { createKey } from '../auth/create-key.ts';
import type { TestDatabase } from '../support/database.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { IS_FULL } from '../support/runs.ts';
import { ADMIN_KEY, dataOf, post, startService, type TestService } from '../support/service.ts';
import { connectSocket, openSocket } from '../support/socket.ts';
import { openStream, resultsOf } from '../support/sse.ts';
import { test } from '../support/test.ts';
import { upTo } from '../support/write.ts';
import { TRANSPORTS } from './transports.ts';

let database: TestDatabase;

test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
});

const FEED = 'subscription { auditEvents { cursor } }';
const ANY = JSON.stringify({ query: '{ __typename }' });

function send(service: TestService, key: string, body = ANY): Promise<Response> {
  return fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body,
  });
}

const LINK_AND_COUNT = graphql(`
  query LinkAndCount {
    auditExport(format: NDJSON) { url }
    auditEvents { totalCount }
  }
`);

describe('a key that has spent what it may', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startService(database.url, { RATE_LIMIT: '1000' });
    link = dataOf(await service.ask(LINK_AND_COUNT)).auditExport.url;
  });
  afterAll(() => service.stop());
  let link: string;

  test('is RATE_LIMITED with Retry-After, before its body is read', async () => {
    const response = await send(service, ADMIN_KEY, '{"not even JSON');
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } }],
    });
  });

  test.each(Object.entries(TRANSPORTS))('is RATE_LIMITED over %s', async (_name, open) => {
    const transport = await open(service);
    for (const query of [
      '{ auditEvents { totalCount } }',
      'mutation { logEvent(input: { eventType: AUTH_LOGIN }) { status } }',
    ]) {
      const { data, errors } = await transport.ask(query);
      expect([data ?? undefined, errors?.[0]?.extensions.code]).toEqual([undefined, 'RATE_LIMITED']);
    }
    transport.close();
  });

  test('is RATE_LIMITED for a subscription, a tile and a file', async () => {
    const { socket, send: say, next } = await connectSocket(service.url);
    say({ type: 'subscribe', id: '1', payload: { query: FEED } });
    expect(await next()).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'RATE_LIMITED' } }],
    });
    socket.terminate();
    const tile = await fetch(`${service.url}/checkpoint`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    expect([tile.status, tile.headers.has('retry-after')]).toEqual([429, true]);
    expect((await fetch(link)).status).toBe(429);
  });

  test('holds up no other key', async () => {
    const own = await startService(database.url);
    const { secret } = await createKey(own, { name: 'reader', scopes: ['EVENTS_READ'] });
    await own.stop();
    expect((await send(service, secret)).status).toBe(200);
  });
});

async function openTile({ url }: TestService, key: string): Promise<string> {
  const { status } = await fetch(`${url}/checkpoint`, { headers: { authorization: `Bearer ${key}` } });
  return status === 200 ? 'served' : status === 429 ? 'refused' : String(status);
}

async function openLive({ url }: TestService, key: string): Promise<string> {
  const { socket, send: say, next, closed } = await openSocket(url);
  say({ type: 'connection_init', payload: { Authorization: `Bearer ${key}` } });
  const first = await Promise.race([next().catch(() => undefined), closed]);
  socket.terminate();
  return typeof first === 'object' && first.type === 'connection_ack'
    ? 'served'
    : (await closed) === 1013
      ? 'refused'
      : String(await closed);
}

async function openFeed({ url }: TestService, key: string): Promise<string> {
  const stream = await openStream(url, FEED, {}, key);
  stream.disconnect();
  return stream.status === 200 ? 'served' : stream.status === 429 ? 'refused' : String(stream.status);
}

describe('wrong keys', () => {
  test('from an address are RATE_LIMITED after a while; a right key never is, on whatever transport', async () => {
    const service = await startService(database.url, { AUTH_FAILURES: '5' });
    const { secret: fresh } = await createKey(service, { name: 'fresh', scopes: ['EVENTS_READ'] });
    for (let n = 0; n < 5; n += 1) expect((await send(service, `wrong-key-number-${n}`)).status).toBe(401);
    const refused = await send(service, 'wrong-key-number-5');
    expect([refused.status, refused.headers.has('retry-after')]).toEqual([429, true]);
    expect((await send(service, ADMIN_KEY)).status).toBe(200);
    expect((await send(service, fresh)).status).toBe(200);
    for (const open of [openTile, openLive, openFeed]) {
      const { secret } = await createKey(service, { name: 'fresh', scopes: ['EVENTS_READ'] });
      expect(await open(service, secret)).toBe('served');
      expect(await open(service, createSecret())).toBe('refused');
    }
    const raw = await openSocket(service.url);
    raw.send({ type: 'connection_init', payload: { Authorization: 'Bearer wrong-key-number-6' } });
    expect(await raw.closed).toBe(1013);
    await service.stop();
  });

  test('in a flood hold up no right key that this instance has not seen yet', async () => {
    const service = await startService(database.url);
    const fresh = await Promise.all(
      upTo(20).map(async () => (await createKey(service, { name: 'fresh', scopes: ['EVENTS_READ'] })).secret),
    );
    let isOver = false;
    const startMs = performance.now();
    const statuses = new Map<number, number>();
    const flood = upTo(16).map(async () => {
      while (!isOver) {
        const { status } = await send(service, createSecret());
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    });
    // Until they are too many.
    await vi.waitFor(() => expect(statuses.get(429) ?? 0).toBeGreaterThan(50), 30_000);
    const tookMs: number[] = [];
    for (const secret of fresh) {
      const start = performance.now();
      expect((await send(service, secret)).status).toBe(200);
      tookMs.push(performance.now() - start);
    }
    isOver = true;
    await Promise.all(flood);
    expect([...statuses.keys()].toSorted()).toEqual([401, 429]);
    // As many at once, and five a second.
    expect(statuses.get(401)).toBeLessThan(310 + (5 * (performance.now() - startMs)) / 1_000);
    console.info(
      `${statuses.get(429)} wrong keys were refused; a right one was answered within ${Math.max(...tookMs).toFixed(0)} ms`,
    );
    if (IS_FULL) expect(Math.max(...tookMs)).toBeLessThan(2_000);
    await service.stop();
  });

  test('that are no keys at all are not counted', async () => {
    const service = await startService(database.url, { AUTH_FAILURES: '1' });
    for (let n = 0; n < 3; n += 1) {
      expect((await post(service.url, ANY, 'short')).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
    }
    await service.stop();
  });
});

describe('subscriptions', () => {
  test('are bounded for a key and for the instance, over every transport', async () => {
    const service = await startService(database.url, {
      MAX_SUBSCRIPTIONS: '3',
      MAX_SUBSCRIPTIONS_PER_KEY: '2',
    });
    const { secret } = await createKey(service, { name: 'reader', scopes: ['EVENTS_READ'] });
    const raw = await connectSocket(service.url);
    const subscribe = (id: string) => raw.send({ type: 'subscribe', id, payload: { query: FEED } });
    const stream = await openStream(service.url, FEED);
    subscribe('1');
    await vi.waitFor(() => expect(service.countSubscribers()).toBe(2), 10_000);

    const tooMany = { extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } };
    subscribe('2');
    expect(await raw.next()).toMatchObject({ type: 'error', id: '2', payload: [tooMany] });
    const third = await openStream(service.url, FEED);
    expect((await resultsOf(third).next()).value).toMatchObject({ errors: [tooMany] });
    expect(service.countSubscribers()).toBe(2);

    const others = await openStream(service.url, FEED, {}, secret);
    await vi.waitFor(() => expect(service.countSubscribers()).toBe(3), 10_000);
    raw.send({ type: 'complete', id: '1' });
    await vi.waitFor(() => expect(service.countSubscribers()).toBe(2), 10_000);
    subscribe('3');
    await vi.waitFor(() => expect(service.countSubscribers()).toBe(3), 10_000);
    for (const one of [stream, third, others]) one.disconnect();
    raw.socket.terminate();
    await vi.waitFor(() => expect(service.countSubscribers()).toBe(0), 10_000);
    const again = await openStream(service.url, FEED);
    await vi.waitFor(() => expect(service.countSubscribers()).toBe(1), 10_000);
    again.disconnect();
    await service.stop();
  });
});
