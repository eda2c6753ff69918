import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { PoolClient } from 'pg';
import { SILENCE } from './client-with-deadlines.ts';
import { type Pool, withClient } from './pool.ts';
import type { Queryable } from './queries.ts';
import { requirePublic, requireRoles } from './roles.ts';

const MIGRATIONS = new URL('../../prisma/migrations/', import.meta.url);
// Prisma sorts migrations as text, so the number always has four digits.
const NAME = /^\d{4}_[a-z0-9_]+$/;
const IDLE_MS = 10_000;
const ROLES = '0005_roles';
// Checksums of former texts of migrations. The changes made no difference to databases where they had been applied.
const FORMER: Record<string, string> = {
  [ROLES]: 'c5a85252b3afb23d0580d16e3fd8bb8abc17c5d1464a1e3c053f5ffc8f5acee7',
};
const LOCK = 72707369; // The advisory lock that `prisma migrate` takes, so that both exclude each other.

// The bookkeeping table of `prisma migrate`: its `deploy` and `status` agree with this runner.
const BOOKKEEPING = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id varchar(36) PRIMARY KEY NOT NULL, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL,
  logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(),
  applied_steps_count integer NOT NULL DEFAULT 0)`;

/**
 * Applies `prisma/migrations` in order, each in one transaction, under an advisory lock. Throws when an applied migration
 * has changed since, or when the database has a migration that this version does not know.
 *
 * `prisma migrate deploy` may be used instead, but not at start. Prisma's native engine is downloaded at its first use.
 * Its WebAssembly build works through `PrismaPg`, which splits a script at every semicolon, even in function bodies. Both
 * record a migration outside its transaction, so that a failed one blocks all starts until `prisma migrate resolve`.
 * Neither refuses a database of a newer version.
 */
export async function migrate(pool: Pool): Promise<void> {
  // A migration of a large log takes minutes, and so does the wait for another instance that migrates.
  await withClient(pool, migrateOn, SILENCE.none);

  async function migrateOn(client: PoolClient): Promise<void> {
    // The lock belongs to the session. If this process is suspended, the server ends the session and another process can
    // go on.
    await client.query(`SELECT set_config('idle_session_timeout', '${IDLE_MS}', false)`);
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    try {
      await requirePublic(client);
      await client.query(BOOKKEEPING);
      await applyMissing(client, await readMigrations());
    } finally {
      await client.query('SELECT pg_advisory_unlock($1)', [LOCK]).catch(() => undefined);
      await client.query('RESET idle_session_timeout').catch(() => undefined);
    }
  }
}

/** Whether the migrations of this version, and no others, are applied. */
export async function isMigrated(pool: Pool): Promise<boolean> {
  const rows = await readApplied(pool).catch(() => []);
  const applied = rows.map(({ migration_name: name }) => name).sort();
  const known = (await readMigrations()).map(({ name }) => name);
  return applied.length === known.length && known.every((name, at) => name === applied[at]);
}

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

async function readMigrations(): Promise<Migration[]> {
  const entries = await readdir(MIGRATIONS, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const misnamed = names.find((name) => !NAME.test(name));
  if (misnamed !== undefined) throw new Error(`migration ${misnamed} must be named like 0001_log`);
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(new URL(`${name}/migration.sql`, MIGRATIONS), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

async function readApplied(db: Queryable): Promise<{ migration_name: string; checksum: string }[]> {
  const { rows } = await db.query<{ migration_name: string; checksum: string }>(
    'SELECT migration_name, checksum FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  );
  return rows;
}

async function applyMissing(client: PoolClient, migrations: Migration[]): Promise<void> {
  const rows = await readApplied(client);
  const applied = new Map(rows.map((row) => [row.migration_name, row.checksum]));
  for (const { migration_name: name } of rows) {
    if (!migrations.some((migration) => migration.name === name)) {
      throw new Error(
        `the database was migrated by a newer version (${name}): start that version, or a newer one`,
      );
    }
  }
  if (!applied.has(ROLES)) await requireRoles(client);
  for (const migration of migrations) {
    const checksum = applied.get(migration.name);
    if (checksum === undefined) await apply(client, migration);
    else if (checksum !== migration.checksum && checksum !== FORMER[migration.name])
      throw new Error(`migration ${migration.name} was changed after it was applied`);
  }
}

async function apply(client: PoolClient, { name, sql, checksum }: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(sql);
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), 1)`,
      [randomUUID(), checksum, name],
    );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}
