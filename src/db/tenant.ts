import type { PoolClient } from 'pg';
import type { Pool } from './pool.ts';
import type { Queryable } from './queryable.ts';

/**
 * Reads what one customer may see: every statement runs under the role `audit_log_customer`, to which row-level
 * security shows that customer's rows alone, whatever the statement says. Each is a transaction of its own.
 */
export function tenantReader(pool: Pool, customerId: string): Queryable {
  return {
    customerId,
    async query(sql, parameters) {
      const result = await asTenant(pool, customerId, (client) => client.query(sql, parameters));
      return result as never;
    },
  };
}

/**
 * Runs `work` in a read-only transaction that sees one customer's rows, and returns what it returns. When that is false,
 * `work` left the connection in the middle of something, and it is given up.
 */
export async function asTenant<T>(
  pool: Pool,
  customerId: string,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | boolean = false;
  try {
    await client.query('BEGIN READ ONLY');
    await client.query(
      "SELECT set_config('role', 'audit_log_customer', true), set_config('audit_log.customer_id', $1, true)",
      [customerId],
    );
    const result = await work(client);
    if (result === false) broken = true;
    else await client.query('COMMIT');
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
