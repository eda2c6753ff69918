import type { Pool } from '../../src/db/pool.ts';

const OURS = "n.nspname IN ('public', 'audit_segments')";

// Each query gives lines of one column, `line`, in the order in which they are written.
const SECTIONS: Record<string, string> = {
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
    WHERE ${OURS} ORDER BY p.proname COLLATE "C", p.oid::regprocedure::text COLLATE "C"`,
  Triggers: `
    SELECT pg_get_triggerdef(g.oid) || ';' AS line
    FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ${OURS} AND NOT g.tgisinternal ORDER BY 1`,
  'Row-level security': `
    SELECT format('CREATE POLICY %I ON %I FOR %s TO %s USING (%s)%s;', policyname, tablename, cmd,
      array_to_string(roles, ', '), coalesce(qual, 'true'), ' WITH CHECK (' || with_check || ')') AS line
    FROM pg_policies n WHERE n.schemaname = 'public' ORDER BY tablename COLLATE "C", policyname COLLATE "C"`,
  Privileges: `
    SELECT format('GRANT %s ON %s TO %s;', string_agg(privilege_type, ', ' ORDER BY privilege_type), object, grantee) AS line
    FROM (
      SELECT c.relname::text AS object, pg_get_userbyid(x.grantee) AS grantee, x.privilege_type
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) x
      WHERE ${OURS} AND x.grantee NOT IN (0, c.relowner)
      UNION ALL
      SELECT format('%s (%s)', c.relname, a.attname), pg_get_userbyid(x.grantee), x.privilege_type
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
        aclexplode(a.attacl) x
      WHERE ${OURS} AND x.grantee NOT IN (0, c.relowner)
      UNION ALL
      SELECT 'FUNCTION ' || p.oid::regprocedure::text, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END,
        x.privilege_type
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(p.proacl) x
      WHERE ${OURS} AND x.grantee <> p.proowner
      UNION ALL
      SELECT 'SCHEMA ' || n.nspname, pg_get_userbyid(x.grantee), x.privilege_type
      FROM pg_namespace n, aclexplode(n.nspacl) x WHERE n.nspname = 'audit_segments' AND x.grantee NOT IN (0, n.nspowner)
    ) AS granted GROUP BY object, grantee ORDER BY object COLLATE "C", grantee COLLATE "C"`,
};

/** What the migrations have made of a database, as SQL to be read; the same text on every version of PostgreSQL. */
export async function structureOf(pool: Pool): Promise<string> {
  const parts = [
    '-- What the migrations make, written by `npm run structure` and checked by the tests: to be read, not run.\n',
  ];
  for (const [title, sql] of Object.entries(SECTIONS)) {
    const { rows } = await pool.query<{ line: string }>(sql);
    parts.push(`-- ${title}\n\n${rows.map(({ line }) => line).join('\n')}\n`);
  }
  return parts.join('\n');
}
