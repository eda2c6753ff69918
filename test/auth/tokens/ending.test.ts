import { request } from 'node:http';
import { afterAll, describe, expect, vi } from 'vitest';
import type { TestDatabase } from '../../support/database.ts';
import { AUDIENCE, startIssuer, type TestIssuer } from '../../support/issuer.ts';
import { CREATE_KEY, EXPORT_LINK } from '../../support/operations/events.ts';
import { dataOf, startService, type TestService } from '../../support/service.ts';
import { openSocket } from '../../support/socket.ts';
import { openStream, resultsOf } from '../../support/sse.ts';
import { test } from '../../support/test.ts';

let database: TestDatabase;
let issuer: TestIssuer;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  [database, issuer] = await Promise.all([createDatabase(), startIssuer()]);
  service = await startService(database.url, settings());
  // 14 MB, which a client has to read for a while.
  const details = { text: 'x'.repeat(20_000) };
  const input = Array.from({ length: 700 }, () => ({ eventType: 'DATA_READ', details }));
  await service.ask('mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }', {
    input,
  });
});
afterAll(async () => {
  await issuer.close();
});

const settings = () => ({
  JWT_ISSUERS: issuer.setting,
  JWT_AUDIENCE: AUDIENCE,
  JWT_CLOCK_TOLERANCE_MS: '0',
});
const FEED = 'subscription { auditEvents { cursor } }';

/** A token that lives from seven to eight seconds, and its last moment. */
function brief(claims: object = {}): { token: string; exp: number } {
  const exp = Math.floor(Date.now() / 1_000) + 8;
  return { token: issuer.token({ scope: 'events:read events:export', exp, ...claims }), exp: exp * 1_000 };
}

async function connect(token: string, at = service) {
  const raw = await openSocket(at.url);
  raw.send({ type: 'connection_init', payload: { Authorization: `Bearer ${token}` } });
  expect((await raw.next()).type).toBe('connection_ack');
  return raw;
}

async function linkOf(token: string): Promise<{ url: string; expiresAt: string }> {
  return dataOf(await service.ask(EXPORT_LINK, { format: 'NDJSON' }, token)).auditExport;
}

/** Without the file itself. */
const statusOf = async (url: string) => (await fetch(url, { method: 'HEAD' })).status;

describe.concurrent('when a token expires', () => {
  test('its WebSocket gets an error and is closed with 4403, not earlier', async () => {
    const { token, exp } = brief();
    const raw = await connect(token);
    raw.send({ type: 'subscribe', id: '1', payload: { query: FEED } });
    const told = await raw.next();
    expect(told).toMatchObject({
      type: 'error',
      id: '1',
      payload: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    });
    expect(await raw.closed).toBe(4403);
    expect(Date.now()).toBeGreaterThanOrEqual(exp);
    expect(Date.now()).toBeLessThan(exp + 5_000);
  });

  test('a WebSocket without a subscription is closed with 4403 too', async () => {
    expect(await (await connect(brief().token)).closed).toBe(4403);
  });

  test('its server-sent events end with an error', async () => {
    const stream = await openStream(service.url, FEED, {}, brief().token);
    const results = [];
    for await (const result of resultsOf(stream)) results.push(result);
    expect(results).toMatchObject([{ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] }]);
  });

  test('requests with it are refused, also while it is remembered', async () => {
    const { token, exp } = brief();
    const code = async () => (await service.ask('{ __typename }', {}, token)).errors?.[0]?.extensions.code;
    expect(await code()).toBeUndefined();
    await vi.waitFor(async () => expect(await code()).toBe('UNAUTHENTICATED'), 30_000);
    expect(Date.now()).toBeGreaterThanOrEqual(exp);
  });

  test('another token of the same subject goes on', async () => {
    const long = issuer.token({ scope: 'events:read' });
    const [first, second] = await Promise.all([connect(brief().token), connect(long)]);
    expect(await first.closed).toBe(4403);
    second.send({ type: 'ping' });
    expect((await second.next()).type).toBe('pong');
    second.socket.terminate();
  });

  test('its export links end with an error that says so', async () => {
    const { token, exp } = brief();
    const { url, expiresAt } = await linkOf(token);
    expect(Date.parse(expiresAt)).toBe(exp);
    expect(await statusOf(url)).toBe(200);
    await vi.waitFor(async () => expect(await statusOf(url)).toBe(403), 30_000);
  });

  test('an export that is still being read is aborted', async () => {
    const { url } = await linkOf(brief().token);
    // Read no further than what fits into the buffers on the way.
    const broken = await new Promise<boolean>((resolve, reject) => {
      request(url, { agent: false }, (response) => {
        response.once('data', () => response.pause());
        response.once('close', () => resolve(!response.complete));
        response.on('error', () => undefined);
        vi.waitFor(async () => expect(await statusOf(url)).toBe(403), 30_000).then(
          () => response.resume(),
          reject,
        );
      })
        .on('error', reject)
        .end();
    });
    expect(broken).toBe(true);
  });
});

test('sessions of tokens cause no query', async () => {
  const raw = await connect(issuer.token({ scope: 'events:read' }));
  const keys = await connect(issuer.token({ sub: 'bob', scope: 'admin' }));
  // Revoking a key asks about everything that is open.
  const created = await service.ask(CREATE_KEY, { name: 'k', scopes: ['ADMIN'] });
  const { id } = dataOf(created).createApiKey.key;
  await service.ask('mutation ($id: ID!) { revokeApiKey(id: $id) { id } }', { id });
  for (const { send, next, socket } of [raw, keys]) {
    send({ type: 'ping' });
    expect((await next()).type).toBe('pong');
    socket.terminate();
  }
});

test('an export link ends when its issuer is no longer accepted', async () => {
  const { url } = await linkOf(issuer.token({ scope: 'events:export' }));
  const without = await startService(database.url);
  expect(await statusOf(url.replace(service.url, without.url))).toBe(403);
  await without.stop();
  expect(await statusOf(url)).toBe(200);
});
