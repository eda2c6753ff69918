import { afterAll, beforeAll, describe, expect } from 'vitest';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import {
  AUDIENCE,
  createIssuerKey,
  holderPrefix,
  startIssuer,
  type TestIssuer,
} from '../../support/issuer.ts';
import { CREATE_KEY } from '../../support/operations/events.ts';
import { graphql } from '../../support/operations/generated/gql.ts';
import { type Answer, dataOf, startService, type TestService } from '../../support/service.ts';
import { openSocket } from '../../support/socket.ts';
import { serverSentEvents } from '../../support/sse.ts';
import { test } from '../../support/test.ts';

const CUSTOMERS = graphql(`
  query Customers {
    auditEvents {
      edges { node { customerId } }
    }
  }
`);

let database: TestDatabase;
let issuer: TestIssuer;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  [database, issuer] = await Promise.all([createDatabase(), startIssuer()]);
  for (const algorithm of ['RS256', 'PS256', 'EdDSA'] as const)
    issuer.published.push(createIssuerKey(algorithm));
  service = await startService(database.url, {
    JWT_ISSUERS: issuer.setting,
    JWT_AUDIENCE: `other, ${AUDIENCE}`,
  });
  await service.ask(LOG, { customerId: 'acme' });
  await service.ask(LOG, { customerId: 'globex' });
});
afterAll(async () => {
  await issuer.close();
});

const LOG = `mutation ($customerId: String) {
  logEvent(input: { eventType: SECURITY_ALERT, severity: CRITICAL, customerId: $customerId }) { status }
}`;
const COUNT = '{ auditEvents { totalCount } }';
const FEED = 'subscription { auditEvents(after: "beginning") { node { customerId } } }';

const seconds = () => Math.floor(Date.now() / 1_000);
const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions.code;

/** What a token may do, as the codes of a read, a write, an export and a list of keys. */
async function rightsOf(token: string, at = service): Promise<unknown[]> {
  const answers = [COUNT, LOG, '{ auditExport(format: CSV) { url } }', '{ apiKeys { id } }'].map((query) =>
    at.ask(query, {}, token),
  );
  return (await Promise.all(answers)).map((answer) => codeOf(answer) ?? 'fine');
}

async function with_(
  settings: Record<string, string>,
  work: (own: TestService) => Promise<void>,
): Promise<void> {
  const own = await startService(database.url, {
    JWT_ISSUERS: issuer.setting,
    JWT_AUDIENCE: AUDIENCE,
    ...settings,
  });
  await work(own).finally(() => own.stop());
}

