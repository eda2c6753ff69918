import { Prisma } from './generated/client.ts';
import type { Reads } from './queries.ts';

// Segments are in a separate schema and are created and removed: `verify/catalog.ts` compares them with each other.
const OURS = "n.nspname = 'public'";
const OWNER = "(SELECT relowner FROM pg_class WHERE oid = 'log_head'::regclass)";
/** The object in the lines of privileges of objects that will be created. No table has this name unless it is quoted. */
export const DEFAULT_PRIVILEGES = 'DEFAULT_PRIVILEGES';
const BY_EXTENSION = "EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')";
const GRANTEE = "CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee)::text END";
const PRIVILEGE = "x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END";

// Each query returns the lines of a section in order, in the column `line`.
const SECTIONS = {
  Tables: `
    SELECT format(E'CREATE%s TABLE %s (\\n%s\\n)%s;', CASE c.relpersistence WHEN 'u' THEN ' UNLOGGED' ELSE '' END,
      c.oid::regclass, string_agg(format('  %I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attcollation NOT IN (0, t.typcollation) THEN format(' COLLATE %s', a.attcollation::regcollation)
          ELSE '' END || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
        ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)), E',\\n' ORDER BY a.attnum),
      ' PARTITION BY ' || pg_get_partkeydef(c.oid)) AS line
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE ${OURS} AND c.relkind IN ('r', 'p') AND c.relname <> '_prisma_migrations'
    GROUP BY c.oid, c.relname, c.relpersistence ORDER BY c.relname COLLATE "C"`,
  Constraints: `
    SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s;', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) AS line
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ${OURS} AND k.contype IN ('p', 'u', 'f', 'c', 'x') AND c.relname <> '_prisma_migrations'
    ORDER BY c.relname COLLATE "C", k.conname COLLATE "C"`,
  Indexes: `
    SELECT pg_get_indexdef(i.indexrelid) || ';' AS line
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ${OURS} AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid) ORDER BY 1`,
  Functions: `
    SELECT rtrim(pg_get_functiondef(p.oid), E'\\n') || ';' AS line
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE ${OURS} AND NOT ${BY_EXTENSION} AND p.prokind <> 'a'
    ORDER BY p.proname COLLATE "C", p.oid::regprocedure::text COLLATE "C"`,
  Triggers: `
    SELECT pg_get_triggerdef(g.oid) || CASE g.tgenabled WHEN 'O' THEN '' ELSE ' -- disabled' END || ';' AS line
    FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ${OURS} AND NOT g.tgisinternal ORDER BY 1`,
  'Row-level security': `
    SELECT line FROM (
      SELECT format('CREATE POLICY %I ON %I FOR %s TO %s USING (%s)%s%s;', policyname, tablename, cmd,
        array_to_string(roles, ', '), regexp_replace(coalesce(qual, 'true'), '[\\s]+', ' ', 'g'),
        ' WITH CHECK (' || regexp_replace(with_check, '[\\s]+', ' ', 'g') || ')',
        CASE permissive WHEN 'PERMISSIVE' THEN '' ELSE ' -- restrictive' END) AS line, tablename AS name
      FROM pg_policies n WHERE n.schemaname = 'public'
      UNION ALL
      SELECT format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY;', c.relname), c.relname
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OURS} AND c.relrowsecurity
      UNION ALL
      SELECT format('CREATE RULE %I ON %I -- %s', rulename, tablename, replace(definition, E'\\n', ' ')), tablename
      FROM pg_rules WHERE schemaname = 'public'
    ) AS policies ORDER BY name COLLATE "C", line COLLATE "C"`,
  // An asterisk means WITH GRANT OPTION.
  Privileges: `
    SELECT format('GRANT %s ON %s TO %s;', string_agg(privilege, ', ' ORDER BY privilege), object, grantee) AS line
    FROM (
      SELECT c.relname::text AS object, ${GRANTEE} AS grantee, ${PRIVILEGE} AS privilege
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) x
      WHERE ${OURS} AND x.grantee <> c.relowner
      UNION ALL
      SELECT format('%s (%s)', c.relname, a.attname), ${GRANTEE}, ${PRIVILEGE}
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
        aclexplode(a.attacl) x
      WHERE ${OURS} AND x.grantee <> c.relowner
      UNION ALL
      SELECT 'FUNCTION ' || p.oid::regprocedure::text, ${GRANTEE}, ${PRIVILEGE}
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,
        aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
      WHERE ${OURS} AND NOT ${BY_EXTENSION} AND x.grantee <> p.proowner
      UNION ALL
      SELECT 'SCHEMA ' || n.nspname, ${GRANTEE}, ${PRIVILEGE}
      FROM pg_namespace n, aclexplode(n.nspacl) x WHERE n.nspname = 'audit_segments' AND x.grantee <> n.nspowner
      UNION ALL
      SELECT '${DEFAULT_PRIVILEGES} (' || d.defaclobjtype::text || ')', ${GRANTEE}, ${PRIVILEGE}
      FROM pg_default_acl d, aclexplode(d.defaclacl) x
      WHERE d.defaclrole = ${OWNER} AND x.grantee <> ${OWNER} AND d.defaclnamespace IN (0, 'public'::regnamespace)
    ) AS granted GROUP BY object, grantee ORDER BY object COLLATE "C", grantee COLLATE "C"`,
  Roles: `
    SELECT format('ALTER ROLE %I %s;', rolname, concat_ws(' ', CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
      CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
      CASE WHEN rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END)) AS line
    FROM pg_roles WHERE rolname IN ('audit_log_service', 'audit_log_customer')
    UNION ALL
    SELECT format('GRANT %I TO %I;', pg_get_userbyid(roleid), pg_get_userbyid(member)) FROM pg_auth_members
    WHERE pg_get_userbyid(member) IN ('audit_log_service', 'audit_log_customer') GROUP BY roleid, member
    ORDER BY line`,
} as const;

/** A section of the description of a database. */
export type Section = keyof typeof SECTIONS;

/** The lines of a section for a database. They are the same on every version of PostgreSQL. */
export async function linesOf(db: Reads, section: Section): Promise<string[]> {
  const rows = await db.$queryRaw<{ line: string }[]>(Prisma.raw(SECTIONS[section]));
  return rows.map(({ line }) => line);
}

/** The description of a database as SQL for reading. The text is the same on every version of PostgreSQL. */
export async function structureOf(db: Reads): Promise<string> {
  const parts = [
    '-- The structure of the database after all migrations. For reading only: `npm run structure` writes it, the tests check it.\n' +
      '-- `audit-log verify` compares it with the database, except for indexes.\n',
  ];
  for (const title of Object.keys(SECTIONS) as Section[])
    parts.push(`-- ${title}\n\n${(await linesOf(db, title)).join('\n')}\n`);
  return parts.join('\n');
}

/** Where the next definition begins, in sections whose definitions have several lines. */
const STARTS: Partial<Record<Section, RegExp>> = {
  Tables: /\n(?=CREATE (?:UNLOGGED )?TABLE )/,
  Functions: /\n(?=CREATE OR REPLACE FUNCTION )/,
};

/** The lines of a section in a description. */
export function linesIn(structure: string, section: Section): string[] {
  const start = structure.indexOf(`-- ${section}\n\n`);
  if (start < 0) throw new Error(`the description of the database has no section "${section}"`);
  const rest = structure.slice(start + section.length + 5);
  const next = rest.search(/\n\n-- [A-Z][a-z -]+\n\n/);
  const text = (next < 0 ? rest : rest.slice(0, next)).trimEnd();
  return text.split(STARTS[section] ?? '\n').filter((line) => line !== '');
}
