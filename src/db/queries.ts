import type { PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import { SILENCE } from './client.ts';
import type { Prisma } from './generated/client.ts';

/** Where a read runs: a Prisma client, or what takes its place. */
export interface Reads {
  /** The customer whose rows alone are seen there. */
  readonly customerId?: string;
  $queryRaw<Rows>(sql: Prisma.Sql): Promise<Rows>;
}

/** Reads on a client of `pg`, within the transaction that it is in; numbers and times are to be read as for Prisma. */
export function readsOn(client: PoolClient): Reads {
  return {
    async $queryRaw<Rows>({ text, values }: Prisma.Sql) {
      const { rows } = await client.query(text, values);
      return rows as Rows;
    },
  };
}

/** Where statements of `pg` run: a pool, or a client within a transaction. */
export interface Queryable {
  query<Row extends QueryResultRow>(
    statement: string | QueryConfig,
    parameters?: unknown[],
  ): Promise<QueryResult<Row>>;
}

/** The statement with the limit of one that may compute long before its first row. */
export function asLong(statement: string | QueryConfig): QueryConfig {
  const config = typeof statement === 'string' ? { text: statement } : statement;
  return Object.assign({ silenceMs: SILENCE.long }, config);
}

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