describe('a token is accepted', () => {
  test.each([0, 1, 2, 3])('whatever the algorithm of its key (%s)', async (index) => {
    const key = issuer.published[index];
    const token = issuer.token({ scope: 'events:read' }, key ? { key } : {});
    expect((await service.ask(COUNT, {}, token)).errors).toBeUndefined();
  });

  test.each([
    ['several audiences', () => ({ aud: ['https://elsewhere.example', AUDIENCE] }), {}],
    ['times in the past', () => ({ nbf: 1, iat: 1 }), {}],
    ['the type of access tokens', () => ({}), { typ: 'at+JWT' }],
    ['an issuer whose clock is a little slow', () => ({ exp: seconds() - 1 }), {}],
    ['an issuer whose clock is a little fast', () => ({ nbf: seconds() + 3 }), {}],
  ])('with %s', async (_what, claims, header) => {
    const token = issuer.token({ scope: 'events:read', ...claims() }, { header });
    expect(codeOf(await service.ask(COUNT, {}, token))).toBeUndefined();
  });

  test('over WebSocket, server-sent events and for tiles', async () => {
    const token = issuer.token({ scope: 'events:read' });
    const raw = await openSocket(service.url);
    raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    expect((await raw.next()).type).toBe('connection_ack');
    raw.send({ type: 'subscribe', id: '1', payload: { query: FEED } });
    expect(await raw.next()).toMatchObject({ type: 'next', id: '1' });
    raw.socket.terminate();
    for await (const answer of serverSentEvents(service.url, { query: FEED, key: token })) {
      expect(answer.errors).toBeUndefined();
      break;
    }
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${service.url}/checkpoint`, { headers })).status).toBe(200);
  });
});

describe('the scopes of a token', () => {
  test.each([
    ['words', { scope: 'openid events:read  events:write' }, ['fine', 'fine', 'FORBIDDEN', 'FORBIDDEN']],
    ['an array', { scope: ['events:export'] }, ['FORBIDDEN', 'FORBIDDEN', 'fine', 'FORBIDDEN']],
    ['admin', { scope: 'admin' }, ['fine', 'fine', 'fine', 'fine']],
    ['none of ours', { scope: 'EVENTS:READ Admin *' }, Array(4).fill('FORBIDDEN')],
    ['a number', { scope: 5 }, Array(4).fill('FORBIDDEN')],
    ['another claim', { scopes: 'admin', scp: ['admin'], roles: ['admin'] }, Array(4).fill('FORBIDDEN')],
  ])('may be %s', async (_what, claims, rights) => {
    expect(await rightsOf(issuer.token(claims))).toEqual(rights);
  });

  test('may be deep in the claims, and be called otherwise', async () => {
    const settings = {
      JWT_SCOPES_CLAIM: '/https:~1~1app.example~1access/roles',
      JWT_SCOPE_MAP: 'auditors = events:read events:export, apps=events:write',
    };
    await with_(settings, async (own) => {
      const token = (roles: unknown) =>
        issuer.token({ 'https://app.example/access': { roles }, scope: 'admin' });
      expect(await rightsOf(token(['auditors', 'x']), own)).toEqual([
        'fine',
        'FORBIDDEN',
        'fine',
        'FORBIDDEN',
      ]);
      expect(await rightsOf(token('apps auditors'), own)).toEqual(['fine', 'fine', 'fine', 'FORBIDDEN']);
      // Where there is a map, names of scopes are nothing but values.
      expect(await rightsOf(token(['admin', 'events:read']), own)).toEqual(Array(4).fill('FORBIDDEN'));
      for (const strange of [
        { auditors: true },
        null,
        [['auditors']],
        'toString',
        '__proto__',
        ['constructor'],
      ])
        expect(await rightsOf(token(strange), own)).toEqual(Array(4).fill('FORBIDDEN'));
    });
  });
});

describe('the customer of a token', () => {
  let own: TestService;
  beforeAll(async () => {
    own = await startService(database.url, {
      JWT_ISSUERS: issuer.setting,
      JWT_AUDIENCE: AUDIENCE,
      JWT_CUSTOMER_CLAIM: '/org/id',
    });
  });
  afterAll(() => own.stop());

  test('is what it is bound to', async () => {
    const token = issuer.token({ scope: 'events:read events:write', org: { id: 'acme' } });
    const data = dataOf(await own.ask(CUSTOMERS, {}, token));
    expect(new Set(data.auditEvents.edges.map(({ node }) => node.customerId))).toEqual(new Set(['acme']));
    expect(codeOf(await own.ask(LOG, { customerId: 'globex' }, token))).toBe('FORBIDDEN');
    expect(codeOf(await own.ask(LOG, {}, token))).toBeUndefined();
  });

  test.each([
    ['is missing', { scope: 'events:read' }, 'UNAUTHENTICATED'],
    ['is missing, of an admin', { scope: 'admin' }, undefined],
    ['is null', { scope: 'events:read', org: { id: null } }, 'UNAUTHENTICATED'],
    ['is empty', { scope: 'events:read', org: { id: '' } }, 'UNAUTHENTICATED'],
    ['is an array', { scope: 'events:read', org: { id: ['acme'] } }, 'UNAUTHENTICATED'],
    ['is an object', { scope: 'events:read', org: { id: {} } }, 'UNAUTHENTICATED'],
    ['is false, of an admin', { scope: 'admin', org: { id: false } }, 'UNAUTHENTICATED'],
    ['has NUL', { scope: 'events:read', org: { id: 'a\0' } }, 'UNAUTHENTICATED'],
    ['is too long', { scope: 'events:read', org: { id: 'x'.repeat(257) } }, 'UNAUTHENTICATED'],
    ['is one, of an admin', { scope: 'admin', org: { id: 'acme' } }, 'UNAUTHENTICATED'],
  ])('that %s', async (_what, claims, code) => {
    expect(codeOf(await own.ask(COUNT, {}, issuer.token(claims)))).toBe(code);
  });
});

test('a token names who did something, whatever the length of its subject', async () => {
  const prefix = holderPrefix(issuer.name);
  for (const [subject, userId] of [
    ['auth0|123', `${prefix}auth0|123`],
    ['s'.repeat(1_000), expect.stringMatching(new RegExp(`^${prefix}#[\\da-f]{64}$`))],
  ]) {
    const token = issuer.token({ sub: subject, scope: 'admin' });
    const created = await service.ask(CREATE_KEY, { name: 'k', scopes: ['ADMIN'] }, token);
    const { id } = dataOf(created).createApiKey.key;
    const events = await service.ask(
      'query ($id: String) { auditEvents(filter: { resourceId: $id }) { edges { node { userId } } } }',
      { id },
    );
    expect(events.data).toEqual({ auditEvents: { edges: [{ node: { userId } }] } });
  }
});

test('several issuers are accepted, each with keys of its own', async () => {
  const other = await startIssuer('EdDSA');
  await with_({ JWT_ISSUERS: `${issuer.setting}, ${other.setting}` }, async (own) => {
    const claims = { scope: 'events:read' };
    for (const one of [issuer, other])
      expect(codeOf(await own.ask(COUNT, {}, one.token(claims)))).toBeUndefined();
    for (const [one, another] of [
      [issuer, other],
      [other, issuer],
    ] as const)
      expect(codeOf(await own.ask(COUNT, {}, one.token({ ...claims, iss: another.name })))).toBe(
        'UNAUTHENTICATED',
      );
  });
  await other.close();
});

test("an admin's key that looks like a token is a key; without issuers so is everything", async () => {
  const ADMIN_API_KEY = `${'a'.repeat(20)}.${'b'.repeat(20)}.${'c'.repeat(20)}`;
  const own = await createDatabase();
  for (const JWT_ISSUERS of [issuer.setting, '']) {
    const chosen = await startService(own.url, { JWT_ISSUERS, JWT_AUDIENCE: AUDIENCE, ADMIN_API_KEY });
    expect(codeOf(await chosen.ask('{ apiKeys { id } }', {}, ADMIN_API_KEY))).toBeUndefined();
    await chosen.stop();
  }
  await own.drop();
});
