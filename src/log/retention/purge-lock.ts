import type { PoolClient } from 'pg';
import type { Pool } from '../../db/pool.ts';
import { AuditError } from '../../errors.ts';

const WAIT_MS = 10_000;
// SQLSTATE lock_not_available: lock_timeout is over.
const TIMED_OUT = '55P03';

/** What one instance does at a time, each by the number of its advisory lock. */
const LOCKS = { purge: 72707370, removal: 72707371 } as const;

/**
 * Runs `work` on a connection that holds the lock, outside of any transaction. With `isPatient` it waits for the lock and
 * throws UNAVAILABLE after ten seconds; without, it resolves with undefined at once when another connection has it. The
 * lock goes with the connection, whatever happens to this process.
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
    // Given back first, so that it is free when this resolves and not only when the server has noticed the end.
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
