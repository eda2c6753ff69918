import { expect } from 'vitest';
import { Prisma, type PrismaClient } from '../../src/db/generated/client.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { boundPrismaOn, prismaAsCustomer, prismaOn } from '../../src/db/prisma.ts';
import { prepared } from '../../src/db/queries.ts';
import type { TestDatabase } from '../support/database.ts';
import { test } from '../support/test.ts';
import { upTo } from '../support/write.ts';

let database: TestDatabase;
let pool: Pool;

test.beforeAll(async ({ createDatabase, createPool }) => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined, { max: 1, role: 'audit_log_service' });
});

const WHO = Prisma.sql`SELECT current_user::text AS role, current_setting('audit_log.customer_id', true) AS customer,
  current_setting('transaction_read_only') AS read_only, pg_backend_pid() AS pid`;

const who = async (prisma: PrismaClient) => {
  const [row] =
    await prisma.$queryRaw<{ role: string; customer: string; read_only: string; pid: number }[]>(WHO);
  return row;
};

test.each([
  'acme',
  "'); RESET ROLE; SELECT ('",
  "\\'; ROLLBACK; --",
  '$1',
  'é 𝄞 \u202e',
  '',
  'x'.repeat(256),
])('a statement runs as the customer "%s", and the next one on the connection does not', async (customer) => {
  const bound = await who(prismaAsCustomer(pool, customer));
  expect(bound).toMatchObject({ role: 'audit_log_customer', customer, read_only: 'on' });
  const after = await who(prismaOn(pool));
  expect(after).toMatchObject({ role: 'audit_log_service', customer: '', read_only: 'off', pid: bound?.pid });
});

test('a statement that fails or tries to leave the role has no effect on later ones', async () => {
  const reader = prismaAsCustomer(pool, 'acme');
  for (const [statement, code] of [
    ['SELECT 1 / 0', '22012'],
    ['SELECT nonsense', '42703'],
    ["INSERT INTO rate_buckets VALUES ('a', 1, now())", '25006'],
    ["SELECT set_config('audit_log.customer_id', 'globex', false); COMMIT", '42601'],
  ] as const) {
    await expect(reader.$queryRawUnsafe(statement), statement).rejects.toMatchObject({
      meta: { driverAdapterError: { cause: { originalCode: code } } },
    });
    expect(await who(prismaOn(pool))).toMatchObject({ role: 'audit_log_service', customer: '' });
    expect(await who(reader)).toMatchObject({ role: 'audit_log_customer', customer: 'acme' });
  }
});

test('a prepared statement that fails or cannot be bound can be run again on the same connection', async () => {
  const reader = prismaAsCustomer(pool, 'acme');
  const divide = (by: number) => reader.$queryRaw(prepared(Prisma.sql`SELECT 6 / ${by}::int AS result`));
  const missing = () => reader.$queryRaw(prepared(Prisma.sql`SELECT missing FROM rate_buckets`));
  const nobody = () =>
    prismaAsCustomer(pool, 'a\0b').$queryRaw(prepared(Prisma.sql`SELECT 1 AS one, ${1}::int AS two`));
  await expect(missing()).rejects.toThrow('missing');
  await expect(divide(0)).rejects.toThrow('division by zero');
  await expect(nobody()).rejects.toThrow('invalid byte sequence');
  expect(await divide(3)).toEqual([{ result: 2 }]);
  await expect(missing()).rejects.toThrow('missing');
  await expect(nobody()).rejects.toThrow('invalid byte sequence');
  expect(await reader.$queryRaw(prepared(Prisma.sql`SELECT 1 AS one, ${1}::int AS two`))).toEqual([
    { one: 1, two: 1 },
  ]);
  await expect(divide(0)).rejects.toThrow('division by zero');
  expect(await divide(2)).toEqual([{ result: 3 }]);
});

test('a statement that is not bound to a customer is not sent', async () => {
  const prisma = boundPrismaOn(pool);
  for (const statement of [
    () => prisma.$queryRaw`SELECT 1`,
    () => prisma.$executeRaw`SELECT 1`,
    () => prisma.auditEvent.findMany(),
    () => prisma.$transaction([prisma.$queryRaw`SELECT 1`]),
    () => prisma.$transaction((one) => one.auditEvent.count()),
  ])
    await expect(statement()).rejects.toThrow('binds it to a customer');
});

test('each of two hundred concurrent operations sees only its own customer', async () => {
  const shared = createPool(database.url, () => undefined, { max: 5, role: 'audit_log_service' });
  const owner = createPool(database.url, () => undefined, { max: 1 });
  const customers = upTo(8).map((n) => `customer-${n}`);
  await owner.query(
    `INSERT INTO summary_scopes (scope, counted) SELECT 'customer/' || name, number
     FROM unnest($1::text[]) WITH ORDINALITY AS of_customer (name, number)`,
    [customers],
  );
  const asked = await Promise.all(
    upTo(200).map(async (n) => {
      const customer = customers[n % customers.length] as string;
      const prisma = prismaAsCustomer(shared, customer);
      const scope = `customer/${customer}`;
      const foreign = `customer/${customers[(n + 1) % customers.length]}`;
      const ways: (() => Promise<unknown>)[] = [
        async () => (await who(prisma))?.customer,
        async () => (await prisma.summaryScope.findMany()).map((one) => one.scope).join(),
        // Prisma puts those of one tick together.
        async () => (await prisma.summaryScope.findUnique({ where: { scope } }))?.scope,
        async () => `${await prisma.summaryScope.findUnique({ where: { scope: foreign } })}`,
        async () => (await prisma.$queryRaw<{ scope: string }[]>`SELECT scope FROM summary_scopes`)[0]?.scope,
        async () => (await who(prismaOn(shared)))?.role,
      ];
      const expected = [customer, scope, scope, 'null', scope, 'audit_log_service'];
      const way = n % ways.length;
      return { told: await ways[way]?.(), expected: expected[way] };
    }),
  );
  expect(asked.map(({ told }) => told)).toEqual(asked.map(({ expected }) => expected));
  await owner.query('DELETE FROM summary_scopes');
  await Promise.all([shared.end(), owner.end()]);
});
