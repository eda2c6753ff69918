import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashLines } from '../../src/verify/export-lines.ts';
import { createDatabase } from '../support/database.ts';
import { startService } from '../support/service.ts';
import { logWarnings } from '../support/write.ts';
import { linesOf } from './made-log.ts';

const ROOT = join(import.meta.dirname, '../..');

let folder: string;
let built: typeof import('../../src/verify/threads.ts');
let builtDatabase: typeof import('../../src/verify/database.ts');
let builtPool: typeof import('../../src/db/pool.ts');

// Threads run what is published, so it is built first.
beforeAll(async () => {
  const cache = join(ROOT, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  folder = await mkdtemp(join(cache, 'audit-log-threads-'));
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      '-p',
      'tsconfig.build.json',
      '--outDir',
      join(folder, 'dist'),
    ],
    { cwd: ROOT, encoding: 'utf8' },
  );
  expect(status, stdout).toBe(0);
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await cp(join(ROOT, 'prisma/structure.sql'), join(folder, 'prisma/structure.sql'));
  const load = (source: string) =>
    import(pathToFileURL(join(folder, source.replace(/^src/, 'dist').replace(/ts$/, 'js'))).href);
  built = await load('src/verify/threads.ts');
  builtDatabase = await load('src/verify/database.ts');
  builtPool = await load('src/db/pool.ts');
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

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
