import type { PoolClient } from 'pg';
import type { Pool } from '../../db/pool.ts';
import { AuditError } from '../../errors.ts';

const WAIT_MS = 10_000;
// SQLSTATE lock_not_available: lock_timeout has expired.
const TIMED_OUT = '55P03';

/** The advisory locks: each allows one instance at a time. */
const LOCKS = { purge: 72707370, removal: 72707371 } as const;

/**
 * Runs `work` on a connection that holds the advisory lock, outside of transactions. When another connection holds the lock:
 * with `isPatient` it waits, and throws UNAVAILABLE after ten seconds; otherwise it resolves with undefined at once. PostgreSQL
 * releases the lock when the connection ends, also when this process dies.
 */
export async function withPurgeLock<Result>(
  pool: Pool,
  { name, isPatient }: { name: keyof typeof LOCKS; isPatient: boolean },
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result | undefined> {
  const client = await pool.connect();
  try {
    const isHeld = isPatient ? await take(client, LOCKS[name]) : await tryTake(client, LOCKS[name]);
    return isHeld ? await work(client) : undefined;
  } finally {
    // Released explicitly, so that the lock is free when this resolves, and not when the server notices the end.
    await client.query('SELECT pg_advisory_unlock_all()').catch(() => undefined);
    client.release(true);
  }
}

async function take(client: PoolClient, lock: number): Promise<true> {
  try {
    await client.query(`SET lock_timeout = ${WAIT_MS}`);
    await client.query('SELECT pg_advisory_lock($1)', [lock]);
    await client.query('RESET lock_timeout');
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code !== TIMED_OUT) throw error;
    throw new AuditError('UNAVAILABLE', 'another purge is under way: retry later');
  }
}

async function tryTake(client: PoolClient, lock: number): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [lock]);
  return rows[0]?.taken === true;
}
