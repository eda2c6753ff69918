import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, inject, test } from 'vitest';
import { hashLines } from '../../src/verify/export-lines.ts';
import { createDatabase } from '../support/database.ts';
import { startService } from '../support/service.ts';
import { logWarnings } from '../support/write.ts';
import { linesOf } from './made-log.ts';

let built: typeof import('../../src/verify/threads.ts');
let builtDatabase: typeof import('../../src/verify/database.ts');
let builtPool: typeof import('../../src/db/pool.ts');

// Threads run what is published.
beforeAll(async () => {
  const load = (file: string) => import(pathToFileURL(join(inject('built'), file)).href);
  built = await load('verify/threads.js');
  builtDatabase = await load('verify/database.js');
  builtPool = await load('db/pool.js');
});

async function* parts(count: number) {
  for (let n = 0; n < count; n += 1) yield bytesOf(n);
}
const bytesOf = (n: number) =>
  Uint8Array.from(
    Buffer.from(
      linesOf(1 + (n % 50))
        .map((line) => `${line}${n}\n`)
        .join(''),
    ),
  );

test.each([0, 1, 2, 5])('%i threads hash the same, in order', async (threads) => {
  let n = 0;
  for await (const hashes of built.hashInThreads(parts(100), threads)) {
    expect(Buffer.from(hashes).equals(Buffer.from(hashLines(bytesOf(n))))).toBe(true);
    n += 1;
  }
  expect(n).toBe(100);
});

test('they end when nobody wants more, or when the source breaks off', async () => {
  for await (const _ of built.hashInThreads(parts(100), 2)) break;
  async function* broken() {
    yield* parts(3);
    throw new Error('the disk is gone');
  }
  const all = async () => {
    for await (const _ of built.hashInThreads(broken(), 2));
  };
  await expect(all()).rejects.toThrow('the disk is gone');
});

test('threads that read the database see what one sees, in one snapshot', async () => {
  const database = await createDatabase();
  const service = await startService(database.url);
  const pool = builtPool.createPool(database.url, () => undefined);
  const threads = { url: database.url, count: 2 };
  const verify = () => builtDatabase.verifyDatabase(pool, { threads });
  await logWarnings(service, 5_000, { more: { customerId: 'acme' } });
  await service.ask('{ checkpoint { treeSize } }');
  const [{ findings, events, size }] = await Promise.all([verify(), logWarnings(service, 1_000)]);
  expect(findings).toEqual([]);
  expect(events).toBe(size);
  const edit = async (action: string) => {
    const client = await pool.connect();
    await client.query("SET session_replication_role = 'replica'");
    await client.query('UPDATE audit_events SET action = $1 WHERE position = 3777', [action]);
    client.release(true);
  };
  await edit('other');
  expect((await verify()).findings).toMatchObject([{ kind: 'changed', position: 3_777, count: 1 }]);
  await edit('a3777');
  await service.stop();
  const away = { url: database.url.replace(/\/[^/]*$/, '/nowhere'), count: 1 };
  await expect(builtDatabase.verifyDatabase(pool, { threads: away })).rejects.toThrow('nowhere');
  await pool.end();
  await database.drop();
}, 120_000);
