import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { prismaOn } from '../../src/db/prisma.ts';
import { showError } from '../../src/server/client-errors.ts';
import type { TestDatabase } from '../support/database.ts';
import { keepLog } from '../support/log-lines.ts';
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.ts';
import { test } from '../support/test.ts';
import { upTo } from '../support/write.ts';

// What a client is told of every way in which the database can fail, through each layer that talks to it.

const { log } = keepLog();
const open: pg.Pool[] = [];
let database: TestDatabase;
let pool: Pool;

test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
  pool = poolOf(database.url);
});
afterAll(async () => {
  await Promise.all(open.map((one) => one.end()));
});

/** A pool of the service, with other settings where a case needs them. */
function poolOf(url: string, settings: pg.PoolConfig = {}): Pool {
  const made = createPool(url, () => undefined, { max: settings.max ?? 4 });
  Object.assign(made.options, settings);
  open.push(made);
  return made;
}

interface Told {
  code: unknown;
  isRetriable: boolean;
}

const UNAVAILABLE: Told = { code: 'UNAVAILABLE', isRetriable: true };
const OVERLOADED: Told = { code: 'OVERLOADED', isRetriable: true };
const INTERNAL: Told = { code: 'INTERNAL', isRetriable: false };

/** What a client is told when this fails; throws when it does not. */
async function told(work: Promise<unknown>): Promise<Told> {
  const failed = await work.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (!failed) throw new Error('it did not fail');
  const { code, retryAfterMs } = showError(failed.error, log).extensions;
  return { code, isRetriable: typeof retryAfterMs === 'number' && retryAfterMs > 0 };
}

/** The ways to ask on a pool, each of which asks for a connection of its own. */
function layers(on: Pool): [string, () => Promise<unknown>][] {
  const prisma = prismaOn(on);
  return [
    ['pg', () => on.query('SELECT 1')],
    ['a model of Prisma', () => prisma.apiKey.findMany()],
    ['raw SQL of Prisma', () => prisma.$queryRaw`SELECT 1`],
    ['a transaction of Prisma', () => prisma.$transaction((inside) => inside.apiKey.findMany())],
    ['a batch of Prisma', () => prisma.$transaction([prisma.apiKey.findMany()])],
  ];
}

async function toldByAll(on: Pool): Promise<Record<string, Told>> {
  const all: Record<string, Told> = {};
  for (const [name, ask] of layers(on)) all[name] = await told(ask());
  return all;
}

function everywhere(expected: Told): Record<string, Told> {
  return Object.fromEntries(layers(pool).map(([name]) => [name, expected]));
}

describe('every class of SQLSTATE', () => {
  const states: Record<string, Told> = {};
  const decide = (expected: Told, codes: string) => {
    for (const code of codes.split(' ')) states[code] = expected;
  };
  decide(UNAVAILABLE, '08000 08001 08003 08004 08006 08007 08P01 25006 25P03 25P04 28000 28P01 3D000');
  decide(UNAVAILABLE, '40000 40001 40003 40P01 53100 55006 55P03 57000 57014 57P01 57P02 57P03 57P04 57P05');
  decide(UNAVAILABLE, '58000 58030 58P01 58P02 58P03 72000 F0000 F0001');
  decide(OVERLOADED, '53000 53200 53300 53400');
  decide(
    INTERNAL,
    '03000 09000 0A000 0B000 0F000 0L000 0P000 0Z000 20000 21000 22000 22P02 23000 23505 24000',
  );
  decide(
    INTERNAL,
    '25000 25001 25P01 25P02 26000 27000 2B000 2D000 2F000 34000 38000 39000 3B000 3F000 40002',
  );
  decide(
    INTERNAL,
    '42000 42501 42601 42703 42P01 44000 54000 54001 55000 55P02 55P04 HV000 P0000 P0001 XX000 XX001',
  );

  beforeAll(async () => {
    await pool.query(
      `CREATE FUNCTION fail_as_told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'made' USING ERRCODE = (SELECT name FROM api_keys_fail); END $$;
       CREATE TABLE api_keys_fail (name text);
       INSERT INTO api_keys_fail VALUES ('');
       CREATE TRIGGER fail_as_told BEFORE UPDATE ON api_keys FOR EACH STATEMENT EXECUTE FUNCTION fail_as_told()`,
    );
  });

  test.each(Object.entries(states))('%s', async (state, expected) => {
    await pool.query('UPDATE api_keys_fail SET name = $1', [state]);
    const prisma = prismaOn(pool);
    const update = { where: { name: 'none' }, data: { name: 'none' } };
    const fails = [
      pool.query('UPDATE api_keys SET name = name'),
      prisma.apiKey.updateMany(update),
      prisma.$executeRaw`UPDATE api_keys SET name = name`,
      prisma.$transaction((inside) => inside.apiKey.updateMany(update)),
      prisma.$transaction([prisma.apiKey.updateMany(update)]),
    ];
    expect(await Promise.all(fails.map(told))).toEqual(fails.map(() => expected));
  });
});

