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
