import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { post, startService, type TestService } from '../support/service.ts';
import { openSocket } from '../support/socket.ts';
import { openStream } from '../support/sse.ts';

let database: TestDatabase;
let service: TestService;
beforeAll(async () => {
  database = await createDatabase();
  service = await startService(database.url);
});
afterAll(async () => {
  await service.stop();
  await database.drop();
});

const QUERY = '{ auditEvents { totalCount } }';
const NONE = 'no API key was sent: send it as "Authorization: Bearer KEY"';
const MALFORMED = 'the value of Authorization is not an API key: send "Bearer KEY" with a whole key';
const MISTYPED = 'the API key is not complete or has a wrong character: copy it again';
const UNKNOWN = 'the API key is unknown, expired or revoked: use another key';
// The checksum of the last six digits is another.
const MISTYPED_KEY = `aul_${'0'.repeat(43)}abcdef`;

/** What each way in says to a value of `Authorization`. */
async function answers(authorization: string | undefined): Promise<string[]> {
  const headers = authorization === undefined ? {} : { authorization };
  const request = { method: 'POST', body: JSON.stringify({ query: QUERY }) };
  const json = { 'content-type': 'application/json' };
  const posted = await fetch(`${service.url}/graphql`, { ...request, headers: { ...json, ...headers } });
  const tile = await fetch(`${service.url}/checkpoint`, { headers });
  const { socket, send } = await openSocket(service.url);
  const closed = once(socket, 'close');
  const payload = authorization === undefined ? {} : { Authorization: authorization };
  send({ type: 'connection_init', payload });
  const [code, reason] = await closed;
  const errors = [await posted.json(), await tile.json()].map((body) => body.errors[0]);
  expect(errors.map(({ extensions }) => extensions)).toEqual(errors.map(() => ({ code: 'UNAUTHENTICATED' })));
  expect([posted.status, tile.status, code]).toEqual([401, 401, 4403]);
  return [...errors.map(({ message }) => message), String(reason)];
}

test.each([
  ['no key', undefined, NONE],
  ['an empty header', '', NONE],
  ['another scheme', 'Basic YWRtaW46YWRtaW4=', MALFORMED],
  ['a key without the scheme', 'no-such-key-0123456789', MALFORMED],
  ['the beginning of a key', 'Bearer aul_0123', MALFORMED],
  ['a key with a wrong character', `Bearer ${MISTYPED_KEY}`, MISTYPED],
  ['a key that does not exist', 'Bearer no-such-key-0123456789', UNKNOWN],
  ['a key that is too long', `Bearer ${'k'.repeat(600)}`, UNKNOWN],
])('%s is told apart from the others, over every way in', async (_what, authorization, message) => {
  expect(await answers(authorization)).toEqual([message, message, `Forbidden: ${message}`]);
});

test('a WebSocket whose Authorization is no text', async () => {
  const { socket, send } = await openSocket(service.url);
  const closed = once(socket, 'close');
  send({ type: 'connection_init', payload: { Authorization: 5 } });
  const [code, reason] = await closed;
  expect([code, String(reason)]).toEqual([4403, `Forbidden: ${MALFORMED}`]);
});

test('an event stream with a wrong key', async () => {
  const subscription = 'subscription { auditEvents { cursor } }';
  const stream = await openStream(service.url, subscription, {}, 'no-such-key-0123456789');
  expect(stream.status).toBe(401);
  stream.disconnect();
  const { errors } = await post(service.url, JSON.stringify({ query: QUERY }), 'no-such-key-0123456789');
  expect(errors?.[0]?.message).toBe(UNKNOWN);
});
