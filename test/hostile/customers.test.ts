import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, vi } from 'vitest';
import { verifyTheRemote } from '../../src/cli/verify/remote.ts';
import { createKey } from '../auth/create-key.ts';
import type { TestDatabase } from '../support/database.ts';
import { ADMIN_KEY, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { sendRaw } from './raw.ts';

const ORIGIN = 'example.org/customers';
// What clients, proxies and file systems change in a path, and a plain one.
const IDS = [
  '.',
  '..',
  '',
  '%2e%2e',
  '../checkpoint',
  'a/b',
  'a\\b',
  'a%2Fb',
  'a?b#c',
  'a;b',
  'u',
  '~',
  'é☕',
  'acme',
];

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url, { ORIGIN });
  const input = IDS.map((customerId) => ({ eventType: 'DATA_READ', customerId, action: `of ${customerId}` }));
  const { errors } = await service.ask(
    'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }',
    { input },
  );
  expect(errors).toBeUndefined();
  vi.stubEnv('AUDIT_LOG_KEY', ADMIN_KEY);
});
afterAll(() => {
  vi.unstubAllEnvs();
});

const pathOf = (id: string) => `/customers-by-id/u${Buffer.from(id).toString('base64url')}`;
const get = (path: string, key = ADMIN_KEY) =>
  fetch(service.url + path, { headers: { authorization: `Bearer ${key}` } });
/** As it is, without the normalisation of a client. */
const getRaw = (path: string, key = ADMIN_KEY) =>
  sendRaw(
    service.url,
    `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\nconnection: close\r\n\r\n`,
  );
const originOf = (id: string) => `${ORIGIN}/customer/${encodeURIComponent(id)}`;

describe('a customer', () => {
  test.each(IDS)('"%s" has its tree at a path that no client changes', async (id) => {
    const checkpoint = await get(`${pathOf(id)}/checkpoint`);
    expect((await checkpoint.text()).split('\n').slice(0, 2)).toEqual([originOf(id), '1']);
    expect((await get(`${pathOf(id)}/tile/0/000.p/1`)).status).toBe(200);
    const entries = await (await get(`${pathOf(id)}/tile/entries/000.p/1`)).text();
    expect(entries).toContain(JSON.stringify(`of ${id}`));
    expect(await verifyTheRemote(service.url, { entries: true, customer: id })).toMatchObject({
      outcome: 'verified',
      json: { tree: `customer/${id}`, size: 1, events: 1 },
    });
  });

  test.each(IDS.filter((id) => !['.', '..', ''].includes(id)))(
    '"%s" is still found by its percent-encoded ID',
    async (id) => {
      const answer = await getRaw(`/customers/${encodeURIComponent(id)}/checkpoint`);
      expect([answer.status, answer.body.split('\n')[0]]).toEqual([200, originOf(id)]);
    },
  );

  test.each(['.', '..', '%2e', '%2E%2e', '.%2E'])(
    'named by the dot segment "%s", which clients remove, is refused, and the answer says how to name it',
    async (segment) => {
      for (const place of ['checkpoint', 'tile/0/000.p/1', 'tile/entries/000.p/1', 'verifier-key']) {
        const answer = await getRaw(`/customers/${segment}/${place}`);
        expect(answer.status, place).toBe(400);
        expect(answer.body).toContain('/customers-by-id/');
      }
    },
  );

  test.each([
    ['a%00', '/customers/a%00'],
    ['NUL in base64url', pathOf('a\0')],
    ['half a character', '/customers/%E2%82'],
    ['a byte that is no UTF-8', '/customers-by-id/u_w'],
    ['another form of the same', `${pathOf('acme')}=`],
    ['an ID longer than there can be', `/customers/${'a'.repeat(257)}`],
    ['the same in base64url', pathOf('a'.repeat(257))],
  ])('that there cannot be, %s, is NOT_FOUND', async (_what, path) => {
    for (const place of ['checkpoint', 'tile/0/000.p/1', 'tile/entries/000.p/1'])
      expect((await getRaw(`${path}/${place}`)).status, place).toBe(404);
  });

  test('is not shown to the key of another, however it is named', async () => {
    const { secret } = await createKey(service, { name: 'dots', scopes: ['EVENTS_READ'], customerId: '..' });
    expect((await getRaw(`${pathOf('..')}/checkpoint`, secret)).status).toBe(200);
    for (const path of ['', '/customers/acme', pathOf('acme'), pathOf('.'), pathOf('')])
      expect((await getRaw(`${path}/checkpoint`, secret)).status, path).toBe(403);
  });
});

describe('whoever verifies', () => {
  test.each(['..', '.', '%2e%2e'])(
    'is told that a URL with "%s" is that of something else',
    async (segment) => {
      await expect(verifyTheRemote(`${service.url}/customers/${segment}`, { entries: true })).rejects.toThrow(
        /dot segment/,
      );
    },
  );

  test('is told when what is served for a customer is the tree of another', async () => {
    // A proxy that sends every request for a customer's tree to that of another.
    const proxy = createServer(async ({ url = '' }, response) => {
      const answer = await get(url.replace(pathOf('acme'), pathOf('..')));
      response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    expect(
      await verifyTheRemote(`http://127.0.0.1:${port}`, { entries: true, customer: 'acme' }),
    ).toMatchObject({
      outcome: 'does not hold',
      json: { findings: [{ kind: 'checkpoint', message: expect.stringContaining('".."') }] },
    });
    proxy.closeAllConnections();
    proxy.close();
  });
});
