import pg from 'pg';
import { parseJson } from '../parse-json.ts';
import { parseTimestamp } from './timestamp.ts';

// Positions and counts are bigint in SQL and stay below 2^53 here; times travel as milliseconds since 1970.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, parseTimestamp);
pg.types.setTypeParser(pg.types.builtins.JSON, parseJson);
pg.types.setTypeParser(pg.types.builtins.JSONB, parseJson);

export type Pool = pg.Pool;

/** How a pool differs from the usual one. */
export interface PoolOptions {
  /** Most connections; default 20. */
  max?: number;
  /** The role that its connections take on; default: the one they log in with. */
  role?: 'audit_log_service';
}

/** A pool on `connectionString`; broken idle connections are reported to `onError` and replaced. */
export function createPool(
  connectionString: string,
  onError: (error: Error) => void,
  { max = 20, role }: PoolOptions = {},
): Pool {
  const pool = new pg.Pool({
    connectionString: role === undefined ? connectionString : withRole(connectionString, role),
    max,
    application_name: 'graphql-audit-log',
    connectionTimeoutMillis: 10_000,
    // An idle connection keeps the buffer that its largest answer took, megabytes for a large page: not for long.
    idleTimeoutMillis: 5_000,
  });
  // The pool listens to idle connections only: one that breaks while in use would end the process.
  pool.on('connect', (client) => client.on('error', onError));
  pool.on('error', onError);
  return pool;
}

// In the URL itself: its parameters go before whatever is said beside it, and the role must not be lost to them.
function withRole(connectionString: string, role: string): string {
  const url = new URL(connectionString);
  const given = url.searchParams.get('options');
  url.searchParams.set('options', `${given === null ? '' : `${given} `}-c role=${role}`);
  return url.href;
}

/** Runs `work` on a connection of its own; one that may be broken afterwards is not used again. */
export async function withClient<T>(pool: Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let isBroken = false;
  try {
    return await work(client);
  } catch (error) {
    isBroken = mayBeBroken(error);
    throw error;
  } finally {
    client.release(isBroken);
  }
}

/** Whether an error says more than that a statement was refused. */
export function mayBeBroken(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError && error.severity === 'ERROR');
}

/** Runs `work` in one transaction and returns what it returns; rolled back when it throws. */
export async function inTransaction<T>(pool: Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((cause: Error) => {
      broken = cause;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
