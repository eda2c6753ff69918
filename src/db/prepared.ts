import type { Prisma } from './generated/client.ts';

/** So many texts are prepared at most: each takes room on every connection. */
const MAX_TEXTS = 64;
const names = new Map<string, string>();

/**
 * Has each connection prepare a statement once, so that PostgreSQL need not plan it each time: for one whose best plan is
 * the same whatever its parameters. Of texts beyond the first 64 it plans each anew, as of any other statement.
 */
export function prepared(sql: Prisma.Sql): Prisma.Sql {
  const { text } = sql;
  if (names.size < MAX_TEXTS && !names.has(text)) names.set(text, `prepared_${names.size}`);
  return sql;
}

/** The name under which a statement is prepared; empty: it is not. */
export function statementName({ sql }: { sql: string }): string {
  // `pg` takes an empty name for none, as the adapter's type does not say.
  return names.get(sql) ?? '';
}
