import type { PoolClient } from 'pg';
import pg from 'pg';
import { createPool, type Pool } from './pool.ts';
import type { Queryable } from './queries.ts';

// Since PostgreSQL 16, a member of a role may lack the right to SET ROLE to it.
const CAN_ACT =
  "CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END";
const CREATE = 'CREATE ROLE audit_log_service NOLOGIN; CREATE ROLE audit_log_customer NOLOGIN;';
const GRANT_CUSTOMER = 'GRANT audit_log_customer TO audit_log_service;';

/** Throws when unqualified names of the login do not mean the schema `public`, which holds the log. */
export async function requirePublic(db: Queryable): Promise<void> {
  const { rows } = await db.query<{ login: string; schema: string | null }>(
    'SELECT current_user::text AS login, current_schema()::text AS schema',
  );
  const [row] = rows;
  if (!row || row.schema === 'public') return;
  throw new Error(
    `the tables of the log are in the schema public, but "${row.login}" works in ${row.schema ?? 'no existing schema'}: ` +
      'remove that schema from its search_path, or use a separate database for the log',
  );
}

/** Throws, before any migration, when the roles do not exist and the owner may not create them. */
export async function requireRoles(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ login: string; made: number; may_make: boolean }>(
    `SELECT current_user::text AS login, rolsuper OR rolcreaterole AS may_make,
       (SELECT count(*) FROM pg_roles WHERE rolname IN ('audit_log_service', 'audit_log_customer')) AS made
     FROM pg_roles WHERE rolname = current_user`,
  );
  const [row] = rows;
  if (!row || row.may_make || row.made === 2) return;
  throw new Error(
    `the owner of the tables, "${row.login}", may not create the roles audit_log_service and audit_log_customer: have an ` +
      `administrator of the server run ${CREATE} ${GRANT_CUSTOMER} (see docs/operations.md, "Roles")`,
  );
}

/**
 * Throws when the login of the service cannot act as `audit_log_service`, or that role cannot act as
 * `audit_log_customer`. The error names the missing grant, which only an administrator of the roles can give.
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
 * The roles beside the owner that may create objects in the schema of the log (before PostgreSQL 15 every role, unless
 * that was revoked). Such a role could create functions and operators that the statements of the service would then call.
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
