import { afterAll, describe, expect } from 'vitest';
import type { TestDatabase } from '../../support/database.ts';
import { AUDIENCE, startIssuer, type TestIssuer } from '../../support/issuer.ts';
import type { TestService } from '../../support/service.ts';
import { test } from '../../support/test.ts';
import { createKey } from '../create-key.ts';
import { CALLERS, type Caller } from './callers.ts';
import { createWorld, data } from './world.ts';

let database: TestDatabase;
let issuer: TestIssuer;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  [database, issuer] = await Promise.all([createDatabase(), startIssuer()]);
  service = await startService(database.url, {
    JWT_ISSUERS: issuer.setting,
    JWT_AUDIENCE: AUDIENCE,
    JWT_CUSTOMER_CLAIM: 'org',
    JWT_CLOCK_TOLERANCE_MS: '0',
    AUTH_FAILURES: '0',
  });
  await createWorld(service);
});
afterAll(async () => {
  await issuer.close();
});

const sourceOf = () => ({ service, issuer, databaseUrl: database.url });

function get(path: string, key = ''): Promise<Response> {
  return fetch(service.url + path, key === '' ? {} : { headers: { authorization: `Bearer ${key}` } });
}

/** Paths below the log's own tree, and below a customer's: who sees the one does not see the other. */
const PLACES = ['checkpoint', 'verifier-key', 'tile/0/000.p/2', 'tile/entries/000.p/2'];

function statusFor({ is }: Caller, owner: 'log' | 'acme'): number {
  if (is === 'stranger') return 401;
  if (is === 'of all') return 200;
  return is === 'of acme' && owner === 'acme' ? 200 : 403;
}

describe.each(PLACES)('the evidence at %s', (place) => {
  test.each(Object.entries(CALLERS))('with %s', async (_caller, caller) => {
    const key = await caller.keyFor(sourceOf(), 'events:read');
    expect((await get(`/${place}`, key)).status).toBe(statusFor(caller, 'log'));
    expect((await get(`/customers/acme/${place}`, key)).status).toBe(statusFor(caller, 'acme'));
  });

  test("of another customer is the same as nobody's", async () => {
    const { secret } = await createKey(service, {
      name: 'acme',
      scopes: ['EVENTS_READ'],
      customerId: 'acme',
    });
    const [theirs, nobodys] = await Promise.all(
      ['globex', 'nobody'].map(async (customer) => {
        const response = await get(`/customers/${customer}/${place}`, secret);
        const headers = [...response.headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
        return [response.status, headers, await response.text()];
      }),
    );
    expect(theirs).toEqual(nobodys);
  });

  test.each([
    '/customers/acme%2F..%2Fglobex',
    '/customers/acme/../globex',
    '/customers/acme/..%2fglobex',
    '/customers/globex%00acme',
    '/customers/ACME',
    '/customers/acme%20',
    '/customers/%ff',
    '/customers//customers/globex',
  ])('is not reached by way of %s', async (prefix) => {
    const { secret } = await createKey(service, {
      name: 'acme',
      scopes: ['EVENTS_READ'],
      customerId: 'acme',
    });
    const response = await get(`${prefix}/${place}`, secret);
    expect([403, 404]).toContain(response.status);
  });
});

const EXPORT = '{ auditExport(format: NDJSON) { url } }';

async function linkOf(key: string): Promise<string> {
  const { auditExport } = await data<{ auditExport: { url: string } }>(service.ask(EXPORT, {}, key));
  return auditExport.url.slice(service.url.length);
}

describe('a link', () => {
  test('shows what its maker may see, to whoever has it', async () => {
    for (const [name, caller] of Object.entries(CALLERS)) {
      if (caller.is === 'stranger' || caller.is === 'unfit') continue;
      const link = await linkOf(await caller.keyFor(sourceOf(), 'events:export'));
      const text = await (await get(link)).text();
      const customers = text
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { customer_id?: string }).customer_id);
      const own = caller.is === 'of all' ? expect.anything() : new Set([caller.is.slice('of '.length)]);
      expect(new Set(customers), name).toEqual(own);
      if (caller.is === 'of all')
        expect(customers).toEqual(expect.arrayContaining(['acme', 'globex', undefined]));
    }
  });

  test("that was altered is the same as nobody's", async () => {
    const key = (
      await createKey(service, { name: 'globex', scopes: ['EVENTS_EXPORT'], customerId: 'globex' })
    ).secret;
    const link = await linkOf(key);
    const sealed = link.slice('/export/'.length);
    const grant = { format: 'CSV', filters: [{}], end: 99, keyId: 'admin', generation: 0, expiresAt: 9e15 };
    const plain = Buffer.from(JSON.stringify(grant)).toString('base64url');
    const answerOf = async (path: string) => {
      const response = await get(path);
      return [response.status, await response.text()];
    };
    const nobodys = await answerOf(`/export/${'a'.repeat(200)}.${'b'.repeat(43)}`);
    expect(nobodys[0]).toBe(403);
    for (const path of [
      `/export/${plain}`,
      `/export/${plain}.${'b'.repeat(43)}`,
      `/export/${sealed.slice(0, 16)}${plain}${sealed.slice(-22)}`,
      `/export/${sealed.slice(0, 16)}`,
      `/export/${sealed}${sealed}`,
      `/export/${'A'.repeat(sealed.length)}`,
      `${link}=`,
      `${link.slice(0, -1)}`,
      '/export/',
    ])
      expect(await answerOf(path), path).toEqual(nobodys);
    expect((await answerOf(link))[0]).toBe(200);
  });
});

test('health is for everybody, and says nothing', async () => {
  for (const [path, text] of [
    ['/health/live', 'live\n'],
    ['/health/ready', 'ready\n'],
  ] as const)
    expect(await (await get(path)).text()).toBe(text);
});
