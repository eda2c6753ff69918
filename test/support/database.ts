import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { createPool } from '../../src/db/pool.ts';

/** A database of its own for a test file: LISTEN is per database. */
export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** Makes an empty database with the schema of the service. */
export async function createDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  const url = new URL(inject('adminUrl'));
  url.pathname = `/${name}`;
  const pool = createPool(url.href, () => undefined);
  await migrate(pool);
  await pool.end();
  const drop = async () => {
    await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
    await rm(dataDirOf(url.href), { recursive: true, force: true });
  };
  return { url: url.href, drop };
}

/** Where the services on a test database keep their signing key; `drop` of the database removes it. */
export function dataDirOf(databaseUrl: string): string {
  return join(tmpdir(), 'audit-log-test', new URL(databaseUrl).pathname.slice(1));
}

async function onServer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('adminUrl') });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
