import type { Prisma } from './generated/client.ts';

/** So many texts that requests choose are prepared at most: each takes room on every connection. */
const MAX_CHOSEN = 48;
const names = new Map<string, string>();
let chosen = 0;

/**
 * Has each connection prepare a statement once, so that PostgreSQL need not plan it each time: for one whose best plan is
 * the same whatever its parameters, and of which there are few texts.
 */
export function prepared(sql: Prisma.Sql): Prisma.Sql {
  const { text } = sql;
  if (!names.has(text)) names.set(text, `prepared_${names.size}`);
  return sql;
}

/**
 * The same for one whose text depends on what a request asks for. Of texts beyond the first 48 PostgreSQL plans each anew,
 * as of any other statement.
 */
export function preparedIfRoom(sql: Prisma.Sql): Prisma.Sql {
  if (chosen === MAX_CHOSEN) return sql;
  if (!names.has(sql.text)) chosen += 1;
  return prepared(sql);
}

/** The name under which a statement is prepared; empty, which `pg` takes for none: it is not. */
export function statementName({ sql }: { sql: string }): string {
  return names.get(sql) ?? '';
}
