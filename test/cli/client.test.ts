import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientFrom, createClient, endpointOf } from '../../src/client/graphql-client.ts';
import { failure, KEY, type LogServer, startLogServer } from './log-server.ts';

let log: LogServer;
beforeEach(async () => {
  log = await startLogServer();
});
afterEach(() => log.close());

const SEND = 'mutation { logEvents }';
const input = JSON.stringify({ input: [{ eventType: 'DATA_READ', idempotencyKey: 'k' }] });
const clientOf = (options = {}) => createClient({ url: log.url, key: KEY, retryBaseMs: 1, ...options });

describe('address and key', () => {
  it.each([
    ['http://localhost:4000', 'http://localhost:4000/graphql'],
    ['http://localhost:4000/', 'http://localhost:4000/graphql'],
    ['http://localhost:4000/graphql', 'http://localhost:4000/graphql'],
    ['https://example.com/audit/', 'https://example.com/audit/graphql'],
  ])('%s is %s', (url, endpoint) => expect(endpointOf(url).href).toBe(endpoint));

  it('says what is missing or wrong', async () => {
    expect(() => endpointOf('localhost:4000')).toThrow('AUDIT_LOG_URL is not an http(s) address');
    expect(() => clientFrom({})).toThrow('AUDIT_LOG_KEY is not set');
    await expect(clientOf({ key: 'other' }).request(SEND, input)).rejects.toThrow('is AUDIT_LOG_KEY right?');
    const elsewhere = createClient({ url: `${log.url}/elsewhere`, key: KEY });
    await expect(elsewhere.request(SEND, input)).rejects.toThrow(
      'HTTP 404, not with GraphQL: is AUDIT_LOG_URL right?',
    );
  });
});

it('says of a service that takes persisted documents only that the key is not the problem', async () => {
  const message = 'this service takes its persisted documents only (PERSISTED_ONLY)';
  log.instead = [failure('FORBIDDEN', message), failure('FORBIDDEN', 'the key lacks the scope events:write')];
  const closed = await clientOf()
    .request(SEND, input)
    .catch((error: Error) => error.message);
  expect(closed).toContain('PERSISTED_DOCUMENTS');
  expect(closed).not.toContain('use a key');
  await expect(clientOf().request(SEND, input)).rejects.toThrow('use a key with the required scope');
});

describe('retries', () => {
  it.each([
    ['a connection that dies', 'hang up' as const],
    ['429', { status: 429, headers: { 'retry-after': '0' }, body: '' }],
    ['503', { status: 503, body: 'down' }],
    ['OVERLOADED', failure('OVERLOADED', 'too many')],
    ['UNAVAILABLE', failure('UNAVAILABLE', 'starting')],
    ['TIMEOUT', failure('TIMEOUT', 'slow')],
  ])('after %s', async (_, answer) => {
    log.instead = [answer, answer];
    const said: string[] = [];
    await clientOf({ onRetry: (message: string) => said.push(message) }).request(SEND, input);
    expect(said).toHaveLength(2);
    expect(log.events).toHaveLength(1);
  });

  it('are bounded, and fewer before the first answer', async () => {
    log.instead = Array(50).fill('hang up');
    await expect(clientOf().request(SEND, input)).rejects.toThrow(
      `cannot reach the audit log at ${log.url}/graphql`,
    );
    expect(log.instead).toHaveLength(47);
    log.instead = Array(50).fill(failure('OVERLOADED', 'too many'));
    await expect(clientOf({ attempts: 5 }).request(SEND, input)).rejects.toThrow('too many (OVERLOADED)');
    expect(log.instead).toHaveLength(45);
  });

  it('do not happen for refusals', async () => {
    log.instead = [failure('FORBIDDEN', 'needs events:write')];
    await expect(clientOf().request(SEND, input)).rejects.toThrow('use a key with the required scope');
    expect(log.batches).toHaveLength(0);
  });
});
