import { gunzipSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { graphiqlPage } from '../../src/server/graphiql/page.ts';
import { open } from '../log/exports/download.ts';
import type { TestDatabase } from '../support/database.ts';
import type { TestService } from '../support/service.ts';
import { test } from '../support/test.ts';

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
});

const PAGE = graphiqlPage({ endpoint: 'graphql' });

const get = (headers: Record<string, string> = {}, method = 'GET') =>
  open(`${service.url}/graphql`, { method, headers: { accept: 'text/html,*/*;q=0.8', ...headers } });

describe('the page', () => {
  test('is the same with and without compression', async () => {
    const plain = await get();
    expect(plain.response.headers['content-encoding']).toBeUndefined();
    expect((await plain.whole()).toString()).toBe(PAGE);
    const gzipped = await get({ 'accept-encoding': 'gzip, br' });
    expect(gzipped.response.headers['content-encoding']).toBe('gzip');
    expect(gzipped.response.headers.etag).toBe(plain.response.headers.etag);
    expect(gunzipSync(await gzipped.whole()).toString()).toBe(PAGE);
    const refused = await get({ 'accept-encoding': 'gzip;q=0' });
    expect(refused.response.headers['content-encoding']).toBeUndefined();
    refused.disconnect();
  });

  test('is sent to a browser once', async () => {
    const { response, disconnect } = await get({ 'accept-encoding': 'gzip' });
    disconnect();
    expect(response.headers['cache-control']).toBe('no-cache');
    expect(response.headers.vary).toBe('accept, accept-encoding');
    const { etag = '' } = response.headers;
    for (const known of [etag, `"other", ${etag}`]) {
      const again = await get({ 'if-none-match': known });
      expect(again.response.statusCode).toBe(304);
      expect(again.response.headers['content-security-policy']).toBeDefined();
      expect((await again.whole()).length).toBe(0);
    }
    const changed = await get({ 'if-none-match': 'W/"other"' }, 'HEAD');
    expect(changed.response.statusCode).toBe(200);
  });

  test('answers HEAD as GET, without the page', async () => {
    const { response, whole } = await get({ 'accept-encoding': 'gzip' }, 'HEAD');
    expect(response.statusCode).toBe(200);
    expect(Number(response.headers['content-length'])).toBeGreaterThan(1_000_000);
    expect((await whole()).length).toBe(0);
  });

  test('tells the browser to trust nothing else, and no one to frame it', async () => {
    const { response, disconnect } = await get();
    disconnect();
    expect(response.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringMatching(/^default-src 'none'; .*frame-ancestors 'none'/),
    });
  });

  test('is where the root leads a browser', async () => {
    const { response } = await open(`${service.url}/`, { headers: { accept: 'text/html' } });
    expect([response.statusCode, response.headers.location]).toEqual([302, '/graphql']);
  });
});
