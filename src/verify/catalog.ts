import { readFile } from 'node:fs/promises';
import { Prisma } from '../db/generated/client.ts';
import type { Reads } from '../db/queries.ts';
import { DEFAULT_PRIVILEGES, linesIn, linesOf, type Section } from '../db/structure.ts';
import type { Findings } from './findings.ts';

// `npm run structure` writes this file from the migrations; a test compares them.
const EXPECTED = new URL('../../prisma/structure.sql', import.meta.url);

const OF_TABLES = ['Tables', 'Constraints'] as const;
const SECTIONS = ['Functions', 'Triggers', 'Row-level security', 'Privileges', 'Roles'] as const;

/**
 * Checks that functions, triggers, policies, privileges and roles are those that the migrations created; and the tables, unless
 * the database is still that of an older version.
 */
export async function checkCatalog(
  db: Reads,
  findings: Findings,
  { isMigrated }: { isMigrated: boolean },
): Promise<void> {
  const structure = await readFile(EXPECTED, 'utf8');
  const names = { tables: namesIn(structure, 'Tables'), functions: namesIn(structure, 'Functions') };
  const known = new Set([
    ...names.tables,
    ...names.functions.map((name) => `FUNCTION ${name}`),
    'SCHEMA audit_segments',
    DEFAULT_PRIVILEGES,
  ]);
  const add = (message: string) => findings.add({ kind: 'catalog', message });
  // First: with one of these, the statements below would say what its author wants.
  for (const name of await readSubstitutes(db)) add(`instead of one of PostgreSQL: ${name}`);
  for (const section of isMigrated ? [...OF_TABLES, ...SECTIONS] : SECTIONS) {
    const expected = linesIn(structure, section);
    const actual = await linesOf(db, section);
    for (const line of expected) {
      // A constraint that was validated since is as good.
      const isThere = actual.includes(line) || actual.includes(line.replace(/ NOT VALID;$/, ';'));
      if (!isThere) add(`missing or changed: ${firstLine(line)}`);
    }
    for (const line of actual)
      if (!expected.includes(line) && isOurs(section, line, known))
        add(`unexpected or changed: ${firstLine(line)}`);
  }
  for (const what of await readOddOwners(db, names)) add(`owned by another role than the log: ${what}`);
  for (const name of await readOddSegments(db))
    add(`changed: the privileges or triggers of the segment ${name}`);
}

// The schema may contain objects of others. Those count that concern the log's functions, tables and roles, and functions
// with SECURITY DEFINER, which run with their owner's rights.
function isOurs(section: Section, line: string, known: ReadonlySet<string>): boolean {
  if (section === 'Roles') return true;
  // A changed table is missing as it was. What operators have added to it does no harm.
  if (section === 'Tables' || section === 'Constraints') return false;
  if (section === 'Functions')
    return line.includes('SECURITY DEFINER') || known.has(`FUNCTION ${nameOf(section, line)}`);
  return known.has(nameOf(section, line));
}

