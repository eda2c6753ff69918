import type { PoolClient } from 'pg';
import { inTransaction, type Pool } from '../db/pool.ts';
import { AuditError } from '../errors.ts';

const LOCK = 72707370;
const WAIT = '10s';
// SQLSTATE lock_not_available: lock_timeout is over.
const TIMED_OUT = '55P03';

/**
 * Runs `work` while no other instance purges. With `isPatient` it waits for another purge and throws UNAVAILABLE after
 * ten seconds; without, it resolves with undefined at once. The lock goes with its connection, whatever happens to us.
 */
export async function withPurgeLock<Result>(
  pool: Pool,
  isPatient: boolean,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  return inTransaction(pool, async (client) => {
    // This transaction stands still while others of the purge do the work.
    await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
    const isHeld = isPatient ? await take(client) : await tryTake(client);
    return isHeld ? work() : undefined;
  });
}

async function take(client: PoolClient): Promise<true> {
  try {
    await client.query(`SET LOCAL lock_timeout = '${WAIT}'`);
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code !== TIMED_OUT) throw error;
    throw new AuditError('UNAVAILABLE', 'another purge is under way: retry later');
  }
}

async function tryTake(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS taken', [
    LOCK,
  ]);
  return rows[0]?.taken === true;
}
