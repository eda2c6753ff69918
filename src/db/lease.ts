import type { PoolClient } from 'pg';
import type { Pool } from './pool.ts';

/** A lease on a task that only one instance may do at a time. */
export interface Lease {
  /**
   * Takes the lease unless another instance has it. Returns whether this instance has it. Throws when the database does
   * not answer.
   */
  acquire(): Promise<boolean>;
  /** Releases the lease for other instances. */
  release(): Promise<void>;
}

/**
 * Creates a lease: an advisory lock on its own connection, which ends with the instance. An instance that loses the
 * connection may work on for a moment while another one has the lease: the task must tolerate that.
 */
export function createLease(pool: Pool, name: string): Lease {
  let connection: PoolClient | undefined;
  let acquiring: Promise<boolean> | undefined;

  async function tryAcquire(): Promise<boolean> {
    const isHeld = connection !== undefined;
    const client = connection ?? (await pool.connect());
    connection = undefined;
    try {
      const isAcquired = isHeld ? await isAlive(client) : await tryLock(client, name);
      if (isAcquired) connection = client;
      else client.release();
      return isAcquired;
    } catch (error) {
      client.release(error as Error);
      throw error;
    }
  }

  return {
    acquire() {
      acquiring ??= tryAcquire().finally(() => {
        acquiring = undefined;
      });
      return acquiring;
    },
    async release() {
      await acquiring?.catch(() => undefined);
      // Closing the connection would release the lock too, but only some time after this resolves.
      await connection?.query('SELECT pg_advisory_unlock_all()').catch(() => undefined);
      connection?.release(true);
      connection = undefined;
    },
  };
}

async function tryLock(client: PoolClient, name: string): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(
    'SELECT pg_try_advisory_lock(hashtext($1)) AS taken',
    [name],
  );
  return rows[0]?.taken === true;
}

async function isAlive(client: PoolClient): Promise<boolean> {
  await client.query('SELECT 1');
  return true;
}