describe('a server', () => {
  let postgres: OwnPostgres;
  beforeAll(async () => {
    postgres = await startOwnPostgres({ max_connections: '12', superuser_reserved_connections: '0' });
    const migrating = poolOf(postgres.url, { max: 1 });
    await migrate(migrating);
  });
  afterAll(() => postgres.remove());

  test('that is killed while it works, is stopped, and is there again', async () => {
    const on = poolOf(postgres.url, { max: 5 });
    const prisma = prismaOn(on);
    const sleeping = [
      on.query('SELECT pg_sleep(60)'),
      prisma.$queryRaw`SELECT 1 FROM pg_sleep(60)`,
      prisma.$transaction((inside) => inside.$queryRaw`SELECT 1 FROM pg_sleep(60)`, { timeout: 60_000 }),
    ].map(told);
    const admin = poolOf(postgres.url, { max: 1 });
    const asleep =
      "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid()";
    await expect.poll(async () => (await admin.query(asleep)).rowCount).toBe(3);
    await postgres.kill();
    expect(await Promise.all(sleeping)).toEqual(sleeping.map(() => UNAVAILABLE));
    expect(await toldByAll(on)).toEqual(everywhere(UNAVAILABLE));
    await postgres.start();
    for (const [, ask] of layers(on)) await ask();
  });

  test('that has no connection left', async () => {
    const on = poolOf(postgres.url, { max: 1 });
    const holding = poolOf(postgres.url, { max: 20 });
    const held = await Promise.allSettled(upTo(20).map(() => holding.connect()));
    expect(await toldByAll(on)).toEqual(everywhere(OVERLOADED));
    for (const one of held) if (one.status === 'fulfilled') one.value.release();
  });
});

