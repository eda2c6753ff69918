import { describe, expect, vi } from 'vitest';
import { createSecret } from '../../src/auth/api-keys.ts';
import { createAuthentication, KeyLookup } from '../../src/auth/authenticate.ts';
import { createFailureLimit } from '../../src/auth/rate-limit.ts';
import { createTokens } from '../../src/auth/tokens.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { EXPORT_LINK } from '../support/operations/events.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { refuseEvents } from '../support/refuse-events.ts';
import { type Answer, dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { createKey, EVENTS_ABOUT } from './create-key.ts';

let database: TestDatabase;
let service: TestService;
let pool: Pool;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  // A filter that declines everything: events about the log itself pass it by.
  service = await startService(database.url, {}, { filters: [() => false] });
  pool = createPool(database.url, () => undefined);
});

const NO_TOKENS = {
  issuers: [],
  audiences: [],
  algorithms: [],
  clockToleranceMs: 0,
  scopes: [],
  scopesOf: undefined,
  customer: undefined,
};
const LIST = graphql(`
  query ListKeys {
    apiKeys { id name scopes customerId createdAt expiresAt revokedAt lastUsedAt }
  }
`);
const REVOKE = 'mutation ($id: ID!) { revokeApiKey(id: $id) { id revokedAt } }';

async function list() {
  return dataOf(await service.ask(LIST)).apiKeys;
}

async function eventsAbout(id: string): Promise<object[]> {
  return dataOf(await service.ask(EVENTS_ABOUT, { id })).auditEvents.edges.map(({ node }) => node);
}

function codeOf({ errors }: Answer<unknown>): unknown {
  return errors?.[0]?.extensions.code;
}

/** Makes the database refuse events of a type while `work` runs. */
async function withoutEvents(eventType: string, work: () => Promise<void>): Promise<void> {
  const accept = await refuseEvents(pool, `NEW.event_type = '${eventType}'`);
  await work().finally(accept);
}

