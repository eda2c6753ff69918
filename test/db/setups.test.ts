import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { verifyDatabase } from '../../src/verify/database.ts';
import { createKey } from '../auth/create-key.ts';
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.ts';
import { onServer, urlOf } from '../support/server.ts';
import { startService } from '../support/service.ts';

// The set-ups of docs/operations.md, "Roles", one after another on a server of their own: roles belong to all of it.
let dataDir: string;
let postgres: OwnPostgres;
let version: number;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'audit-log-setups-'));
  postgres = await startOwnPostgres({ fsync: 'off' });
  const pool = createPool(postgres.url, () => undefined);
  const { rows } = await pool.query<{ version: number }>(
    "SELECT current_setting('server_version_num')::integer / 10000 AS version",
  );
  version = rows[0]?.version ?? 0;
  await pool.end();
});
afterAll(async () => {
  await postgres.remove();
  rmSync(dataDir, { recursive: true, force: true });
});

const asAdmin = (sql: string) => onServer(postgres.url, sql);

/** Makes a login, and a database of the same name that it owns; returns where. */
async function makeOwner(name: string, attributes = ''): Promise<string> {
  await asAdmin(`CREATE ROLE ${name} LOGIN PASSWORD 'secret' ${attributes}`);
  await asAdmin(`CREATE DATABASE ${name} OWNER ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  return loginTo(name, name);
}

function loginTo(database: string, login: string): string {
  const url = new URL(urlOf(postgres.url, database));
  url.username = login;
  url.password = 'secret';
  return url.href;
}

/** Runs the service there and uses each of its roles. */
async function expectWorking(owner: string, app = owner): Promise<void> {
  const environment: Record<string, string> = {
    SEGMENT_BITS: '8',
    DATA_DIR: join(dataDir, 'service', new URL(owner).username),
  };
  if (app !== owner) environment.DATABASE_ADMIN_URL = owner;
  const service = await startService(app, environment);
  try {
    const logged = await service.ask(
      'mutation { logEvents(input: [{ eventType: DATA_READ, customerId: "acme", idempotencyKey: "k" }, { eventType: DATA_READ }]) { __typename } }',
    );
    expect(logged.errors).toBeUndefined();
    const { secret } = await createKey(service, {
      name: 'bound',
      scopes: ['EVENTS_READ'],
      customerId: 'acme',
    });
    const read = await service.ask(
      '{ auditEvents(first: 5) { edges { node { customerId } } } checkpoint { treeSize } }',
      {},
      secret,
    );
    expect(read.errors).toBeUndefined();
    const purged = await service.ask('mutation { purgeEvents(olderThanDays: 0) { purged } }');
    expect(purged.errors).toBeUndefined();
  } finally {
    await service.stop();
  }
  const pool = createPool(owner, () => undefined);
  expect((await verifyDatabase(pool)).findings).toEqual([]);
  await pool.end();
}

const ROLES = 'CREATE ROLE audit_log_service NOLOGIN; CREATE ROLE audit_log_customer NOLOGIN;';
const CUSTOMER = 'GRANT audit_log_customer TO audit_log_service;';

test('an owner that may not make the roles is told what an administrator has to do', async () => {
  const url = await makeOwner('early');
  await expect(startService(url)).rejects.toThrow(`${ROLES} ${CUSTOMER}`);
});

test('one login, which owns the database and has CREATEROLE', async () => {
  await expectWorking(await makeOwner('with_createrole', 'CREATEROLE'));
});

test('another owner with CREATEROLE, where the first one made the roles', async () => {
  const url = await makeOwner('second_createrole', 'CREATEROLE');
  // Before version 16 CREATEROLE was enough to grant any role.
  if (version >= 16) {
    await expect(startService(url)).rejects.toThrow('GRANT audit_log_service TO "second_createrole";');
    await asAdmin('GRANT audit_log_service TO second_createrole');
  }
  await expectWorking(url);
});

test('one login without CREATEROLE, where the roles were made beforehand', async () => {
  const url = await makeOwner('plain');
  await expect(startService(url)).rejects.toThrow('GRANT audit_log_service TO "plain";');
  await asAdmin('GRANT audit_log_service TO plain');
  await expectWorking(url);
});

test('a login of the service beside the owner, both without CREATEROLE', async () => {
  const owner = await makeOwner('split_owner');
  await asAdmin("CREATE ROLE split_app LOGIN PASSWORD 'secret'");
  const app = loginTo('split_owner', 'split_app');
  await expect(startService(app, { DATABASE_ADMIN_URL: owner })).rejects.toThrow(
    'GRANT audit_log_service TO "split_app";',
  );
  await asAdmin('GRANT audit_log_service TO split_app');
  await expectWorking(owner, app);
});

test('roles without the membership of one in the other', async () => {
  const owner = await makeOwner('unrelated');
  await asAdmin('GRANT audit_log_service TO unrelated');
  // From version 16 on a grant belongs to who made it.
  const by = version >= 16 ? 'GRANTED BY with_createrole' : '';
  await asAdmin(`REVOKE audit_log_customer FROM audit_log_service ${by}`);
  try {
    await expect(startService(owner)).rejects.toThrow(CUSTOMER);
  } finally {
    await asAdmin(CUSTOMER);
  }
  await expectWorking(owner);
});

test('a login that works in another schema is refused, and told why', async () => {
  const owner = await makeOwner('in_schema');
  await asAdmin('GRANT audit_log_service TO in_schema');
  // The schema of the login's own name goes before public by default.
  await onServer(owner, 'CREATE SCHEMA in_schema');
  await expect(startService(owner)).rejects.toThrow('"in_schema" works in in_schema');
  await onServer(owner, 'DROP SCHEMA in_schema');
  await expectWorking(owner);
  await onServer(owner, 'CREATE SCHEMA in_schema');
  await expect(startService(owner)).rejects.toThrow('"in_schema" works in in_schema');
});
