import type { PoolClient } from 'pg';
import type { Pool } from './pool.ts';

/** Something that one instance does at a time. */
export interface Lease {
  /** Whether it is this instance's turn; takes it when nobody has it. Throws when the database does not answer. */
  acquire(): Promise<boolean>;
  /** Lets somebody else have it. */
  release(): Promise<void>;
}

/**
 * A turn is an advisory lock on a connection of its own, so it ends with the instance, however that ends. Whoever
 * loses the connection may still be at it for a moment: what is done in turns must bear that.
 */
export function createLease(pool: Pool, name: string): Lease {
  let holder: PoolClient | undefined;
  let asking: Promise<boolean> | undefined;

  async function ask(): Promise<boolean> {
    const isHeld = holder !== undefined;
    const client = holder ?? (await pool.connect());
    holder = undefined;
    try {
      const isMine = isHeld ? await isAlive(client) : await tryLock(client, name);
      if (isMine) holder = client;
      else client.release();
      return isMine;
    } catch (error) {
      client.release(error as Error);
      throw error;
    }
  }

  return {
    acquire() {
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    async release() {
      await asking?.catch(() => undefined);
      // The lock goes with the connection; given back before, it is free for others when this resolves.
      await holder?.query('SELECT pg_advisory_unlock_all()').catch(() => undefined);
      holder?.release(true);
      holder = undefined;
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
