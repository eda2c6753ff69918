import type { QueryConfig, QueryResult, QueryResultRow } from 'pg';
import { SILENCE } from './client-with-deadlines.ts';
import type { Prisma } from './generated/client.ts';

/**
 * Runs reads: a Prisma client, or a substitute. Reads of events and evidence take it instead of a Prisma client, so that the
 * gate can limit them and bind them to a customer (`src/auth/gate.ts`).
 */
export interface Reads {
  /** The only customer whose rows are visible to the reads. */
  readonly customerId?: string;
  $queryRaw<Rows>(sql: Prisma.Sql): Promise<Rows>;
}

/** Runs reads by `pg`, with its type parsers: on a pool, or on a client within its transaction. */
export function readsOn(connection: Queryable): Reads {
  return {
    async $queryRaw<Rows>({ text, values }: Prisma.Sql) {
      const { rows } = await connection.query({ name: statementName({ sql: text }), text, values });
      return rows as Rows;
    },
  };
}

/** Runs statements of `pg`: a pool, or a client within a transaction. */
export interface Queryable {
  query<Row extends QueryResultRow>(
    statement: string | QueryConfig,
    parameters?: unknown[],
  ): Promise<QueryResult<Row>>;
}

/** The statement with the limit for statements that may compute long before their first row. */
export function asLong(statement: string | QueryConfig): QueryConfig {
  const config = typeof statement === 'string' ? { text: statement } : statement;
  return Object.assign({ silenceMs: SILENCE.long }, config);
}

/** Limit on the prepared statements whose text depends on requests: each one takes memory on every connection. */
const MAX_CHOSEN = 48;
const names = new Map<string, string>();
let chosen = 0;

/**
 * Marks a statement to be prepared once on each connection, so that PostgreSQL does not plan it again each time. For
 * statements with few texts, whose best plan does not depend on their parameters.
 */
export function prepared(sql: Prisma.Sql): Prisma.Sql {
  nameOnce(sql.text);
  return sql;
}

/** Names the statement unless it has a name. Returns whether it had none. */
function nameOnce(text: string): boolean {
  if (names.has(text)) return false;
  names.set(text, `prepared_${names.size}`);
  return true;
}

/** Like `prepared`, for a statement whose text depends on the request. Texts beyond the first 48 are not prepared. */
export function preparedIfRoom(sql: Prisma.Sql): Prisma.Sql {
  if (chosen < MAX_CHOSEN && nameOnce(sql.text)) chosen += 1;
  return sql;
}

/** The name of a prepared statement. Empty, which `pg` reads as none, for other statements. */
export function statementName({ sql }: { sql: string }): string {
  return names.get(sql) ?? '';
}
