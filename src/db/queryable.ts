import type { QueryConfig, QueryResult, QueryResultRow } from 'pg';
import { SILENCE } from './client.ts';

/** Where statements run: the pool, a client within a transaction, or what a bound viewer may read (`tenant.ts`). */
export interface Queryable {
  /** The customer whose rows alone are seen there. */
  readonly customerId?: string;
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
