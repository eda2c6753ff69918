import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { allowEndingSilentHolders } from '../../src/db/silent-connections.ts';
import { createHead } from '../../src/log/head.ts';
import { processOf } from '../support/processes.ts';
import { onServer, urlOf } from '../support/server.ts';

const serverUrl = inject('adminUrl');
const suffix = randomBytes(4).toString('hex');
const OWNER = `owner_${suffix}`;
const LOGIN = `login_${suffix}`;
const STRANGER = `stranger_${suffix}`;
const name = `test_${suffix}`;
const clients: pg.Client[] = [];
let owner: Pool;
let pool: Pool;

function urlFor(user: string): string {
  const url = new URL(urlOf(serverUrl, name));
  url.username = user;
  url.password = 'secret';
  return url.href;
}

/** A connection of the service, unless another login or name is given. */
async function connect({ user = LOGIN, application = 'graphql-audit-log' } = {}): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: urlFor(user), application_name: application });
  client.on('error', () => undefined);
  await client.connect();
  clients.push(client);
  return client;
}

async function endSilentHolders(): Promise<number> {
  const { rows } = await pool.query<{ ended: number }>('SELECT end_silent_holders() AS ended');
  return rows[0]?.ended ?? 0;
}

const TAKE_HEAD = 'SELECT FROM log_head FOR UPDATE';

/** One connection holds the head's row and says nothing, and another waits for it. */
async function block(holding: { user?: string; application?: string } = {}) {
  const holder = await connect(holding);
  await holder.query('BEGIN');
  await holder.query(TAKE_HEAD);
  const waiter = await connect();
  const taken = waiter.query(TAKE_HEAD);
  taken.catch(() => undefined);
  const processID = processOf(waiter);
  const isWaiting = () =>
    onServerRows(`SELECT FROM pg_stat_activity WHERE pid = ${processID} AND wait_event_type = 'Lock'`);
  await expect.poll(isWaiting).toBe(1);
  return { taken, release: () => holder.end() };
}

async function onServerRows(sql: string): Promise<number> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    return (await client.query(sql)).rows.length;
  } finally {
    await client.end();
  }
}

// An owner and a login that are no superusers, as an administrator makes them.
beforeAll(async () => {
  for (const sql of [
    `CREATE ROLE ${OWNER} LOGIN CREATEROLE PASSWORD 'secret'`,
    `CREATE ROLE ${LOGIN} LOGIN PASSWORD 'secret'`,
    `GRANT audit_log_service, audit_log_customer TO ${OWNER}`,
    `CREATE ROLE ${STRANGER} LOGIN PASSWORD 'secret'`,
    `GRANT audit_log_service TO ${LOGIN}, ${STRANGER}`,
    `CREATE DATABASE ${name} OWNER ${OWNER} TEMPLATE template0 ENCODING 'UTF8'`,
  ])
    await onServer(serverUrl, sql);
  await onServer(urlOf(serverUrl, name), `ALTER SCHEMA public OWNER TO ${OWNER}`);
  owner = createPool(urlFor(OWNER), () => undefined);
  await migrate(owner);
  await createHead(owner, 8);
  // Up to PostgreSQL 15 an owner with CREATEROLE has been able to grant itself what it needs.
  await onServer(serverUrl, `ALTER ROLE ${OWNER} NOCREATEROLE`);
  await onServer(serverUrl, `REVOKE ${LOGIN} FROM ${OWNER}`);
  pool = createPool(urlFor(LOGIN), () => undefined, { role: 'audit_log_service' });
});
afterAll(async () => {
  await Promise.all([owner.end(), pool.end(), ...clients.map((client) => client.end())]);
  await onServer(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`);
  await onServer(serverUrl, `DROP ROLE ${OWNER}, ${LOGIN}, ${STRANGER}`);
});

test('what the owner lacks to end connections of the login is named, and nothing is ended without', async () => {
  expect(await allowEndingSilentHolders(pool, owner)).toBe(`GRANT "${LOGIN}" TO "${OWNER}"`);
  const { taken, release } = await block();
  expect(await endSilentHolders()).toBe(0);
  await release();
  await taken;
});

test.each([{ rights: LOGIN }, { rights: 'pg_signal_backend, pg_read_all_stats' }])(
  'with $rights granted to the owner, a silent holder of the head is ended',
  async ({ rights }) => {
    await onServer(serverUrl, `GRANT ${rights} TO ${OWNER}`);
    try {
      expect(await allowEndingSilentHolders(pool, owner)).toBeUndefined();
      const { taken } = await block();
      expect(await endSilentHolders()).toBe(1);
      await taken;
    } finally {
      await onServer(serverUrl, `REVOKE ${rights} FROM ${OWNER}`);
    }
  },
);

test.each([
  { who: 'an administrator', holding: { application: 'psql' } },
  { who: 'another login', holding: { user: STRANGER } },
])('the silent connection of $who is left alone', async ({ holding }) => {
  await onServer(serverUrl, `GRANT ${LOGIN} TO ${OWNER}`);
  const { taken, release } = await block(holding);
  expect(await endSilentHolders()).toBe(0);
  await release();
  await taken;
});

test('one that blocks nobody is left alone, and so is one that works', async () => {
  const holder = await connect();
  await holder.query('BEGIN');
  await holder.query(TAKE_HEAD);
  expect(await endSilentHolders()).toBe(0);
  const waiter = await connect();
  const taken = waiter.query(TAKE_HEAD);
  const working = expect(holder.query('SELECT pg_sleep(600)')).rejects.toMatchObject({ code: '57014' });
  expect(await endSilentHolders()).toBe(0);
  await onServer(serverUrl, `SELECT pg_cancel_backend(${processOf(holder)})`);
  await working;
  await holder.query('ROLLBACK');
  await taken;
});

test('a customer may not end anything', async () => {
  const client = await connect();
  await client.query('SET ROLE audit_log_customer');
  await expect(client.query('SELECT end_silent_holders()')).rejects.toMatchObject({ code: '42501' });
});
