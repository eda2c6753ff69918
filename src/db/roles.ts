import type { PoolClient } from 'pg';
import pg from 'pg';
import { createPool, type Pool } from './pool.ts';
import type { Queryable } from './queries.ts';

// From version 16 on a member of a role need not be allowed to act as it.
const CAN_ACT =
  "CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END";
const CREATE = 'CREATE ROLE audit_log_service NOLOGIN; CREATE ROLE audit_log_customer NOLOGIN;';
const GRANT_CUSTOMER = 'GRANT audit_log_customer TO audit_log_service;';

/** Throws when the login's tables would not be those of the schema `public`, which is the one that the log is in. */
export async function requirePublic(db: Queryable): Promise<void> {
  const { rows } = await db.query<{ login: string; schema: string | null }>(
    'SELECT current_user::text AS login, current_schema()::text AS schema',
  );
  const [row] = rows;
  if (!row || row.schema === 'public') return;
  throw new Error(
    `the log's tables are in the schema public, but "${row.login}" works in ${row.schema ?? 'no schema that is there'}: ` +
      'take that off its search_path, or give the log a database of its own',
  );
}

/** Throws, before anything is migrated, when the roles are not there and the owner may not make them. */
export async function requireRoles(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ login: string; made: number; may_make: boolean }>(
    `SELECT current_user::text AS login, rolsuper OR rolcreaterole AS may_make,
       (SELECT count(*) FROM pg_roles WHERE rolname IN ('audit_log_service', 'audit_log_customer')) AS made
     FROM pg_roles WHERE rolname = current_user`,
  );
  const [row] = rows;
  if (!row || row.may_make || row.made === 2) return;
  throw new Error(
    `the owner of the tables, "${row.login}", may not make the roles audit_log_service and audit_log_customer: have an ` +
      `administrator of the server run ${CREATE} ${GRANT_CUSTOMER} (see docs/operations.md, "Roles")`,
  );
}

/**
 * Throws when the service cannot work as `audit_log_service`, or that role not as `audit_log_customer`: names the grant
 * that is missing, which only an administrator of the roles can make.
 */
export async function checkMemberships(databaseUrl: string): Promise<void> {
  const pool = createPool(databaseUrl, () => undefined, { max: 1 });
  try {
    await requirePublic(pool);
    const { rows } = await pool.query<{ login: string; as_service: boolean; as_customer: boolean }>(
      `SELECT current_user::text AS login, pg_has_role('audit_log_service', ${CAN_ACT}) AS as_service,
         pg_has_role('audit_log_service', 'audit_log_customer', ${CAN_ACT}) AS as_customer`,
    );
    const [row] = rows;
    if (!row) return;
    const missing = [
      ...(row.as_customer ? [] : [GRANT_CUSTOMER]),
      ...(row.as_service ? [] : [`GRANT audit_log_service TO ${pg.escapeIdentifier(row.login)};`]),
    ];
    if (missing.length === 0) return;
    throw new Error(
      `"${row.login}" of DATABASE_URL may not act as the roles that the service works under: have an administrator of ` +
        `the server run ${missing.join(' ')} (see docs/operations.md, "Roles")`,
    );
  } finally {
    await pool.end();
  }
}

/**
 * Who beside the owner may make things in the log's schema (before PostgreSQL 15 everybody, unless that was taken back):
 * such a role can put functions and operators there that the service's statements would then find. Empty: nobody.
 */
export async function findSchemaMakers(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee)::text END AS name
     FROM pg_namespace CROSS JOIN aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
     WHERE pg_namespace.oid = (SELECT relnamespace FROM pg_class WHERE pg_class.oid = 'log_head'::regclass)
       AND privilege_type = 'CREATE' AND grantee <> nspowner
       AND grantee <> (SELECT relowner FROM pg_class WHERE pg_class.oid = 'log_head'::regclass)
     ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
