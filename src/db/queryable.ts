import type { QueryConfig, QueryResult, QueryResultRow } from 'pg';

/** Where statements run: the pool, a client within a transaction, or what a bound viewer may read (`tenant.ts`). */
export interface Queryable {
  /** The customer whose rows alone are seen there. */
  readonly customerId?: string;
  query<Row extends QueryResultRow>(
    statement: string | QueryConfig,
    parameters?: unknown[],
  ): Promise<QueryResult<Row>>;
}
