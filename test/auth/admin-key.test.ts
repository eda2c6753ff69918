import { describe, expect, vi } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { EXPORT_LINK } from '../support/operations/events.ts';
import { ADMIN_KEY, dataOf, startService, type TestService } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { openStream, resultsOf } from '../support/sse.ts';
import { test } from '../support/test.ts';
import { createKey } from './create-key.ts';

const NEXT_KEY = 'the-next-admin-key-of-the-tests-0123456789';
const FEED = 'subscription { auditEvents { cursor } }';

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
});

async function codeOf(key: string): Promise<unknown> {
  return (await service.ask('{ apiKeys { id } }', {}, key)).errors?.[0]?.extensions.code;
}

async function linkOf(key: string): Promise<string> {
  return dataOf(await service.ask(EXPORT_LINK, { format: 'NDJSON' }, key)).auditExport.url;
}

describe('another ADMIN_API_KEY', () => {
  test('ends the sessions of the former one, also on instances that started with it', async () => {
    expect(await codeOf(ADMIN_KEY)).toBeUndefined();
    const [raw, stream, url] = [
      await connectSocket(service.url),
      await openStream(service.url, FEED),
      await linkOf(ADMIN_KEY),
    ];
    const next = await startService(database.url, { ADMIN_API_KEY: NEXT_KEY });
    expect(await raw.closed).toBe(4403);
    const { value } = await resultsOf(stream).next();
    expect(value).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    await vi.waitFor(async () => expect(await codeOf(ADMIN_KEY)).toBe('UNAUTHENTICATED'), 10_000);
    expect((await fetch(url)).status).toBe(403);
    expect(await codeOf(NEXT_KEY)).toBeUndefined();
    await next.stop();
  });

  test('with the same value ends no session', async () => {
    const raw = await connectSocket(service.url, { key: NEXT_KEY });
    const url = await linkOf(NEXT_KEY);
    const again = await startService(database.url, { ADMIN_API_KEY: NEXT_KEY });
    // What another key's end makes the instances ask about, is still valid.
    const { key } = await createKey(service, { name: 'other', scopes: ['ADMIN'] }, NEXT_KEY);
    await service.ask('mutation ($id: ID!) { revokeApiKey(id: $id) { id } }', { id: key.id }, NEXT_KEY);
    raw.send({ type: 'ping' });
    expect((await raw.next()).type).toBe('pong');
    expect((await fetch(url)).status).toBe(200);
    raw.socket.terminate();
    await again.stop();
  });
});

test('keys are rotated without a gap: both are valid until the first is revoked', async () => {
  const input = { name: 'app', scopes: ['EVENTS_WRITE'] } as const;
  const first = await createKey(service, input, NEXT_KEY);
  const LOG = 'mutation { logEvent(input: { eventType: AUTH_LOGIN }) { status } }';
  const write = async (secret: string) => (await service.ask(LOG, {}, secret)).errors?.[0]?.extensions.code;
  expect(await write(first.secret)).toBeUndefined();
  const second = await createKey(service, input, NEXT_KEY);
  expect([await write(first.secret), await write(second.secret)]).toEqual([undefined, undefined]);
  await service.ask('mutation ($id: ID!) { revokeApiKey(id: $id) { id } }', { id: first.key.id }, NEXT_KEY);
  expect([await write(first.secret), await write(second.secret)]).toEqual(['UNAUTHENTICATED', undefined]);
});
