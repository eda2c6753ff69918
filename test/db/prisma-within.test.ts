import { expect } from 'vitest';
import { Prisma } from '../../src/db/generated/client.ts';
import { inTransaction, type Pool, withClient } from '../../src/db/pool.ts';
import { prismaOn, prismaWithin } from '../../src/db/prisma.ts';
import { prepared } from '../../src/db/queries.ts';
import { test } from '../support/test.ts';
import { upTo } from '../support/write.ts';

let pool: Pool;

test.beforeAll(async ({ createDatabase, createPool, startService }) => {
  const database = await createDatabase();
  await (await startService(database.url)).stop();
  pool = createPool(database.url, () => undefined);
});

test('operations run on the connection, in the transaction that is open there, typed and raw', async () => {
  const work = inTransaction(pool, async (client) => {
    await client.query('UPDATE log_head SET announced_at = 12345');
    const prisma = prismaWithin(client);
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    expect(await prisma.$queryRaw`SELECT pg_backend_pid() AS pid`).toEqual(rows);
    expect(await prisma.logHead.findFirst({ select: { announcedAt: true } })).toEqual({
      announcedAt: 12345n,
    });
    const other = await prismaOn(pool).logHead.findFirst({ select: { announcedAt: true } });
    expect(other?.announcedAt).not.toBe(12345n);
    throw new Error('roll it back');
  });
  await expect(work).rejects.toThrow('roll it back');
  expect((await prismaOn(pool).logHead.findFirst())?.announcedAt).not.toBe(12345n);
});

test('an error of an operation has its SQLSTATE, and ends the transaction of the connection alone', async () => {
  const failed = inTransaction(pool, (client) => prismaWithin(client).$queryRaw`SELECT 1 / 0`);
  await expect(failed).rejects.toMatchObject({
    meta: { driverAdapterError: { cause: { originalCode: '22012' } } },
  });
  // The connection can be used again.
  await withClient(pool, async (client) => {
    expect(await prismaWithin(client).$queryRaw`SELECT 1 AS one`).toEqual([{ one: 1 }]);
  });
});

test('a hundred transactions at once on the connections of a pool do not meet', async () => {
  const pid = prepared(Prisma.sql`SELECT pg_backend_pid() AS pid, current_setting('audit_log.next') AS next`);
  await Promise.all(
    upTo(100).map((n) =>
      inTransaction(pool, async (client) => {
        await client.query("SELECT set_config('audit_log.next', $1, true)", [`own ${n}`]);
        const { rows } = await client.query(pid.text);
        for (const _ of upTo(5)) expect(await prismaWithin(client).$queryRaw(pid)).toEqual(rows);
        expect(rows[0].next).toBe(`own ${n}`);
      }),
    ),
  );
});
