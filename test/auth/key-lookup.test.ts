import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect } from 'vitest';
import { createSecret, storeKey } from '../../src/auth/api-keys.ts';
import { KeyLookup } from '../../src/auth/authenticate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { expectWithin } from '../support/runs.ts';
import { test } from '../support/test.ts';
import { upTo } from '../support/write.ts';

let database: TestDatabase;
let pool: Pool;
let acquired = 0;

test.beforeAll(async ({ createDatabase, createPool }) => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined);
  pool.on('acquire', () => {
    acquired += 1;
  });
});

const newKey = async () => {
  const secret = createSecret();
  const { id } = await storeKey(pool, { name: 'a key', secret, scopes: ['events:read'] });
  return { id, secret };
};

test('a thousand wrong secrets and a right one take a handful of statements', async () => {
  const { id, secret } = await newKey();
  const keys = new KeyLookup(pool);
  acquired = 0;
  const wrong = upTo(1_000).map(() => keys.find(createSecret()));
  expect((await keys.find(secret))?.id).toBe(id);
  expect(new Set(await Promise.all(wrong))).toEqual(new Set([undefined]));
  expect(acquired).toBeLessThanOrEqual(5);
});

test('a secret that arrives several times at once is looked up once, a wrong one not again for five seconds', async () => {
  let now = 0;
  const keys = new KeyLookup(pool, () => now);
  const wrong = createSecret();
  acquired = 0;
  await Promise.all(upTo(10).map(() => keys.find(wrong)));
  await keys.find(wrong);
  expect(acquired).toBe(1);
  now = 5_001;
  await keys.find(wrong);
  expect(acquired).toBe(2);
  // It may have been made meanwhile.
  keys.forget();
  await keys.find(wrong);
  expect(acquired).toBe(3);
});

test('the memory for wrong secrets is bounded, and the oldest are dropped first', async () => {
  const keys = new KeyLookup(pool);
  const [first, ...others] = upTo(10_001).map(createSecret);
  await keys.find(first as string);
  for (let n = 0; n < others.length; n += 1_000)
    await Promise.all(others.slice(n, n + 1_000).map((secret) => keys.find(secret)));
  acquired = 0;
  await keys.find(others.at(-1) as string);
  expect(acquired).toBe(0);
  await keys.find(first as string);
  expect(acquired).toBe(1);
});

test('a silent database is UNAVAILABLE after five seconds, for all waiting secrets', async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket.on('error', () => undefined))).listen(
    0,
    '127.0.0.1',
  );
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const nowhere = createPool(`postgresql://postgres@127.0.0.1:${port}/none`, () => undefined);
  const keys = new KeyLookup(nowhere);
  const start = performance.now();
  const answers = await Promise.allSettled(upTo(2_000).map(() => keys.find(createSecret())));
  expectWithin(12_000, start);
  for (const answer of answers) expect(answer).toMatchObject({ reason: { code: 'UNAVAILABLE' } });
  for (const socket of sockets) socket.destroy();
  silent.close();
  await nowhere.end();
});