describe('creating', () => {
  test('shows the secret once, keeps a hash of it, and is an event in the log', async () => {
    const expiresAt = '2099-12-31T23:59:59.000Z';
    const { key, secret } = await createKey(service, {
      name: 'reader',
      scopes: ['EVENTS_READ', 'EVENTS_EXPORT', 'EVENTS_READ'],
      customerId: 'acme',
      expiresAt,
    });
    expect(key).toMatchObject({
      name: 'reader',
      scopes: ['EVENTS_READ', 'EVENTS_EXPORT'],
      customerId: 'acme',
      expiresAt,
      revokedAt: null,
      lastUsedAt: null,
    });
    expect(codeOf(await service.ask('{ auditEvents { totalCount } }', {}, secret))).toBeUndefined();
    expect(JSON.stringify((await pool.query('SELECT * FROM api_keys')).rows)).not.toContain(secret);
    expect((await list())[0]).toMatchObject({ id: key.id, name: 'reader' });
    expect(await eventsAbout(key.id)).toEqual([
      {
        eventType: 'AUTHZ_PERMISSION_GRANTED',
        severity: 'WARNING',
        action: 'api_key.create',
        description: 'a key named "reader" was created',
        userId: 'admin',
        ipAddress: '127.0.0.1',
        customerId: null,
        details: { name: 'reader', scopes: ['events:read', 'events:export'], customerId: 'acme', expiresAt },
      },
    ]);
  });

  test.each([
    ['no scope', { scopes: [] }, 'scopes'],
    ['an admin of one customer', { scopes: ['ADMIN' as const], customerId: 'acme' }, 'scopes'],
    ['an empty name', { name: ' ' }, 'name'],
    ['a name that is too long', { name: 'x'.repeat(101) }, 'name'],
    ['NUL in a name', { name: 'a\0b' }, 'name'],
    ['an empty customer', { customerId: '' }, 'customerId'],
    ['a customer that is too long', { customerId: 'x'.repeat(257) }, 'customerId'],
    ['a time in the past', { expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
  ])('refuses %s', async (_name, input, path) => {
    const before = (await list()).length;
    const answer = await createKey(service, { name: 'a', scopes: ['EVENTS_READ'], ...input }).catch(
      (errors: Answer['errors']) => ({ errors }),
    );
    expect(answer).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT', path } }] });
    expect((await list()).length).toBe(before);
  });

  test('is for admins alone, as are listing and revoking', async () => {
    const { key, secret } = await createKey(service, {
      name: 'all but admin',
      scopes: ['EVENTS_WRITE', 'EVENTS_READ', 'EVENTS_EXPORT'],
    });
    await expect(createKey(service, { name: 'b', scopes: ['ADMIN'] }, secret)).rejects.toMatchObject([
      { extensions: { code: 'FORBIDDEN' } },
    ]);
    expect(codeOf(await service.ask(LIST, {}, secret))).toBe('FORBIDDEN');
    expect(codeOf(await service.ask(REVOKE, { id: key.id }, secret))).toBe('FORBIDDEN');
  });

  test('makes no key when the event cannot be recorded', async () => {
    const before = (await list()).length;
    await withoutEvents('authz.permission_granted', async () => {
      await expect(createKey(service, { name: 'c', scopes: ['ADMIN'] })).rejects.toMatchObject([
        { extensions: { code: 'INTERNAL' } },
      ]);
    });
    expect((await list()).length).toBe(before);
  });
});

describe('revoking', () => {
  test('takes effect at once, for ever, and is an event in the log', async () => {
    const { key, secret } = await createKey(service, { name: 'brief', scopes: ['EVENTS_READ'] });
    expect(codeOf(await service.ask('{ __typename }', {}, secret))).toBeUndefined();
    const first = await service.ask(REVOKE, { id: key.id });
    expect(codeOf(await service.ask('{ __typename }', {}, secret))).toBe('UNAUTHENTICATED');
    // Again: an event of its own, but the time stays.
    expect(await service.ask(REVOKE, { id: key.id })).toEqual(first);
    const revoked = { eventType: 'AUTHZ_ROLE_REVOKED', action: 'api_key.revoke', userId: 'admin' };
    expect(await eventsAbout(key.id)).toMatchObject([{ action: 'api_key.create' }, revoked, revoked]);
  });

  test('takes effect even when the event cannot be recorded; a second call records it', async () => {
    const { key, secret } = await createKey(service, { name: 'leaked', scopes: ['EVENTS_WRITE'] });
    await withoutEvents('authz.role_revoked', async () => {
      expect(codeOf(await service.ask(REVOKE, { id: key.id }))).toBe('INTERNAL');
    });
    expect(codeOf(await service.ask('{ __typename }', {}, secret))).toBe('UNAUTHENTICATED');
    expect(codeOf(await service.ask(REVOKE, { id: key.id }))).toBeUndefined();
    expect(await eventsAbout(key.id)).toMatchObject([
      { action: 'api_key.create' },
      { action: 'api_key.revoke' },
    ]);
  });

  test('an unknown id is NOT_FOUND', async () => {
    for (const id of ['key_0', '', 'a\0b', 'x'.repeat(1000)]) {
      expect((await service.ask(REVOKE, { id })).errors?.[0]?.extensions).toMatchObject({
        code: 'NOT_FOUND',
        path: 'id',
      });
    }
  });

  test('ends the links to exports that the key made', async () => {
    const { key, secret } = await createKey(service, { name: 'exporter', scopes: ['EVENTS_EXPORT'] });
    const data = dataOf(await service.ask(EXPORT_LINK, { format: 'NDJSON' }, secret));
    expect((await fetch(data.auditExport.url)).status).toBe(200);
    await service.ask(REVOKE, { id: key.id });
    expect((await fetch(data.auditExport.url)).status).toBe(403);
  });
});

test('the time of last use is kept to the minute', async () => {
  const { key, secret } = await createKey(service, { name: 'used', scopes: ['EVENTS_READ'] });
  const lastUse = async () => (await list()).find(({ id }) => id === key.id)?.lastUsedAt;
  const before = Date.now();
  await service.ask('{ __typename }', {}, secret);
  const first = await vi.waitFor(async () => {
    const time = await lastUse();
    expect(time).not.toBeNull();
    return time as string;
  }, 10_000);
  expect(Date.parse(first)).toBeGreaterThanOrEqual(before - 1_000);
  await service.ask('{ __typename }', {}, secret);
  expect(await lastUse()).toBe(first);
});

test('a secret with a wrong checksum is refused without a query; a configured secret may look like one', async () => {
  const nowhere = createPool('postgresql://postgres@127.0.0.1:1/none', () => undefined);
  const secret = createSecret();
  const mistyped = `${secret.slice(0, -1)}${secret.endsWith('0') ? '1' : '0'}`;
  const tokens = createTokens({ rules: NO_TOKENS, timeoutMs: 1, now: Date.now, onProblem: () => undefined });
  const options = {
    keys: new KeyLookup(nowhere),
    tokens,
    now: Date.now,
    onUse: () => undefined,
    failures: createFailureLimit(0),
  };
  const { authenticate } = createAuthentication({ ...options, adminSecret: undefined });
  await expect(authenticate(`Bearer ${mistyped}`)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  await expect(authenticate(`Bearer ${secret}`)).rejects.toMatchObject({ code: 'P1001' });
  const chosen = createAuthentication({ ...options, adminSecret: mistyped });
  await expect(chosen.authenticate(`Bearer ${mistyped}`)).rejects.toMatchObject({ code: 'P1001' });
  await nowhere.end();
});