describe('a connection that cannot be made', () => {
  const changed = (change: (url: URL) => void) => {
    const url = new URL(database.url);
    change(url);
    return url.href;
  };

  test.each<[string, () => string | Promise<string>]>([
    [
      'wrong password',
      () =>
        changed((url) => {
          url.password = 'wrong';
        }),
    ],
    [
      'no such user',
      () =>
        changed((url) => {
          url.username = 'nobody_of_that_name';
        }),
    ],
    [
      'no such database',
      () =>
        changed((url) => {
          url.pathname = '/none_of_that_name';
        }),
    ],
    [
      'no such host',
      () =>
        changed((url) => {
          url.hostname = 'none.invalid';
        }),
    ],
    [
      'TLS that the server does not speak',
      () =>
        changed((url) => {
          url.searchParams.set('sslmode', 'require');
        }),
    ],
    ['no socket of that name', () => 'postgresql:///x?user=postgres&host=/none-of-that-name'],
    [
      'a port where nobody listens',
      () =>
        changed((url) => {
          url.port = '1';
        }),
    ],
    [
      'a name of several addresses where nobody listens',
      () =>
        changed((url) => {
          url.port = '1';
          url.hostname = 'localhost';
        }),
    ],
    ['a user who may not connect to the database', refusedUser],
  ])('%s', async (_name, urlOf) => {
    expect(await toldByAll(poolOf(await urlOf()))).toEqual(everywhere(UNAVAILABLE));
  });

  // Its error is FATAL with a SQLSTATE that means a missing privilege on a table elsewhere.
  async function refusedUser(): Promise<string> {
    const name = new URL(database.url).pathname.slice(1);
    const user = `refused_${name}`;
    await pool.query(`REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`);
    await pool.query(`CREATE ROLE ${user} LOGIN PASSWORD 'x'`);
    return changed((url) => Object.assign(url, { username: user, password: 'x' }));
  }

  test('a server that accepts and says nothing', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const on = poolOf(`postgresql://postgres@127.0.0.1:${port}/x`, { connectionTimeoutMillis: 100 });
    for (const [name, ask] of layers(on)) {
      const { code, isRetriable } = await told(ask());
      expect({ name, isRetriable, isKnown: ['UNAVAILABLE', 'OVERLOADED'].includes(String(code)) }).toEqual({
        name,
        isRetriable: true,
        isKnown: true,
      });
    }
    silent.close();
  });

  test('a pool of which all connections are busy', async () => {
    const on = poolOf(database.url, { max: 1 });
    const client = await on.connect();
    Object.assign(on.options, { connectionTimeoutMillis: 100 });
    expect(await toldByAll(on)).toEqual(everywhere(OVERLOADED));
    client.release();
  });

  test('a pool that has ended', async () => {
    const on = createPool(database.url, () => undefined);
    await on.end();
    expect(await toldByAll(on)).toEqual(everywhere(UNAVAILABLE));
  });
});

describe('a statement', () => {
  test('whose connection is ended', async () => {
    const on = poolOf(database.url);
    const ended = [
      on.query('SELECT pg_terminate_backend(pg_backend_pid())'),
      prismaOn(on).$queryRaw`SELECT pg_terminate_backend(pg_backend_pid())`,
      prismaOn(on).$transaction((inside) => inside.$queryRaw`SELECT pg_terminate_backend(pg_backend_pid())`),
    ];
    expect(await Promise.all(ended.map(told))).toEqual(ended.map(() => UNAVAILABLE));
  });

  test.each([
    ['that takes too long', "SET statement_timeout = '50ms'", 'SELECT pg_sleep(10)'],
    ['that waits for a lock for too long', "SET lock_timeout = '50ms'", 'DELETE FROM api_keys_locked'],
    [
      'that writes where nothing may be written',
      'SET default_transaction_read_only = on',
      'DELETE FROM api_keys',
    ],
  ])('%s', async (_name, setting, sql) => {
    await pool.query('CREATE TABLE IF NOT EXISTS api_keys_locked (n integer)');
    const holder = await pool.connect();
    await holder.query('BEGIN; LOCK TABLE api_keys_locked');
    for (const ask of [
      (on: Pool) => on.query(sql),
      (on: Pool) => prismaOn(on).$executeRawUnsafe(sql),
      (on: Pool) => prismaOn(on).$transaction([prismaOn(on).$executeRawUnsafe(sql)]),
    ]) {
      const on = poolOf(database.url, { max: 1 });
      await on.query(setting);
      expect(await told(ask(on))).toEqual(UNAVAILABLE);
    }
    await holder.query('ROLLBACK');
    holder.release();
  });

  test('of two transactions that read what the other writes', async () => {
    await pool.query('CREATE TABLE counted (n integer)');
    const both = upTo(2).map(async () => {
      const client = await pool.connect();
      await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
      await client.query('SELECT count(*) FROM counted');
      return client;
    });
    const [one, two] = (await Promise.all(both)) as [pg.PoolClient, pg.PoolClient];
    await one.query('INSERT INTO counted VALUES (1)');
    await one.query('COMMIT');
    expect(await told(two.query('INSERT INTO counted VALUES (2)').then(() => two.query('COMMIT')))).toEqual(
      UNAVAILABLE,
    );
    await two.query('ROLLBACK');
    one.release();
    two.release();
  });
});