// The object that a line concerns: the table of a trigger, policy or grant, or the function.
function nameOf(section: Section, line: string): string {
  if (section === 'Functions') return /^CREATE OR REPLACE FUNCTION public\.([^(]+)/.exec(line)?.[1] ?? '';
  const named = / (?:ON|ALTER TABLE) ((?:FUNCTION |SCHEMA )?)(?:public\.)?([^\s(]+)/.exec(
    ` ${line}`.replace(/ BEFORE .*? ON | AFTER .*? ON /, ' ON '),
  );
  return named ? `${named[1]}${named[2]}` : '';
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replace(/ \($/, '');
}

// Whether every type in an array of types is one of PostgreSQL, or a domain over one.
const ofPostgres = (types: string) => `NOT EXISTS (
    SELECT FROM pg_type AS type
      JOIN pg_type AS base ON base.oid = CASE type.typbasetype WHEN 0 THEN type.oid ELSE type.typbasetype END
    WHERE type.oid = ANY (${types}) AND base.typnamespace <> 'pg_catalog'::regnamespace)`;
const IN_PATH = '= ANY (current_schemas(false))';
const BY_EXTENSION = (id: string) => `EXISTS (SELECT FROM pg_depend WHERE objid = ${id} AND deptype = 'e')`;

// Without functions and operators of `anyarray`, which could be substitutes themselves.
const SUBSTITUTES = Prisma.raw(`
  SELECT p.oid::regprocedure::text AS name FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
  WHERE nspname ${IN_PATH}
    AND NOT ${BY_EXTENSION('p.oid')}
    AND EXISTS (SELECT FROM pg_proc AS known JOIN pg_type AS type ON type.oid = ANY (known.proargtypes::oid[])
      WHERE known.pronamespace = 'pg_catalog'::regnamespace AND known.proname = p.proname AND type.typtype = 'p')
    AND NOT EXISTS (SELECT FROM pg_proc AS known WHERE known.pronamespace = 'pg_catalog'::regnamespace
      AND known.proname = p.proname AND known.proargtypes::text = p.proargtypes::text)
    AND ${ofPostgres('p.proargtypes::oid[]')}
  UNION ALL
  SELECT o.oid::regoperator::text FROM pg_operator AS o JOIN pg_namespace AS n ON n.oid = oprnamespace
  WHERE nspname ${IN_PATH}
    AND NOT ${BY_EXTENSION('o.oid')}
    AND EXISTS (SELECT FROM pg_operator AS known JOIN pg_type AS type ON type.oid IN (known.oprleft, known.oprright)
      WHERE known.oprnamespace = 'pg_catalog'::regnamespace AND known.oprname = o.oprname AND type.typtype = 'p')
    AND NOT EXISTS (SELECT FROM pg_operator AS known WHERE known.oprnamespace = 'pg_catalog'::regnamespace
      AND known.oprname = o.oprname AND known.oprleft = o.oprleft AND known.oprright = o.oprright)
    AND ${ofPostgres('ARRAY[o.oprleft, o.oprright]')}
  ORDER BY 1`);

/**
 * Functions and operators that PostgreSQL takes instead of its own, since their types fit better than `anyarray` or
 * `"any"`. Extensions may have such ones, as pg_trgm and intarray do.
 */
async function readSubstitutes(db: Reads): Promise<string[]> {
  const rows = await db.$queryRaw<{ name: string }[]>(SUBSTITUTES);
  return rows.map(({ name }) => name);
}

/** The log's tables and functions with another owner than the table `log_head`. */
async function readOddOwners(
  db: Reads,
  { tables, functions }: { tables: string[]; functions: string[] },
): Promise<string[]> {
  const rows = await db.$queryRaw<{ name: string }[]>(
    Prisma.sql`SELECT other.name FROM pg_class AS head CROSS JOIN LATERAL (
       SELECT relname::text AS name, relowner AS owner FROM pg_class
         WHERE relnamespace = head.relnamespace AND relkind IN ('r', 'p') AND relname = ANY (${tables})
       UNION ALL
       SELECT pg_proc.oid::regprocedure::text, proowner FROM pg_proc
         WHERE pronamespace = head.relnamespace AND proname = ANY (${functions})
       UNION ALL
       SELECT relname, relowner FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
         WHERE inhparent = 'audit_events'::regclass
       UNION ALL
       SELECT nspname, nspowner FROM pg_namespace WHERE nspname = 'audit_segments'
     ) AS other WHERE head.oid = 'log_head'::regclass AND other.owner <> head.relowner ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

function namesIn(structure: string, section: 'Tables' | 'Functions'): string[] {
  const pattern =
    section === 'Tables' ? /^CREATE (?:UNLOGGED )?TABLE (\S+)/ : /^CREATE OR REPLACE FUNCTION public\.(\w+)/;
  return linesIn(structure, section).flatMap((line) => pattern.exec(line)?.[1] ?? []);
}

/** The segments that differ from what `open_segment` creates: the service may only insert, and a trigger moves the head. */
async function readOddSegments(db: Reads): Promise<string[]> {
  const rows = await db.$queryRaw<{ name: string }[]>(
    Prisma.sql`SELECT segment.relname AS name FROM pg_inherits JOIN pg_class AS segment ON segment.oid = inhrelid
     WHERE inhparent = 'audit_events'::regclass AND (
       ARRAY(SELECT format('%s %s', pg_get_userbyid(grantee), privilege_type) FROM aclexplode(segment.relacl)
         WHERE grantee <> segment.relowner) <> ARRAY['audit_log_service INSERT']
       OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = segment.oid AND attacl IS NOT NULL)
       OR ARRAY(SELECT format('%s %s %s %s', tgname, tgtype, tgenabled, tgfoid) FROM pg_trigger
           WHERE tgrelid = segment.oid ORDER BY tgname COLLATE "C")
         <> ARRAY(SELECT format('%s %s O %s', tgname, tgtype, tgfoid) FROM (
           SELECT tgname::text, tgtype, tgfoid FROM pg_trigger
             WHERE tgrelid = 'audit_events'::regclass AND tgtype & 1 = 1
           UNION ALL SELECT 'move_head', 4, to_regprocedure('public.move_head()')) AS made ORDER BY tgname COLLATE "C"))
     ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
