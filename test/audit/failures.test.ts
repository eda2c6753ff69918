import { describe, expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import { createKey } from '../auth/create-key.ts';
import type { TestDatabase } from '../support/database.ts';
import type { TestService } from '../support/service.ts';
import { openSocket } from '../support/socket.ts';
import { openStream } from '../support/sse.ts';
import { test } from '../support/test.ts';
import { during, operationsOf } from './during.ts';

let database: TestDatabase;

let pool: Pool;

test.beforeAll(async ({ createDatabase, createPool }) => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined);
});

const FAILURES = { META_AUDIT: 'failures', META_AUDIT_INTERVAL_MS: '3600000' };
const COUNT = '{ auditEvents { totalCount } }';
const SUBSCRIBE = 'subscription { auditEvents { cursor } }';
const WRONG = `aul_wrong-key-${'0123456789'.repeat(4)}`;

/** Asks with a key over every way in, and waits for the refusal of each. */
async function askEverywhere({ url }: TestService, key: string | undefined): Promise<void> {
  const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const posted = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'curl/8', ...authorization },
    body: JSON.stringify({ query: COUNT }),
  });
  expect(posted.status).toBe(401);
  expect((await fetch(`${url}/checkpoint`, { headers: authorization })).status).toBe(401);
  const { socket, send, closed } = await openSocket(url);
  send({
    type: 'connection_init',
    ...(key === undefined ? {} : { payload: { Authorization: `Bearer ${key}` } }),
  });
  expect(await closed).toBe(4403);
  socket.terminate();
  if (key !== undefined) {
    const stream = await openStream(url, SUBSCRIBE, {}, key);
    expect(stream.status).toBe(401);
    stream.disconnect();
  }
}

describe('failed authentication is an event', () => {
  test('with no key, over HTTP and WebSocket', async () => {
    const events = await during(database.url, FAILURES, (service) => askEverywhere(service, undefined));
    expect(events.filter(({ action }) => action === 'log.authenticate')).toMatchObject([
      {
        event_type: 'auth.login_failed',
        outcome: 'failure',
        severity: 'warning',
        user_id: null,
        customer_id: null,
        ip_address: '127.0.0.1',
        user_agent: 'curl/8',
        description: 'failed authentications: 3',
      },
    ]);
    expect(operationsOf(events)).toEqual({ missing: 3 });
  });

  test.each(['wrong', 'revoked', 'expired'])('with a %s key, over every way in', async (kind) => {
    let secret = WRONG;
    const events = await during(database.url, FAILURES, async (service) => {
      if (kind !== 'wrong') {
        const made = await createKey(service, { name: kind, scopes: ['EVENTS_READ'] });
        secret = made.secret;
        const end = kind === 'revoked' ? 'revoked_at' : 'expires_at';
        await pool.query(`UPDATE api_keys SET ${end} = now() - interval '1 second' WHERE id = $1`, [
          made.key.id,
        ]);
      }
      await askEverywhere(service, secret);
    });
    expect(operationsOf(events)).toEqual({ refused: 4 });
    expect(JSON.stringify(events)).not.toContain(secret);
    expect(JSON.stringify(events)).not.toContain(secret.slice(4, 20));
  });

  test('with a link that was altered', async () => {
    const events = await during(database.url, FAILURES, async ({ url }) => {
      expect((await fetch(`${url}/export/made.up`)).status).toBe(403);
    });
    expect(operationsOf(events)).toEqual({ link: 1 });
  });

  test('also when they are RATE_LIMITED', async () => {
    const environment = { ...FAILURES, AUTH_FAILURES: '1' };
    const events = await during(database.url, environment, async (service) => {
      for (let n = 0; n < 3; n += 1) await service.ask(COUNT, {}, `${WRONG}${n}`);
    });
    expect(operationsOf(events)).toEqual({ refused: 1, limited: 2 });
  });
});

describe('a denied operation is an event', () => {
  test('with its actor, over every transport', async () => {
    const events = await during(database.url, FAILURES, async (service) => {
      const reader = await createKey(service, {
        name: 'reader',
        scopes: ['EVENTS_READ'],
        customerId: 'acme',
      });
      const writer = await createKey(service, {
        name: 'writer',
        scopes: ['EVENTS_WRITE'],
        customerId: 'acme',
      });
      const log = (customerId: string) =>
        service.ask(
          `mutation { logEvent(input: { eventType: AUTH_LOGIN, customerId: "${customerId}" }) {
            event { inclusionProof { treeSize } } } }`,
          {},
          writer.secret,
        );
      await log('other');
      await log('acme');
      await service.ask('{ apiKeys { id } auditExport(format: CSV) { url } }', {}, reader.secret);
      await service.ask(COUNT, {}, writer.secret);
      await service.ask('{ checkpoint(customerId: "other") { treeSize } }', {}, reader.secret);
      await (await openStream(service.url, SUBSCRIBE, {}, writer.secret)).messages.next();
      const headers = { authorization: `Bearer ${reader.secret}` };
      expect((await fetch(`${service.url}/tile/made-up-by-a-client`, { headers })).status).toBe(403);
    });
    const denied = events.filter(({ action }) => action === 'log.deny');
    expect(denied).toHaveLength(2);
    for (const event of denied)
      expect(event).toMatchObject({
        event_type: 'authz.permission_denied',
        outcome: 'denied',
        severity: 'warning',
        user_id: expect.stringMatching(/^key_/),
        customer_id: null,
        ip_address: '127.0.0.1',
        details: { customerId: 'acme' },
      });
    expect(operationsOf(denied)).toEqual({
      apiKeys: 1,
      auditEvents: 2,
      auditExport: 1,
      checkpoint: 1,
      inclusionProof: 1,
      logEvent: 1,
      tile: 1,
    });
  });
});

test('failures from many addresses cause a bounded number of events, which count all of them', async () => {
  const FLOOD = 300;
  const environment = { ...FAILURES, TRUSTED_PROXIES: '127.0.0.1', AUTH_FAILURES: '0' };
  const events = await during(database.url, environment, async ({ url }) => {
    const failure = (n: number) =>
      fetch(`${url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${WRONG}`,
          'x-forwarded-for': `2001:db8::${n.toString(16)}`,
        },
        body: JSON.stringify({ query: COUNT }),
      }).then((response) => response.arrayBuffer());
    for (let n = 0; n < FLOOD; n += 50)
      await Promise.all(Array.from({ length: 50 }, (_, index) => failure(n + index)));
  });
  const failures = events.filter(({ action }) => action === 'log.authenticate');
  expect(failures).toHaveLength(101);
  expect(operationsOf(failures)).toEqual({ refused: FLOOD });
  expect(failures.filter(({ details }) => details.others)).toMatchObject([
    { ip_address: null, user_agent: null, description: expect.stringContaining('too many to be named') },
  ]);
});
